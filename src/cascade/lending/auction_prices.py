"""Price of a lot by time since an auction began: linear, stairstep and exponential decrease.

The rules of makerdao/dss src/abaci.sol. Prices and factors are rays; the power is rounded half up at
every squaring, the last product down.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from cascade.lending.wad import RAY, amount, rounded_power


class AuctionPrice(Protocol):
    """A price that falls with time."""

    def price(self, top_ray: int, elapsed_seconds: int) -> int:
        """Price a unit of collateral, a ray, that long after the auction began at `top_ray`."""


@dataclass(frozen=True)
class LinearDecrease:
    """From the top to nothing in `tau_seconds`.

    Parameters
    ----------
    tau_seconds : int
        At least 1; from then on the price is 0.

    Examples
    --------
    >>> LinearDecrease(3600).price(5 * RAY, 1800) * 2 == 5 * RAY
    True
    """

    tau_seconds: int

    def __post_init__(self) -> None:
        amount(self.tau_seconds, "tau_seconds", 1)

    def price(self, top_ray: int, elapsed_seconds: int) -> int:
        """``top * ((tau - elapsed) / tau)``, both divisions rounded down; 0 from `tau_seconds` on."""
        top_ray = amount(top_ray, "top_ray")
        elapsed = amount(elapsed_seconds, "elapsed_seconds")
        if elapsed >= self.tau_seconds:
            return 0
        return top_ray * ((self.tau_seconds - elapsed) * RAY // self.tau_seconds) // RAY


@dataclass(frozen=True)
class StairstepDecrease:
    """Times `cut_ray` after every whole `step_seconds`.

    Parameters
    ----------
    cut_ray : int
        Factor a step, 0 ... 1 ray.
    step_seconds : int
        At least 1.

    Examples
    --------
    >>> StairstepDecrease(99 * RAY // 100, 90).price(100 * RAY, 89) == 100 * RAY
    True
    >>> StairstepDecrease(99 * RAY // 100, 90).price(100 * RAY, 90) == 99 * RAY
    True
    """

    cut_ray: int
    step_seconds: int

    def __post_init__(self) -> None:
        amount(self.cut_ray, "cut_ray", 0, RAY)
        amount(self.step_seconds, "step_seconds", 1)

    def price(self, top_ray: int, elapsed_seconds: int) -> int:
        """``top * cut ** (elapsed // step)``."""
        top_ray = amount(top_ray, "top_ray")
        steps = amount(elapsed_seconds, "elapsed_seconds") // self.step_seconds
        return top_ray * rounded_power(self.cut_ray, steps, RAY) // RAY


@dataclass(frozen=True)
class ExponentialDecrease:
    """Times `cut_ray` every second.

    Parameters
    ----------
    cut_ray : int
        Factor a second, 0 ... 1 ray.
    """

    cut_ray: int

    def __post_init__(self) -> None:
        amount(self.cut_ray, "cut_ray", 0, RAY)

    def price(self, top_ray: int, elapsed_seconds: int) -> int:
        """``top * cut ** elapsed``."""
        top_ray = amount(top_ray, "top_ray")
        elapsed = amount(elapsed_seconds, "elapsed_seconds")
        return top_ray * rounded_power(self.cut_ray, elapsed, RAY) // RAY

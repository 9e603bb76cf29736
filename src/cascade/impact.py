"""Impact venues: markets whose price is a function of the net quantity sold.

They answer the same calls as a book (IOC and market orders), so any cascade can be run on a
closed-form market. The displacement is a function of the cumulative net quantity, so the price
after a set of trades does not depend on their order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import isfinite
from typing import Any, Literal

from cascade.exact_numbers import Rate, exact

KINDS = (
    "linear",
    "square_root",
    "log",
    "exponential",
    "depth_linear",
    "depth_exponential",
    "depth_table",
)
FILLS = ("average", "after", "before")
LARGEST_RATIO = 2**62


@dataclass(frozen=True)
class Impact:
    """A price curve; make one with the named constructors, in quote units.

    Parameters
    ----------
    kind : str
        One of ``linear``, ``square_root``, ``log``, ``exponential``, ``depth_linear``,
        ``depth_exponential``, ``depth_table``.
    scale, length : number
        Parameters of the curve, see the constructors.
    distances, depths : sequence of float
        Of a ``depth_table``: cumulative size available up to each distance from the reference.
    fill : {"average", "after", "before"}, default "average"
        Price a trade gets: middle of the prices before and after it (rounded against the
        aggressor), or one of them.
    permanent : float, default 1
        Share of each trade whose displacement does not decay.
    decay_rate : float, default 0
        Rate per second at which the rest decays.

    Notes
    -----
    With Q the net quantity sold, the price is the reference (the index) minus

    - linear: ``scale * Q`` (Kyle 1985), exact in integers;
    - square root: ``scale * sqrt(Q)``, Q of the whole metaorder;
    - log: ``scale * log(1 + Q / length)``;
    - exponential: ``reference * (1 - exp(-Q / length))`` (Cifuentes, Ferrucci & Shin 2005);
    - depth linear: what a book with depth ``scale * (1 + x / length)`` at distance x has given;
    - depth exponential: the same for ``scale * exp(-x / length)``, finite in total;
    - depth table: the same for any depth, linear between the points given.

    Buying mirrors selling.
    """

    kind: str = "linear"
    scale: Rate = 0
    length: Rate = 1
    distances: Sequence[float] = ()
    depths: Sequence[float] = ()
    fill: Literal["average", "after", "before"] = "average"
    permanent: float = 1.0
    decay_rate: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}, got {self.kind!r}")
        if self.fill not in FILLS:
            raise ValueError(f"fill must be one of {', '.join(FILLS)}, got {self.fill!r}")
        if not 0 <= self.permanent <= 1:
            raise ValueError(f"permanent {self.permanent!r} is outside 0 ... 1")
        if not (self.decay_rate >= 0 and isfinite(self.decay_rate)):
            raise ValueError(f"decay_rate {self.decay_rate!r} is outside 0 ... infinity")
        if exact(self.scale, "scale") < 0:
            raise ValueError(f"scale {self.scale!r} is negative")
        if (
            self.kind.startswith("depth_")
            and self.kind != "depth_table"
            and not exact(self.scale, "scale")
        ):
            raise ValueError(f"scale {self.scale!r} of a depth is not above 0")
        if exact(self.length, "length") <= 0:
            raise ValueError(f"length {self.length!r} is not above 0")
        if self.kind == "depth_table":
            self._check_table()

    def _check_table(self) -> None:
        x, q = list(self.distances), list(self.depths)
        if len(x) != len(q) or len(x) < 2:
            raise ValueError("distances and depths must have the same length, at least 2")
        if x[0] != 0 or q[0] != 0:
            raise ValueError("distances and depths must begin at 0")
        for name, column in (("distances", x), ("depths", q)):
            if not all(isfinite(v) for v in column):
                raise ValueError(f"{name} must be finite")
            if any(b <= a for a, b in pairwise(column)):
                raise ValueError(f"{name} must increase")

    @classmethod
    def linear(cls, slope: Rate, **options: Any) -> Impact:
        """Price falls by `slope` for each unit sold, permanently."""
        return cls("linear", scale=slope, **options)

    @classmethod
    def square_root(cls, coefficient: Rate, **options: Any) -> Impact:
        """Price falls by ``coefficient * sqrt(Q)``; Y * sigma * P / sqrt(V) of the square-root law."""
        return cls("square_root", scale=coefficient, **options)

    @classmethod
    def log(cls, coefficient: Rate, length: Rate, **options: Any) -> Impact:
        """Price falls by ``coefficient * log(1 + Q / length)``."""
        return cls("log", scale=coefficient, length=length, **options)

    @classmethod
    def exponential(cls, length: Rate, **options: Any) -> Impact:
        """Price is ``reference * exp(-Q / length)``."""
        return cls("exponential", length=length, **options)

    @classmethod
    def depth_linear(cls, depth: Rate, length: Rate, **options: Any) -> Impact:
        """Depth ``depth * (1 + x / length)`` units per unit of price at distance x."""
        return cls("depth_linear", scale=depth, length=length, **options)

    @classmethod
    def depth_exponential(cls, depth: Rate, length: Rate, **options: Any) -> Impact:
        """Depth ``depth * exp(-x / length)`` units per unit of price; depth * length in total."""
        return cls("depth_exponential", scale=depth, length=length, **options)

    @classmethod
    def depth_table(
        cls, distances: Sequence[float], depths: Sequence[float], **options: Any
    ) -> Impact:
        """Cumulative `depths` at `distances`, both increasing from 0, linear between."""
        return cls("depth_table", distances=tuple(distances), depths=tuple(depths), **options)

    def in_steps(self, tick: Fraction, lot: Fraction) -> dict[str, Any]:
        """Arguments of the core: the curve in ticks and lots."""
        scale, length = exact(self.scale, "scale"), exact(self.length, "length")
        ratio = scale * lot / tick if self.kind == "linear" else Fraction(0)
        if ratio.numerator > LARGEST_RATIO or ratio.denominator > LARGEST_RATIO:
            raise ValueError(f"scale {self.scale!r}: ticks per lot do not fit in 64 bits")
        a, b = 0.0, 1.0
        if self.kind == "square_root":
            a = float(scale / tick) * float(lot) ** 0.5
        elif self.kind == "log":
            a, b = float(scale / tick), float(length / lot)
        elif self.kind == "exponential":
            b = float(length / lot)
        elif self.kind in ("depth_linear", "depth_exponential"):
            a, b = float(scale * tick / lot), float(length / tick)
        return {
            "kind": KINDS.index(self.kind),
            "numerator": ratio.numerator,
            "denominator": ratio.denominator,
            "a": a,
            "b": b,
            "permanent": float(self.permanent),
            "decay_rate": float(self.decay_rate),
            "fill_price": FILLS.index(self.fill),
            "distances": [float(x) / float(tick) for x in self.distances],
            "depths": [float(q) / float(lot) for q in self.depths],
        }

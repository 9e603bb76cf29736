"""`LendingRules`, `Oracle`, `Liquidator`: what a person states about a lending market."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal

from cascade.collateral_auction import CollateralAuction
from cascade.exact_numbers import (
    LARGEST_TIME,
    RATE_DENOMINATOR,
    Rate,
    exact,
    flag,
    nanoseconds,
    rate_parts,
    step_time,
    whole,
)
from cascade.stop_gaps import check_stop_gap
from cascade.trove_terms import Troves

if TYPE_CHECKING:
    from cascade.lending.rule import ProtocolRules

__all__ = ["LendingRules", "Liquidator", "Oracle"]

CLOSE_FACTORS = {"whole": 0, "fraction": 1, "threshold": 2, "position": 3, "target": 4, "absorb": 5}
CLOSE_FACTORS |= {"auction": 6, "trove": 9}
CLOSE_TERMS = {"whole": 0, "fraction": 1, "threshold": 2, "position": 3, "target": 1, "absorb": 2}
CLOSE_TERMS |= {"auction": 1, "trove": 0}
BONUSES = {"fixed": 0, "health": 1, "discount": 2, "covered": 3}
BONUS_TERMS: dict[str, int | tuple[int, ...]] = {
    "fixed": 0,
    "health": 2,
    "discount": (1, 2),
    "covered": 0,
}
BAD_DEBTS = {"stays": 0, "deficit": 1, "reserves": 2, "suppliers": 3, "auction_shortfall": 4}
BOUNDS = {"at_or_below": 0, "below": 1}
UNCOUNTED = {"seized": 0, "spared": 1}
ZERO_PRICES = {"skipped": 0, "given": 1, "refused": 2}
CHOICES = {"best": 0, "worst": 1}
CALLS = ("chained", "single")


def _choice(value: Any, name: str, choices: Any) -> Any:
    if not isinstance(value, str) or value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, choices))}, got {value!r}")
    return choices[value] if isinstance(choices, dict) else value


def _terms(
    value: Any, name: str, kinds: dict[str, int], counts: Mapping[str, Any]
) -> tuple[str, Any]:
    # a name alone, or a name and its numbers
    given = (value,) if isinstance(value, str) else value
    if not isinstance(given, (tuple, list)) or not given:
        raise TypeError(f"{name} must be a name or a tuple, got {value!r}")
    kind, *terms = given
    _choice(kind, name, kinds)
    allowed = counts[kind] if isinstance(counts[kind], tuple) else (counts[kind],)
    if len(terms) not in allowed:
        shown = " or ".join(map(str, allowed))
        raise ValueError(f"{name} {value!r}: {kind!r} has {shown} numbers, got {len(terms)}")
    return kind, terms


@dataclass(frozen=True)
class LendingRules:
    """The questions that lending protocols answer differently.

    Parameters
    ----------
    close_factor : str or tuple, default "whole"
        How much of a debt one call may repay: ``"whole"``; ``("fraction", f)``; ``("threshold", f,
        h)``, a fraction above health factor `h` and all at or below it; ``("position", f, h, v)``,
        the same of the account's whole debt and only where collateral and debt of the pair are
        worth `v` or more; ``("target", h)``, as much as brings the health factor to `h`;
        ``("absorb", factor, target)``, the protocol takes the account over and sells its collateral
        at ``price * (1 - factor * (1 - liquidation factor))`` while its reserves of what is
        borrowed are less than `target` units of it; ``("auction", CollateralAuction(...))``, what there is
        room for goes into an auction whose price falls; ``"trove"``, the account is closed whole, its
        debt against a stability pool and the rest onto all other accounts, as `troves` says.
    bonus : str or tuple, default "fixed"
        ``"fixed"``, each reserve's own; ``("health", base, most)``, `base` and what the health
        factor lacks of one; ``("discount", most)``, a discount of what it lacks on the price;
        ``"covered"``, the reserve's, but no more than what collateral exceeds debts by, so that no
        call lowers the health factor of an account that still covers its debts.
    fee : number, default 0
        Share of the bonus that the protocol keeps, or of what is repaid; a reserve's own
        `liquidation_fee` stands in for it.
    trigger : {"<", "<="}, default "<"
        Is an account liquidated below a health factor of one, or at one too?
    min_leftover : number, default 0
        Value of collateral and debt of the pair that a call may leave at least, unless one of them
        is zero.
    bad_debt : {"stays", "deficit", "reserves", "suppliers", "auction_shortfall"}, default "stays"
        Who bears a debt without collateral: nobody until the last supplier leaves, a deficit of the
        reserve, its treasury, all suppliers at once, or the treasury as far as it goes and then a
        deficit. With auctions it is what an auction did not bring, and ``"stays"`` is refused.
    health : {"weighted", "average"}, default "weighted"
        Each collateral counts with its own threshold, or all with their mean, cut to a whole basis
        point, as in Aave v2 to v3.3; thresholds are whole basis points then.
    halt_above : number or "frontier", optional
        No liquidation of accounts whose debts are worth more than this share of their collateral;
        ``"frontier"``: than one over one plus the bonus, beyond which a call lowers the health factor.
    fee_on : {"bonus", "repay"}, default "bonus"
        What `fee` is a share of; on what is repaid the liquidator pays it on top (Euler v1).
    zero_price : {"skipped", "given", "refused"}, default "skipped"
        What an oracle's answer of zero is: collateral counts nothing and no call takes it (Aave), it counts
        nothing and is given away (Euler v2), or it is no price, and whatever asks for one fails (Compound).
    sentinel : number, optional
        Least health factor that is not liquidated while the sequencer is down and in its grace, see
        `LendingMarket.sequencer`; None: there is no sentinel.
    source : str
        Where the numbers are from.
    stop_gap : tuple, default ()
        Who makes a call that no liquidator gains by, at a loss if need be, in this order:
        ``"stability_pool"``, deposits of money in `LendingMarket.stability_pool`; ``("backstop", capital)``.
    toxic_terms : bool, default False
        May a reserve's threshold times one plus its bonus be above one? Every call lowers the health factor
        then, so that reserves with such terms are refused otherwise, as Aave's configurator refuses them.
        Where the bonus is not ``"fixed"``, with `halt_above`, and where liquidators make no calls the
        question does not arise.
    supply_bound, borrow_bound : {"at_or_below", "below"}, default "at_or_below"
        May a total be equal to a reserve's cap (Aave), or only below it (Compound v2)?
    treasury_capped : bool, default False
        Does a supply cap count what the treasury has of the reserve, as in Aave v3?
    uncounted : {"seized", "spared"}, default "seized"
        Do calls take collateral whose threshold is zero? Aave's do not: it is no collateral there.
    isolation : bool, default True
        May collateral be isolated by a debt ceiling? Aave v3.7 has none, and leaves out those of files.
    troves : Troves, optional
        Terms of ``close_factor="trove"``; default ``Troves()`` there, and of nothing else.

    Raises
    ------
    TypeError, ValueError
        A field is wrong; the message names it.

    Notes
    -----
    ``docs/lending-market.md`` gives the formulas, ``docs/troves.md`` those of troves.
    """

    close_factor: Any = "whole"
    bonus: Any = "fixed"
    fee: Rate = 0
    trigger: Literal["<", "<="] = "<"
    min_leftover: Any = 0
    bad_debt: Literal["stays", "deficit", "reserves", "suppliers", "auction_shortfall"] = "stays"
    health: Literal["weighted", "average"] = "weighted"
    halt_above: Rate | Literal["frontier"] | None = None
    sentinel: Rate | None = None
    source: str = ""
    fee_on: Literal["bonus", "repay"] = "bonus"
    zero_price: Literal["skipped", "given", "refused"] = "skipped"
    troves: Troves | None = None
    stop_gap: Any = ()
    toxic_terms: bool = False
    supply_bound: Literal["at_or_below", "below"] = "at_or_below"
    borrow_bound: Literal["at_or_below", "below"] = "at_or_below"
    treasury_capped: bool = False
    uncounted: Literal["seized", "spared"] = "seized"
    isolation: bool = True

    def __post_init__(self) -> None:
        if self.bad_debt == "redistribution":
            raise ValueError(
                f"bad_debt 'redistribution' is of loans that are closed whole: close_factor='trove'; others are "
                f"{', '.join(map(repr, BAD_DEBTS))}"
            )
        self.numbers(1)
        flag(self.toxic_terms, "toxic_terms")
        flag(self.isolation, "isolation")
        check_stop_gap(self)
        closes = self.close_factor in ("trove", ("trove",), ["trove"])
        if closes and self.troves is None:
            object.__setattr__(self, "troves", Troves())
        if self.troves is not None and not (closes and isinstance(self.troves, Troves)):
            raise ValueError(f"troves {self.troves!r} are terms of close_factor 'trove'")
        plain = (self.trigger, self.health, self.halt_above) == ("<", "weighted", None)
        if closes and not plain:
            raise ValueError(
                f"trigger {self.trigger!r}, health {self.health!r} and halt_above {self.halt_above!r} can only "
                "be '<', 'weighted' and None with close_factor 'trove'"
            )
        if closes and self.sentinel is not None:
            raise ValueError(
                f"sentinel {self.sentinel!r}: with close_factor 'trove' it can only be None"
            )
        if self.absorbs and self.halt_above is not None:
            raise ValueError(f"halt_above {self.halt_above!r} is of calls, not of absorption")
        if self.auction is not None:
            self._check_auction()

    def _check_auction(self) -> None:
        # what a call is asked, an auction is not
        for name, value in (
            ("bonus", "fixed"),
            ("fee", 0),
            ("min_leftover", 0),
            ("halt_above", None),
        ):
            if getattr(self, name) != value:
                raise ValueError(f"{name} {getattr(self, name)!r} is of calls, not of auctions")
        if self.bad_debt == "stays":
            raise ValueError(
                "bad_debt 'stays': what an auction does not bring has no account to stay with; say "
                "'auction_shortfall', 'deficit', 'reserves' or 'suppliers'"
            )

    @property
    def auction(self) -> CollateralAuction | None:
        """Terms of collateral auctions; None: liquidators make calls, or the protocol absorbs."""
        if isinstance(self.close_factor, str) or self.close_factor[0] != "auction":
            return None
        if not isinstance(self.close_factor[1], CollateralAuction):
            raise TypeError(
                f"close_factor 'auction' has a CollateralAuction, got {self.close_factor[1]!r}"
            )
        return self.close_factor[1]

    @property
    def absorbs(self) -> bool:
        """Does the protocol take accounts over itself?"""
        return not isinstance(self.close_factor, str) and self.close_factor[0] == "absorb"

    @classmethod
    def from_protocol(
        cls, protocol: ProtocolRules, *, price_decimals: int | None = None, **changes: Any
    ) -> LendingRules:
        """Rules of a lending protocol, such as ``cs.rules.aave_v3("3.7")``, as an engine has them.

        Parameters
        ----------
        protocol : cascade.lending.ProtocolRules
        price_decimals : int, optional
            Decimals of the base currency in which the rule states values; default 8 for the steps of
            Aave and 18 for others.
        **changes
            Fields of `LendingRules` to set differently; a question answered here is not asked of the
            protocol. A `fee` on the bonus is governance's, by collateral: state it here for all of
            them, or of each as `liquidation_fee` of `LendingMarket.add_reserve`, as files do.

        Returns
        -------
        LendingRules

        Raises
        ------
        TypeError, ValueError
            The protocol has an answer that the engine has not; the message names knob and value.

        Notes
        -----
        ``docs/lending.md``, *In the engine*, says what each knob becomes.
        """
        from cascade.lending_presets import rules_of

        return rules_of(protocol, price_decimals=price_decimals, **changes)

    def numbers(self, atoms: int) -> dict[str, int]:
        """Whole numbers for the core; `atoms` in one unit of money."""
        kind, terms = _terms(self.close_factor, "close_factor", CLOSE_FACTORS, CLOSE_TERMS)
        close = {"fraction": 0, "health": 0, "value": 0}
        if kind == "target":
            close["health"] = rate_parts(terms[0], "close_factor", 1, 10)
        elif kind == "auction":
            pass  # in calls of its own
        elif terms:
            close["fraction"] = rate_parts(terms[0], "close_factor", 0, 1)
        if kind == "absorb":
            close["value"] = self._amount(terms[1], "close_factor", atoms)
        elif len(terms) > 1:
            close["health"] = rate_parts(terms[1], "close_factor", 0, 1)
        if len(terms) > 2:
            close["value"] = self._amount(terms[2], "close_factor", atoms)
        kind_of_bonus, terms = _terms(self.bonus, "bonus", BONUSES, BONUS_TERMS)
        base = rate_parts(terms[0], "bonus", 0, 1) if len(terms) == 2 else 0
        most = rate_parts(terms[-1], "bonus", 0, 1) if terms else 0
        if kind_of_bonus == "discount" and most == RATE_DENOMINATOR:
            raise ValueError(f"bonus {self.bonus!r}: a discount is outside 0 ... 1 (excluded)")
        return {
            "close_factor": CLOSE_FACTORS[kind],
            "close_fraction": close["fraction"],
            "close_health": close["health"],
            "close_value": close["value"],
            "bonus": BONUSES[kind_of_bonus],
            "bonus_base": base,
            "bonus_cap": most,
            "fee": rate_parts(self.fee, "fee", 0, 1),
            "min_leftover": self._amount(self.min_leftover, "min_leftover", atoms),
            "bad_debt": _choice(self.bad_debt, "bad_debt", BAD_DEBTS),
            "inclusive": _choice(self.trigger, "trigger", {"<": 0, "<=": 1}),
            "average": _choice(self.health, "health", {"weighted": 0, "average": 1}),
            "zero_price": _choice(self.zero_price, "zero_price", ZERO_PRICES),
            "fee_on_repay": _choice(self.fee_on, "fee_on", {"bonus": 0, "repay": 1}),
            "sentinel": -1
            if self.sentinel is None
            else rate_parts(self.sentinel, "sentinel", 0, 1),
            "treasury_capped": flag(self.treasury_capped, "treasury_capped"),
            "uncounted_spared": _choice(self.uncounted, "uncounted", UNCOUNTED),
            "supply_below": _choice(self.supply_bound, "supply_bound", BOUNDS),
            "borrow_below": _choice(self.borrow_bound, "borrow_bound", BOUNDS),
            **self._halt(),
        }

    def _halt(self) -> dict[str, int]:
        level = self.halt_above
        if level is None:
            return {"halt": 0, "halt_level": 0}
        if isinstance(level, str) and level == "frontier":
            return {"halt": 2, "halt_level": 0}
        return {"halt": 1, "halt_level": rate_parts(level, "halt_above", 0, 10)}

    @staticmethod
    def _amount(value: Any, name: str, atoms: int) -> int:
        number = exact(value, name) * atoms
        if not 0 <= number < 2**60:
            raise ValueError(f"{name} {value!r} is outside 0 ... {2**60 / atoms:g}")
        return int(number)


@dataclass(frozen=True)
class Oracle:
    """How the mark of a market becomes the price that a reserve believes.

    Parameters
    ----------
    delay : seconds, default 0
        A mark is believed so much later; with `block`, so many blocks later.
    heartbeat : seconds, optional
        At the latest after so long the price is read again, however little it moved.
    deviation : number, default 0
        Smaller moves, as a share of the price believed, are ignored until the heartbeat.
    max_step : number, optional
        The price follows by no more than this share of itself at one time, and goes on with every step of
        the engine in which time passes until it is there.
    block : seconds, optional
        Time of a block. `delay` is a whole number of blocks then: what is read within a block is believed
        when the block so many after it begins.

    Raises
    ------
    TypeError, ValueError
        A field is wrong; the message names it.
    """

    delay: Any = 0
    heartbeat: Any = None
    deviation: Rate = 0
    max_step: Rate | None = None
    block: Any = None

    def __post_init__(self) -> None:
        self.numbers()

    def numbers(self) -> dict[str, int]:
        """Whole numbers for the core."""
        beat, step = self.heartbeat, self.max_step
        block = nanoseconds(self.block, "block", 1, 0)
        delay = exact(self.delay, "delay")
        if block and not (delay.denominator == 1 and 0 <= delay * block < LARGEST_TIME):
            raise ValueError(
                f"delay {self.delay!r} is no whole number of blocks from 0 ... {LARGEST_TIME // block}"
            )
        return {
            "block": block,
            "delay": int(delay) * block if block else step_time(self.delay, "delay"),
            "heartbeat": nanoseconds(beat, "heartbeat", 0, -1),
            "deviation": rate_parts(self.deviation, "deviation", 0, 1),
            "max_step": -1 if step is None else rate_parts(step, "max_step", 0, 1),
        }


@dataclass(frozen=True)
class Liquidator:
    """Repays debt for collateral when what the collateral sells for pays for it.

    Parameters
    ----------
    capital : number, optional
        Money to repay with; None borrows it for the call. What is earned adds to it.
    gas : number, default 0
        Cost of a call.
    min_profit : number, default 0
        Least gain of a call, sale, purchase and gas included.
    latency : seconds, default 0
        Time from the price that made an account due until the liquidator can act on it.
    choice : {"best", "worst"}, default "best"
        Collateral that is seized first: of the largest bonus and then value, or of the smallest.
    calls : {"chained", "single"}, default "chained"
        Go on with an account while it is due, or one call a step.
    halvings : int, default 6
        How often a call that does not pay is tried at half its size.
    max_repay : number, optional
        Most debt that it repays in a call, by value.
    step_budget : number, optional
        Most debt that all its calls of a step repay.

    Raises
    ------
    TypeError, ValueError
        A field is wrong; the message names it.
    """

    capital: Any = None
    gas: Any = 0
    min_profit: Any = 0
    latency: Any = 0
    choice: Literal["best", "worst"] = "best"
    calls: Literal["chained", "single"] = "chained"
    halvings: int = 6
    max_repay: Any = None
    step_budget: Any = None

    def __post_init__(self) -> None:
        self.numbers(1)

    def numbers(self, atoms: int) -> dict[str, int]:
        """Whole numbers for the core; `atoms` in one unit of money."""
        if not 0 <= whole(self.halvings, "halvings") <= 62:
            raise ValueError(f"halvings {self.halvings} is outside 0 ... 62")
        _choice(self.calls, "calls", CALLS)
        return {
            "capital": -1 if self.capital is None else self._money(self.capital, "capital", atoms),
            "gas": self._money(self.gas, "gas", atoms),
            "min_profit": self._money(self.min_profit, "min_profit", atoms),
            "latency": step_time(self.latency, "latency"),
            "halvings": self.halvings,
            "choice": _choice(self.choice, "choice", CHOICES),
            "single": self.calls == "single",
            "max_repay": self._limit("max_repay", atoms),
            "step_budget": self._limit("step_budget", atoms),
        }

    def _limit(self, name: str, atoms: int) -> int:
        value = getattr(self, name)
        return -1 if value is None else self._money(value, name, atoms)

    @staticmethod
    def _money(value: Any, name: str, atoms: int) -> int:
        number = exact(value, name) * atoms
        if not 0 <= number < 2**60:
            raise ValueError(f"{name} {value!r} is outside 0 ... {2**60 / atoms:g}")
        if Fraction(number).denominator != 1 and atoms > 1:
            raise ValueError(f"{name} {value!r} is finer than an atom of 1/{atoms}")
        return int(number)

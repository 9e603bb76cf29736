"""Rules of a market: what a venue's documents say, as data, and the whole numbers the core works with.

Rates and amounts are read exactly: a float stands for the decimal number that is printed for it, so
0.005 is five thousandths. All tier rates of a table share one denominator, which makes maintenance
margin exact until its one rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import lcm
from typing import TYPE_CHECKING, Any, Literal

from cascade.exact_numbers import (
    LARGEST_NUMBER,
    NANOSECONDS,
    Rate,
    exact,
    nanoseconds,
    rate_parts,
    whole,
)

if TYPE_CHECKING:
    from cascade.breakers import Breaker

LARGEST_DENOMINATOR = 10**9
AVERAGED = ("ema", "index_premium", "twap")
LONGEST_COOLDOWN_SECONDS = 10**9
MOST_TIERS = 1000
ADL_POLICIES = (
    "bitmex", "binance", "size", "hyperliquid", "bybit", "okx", "hyperliquid_literal", "htx", "random",
)  # fmt: skip
#: Policies that share lots out; the core counts them after a user's function.
ADL_SHARES = (
    "pro_rata_quantity", "contract_pro_rata", "pro_rata_pnl", "pro_rata_pnl_risk", "integer_min_max",
)  # fmt: skip
ADL_TRIGGERS = ("empty", "always", "spent")
SOCIALISED = ("gains", "contracts", "opposite")
#: Partial rules in the core's order, and how many terms each has.
PARTIAL: dict[str, tuple[int, ...]] = {
    "target": (1, 3, 4), "fraction": (3,), "tier_step": (0, 1), "shortage": (1, 3, 4), "cap": (1,),
    "slices": (3,),
}  # fmt: skip
#: Rules whose shortage may be freed bit by bit.
RAMPED = ("target", "shortage")
#: Where a partial rule has its notional.
PARTIAL_NOTIONAL = {"fraction": 2, "cap": 1, "slices": 3}
CHOICES: dict[str, tuple[str, ...]] = {
    "tier_mode": ("marginal", "whole"),
    "basis": ("mark", "entry"),
    "trigger": ("<", "<="),
    "feed": ("last", "mid", "index", "median", "ema", "index_premium", "twap"),
    "average_of": ("mid", "last", "index"),
    "funding_value": ("mark", "index"),
    "funding_mode": ("interval", "index"),
    "premium_of": ("mid", "impact"),
    "band_reference": ("index", "last"),
    "liquidation_order": ("market", "bankruptcy"),
    "surplus": ("fund", "trader"),
    "adl_price": ("bankruptcy", "mark", "previous_mark", "index"),
}


def _sized(value: Any, name: str) -> Any:
    try:
        len(value)
    except TypeError:
        raise TypeError(f"{name} must be a sequence, got {value!r}") from None
    return value


def _limit(amount: Rate | None, name: str, atoms_per_unit: int) -> int:
    if amount is None:
        return -1
    limit = exact(amount, name)
    if limit < 0:
        raise ValueError(f"{name} {amount!r} is below 0")
    return min(int(limit * atoms_per_unit), LARGEST_NUMBER)


@dataclass(frozen=True)
class Rules:
    """How a market measures risk, liquidates and charges.

    Parameters
    ----------
    tiers : sequence of (floor, rate) or (floor, rate, initial_rate), optional
        Maintenance rates by notional, floors in units of the asset ascending from 0. Default: one
        tier of 0.5 % maintenance. An initial rate is not below the maintenance rate beside it; 0
        states none.
    tier_mode : {"marginal", "whole"}, default "marginal"
        Each slice at its own rate (with the deduction that makes it continuous), or the whole
        position at the rate of its tier.
    basis : {"mark", "entry"}, default "mark"
        Notional that maintenance is taken of: value at the mark, or the entry value.
    close_fee : bool, default False
        Add the taker fee to the maintenance rate.
    trigger : {"<", "<="}, default "<"
        Due when equity is below, or also when it equals maintenance.
    feed : {"last", "mid", "index", "median", "ema", "index_premium", "twap"}, default "last"
        What the mark is formed from; the last three average over time (``docs/marks.md``).
    maker_fee, taker_fee, liquidation_fee : number, default 0
        Shares of notional; multiples of 1e-9. A negative maker fee is a rebate.
    liquidation_order : {"market", "bankruptcy"}, default "market"
        Sell without a limit, or with the bankruptcy price as limit.
    surplus : {"fund", "trader"}, default "fund"
        Who keeps what a liquidation leaves.
    absorb : number, default 0
        Share of each liquidation the house takes at the mark, off the book.
    partial : tuple, optional
        How much of a position to close at a time; default all. With equity of zero or less all is
        closed. The positions of a cross unit have a turn each, the largest maintenance first, until
        the unit is healthy.

        - ``("target", rate)``: as much as lifts the unit's equity to `rate` of the notional that stays.
        - ``("fraction", share, min_notional, cooldown_seconds)``: a share of positions worth more
          than `min_notional`, and for `cooldown_seconds` afterwards the account's positions whole.
        - ``("tier_step",)`` or ``("tier_step", tiers)``: as much as brings the position one tier
          (or `tiers`) down; in the lowest tier all.
        - ``("shortage", buffer)``: as much as restores the unit's maintenance and `buffer` of the
          notional.
          Either may go on with ``initial, seconds`` or ``initial, seconds, small``: that share of
          what is missing at once, growing to all of it in so many seconds, and the unit stays due
          until nothing is missing; a shortage below `small` is freed at once.
        - ``("cap", notional)``: at most that much of a unit a step, at least one lot.
        - ``("slices", share, chance, min_notional)``: in each step with that chance, the share
          times a factor drawn between 1/2 and 3/2, worth at least `min_notional`.
    backstop : number, default 0
        Share of maintenance below which equity is no longer worked off in the book: the house
        takes the whole unit at its bankruptcy price, and margin is not returned. 0: none.
    average_of : {"mid", "last", "index"}, default "mid"
        What an averaging feed follows: a price of the venue, or (not "index_premium") the index.
    average_time : seconds, optional
        Time constant of the average, above zero, under "twap" the window; required by the feeds that
        average.
    observations : int, default 1024
        Changes of price that "twap" remembers, 1 ... 65,535; where the window holds more, it is
        shorter.
    premium_cap : number, default 1
        Largest distance of the mark from the index under "index_premium", as a share of the index.
    stale_after : seconds, optional
        Age of the index beyond which the mark stands still; default never.
    funding_interval : seconds, optional
        Time between settlements of funding, above zero; default none by the clock.
    interest : number, default 0
        Interest of one interval, a multiple of 1e-9.
    funding_clamp : number, optional
        Most that interest adds to the premium or takes from it; default no clamp.
    funding_cap : number, default 1
        Largest funding rate either way.
    funding_value : {"mark", "index"}, default "mark"
        Price at which funding values positions.
    funding_mode : {"interval", "index"}, default "interval"
        Whether everybody pays at a settlement, or an index moves and a position pays when it is
        touched.
    price_band : number, optional
        Largest distance of a price from the reference, as a share of it; default no band.
    band_reference : {"index", "last"}, default "index"
        What the band is formed round, read at every order.
    adl : str or function, optional
        While the insurance fund is empty, close what a liquidation leaves against the opposite
        side, ranked by this score of `cascade.adl`: "bitmex", "binance", "bybit", "okx",
        "hyperliquid", "hyperliquid_literal", "htx", "size" or "random"; or by a function of
        `cascade.adl.Columns` that gives a number a row, the highest first, called once a wave,
        market and side. Or shared out over it: "pro_rata_quantity", "contract_pro_rata",
        "pro_rata_pnl", "pro_rata_pnl_risk" or "integer_min_max". Default: the house takes it over.
    adl_price : {"bankruptcy", "mark", "previous_mark", "index"}, default "bankruptcy"
        Price of the deleveraging, the same for every counterparty; the mark before its last change
        and the index give way to the mark where there is none.
    adl_trigger : "empty", "always", "spent" or ("drawdown", share, seconds), default "empty"
        When `adl` acts: while the fund can pay nothing; always; also while the fund with what the
        house took over, at the mark, is worth nothing; or also while the fund is a share of its peak
        within that time below it.
    fund_limit : number, optional
        Most that the fund pays for one liquidated unit; default no limit.
    fund_block : (amount, seconds) or (amount,), optional
        Most that the fund pays for this market in a block of that length, counted from time 0, or
        in a step.
    socialised : {"gains", "contracts", "opposite"}, optional
        Who shares what the fund leaves of a step's deficits in this market: units in proportion to
        their unrealised gain in it, to the lots they hold, or to the lots of the side against
        the liquidated one. Default nobody.
    haircut : bool, default False
        Cut the unrealised profits of all units of the asset by what is left then.
    index_delay : seconds, default 0
        Time after which an index given in a step is believed.
    premium_of : {"mid", "impact"}, default "mid"
        What the premium of funding is of: the middle of the touch, or the impact prices.
    impact_notional : number, optional
        Notional that impact prices are for, in units of the asset; required by "impact", which is
        for linear contracts.
    funding_payments : int, default 1
        Payments in the period that premium and interest are of: 8 where the rate of eight hours is
        paid every hour.
    premium_samples : (seconds, count), optional
        The premium of an "index_premium" mark is the mean of the last `count` samples, one every so
        many seconds, instead of an average over `average_time`.
    disposal : (seconds, fraction, full_size, max_share), optional
        Every so many seconds the house sells a fraction of what it took over, all of it up to
        `full_size`, but at most a share of the size displayed on the other side. Default: it keeps it.
    breaker : Breaker, optional
        Price band, halts and reopening; default none.
    source : str
        Document or repository the numbers come from.

    Raises
    ------
    TypeError, ValueError
        A parameter is not what it should be; the message names it, its value and its range.

    Notes
    -----
    The meaning of each rule is in ``docs/margin.md``, ``docs/step.md``, ``docs/marks.md``,
    ``docs/funding.md``, ``docs/bands.md``, ``docs/adl.md``, ``docs/waterfall.md`` and
    ``docs/breakers.md``.
    """

    tiers: Sequence[Sequence[Rate]] = ((0, "0.005"),)
    tier_mode: Literal["marginal", "whole"] = "marginal"
    basis: Literal["mark", "entry"] = "mark"
    close_fee: bool = False
    trigger: Literal["<", "<="] = "<"
    feed: Literal["last", "mid", "index", "median", "ema", "index_premium", "twap"] = "last"
    maker_fee: Rate = 0
    taker_fee: Rate = 0
    liquidation_fee: Rate = 0
    liquidation_order: Literal["market", "bankruptcy"] = "market"
    surplus: Literal["fund", "trader"] = "fund"
    absorb: Rate = 0
    partial: tuple[Any, ...] | None = None
    backstop: Rate = 0
    average_of: Literal["mid", "last", "index"] = "mid"
    average_time: Rate | None = None
    observations: int = 1024
    premium_cap: Rate = 1
    stale_after: Rate | None = None
    funding_interval: Rate | None = None
    interest: Rate = 0
    funding_clamp: Rate | None = None
    funding_cap: Rate = 1
    funding_value: Literal["mark", "index"] = "mark"
    funding_mode: Literal["interval", "index"] = "interval"
    price_band: Rate | None = None
    band_reference: Literal["index", "last"] = "index"
    adl: str | Callable[..., Any] | None = None
    adl_price: Literal["bankruptcy", "mark", "previous_mark", "index"] = "bankruptcy"
    adl_trigger: str | tuple[str, Rate, Rate] = "empty"
    fund_limit: Rate | None = None
    fund_block: tuple[Rate, Rate | None] | tuple[Rate] | None = None
    socialised: Literal["gains", "contracts", "opposite"] | None = None
    haircut: bool = False
    index_delay: Rate = 0
    premium_of: Literal["mid", "impact"] = "mid"
    impact_notional: Rate | None = None
    premium_samples: tuple[Rate, int] | None = None
    funding_payments: int = 1
    disposal: tuple[Rate, Rate, Rate, Rate] | None = None
    breaker: Breaker | None = None
    source: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        for name, allowed in CHOICES.items():
            if getattr(self, name) not in allowed:
                raise ValueError(
                    f"{name} must be one of {', '.join(map(repr, allowed))}, "
                    f"got {getattr(self, name)!r}"
                )
        names = (*ADL_POLICIES, *ADL_SHARES)
        if self.adl is not None and not callable(self.adl) and self.adl not in names:
            raise ValueError(
                f"adl must be None, a function or one of {', '.join(map(repr, names))}, "
                f"got {self.adl!r}"
            )
        rate_parts(self.maker_fee, "maker_fee", -1, 1)
        rate_parts(self.taker_fee, "taker_fee", -1, 1)
        rate_parts(self.liquidation_fee, "liquidation_fee", 0, 1)
        rate_parts(self.absorb, "absorb", 0, 1)
        if self.breaker is not None and type(self.breaker).__name__ != "Breaker":
            raise TypeError(f"breaker must be a Breaker, got {self.breaker!r}")
        self._partial()
        self._backstop()
        self.clock_table()
        self.band_table()
        self.stage_table(1)
        self.outside_table(NANOSECONDS)
        self.disposal_table(Fraction(1))
        self.ramp_table(1)
        self.rows()

    def _partial(self) -> dict[str, int]:
        # numbers of the partial rule, but for the notional, which needs the asset
        found = {
            "partial": 0, "partial_rate": 0, "partial_cooldown": 0, "partial_tiers": 0,
            "partial_chance": 0,
        }  # fmt: skip
        if self.partial is None:
            return found
        forms = (
            "('target', rate[, initial, seconds[, small]]), ('fraction', share, notional, seconds), "
            "('tier_step'[, tiers]), ('shortage', buffer[, initial, seconds[, small]]), "
            "('cap', notional) or ('slices', share, chance, notional)"
        )
        wrong = ValueError(f"partial must be {forms}, got {self.partial!r}")
        if not isinstance(self.partial, (tuple, list)) or not self.partial:
            raise wrong
        kind, *terms = self.partial
        if kind not in PARTIAL or len(terms) not in PARTIAL[kind]:
            raise wrong
        found["partial"] = 1 + list(PARTIAL).index(kind)
        if kind == "tier_step":
            found["partial_tiers"] = whole(terms[0], "partial tiers") if terms else 1
            if not 1 <= found["partial_tiers"] <= MOST_TIERS:
                raise ValueError(f"partial tiers {terms[0]!r} is outside 1 ... {MOST_TIERS}")
            return found
        if kind in PARTIAL_NOTIONAL and exact(terms[PARTIAL_NOTIONAL[kind] - 1], "partial") < 0:
            raise ValueError(f"partial notional {terms[PARTIAL_NOTIONAL[kind] - 1]!r} is below 0")
        if kind == "cap":
            return found
        if kind == "shortage":
            found["partial_rate"] = rate_parts(terms[0], "partial buffer", 0, 1)
            return found
        if kind == "slices":
            found["partial_chance"] = rate_parts(terms[1], "partial chance", 0, 1)
        name = "partial target" if kind == "target" else "partial share"
        found["partial_rate"] = rate_parts(terms[0], name, 0, 1)
        if found["partial_rate"] == 0:
            raise ValueError(f"{name} 0 is outside 1e-9 ... 1")
        if kind == "fraction":
            seconds = exact(terms[2], "partial cool-down")
            if not 0 <= seconds <= LONGEST_COOLDOWN_SECONDS:
                raise ValueError(
                    f"partial cool-down {terms[2]!r} is outside 0 ... {LONGEST_COOLDOWN_SECONDS}"
                )
            found["partial_cooldown"] = int(seconds * 10**9)
        return found

    def _partial_atoms(self, atoms_per_unit: int) -> int:
        if self.partial is None or self.partial[0] not in PARTIAL_NOTIONAL:
            return 0
        notional = self.partial[PARTIAL_NOTIONAL[self.partial[0]]]
        return min(int(exact(notional, "partial notional") * atoms_per_unit), 2**62)

    def _backstop(self) -> dict[str, int]:
        share = exact(self.backstop, "backstop")
        if not 0 <= share <= 1:
            raise ValueError(f"backstop {self.backstop!r} is outside 0 ... 1")
        if share.denominator > LARGEST_DENOMINATOR:
            raise ValueError(
                f"backstop {self.backstop!r} has a denominator above {LARGEST_DENOMINATOR}"
            )
        return {"backstop": share.numerator, "backstop_denominator": share.denominator}

    def clock_table(self) -> dict[str, Any]:
        """Whole numbers of averages, of the index's age and of funding: ns and parts of 1e-9."""
        sampled = self.feed == "index_premium" and self.premium_samples is not None
        if self.feed in AVERAGED and self.average_time is None and not sampled:
            raise ValueError(f"feed {self.feed!r} needs average_time")
        if self.average_of == "index" and self.feed == "index_premium":
            raise ValueError("average_of 'index' leaves feed 'index_premium' nothing to average")
        clamped = self.funding_clamp is not None
        return {
            "average_of": CHOICES["average_of"].index(self.average_of),
            "average_time": nanoseconds(self.average_time, "average_time", 1, 0),
            "premium_cap": rate_parts(self.premium_cap, "premium_cap", 0, 1),
            "stale_after": nanoseconds(self.stale_after, "stale_after", 0, -1),
            "funding_interval": nanoseconds(self.funding_interval, "funding_interval", 1, 0),
            "interest": rate_parts(self.interest, "interest", -1, 1),
            "funding_clamped": clamped,
            "funding_clamp": rate_parts(self.funding_clamp or 0, "funding_clamp", 0, 1),
            "funding_cap": rate_parts(self.funding_cap, "funding_cap", 0, 1),
            "funding_on_index": self.funding_value == "index",
        }

    def band_table(self) -> dict[str, Any]:
        """Whole numbers of the price band: parts of 1e-9, -1 for none."""
        band = -1 if self.price_band is None else rate_parts(self.price_band, "price_band", 0, 1)
        return {"price_band": band, "band_on_last": self.band_reference == "last"}

    def outside_table(self, atoms_per_unit: int) -> dict[str, int]:
        """Whole numbers of the index's delay, impact prices, samples and payments."""
        from cascade.outsiderules import outside_table

        return outside_table(self, atoms_per_unit)

    def disposal_table(self, lot: Fraction) -> dict[str, int]:
        """Whole numbers of the house's disposal, its sizes in lots."""
        from cascade.outsiderules import disposal_table

        return disposal_table(self, lot)

    def ramp_table(self, atoms_per_unit: int) -> dict[str, int]:
        """Whole numbers of how a shortage is freed bit by bit: parts of 1e-9, ns, atoms."""
        found = {"ramp": 0, "ramp_initial": 0, "ramp_duration": 0, "ramp_small": 0}
        if self.partial is None or self.partial[0] not in RAMPED or len(self.partial) < 4:
            return found
        initial, seconds, *more = self.partial[2:]
        small = exact(more[0], "partial small") if more else Fraction(0)
        if small < 0:
            raise ValueError(f"partial small {more[0]!r} is below 0")
        duration = exact(seconds, "partial seconds")
        if not 0 <= duration <= LONGEST_COOLDOWN_SECONDS:
            raise ValueError(
                f"partial seconds {seconds!r} is outside 0 ... {LONGEST_COOLDOWN_SECONDS}"
            )
        return {
            "ramp": 1,
            "ramp_initial": rate_parts(initial, "partial initial", 0, 1),
            "ramp_duration": int(duration * NANOSECONDS),
            "ramp_small": min(int(small * atoms_per_unit), LARGEST_NUMBER),
        }

    def rows(self) -> list[tuple[Fraction, Fraction, Fraction]]:
        """Floors, maintenance and initial rates as exact rationals, the closing fee not included."""
        rows: list[tuple[Fraction, Fraction, Fraction]] = []
        for number, tier in enumerate(_sized(self.tiers, "tiers")):
            if len(_sized(tier, f"tiers[{number}]")) not in (2, 3):
                raise ValueError(
                    f"tiers[{number}] must be (floor, rate[, initial_rate]), got {tier!r}"
                )
            floor, rate, *more = (
                exact(value, f"tiers[{number}] {part}")
                for part, value in zip(("floor", "rate", "initial rate"), tier, strict=False)
            )
            initial = more[0] if more else Fraction(0)
            if not 0 <= rate <= 1:
                raise ValueError(f"tiers[{number}] rate {tier[1]!r} is outside 0 ... 1")
            if not 0 <= initial <= 1:
                raise ValueError(f"tiers[{number}] initial rate {tier[2]!r} is outside 0 ... 1")
            if 0 < initial < rate:
                raise ValueError(
                    f"tiers[{number}] initial rate {tier[2]!r} is below its maintenance rate "
                    f"{tier[1]!r}; 0 states none"
                )
            if rows and floor <= rows[-1][0]:
                raise ValueError(f"tiers[{number}] floor {tier[0]!r} is not above the one before")
            if not rows and floor != 0:
                raise ValueError(f"tiers[0] floor {tier[0]!r} must be 0")
            if rows and self.tier_mode == "marginal" and rate < rows[-1][1]:
                raise ValueError(
                    f"tiers[{number}] rate {tier[1]!r} is below the one before: a marginal table "
                    "must not fall"
                )
            rows.append((floor, rate, initial))
        if not rows:
            raise ValueError("tiers must have at least one row")
        return rows

    def table(self, atoms_per_unit: int) -> dict[str, Any]:
        """Whole numbers for the core: tier rows over one denominator, and the fees.

        Parameters
        ----------
        atoms_per_unit : int
            Atoms in one unit of the asset.

        Returns
        -------
        dict
            Arguments of the core's market.
        """
        rows = self.rows()
        fee = exact(self.taker_fee, "taker_fee") if self.close_fee else Fraction(0)
        # in a whole table with one tier nothing jumps
        whole = self.tier_mode == "whole" and len(rows) > 1
        denominator = lcm(
            *(r.denominator for _, r, _ in rows),
            *(i.denominator for _, _, i in rows),
            fee.denominator,
        )
        if denominator > LARGEST_DENOMINATOR:
            raise ValueError(
                f"tiers: the rates' common denominator {denominator} is above {LARGEST_DENOMINATOR}; "
                "round the rates to fewer digits"
            )
        tiers: list[Any] = []
        deduction = 0
        for number, (floor, rate, initial) in enumerate(rows):
            atoms = floor * atoms_per_unit
            if atoms.denominator != 1:
                raise ValueError(f"tiers[{number}] floor {floor} is finer than an atom")
            numerator = int((rate + fee) * denominator)
            if number and not whole:
                deduction += int(atoms) * (numerator - tiers[-1][1])
            tiers.append((int(atoms), numerator, int(initial * denominator), deduction))
        return {
            "tiers": tiers,
            "denominator": denominator,
            "whole": whole,
            "on_entry": self.basis == "entry",
            "maker_fee": rate_parts(self.maker_fee, "maker_fee", -1, 1),
            "taker_fee": rate_parts(self.taker_fee, "taker_fee", -1, 1),
            "liquidation_fee": rate_parts(self.liquidation_fee, "liquidation_fee", 0, 1),
            "absorb": rate_parts(self.absorb, "absorb", 0, 1),
            **self._partial(),
            "partial_notional": self._partial_atoms(atoms_per_unit),
            **self._backstop(),
            "feed": CHOICES["feed"].index(self.feed),
            "inclusive": self.trigger == "<=",
            "limit_at_bankruptcy": self.liquidation_order == "bankruptcy",
            "surplus_to_trader": self.surplus == "trader",
            **self.clock_table(),
            **self.band_table(),
            "adl": self._policy(),
            "adl_at": CHOICES["adl_price"].index(self.adl_price),
            "adl_unit": atoms_per_unit,
        }

    def stage_table(self, atoms_per_unit: int) -> dict[str, Any]:
        """Whole numbers of the waterfall's stages: atoms rounded down, ns, -1 for no limit."""
        block: Any = (None, None) if self.fund_block is None else self.fund_block
        if not isinstance(block, (tuple, list)) or len(block) not in (1, 2):
            raise ValueError(f"fund_block must be (amount[, seconds]), got {block!r}")
        window = block[1] if len(block) == 2 else None
        if self.socialised is not None and self.socialised not in SOCIALISED:
            raise ValueError(
                f"socialised must be None or one of {', '.join(map(repr, SOCIALISED))}, "
                f"got {self.socialised!r}"
            )
        if not isinstance(self.haircut, bool):
            raise TypeError(f"haircut must be a bool, got {self.haircut!r}")
        return {
            "fund_limit": _limit(self.fund_limit, "fund_limit", atoms_per_unit),
            "fund_block": _limit(block[0], "fund_block amount", atoms_per_unit),
            "fund_window": nanoseconds(window, "fund_block", 1, 0),
            **self._trigger(),
            "socialised": 0 if self.socialised is None else 1 + SOCIALISED.index(self.socialised),
            "haircut": self.haircut,
            "adl_function": self.adl if callable(self.adl) else None,
        }

    def _policy(self) -> int:
        if self.adl is None:
            return 0
        if callable(self.adl):
            return 1 + len(ADL_POLICIES)
        return 1 + (*ADL_POLICIES, None, *ADL_SHARES).index(self.adl)

    def _trigger(self) -> dict[str, int]:
        found = {"drawdown": 0, "drawdown_window": 0}
        trigger: Any = self.adl_trigger
        if isinstance(trigger, str) and trigger in ADL_TRIGGERS:
            return {"adl_trigger": ADL_TRIGGERS.index(trigger), **found}
        if not (
            isinstance(trigger, (tuple, list)) and len(trigger) == 3 and trigger[0] == "drawdown"
        ):
            raise ValueError(
                "adl_trigger must be 'empty', 'always', 'spent' or ('drawdown', share, seconds), "
                f"got {trigger!r}"
            )
        found["drawdown"] = rate_parts(trigger[1], "adl_trigger share", 0, 1)
        if found["drawdown"] == 0:
            raise ValueError("adl_trigger share 0 is outside 1e-9 ... 1")
        found["drawdown_window"] = nanoseconds(trigger[2], "adl_trigger", 1, 0)
        return {"adl_trigger": len(ADL_TRIGGERS), **found}

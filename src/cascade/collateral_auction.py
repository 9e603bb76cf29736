"""`CollateralAuction`, what a person states about the auctions of a lending market, and `OpenAuctions`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cascade import _auctionentry
from cascade.errors import ReserveError
from cascade.exact_numbers import Rate, exact, nanoseconds, rate_parts, step_time, whole

if TYPE_CHECKING:
    from cascade.lending_market import LendingMarket

__all__ = ["CollateralAuction", "OpenAuctions"]

CUT_PARTS = 10**18
LARGEST_MONEY = 2**60
SECOND = 10**9
OF_A_COLLATERAL = (
    "penalty", "buf", "price", "tail", "cusp", "hole", "dust", "tip", "chip",
)  # fmt: skip
CURVES = {"linear": 1, "stairstep": 2, "exponential": 1}  # and how many numbers each has


@dataclass(frozen=True)
class CollateralAuction:
    """Auctions of what is taken from accounts that are due, as MakerDAO Liquidations 2.0 has them.

    For ``LendingRules(close_factor=("auction", CollateralAuction(...)), bad_debt="auction_shortfall")``.
    The defaults are those of the poll that switched ETH-A on; `penalty` is the example of its documentation.

    Parameters
    ----------
    penalty : number, default 0.13
        An auction collects the debt and this share of it, Maker's ``chop`` less one; 0 ... 10.
    buf : number, default 1.3
        First price, as a factor of the price believed; above 0, at most 10.
    price : tuple, default ("stairstep", "0.99", 90)
        How the price falls: ``("linear", tau)``, to nothing in `tau` seconds; ``("stairstep", cut, step)``,
        times `cut` after every `step` seconds; ``("exponential", cut)``, times `cut` every second. `cut` is
        a multiple of 1e-18.
    tail : seconds, default 8400
        An auction older than this needs a reset.
    cusp : number, default 0.4
        So does one whose price is below this share of the first.
    hole : number, optional
        Most money that the tabs of all open auctions are worth; None: no limit.
    collateral_holes : mapping of reserve name to number, default none
        The same of the auctions of one collateral. By the time that accounts open there must be a
        reserve of each name.
    dust : number, default 0
        Least debt of an account: a smaller rest is taken too, a smaller part is not auctioned, and no take
        leaves less than it and its penalty to collect.
    tip, chip : number, default 0
        Money, and share of the tab, for whoever starts or resets an auction.
    collateral_terms : mapping of reserve name to mapping, default none
        Terms of the auctions of one collateral in place of these: any field but `collateral_holes`; its
        ``hole`` is the limit of its own tabs.
    source : str
        Where the numbers are from.

    Raises
    ------
    TypeError, ValueError
        A field is wrong; the message names it.

    Notes
    -----
    makerdao/dss src/dog.sol, clip.sol and abaci.sol; makerdao/community, ETH-A Liquidations 2.0 poll.
    ``docs/collateral-auctions.md`` gives the order of events and every rounding.
    """

    penalty: Rate = "0.13"
    buf: Rate = "1.3"
    price: Any = ("stairstep", "0.99", 90)
    tail: Any = 8400
    cusp: Rate = "0.4"
    hole: Any = None
    collateral_holes: Any = ()
    dust: Any = 0
    tip: Any = 0
    chip: Rate = 0
    collateral_terms: Any = ()
    source: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        holes = self.collateral_holes
        rows: Any = tuple(holes.items()) if isinstance(holes, Mapping) else holes
        if not isinstance(rows, (tuple, list)) or not all(
            isinstance(row, (tuple, list)) and len(row) == 2 and isinstance(row[0], str)
            for row in rows
        ):
            raise TypeError(f"collateral_holes must map names to numbers, got {holes!r}")
        rows = tuple(map(tuple, rows))
        # as a tuple, so that the rule can be compared, hashed and stored
        object.__setattr__(self, "collateral_holes", rows)
        object.__setattr__(self, "collateral_terms", _stated_terms(self.collateral_terms))
        for name in dict(self.collateral_terms):
            if name in dict(rows) and "hole" in dict(dict(self.collateral_terms)[name]):
                raise ValueError(f"collateral_holes and collateral_terms both limit {name!r}")
        self.check_terms(1)
        self.numbers(1)

    def _curve(self) -> dict[str, int]:
        given = self.price
        if not isinstance(given, (tuple, list)) or not given or given[0] not in CURVES:
            raise ValueError(
                f"price must be a tuple with one of {', '.join(CURVES)}, got {given!r}"
            )
        kind, *terms = given
        if len(terms) != CURVES[kind]:
            raise ValueError(
                f"price {given!r}: {kind!r} has {CURVES[kind]} numbers, got {len(terms)}"
            )
        number = list(CURVES).index(kind)
        if kind == "linear":
            return {"curve": number, "cut": 0, "span": nanoseconds(terms[0], "price", 1, 0)}
        cut = exact(terms[0], "price") * CUT_PARTS
        if not 0 <= cut <= CUT_PARTS or cut.denominator != 1:
            raise ValueError(
                f"price {given!r}: cut {terms[0]!r} is no multiple of 1e-18 in 0 ... 1"
            )
        span = nanoseconds(terms[1], "price", 1, 0) if kind == "stairstep" else SECOND
        return {"curve": number, "cut": int(cut), "span": span}

    def numbers(self, atoms: int) -> dict[str, int]:
        """Whole numbers for the core; `atoms` in one unit of money."""
        buf = rate_parts(self.buf, "buf", 0, 10)
        if buf == 0:
            raise ValueError(f"buf {self.buf!r} is outside 1e-9 ... 10")
        return {
            "penalty": rate_parts(self.penalty, "penalty", 0, 10),
            "buf": buf,
            **self._curve(),
            "tail": step_time(self.tail, "tail"),
            "cusp": rate_parts(self.cusp, "cusp", 0, 1),
            "hole": -1 if self.hole is None else _money(self.hole, "hole", atoms),
            "dust": _money(self.dust, "dust", atoms),
            "tip": _money(self.tip, "tip", atoms),
            "chip": rate_parts(self.chip, "chip", 0, 1),
        }

    def of(self, name: str) -> CollateralAuction:
        """Terms of the auctions of one collateral; their `hole` is the limit of its own tabs."""
        own = dict(dict(self.collateral_terms).get(name, ()))
        hole = dict(self.collateral_holes).get(name)
        return replace(
            self, **{"hole": hole, **own, "collateral_holes": (), "collateral_terms": ()}
        )

    def check_terms(self, atoms: int) -> None:
        """Refuse terms of a collateral that do not fit; `atoms` in one unit of money."""
        for name, found in self.collateral_holes:
            _money(found, f"collateral_holes {name!r}", atoms)
        for name in dict(self.collateral_terms):
            self.of(name).numbers(atoms)

    def check_named(self, reserves: Mapping[str, Any]) -> None:
        """Refuse limits and terms of a collateral that is no reserve."""
        for what, rows in (
            ("collateral_holes", self.collateral_holes),
            ("collateral_terms", self.collateral_terms),
        ):
            for name, found in rows:
                if name not in reserves:
                    known = ", ".join(map(repr, reserves)) or "none"
                    raise ValueError(
                        f"{what} {{{name!r}: {found!r}}}: {name!r} is not one of the reserves, {known}"
                    )


def _stated_terms(given: Any) -> tuple[tuple[str, tuple[tuple[str, Any], ...]], ...]:
    # as tuples, so that the rule can be compared, hashed and stored
    rows = given.items() if isinstance(given, Mapping) else given
    made = []
    for row in rows:
        if len(row) != 2 or not isinstance(row[0], str):
            raise TypeError(f"collateral_terms must map names to terms, got {given!r}")
        name, terms = row
        own = tuple(terms.items()) if isinstance(terms, Mapping) else tuple(map(tuple, terms))
        for term in own:
            if len(term) != 2 or term[0] not in OF_A_COLLATERAL:
                known = ", ".join(OF_A_COLLATERAL)
                raise ValueError(f"collateral_terms {name!r}: {term[0]!r} is not one of {known}")
        made.append((name, own))
    return tuple(made)


def _money(value: Any, name: str, atoms: int) -> int:
    number = exact(value, name) * atoms
    if not 0 <= number < LARGEST_MONEY:
        raise ValueError(f"{name} {value!r} is outside 0 ... {LARGEST_MONEY / atoms:g}")
    if Fraction(number).denominator != 1 and atoms > 1:
        raise ValueError(f"{name} {value!r} is finer than an atom of 1/{atoms}")
    return int(number)


class OpenAuctions:
    """`LendingMarket.auctions`: the open auctions of a lending market and the stage they are stopped at."""

    def __init__(self, lending: LendingMarket) -> None:
        self._lending = lending

    def __len__(self) -> int:
        return len(self._rows())

    def __repr__(self) -> str:
        return f"<OpenAuctions: {len(self)}>"

    def _rows(self) -> list[tuple[int, ...]]:
        return _auctionentry.auction_columns(self._lending.engine, self._lending.number)

    def columns(self) -> dict[str, NDArray[Any]]:
        """What is open, the oldest first.

        Returns
        -------
        dict
            int64 ``number``, ``account``, ``reserve`` (number of the collateral), ``lot`` (lots for sale),
            ``tab`` (lots of what is borrowed, to collect), ``due`` (of it debt that was taken over),
            ``started`` (ns); float64 ``first_price`` and ``price`` (of a unit of collateral, then and now;
            rounded, for reading).
        """
        rows = self._rows()
        names = (
            "number",
            "account",
            "reserve",
            "lot",
            "tab",
            "due",
            "first_price",
            "price",
            "started",
        )
        made: dict[str, NDArray[Any]] = {}
        scale = self._lending.engine.scale_of(self._lending.asset) * SECOND
        units = {r.number: Fraction(r.lots.step) * scale for r in self._lending.reserves.values()}
        for at, name in enumerate(names):
            column = [row[at] for row in rows]
            if name.endswith("price"):
                prices = [float(row[at] / units[row[2]]) for row in rows]
                made[name] = np.array(prices, dtype=np.float64)
            else:
                made[name] = np.array(column, dtype=np.int64)
        return made

    @property
    def stage(self) -> int:
        """0: everything goes on; 1: no auction begins; 2: none is reset either; 3: none is taken either."""
        return _auctionentry.stage(self._lending.engine, self._lending.number)

    @stage.setter
    def stage(self, stage: int) -> None:
        if not 0 <= whole(stage, "stage") <= 3:
            raise ValueError(f"stage {stage} is outside 0 ... 3")
        _auctionentry.set_stage(self._lending.engine, self._lending.number, stage)

    def check(self) -> None:
        """Refuse auctions whose sums are not those of the reserves.

        Raises
        ------
        ReserveError
            They are not.
        """
        sums = _auctionentry.auction_sums(self._lending.engine, self._lending.number)
        for what in ("tabs", "open"):
            if sums[what][0] != sums[what][1]:
                raise ReserveError(f"{self._lending.name}: {what} of auctions are {sums[what]}")
        for number, row in sums["reserves"].items():
            for what in ("auctioned", "tabs", "awaited"):
                if row[what][0] != row[what][1]:
                    raise ReserveError(
                        f"{self._lending.name}: reserve {number} has {row[what][0]} {what}, its auctions "
                        f"{row[what][1]}"
                    )
            if row["auctioned"][0] > max(row["treasury"], 0):
                raise ReserveError(
                    f"{self._lending.name}: reserve {number} auctions more than its treasury has"
                )

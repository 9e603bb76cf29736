"""Auctions of collateral as the twin keeps them: what is stated, the price by time, and what is open.

docs/collateral-auctions.md; the power of a price curve is DSMath's, MakerDAO src/abaci.sol.
"""

from dataclasses import dataclass, replace

from .lending_rules import ONE
from .margin import rate_of

SECOND = 10**9


@dataclass
class CollateralAuction:
    """What is stated about the auctions of a lending market."""

    penalty: object = "0.13"
    buf: object = "1.3"
    price: tuple = ("stairstep", "0.99", 90)
    tail: object = 8400
    cusp: object = "0.4"
    hole: object = None
    collateral_holes: object = ()
    dust: object = 0
    tip: object = 0
    chip: object = 0
    collateral_terms: object = ()

    def hole_of(self, name: str):
        return dict(self.collateral_holes).get(
            name, dict(self.collateral_terms).get(name, {}).get("hole")
        )

    def of(self, name: str):
        """The terms of one collateral's auctions, whose `hole` is still that of all."""
        own = dict(dict(self.collateral_terms).get(name, {}))
        own.pop("hole", None)
        return replace(self, **own)


def rounded_power(base: int, exponent: int) -> int:
    """``base ** exponent`` in parts of 10**18, each product of base rounded half up, as DSMath's rpow."""
    result = base if exponent % 2 else ONE
    exponent //= 2
    while exponent:
        base = (base * base + ONE // 2) // ONE
        if exponent % 2:
            result = (result * base + ONE // 2) // ONE
        exponent //= 2
    return result


def factor(rule: CollateralAuction, elapsed: int) -> int:
    """Parts of 10**18 of the first price after so many nanoseconds."""
    kind, *terms = rule.price
    if kind == "linear":
        tau = round(rate_of(terms[0]) * SECOND)
        return max(0, (tau - elapsed) * ONE // tau)
    cut = int(rate_of(terms[0]) * ONE)
    step = round(rate_of(terms[1]) * SECOND) if kind == "stairstep" else SECOND
    return rounded_power(cut, elapsed // step)


@dataclass
class Sale:
    """An open auction."""

    number: int
    account: int
    reserve: object
    lot: int  # lots for sale
    tab: int  # lots of the base to collect
    due: int  # of the debt taken over, not collected yet
    price: int  # ticks believed when it began or was reset
    started: int  # ns
    event: int  # KICK or REDO
    resting: bool = False  # until the next step


class Auctioneer:
    """The auctions of a lending market; `stage` stops kicks (1), resets too (2), takes too (3)."""

    def __init__(self) -> None:
        self.sales: list[Sale] = []
        self.count = 0
        self.stage = 0

    def rows(self) -> list[list[int]]:
        """What a hash has of them."""
        names = ("number", "account", "lot", "tab", "due", "price", "started")
        return [[self.count, self.stage, len(self.sales)]] + [
            [sale.reserve.number, *(getattr(sale, name) for name in names)] for sale in self.sales
        ]

    def tabs(self, reserve=None) -> int:
        return sum(s.tab for s in self.sales if reserve is None or s.reserve is reserve)

    def check(self, base) -> None:
        """Raise AssertionError if sums of the reserves are not those of the auctions."""
        for sale in self.sales:
            assert sale.lot > 0 and sale.tab > 0 and 0 <= sale.due <= sale.tab, sale
        if base is not None:
            assert base.awaited == sum(sale.due for sale in self.sales), base.awaited
        for reserve in {sale.reserve.number: sale.reserve for sale in self.sales}.values():
            lots = sum(sale.lot for sale in self.sales if sale.reserve is reserve)
            assert reserve.auctioned == lots <= reserve.treasury, (reserve.auctioned, lots)

"""What is stated about a lending market of the twin: its rules, oracles and liquidators."""

from dataclasses import dataclass

ONE = 10**18  # of an index, and of a yearly rate


@dataclass
class Troves:
    """What is stated about loans that are closed whole against a stability pool and the other loans."""

    minimum_ratio: object = "1.1"
    critical_ratio: object = None
    shutdown_ratio: object = None
    gas_share: object = "0.005"
    gas_cap: object = None
    gas_reserve: object = 0
    offset_penalty: object = None
    redistribution_penalty: object = None
    least_left: object = 1
    sells: bool = False
    recovery: bool = True
    interest: tuple | None = None  # least and largest rate a year
    pool_share: object = 0
    borrowing_fee: object = 0
    upfront_time: object = 0
    least_debt: object = 0


@dataclass
class LendingRules:
    """The questions that protocols answer differently."""

    close_factor: tuple = ("whole",)
    bonus: tuple = ("fixed",)
    fee: object = 0
    trigger: str = "<"
    min_leftover: object = 0
    bad_debt: str = "stays"
    health: str = "weighted"
    halt_above: object = None
    fee_on: str = "bonus"
    zero_price: str = "skipped"
    sentinel: object = None
    troves: object = None
    stop_gap: tuple = ()
    toxic_terms: bool = False  # asked of whoever states reserves, not here
    supply_bound: str = "at_or_below"
    borrow_bound: str = "at_or_below"
    treasury_capped: bool = False
    uncounted: str = "seized"
    isolation: bool = True

    def __post_init__(self) -> None:
        if self.close_factor in ("trove", ("trove",)) and self.troves is None:
            self.troves = Troves()
        if self.troves is not None and self.sentinel is not None:
            raise ValueError(f"sentinel {self.sentinel!r}: troves have none")
        for name in ("close_factor", "bonus"):
            if isinstance(getattr(self, name), str):
                setattr(self, name, (getattr(self, name),))
        if self.auction is not None and self.bad_debt == "stays":
            raise ValueError("bad_debt 'stays': an auction's shortfall has no account to stay with")

    def within(self, lots: int, cap: int | None, bound: str) -> bool:
        """Is a total within a cap?"""
        return cap is None or (lots < cap if bound == "below" else lots <= cap)

    @property
    def auction(self):
        """Terms of collateral auctions; None: liquidators make calls."""
        return self.close_factor[1] if self.close_factor[0] == "auction" else None


@dataclass
class Oracle:
    """How a price from a market becomes the price a reserve believes."""

    delay: object = 0
    heartbeat: object = None
    deviation: object = 0
    max_step: object = None
    block: object = None


@dataclass
class Liquidator:
    """Repays debt for collateral when selling what it gets pays for it."""

    capital: object = None
    gas: object = 0
    min_profit: object = 0
    latency: object = 0
    choice: str = "best"
    calls: str = "chained"
    halvings: int = 6
    max_repay: object = None  # of a call
    step_budget: object = None  # of all calls of a step
    step_repaid: int = 0
    last_resort: bool = False  # has no least gain
    cash: int = 0
    spent: int = 0
    bids: int = 0
    done: int = 0

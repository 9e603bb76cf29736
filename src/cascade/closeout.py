"""At what price a due position is closed out, what that costs, and who is closed first.

Exact rational functions beside `cascade.partial` (how much is closed) and `cascade.margin` (who is
due). Collateral, quotes and fees are in one unit of money; sizes are signed, long positive. A float
stands for the decimal number that is printed for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from cascade.exact_numbers import Rate, exact
from cascade.margin import Position, equity
from cascade.partial import freeable_share, margin_shortage, size_to_cover, step_up

PARTS = 10**6
KEPT_OF_INSURANCE_FEE = Fraction(95, 100)


def _positive(value: Rate, name: str) -> Fraction:
    number = exact(value, name)
    if number <= 0:
        raise ValueError(f"{name} {value!r} is not above zero")
    return number


# ---------------------------------------------------------------- cross accounts


@dataclass(frozen=True)
class CrossAccount:
    """A cross account at the prices of now.

    Parameters
    ----------
    quote : number
        Cash, less what was paid for the positions: a long that is worth more than its debt has
        equity.
    sizes, prices, rates : mapping of market to number
        Signed sizes, prices that risk is measured at, maintenance rates.
    """

    quote: Rate
    sizes: dict[str, Rate]
    prices: dict[str, Rate]
    rates: dict[str, Rate]

    def notional(self, market: str) -> Fraction:
        """Signed value of a position."""
        return exact(self.sizes[market], "size") * _positive(self.prices[market], "price")

    def maintenance(self, market: str) -> Fraction:
        """Maintenance margin of a position."""
        return abs(self.notional(market)) * exact(self.rates[market], "rate")

    @property
    def equity(self) -> Fraction:
        """Net collateral: cash and the value of all positions."""
        return exact(self.quote, "quote") + sum(map(self.notional, self.sizes), Fraction(0))

    @property
    def total_maintenance(self) -> Fraction:
        """Maintenance margin of all positions."""
        return sum(map(self.maintenance, self.sizes), Fraction(0))

    def __post_init__(self) -> None:
        for market in self.sizes:
            for name in ("prices", "rates"):
                if market not in getattr(self, name):
                    raise ValueError(f"{name} has no {market!r}")


def bankruptcy_quote(
    account: CrossAccount, market: str, change: Rate, quantum: Rate = 0
) -> Fraction:
    """Quote for which a slice is closed so that it uses exactly its share of equity.

    Parameters
    ----------
    account : CrossAccount
    market : str
        The position that is closed.
    change : number
        Signed change of its size, towards zero.
    quantum : number, default 0
        Rounded up to a multiple of it, against the account; 0 is exact.

    Returns
    -------
    Fraction
        Received by the account when positive, paid when negative:
        ``-change of value - equity * |change of maintenance| / total maintenance``. The margin
        ratio of what stays is what it was.

    Raises
    ------
    ValueError
        The change does not reduce the position, or no maintenance is asked for.

    Notes
    -----
    dYdX v4, x/clob/keeper/liquidations.go, GetBankruptcyPriceInQuoteQuantums.

    Examples
    --------
    >>> short = CrossAccount(600, {"X": -500}, {"X": 2}, {"X": "0.03"})
    >>> bankruptcy_quote(short, "X", 500)
    Fraction(-600, 1)
    """
    size, moved = exact(account.sizes[market], "size"), exact(change, "change")
    if size * moved >= 0 or abs(moved) > abs(size):
        raise ValueError(f"change {change!r} does not reduce the position of {size}")
    total = account.total_maintenance
    if total <= 0:
        raise ValueError("rates must ask for some maintenance")
    share = account.maintenance(market) * abs(moved) / abs(size) / total
    quote = -moved * exact(account.prices[market], "price") - account.equity * share
    return step_up(quote, quantum)


def bankruptcy_slice_price(account: CrossAccount, market: str) -> Fraction:
    """Price of `bankruptcy_quote` a unit of size, for the whole position."""
    size = exact(account.sizes[market], "size")
    return bankruptcy_quote(account, market, -size) / size


def fillable_price(
    account: CrossAccount, market: str, spread_to_maintenance: Rate, adjustment: Rate = 1
) -> Fraction:
    """Limit price of a liquidation order, further from the oracle the nearer to bankruptcy.

    Parameters
    ----------
    account : CrossAccount
    market : str
    spread_to_maintenance : number
        Largest spread as a share of the position's maintenance margin.
    adjustment : number, default 1
        How fast the spread widens on the way to bankruptcy.

    Returns
    -------
    Fraction
        ``(value - a * spread * maintenance) / size``, a = ``adjustment * (1 - equity / total
        maintenance)`` kept in 0 ... 1. Below the oracle for a long, above for a short.

    Raises
    ------
    ValueError
        The position is empty, or no maintenance is asked for.

    Notes
    -----
    dYdX v4, x/clob/keeper/liquidations.go, GetFillablePrice. The formula on the venue's pages,
    ``P * (1 - ...)``, has the wrong sign for shorts.

    Examples
    --------
    >>> long = CrossAccount(-4501, {"BTC": "0.1"}, {"BTC": 50_000}, {"BTC": "0.1"})
    >>> fillable_price(long, "BTC", "0.1")
    Fraction(49999, 1)
    """
    size, total = exact(account.sizes[market], "size"), account.total_maintenance
    if size == 0:
        raise ValueError("size must not be 0")
    if total <= 0:
        raise ValueError("rates must ask for some maintenance")
    rating = exact(adjustment, "adjustment") * (1 - account.equity / total)
    rating = min(Fraction(1), max(Fraction(0), rating))
    spread = exact(spread_to_maintenance, "spread_to_maintenance") * account.maintenance(market)
    return (account.notional(market) - rating * spread) / size


def largest_spread(
    spread_to_maintenance: Rate, maintenance_rate: Rate, affordable: Rate = 0
) -> tuple[Fraction, Fraction]:
    """Largest spread of a liquidation as a share of price, and what of it the fund covers.

    `affordable` is the spread that the account's own equity pays. (dYdX, "Contract loss
    mechanisms".)
    """
    widest = exact(spread_to_maintenance, "spread_to_maintenance") * exact(
        maintenance_rate, "maintenance_rate"
    )
    return widest, max(Fraction(0), widest - exact(affordable, "affordable"))


def zero_prices(
    collateral: Rate, positions: Sequence[Position], rates: Sequence[Rate]
) -> list[Fraction]:
    """Price of each position at which a cross account's equity is used up, shared by maintenance.

    Parameters
    ----------
    collateral : number
    positions : sequence of Position
        Linear ones, at their marks.
    rates : sequence of number
        Maintenance rate of each.

    Returns
    -------
    list of Fraction
        ``mark * (1 - s * share * equity / notional)``: closing all of them there leaves nothing.

    Notes
    -----
    FTX, "Liquidations": position zero price. With one position it is the zero price
    ``mark * (1 - s * margin fraction)``.
    """
    left = equity(collateral, positions)
    weights = [
        abs(exact(p.size, "size")) * exact(p.mark, "mark") * exact(rate, "rates")
        for p, rate in zip(positions, rates, strict=True)
    ]
    total = sum(weights, Fraction(0))
    if total <= 0:
        raise ValueError("rates must ask for some maintenance")
    return [
        exact(p.mark, "mark") - left * weight / total / exact(p.size, "size")
        for p, weight in zip(positions, weights, strict=True)
    ]


def backstop_equity(maintenance_margin: Rate, fraction: Rate = Fraction(2, 3)) -> Fraction:
    """Equity below which a backstop takes a unit whole (Hyperliquid: two thirds of maintenance)."""
    return exact(maintenance_margin, "maintenance_margin") * exact(fraction, "fraction")


# ---------------------------------------------------------------- order of liquidations


@dataclass(frozen=True)
class Candidate:
    """A liquidation order that waits: its limit price, oracle price, notional and a tie breaker."""

    name: str
    price: Rate
    oracle: Rate
    notional: Rate

    @property
    def distance(self) -> Fraction:
        """Relative distance of the limit from the oracle."""
        oracle = _positive(self.oracle, "oracle")
        return abs(exact(self.price, "price") - oracle) / oracle


def liquidation_order(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Candidates as they are executed: largest relative distance first, then largest notional.

    The rest is by name, where the venue takes the hash of the order (dYdX v4,
    x/clob/keeper/liquidations.go, SortLiquidationOrders).
    """
    return sorted(candidates, key=lambda c: (-c.distance, -exact(c.notional, "notional"), c.name))


# ---------------------------------------------------------------- rates in millionths


def initial_rate_by_open_interest(base_ppm: int, lower: Rate, upper: Rate, notional: Rate) -> int:
    """Initial rate that rises with a market's open interest, in millionths, rounded down.

    Parameters
    ----------
    base_ppm : int
        Rate up to the lower cap.
    lower, upper : number
        Caps of open notional; the rate is one from the upper cap on. An upper cap of 0 turns the
        rule off.
    notional : number
        Open interest now.

    Raises
    ------
    ValueError
        The lower cap is above the upper one.

    Notes
    -----
    dYdX v4, x/perpetuals/types/liquidity_tier.go. Maintenance does not change.
    """
    low, high = exact(lower, "lower"), exact(upper, "upper")
    if high == 0:
        return base_ppm
    if low > high:
        raise ValueError(f"lower {lower!r} is above upper {upper!r}")
    held = exact(notional, "notional")
    if held <= low:
        return base_ppm
    if held >= high:
        return max(base_ppm, PARTS)
    return min(PARTS, int(base_ppm + (PARTS - base_ppm) * (held - low) / (high - low)))


def maintenance_of_initial(initial_ppm: int, fraction_ppm: int) -> int:
    """Maintenance rate as a fraction of the initial one, in millionths, rounded down (dYdX v4)."""
    return initial_ppm * fraction_ppm // PARTS


# ---------------------------------------------------------------- fees


def ramped_fee(base: Rate, cap: Rate, elapsed: Rate, grace: Rate, per_unit: Rate) -> Fraction:
    """Liquidation fee that rises with time: flat up to `grace`, then counted from the start.

    Returns
    -------
    Fraction
        `base` while ``elapsed < grace``, then ``min(cap, base + elapsed * per_unit)``.

    Notes
    -----
    Drift v2, math/liquidation.rs, get_liquidation_fee: 1e-6 a slot after 1,500 slots.
    """
    first, waited = exact(base, "base"), exact(elapsed, "elapsed")
    if waited < exact(grace, "grace"):
        return first
    return min(exact(cap, "cap"), first + waited * exact(per_unit, "per_unit"))


def insurance_fee_rate(
    shortage: Rate,
    size: Rate,
    price: Rate,
    ratio: Rate,
    liquidator_fee: Rate,
    cap: Rate,
    *,
    quote_price: Rate = 1,
) -> Fraction:
    """Fee for the insurance fund that cannot push the account into bankruptcy.

    Parameters
    ----------
    shortage : number
        Missing margin, the buffer included.
    size, price : number
    ratio : number
        Maintenance rate, the buffer included.
    liquidator_fee, cap : number
    quote_price : number, default 1

    Returns
    -------
    Fraction
        ``min(cap, 0.95 * (ratio - liquidator_fee - shortage / notional))``, at least 0.

    Notes
    -----
    Drift v2, math/liquidation.rs, calculate_perp_if_fee.

    Examples
    --------
    >>> insurance_fee_rate(1, 10, 100, "0.05", "0.01", "0.05")
    Fraction(741, 20000)
    """
    notional = abs(exact(size, "size")) * exact(price, "price") * exact(quote_price, "quote_price")
    kept = exact(ratio, "ratio") - exact(liquidator_fee, "liquidator_fee")
    if notional <= 0 or kept <= 0:
        return Fraction(0)
    implied = kept - exact(shortage, "shortage") / notional
    return max(Fraction(0), min(exact(cap, "cap"), KEPT_OF_INSURANCE_FEE * implied))


# ---------------------------------------------------------------- transfer to a liquidator


@dataclass(frozen=True)
class Transfer:
    """What a transfer to a liquidator leaves.

    `size` and `quote` are the account's position after it, `entry_quote` the part of its quote that
    belongs to the size that stays, `closed` what was transferred, `liquidator_quote` the quote
    that the liquidator takes on with it, `insurance` the fee to the fund.
    """

    size: Fraction
    quote: Fraction
    entry_quote: Fraction
    closed: Fraction
    liquidator_quote: Fraction
    insurance: Fraction


def transfer(
    size: Rate,
    quote: Rate,
    closed: Rate,
    price: Rate,
    liquidator_fee: Rate,
    insurance_fee: Rate = 0,
) -> Transfer:
    """Hand a part of a position to a liquidator at the oracle price less a fee.

    Parameters
    ----------
    size : number
        Signed.
    quote : number
        What the position cost, negative for a long.
    closed : number
        Unsigned part of it, at most all.
    price : number
        Oracle price.
    liquidator_fee, insurance_fee : number
        Shares of the value at the oracle.

    Notes
    -----
    Drift v2, controller/liquidation.rs, liquidate_perp: the liquidator buys a long at
    ``price * (1 - fee)`` and a short at ``price * (1 + fee)``.
    """
    held, part = exact(size, "size"), exact(closed, "closed")
    if held == 0 or not 0 <= part <= abs(held):
        raise ValueError(f"closed {closed!r} is outside 0 ... {abs(held)}")
    sign = 1 if held > 0 else -1
    mark, cost = _positive(price, "price"), exact(quote, "quote")
    proceeds = sign * part * mark * (1 - sign * exact(liquidator_fee, "liquidator_fee"))
    insurance = part * mark * exact(insurance_fee, "insurance_fee")
    return Transfer(
        size=held - sign * part,
        quote=cost + proceeds - insurance,
        entry_quote=cost * (1 - part / abs(held)),
        closed=part,
        liquidator_quote=-proceeds,
        insurance=insurance,
    )


@dataclass(frozen=True)
class TransferTerms:
    """Parameters of liquidation by transfer.

    `ratio` is the maintenance rate, `buffer` is added to it while an account is being liquidated;
    `insurance_cap` bounds the fund's fee; `initial`, `duration` say how the share that may be freed
    grows (see `cascade.partial.freeable_share`); `step` is the grid of sizes.
    """

    ratio: Rate
    buffer: Rate
    liquidator_fee: Rate
    insurance_cap: Rate = 0
    initial: Rate = 1
    duration: Rate = 150
    step: Rate = 0


def transfer_to_cover(
    size: Rate, quote: Rate, collateral: Rate, price: Rate, terms: TransferTerms, elapsed: Rate = 0
) -> Transfer:
    """Transfer just as much of a position as lifts its account to maintenance and buffer.

    Parameters
    ----------
    size, quote : number
        Signed size and what it cost, see `transfer`.
    collateral : number
        Without unrealised PnL.
    price : number
        Oracle price.
    terms : TransferTerms
    elapsed : number, default 0
        Slots since the account's liquidation began.

    Returns
    -------
    Transfer
        Nothing closed when no margin is missing.

    Notes
    -----
    Drift v2, controller/liquidation.rs, liquidate_perp: sizes are rounded up to the step.
    """
    held = exact(size, "size")
    profit = exact(quote, "quote") + held * _positive(price, "price")
    ratio = exact(terms.ratio, "ratio") + exact(terms.buffer, "buffer")
    shortage = margin_shortage(size, price, collateral, profit, terms.ratio, terms.buffer)
    fee = insurance_fee_rate(
        shortage, size, price, ratio, terms.liquidator_fee, terms.insurance_cap
    )
    needed = size_to_cover(shortage, price, ratio, terms.liquidator_fee, fee)
    closed = abs(held)
    if needed is not None:
        share = freeable_share(shortage, elapsed, terms.duration, terms.initial)
        part = step_up(needed, terms.step) * share
        closed = min(closed, step_up(min(closed, part), terms.step))
    return transfer(size, quote, closed, price, terms.liquidator_fee, fee)


def margin_freed(
    size: Rate, quote: Rate, collateral: Rate, price: Rate, terms: TransferTerms, done: Transfer
) -> Fraction:
    """How much smaller a transfer made the missing margin, buffer included (Drift v2)."""

    def missing(held: Rate, cost: Rate) -> Fraction:
        profit = exact(cost, "quote") + exact(held, "size") * exact(price, "price")
        return margin_shortage(held, price, collateral, profit, terms.ratio, terms.buffer)

    return missing(size, quote) - missing(done.size, done.quote)


# ---------------------------------------------------------------- collateral in the asset itself


def remaining_collateral(
    size_usd: Rate,
    entry: Rate,
    price: Rate,
    collateral_usd: Rate,
    fees: Rate = 0,
    impact: Rate = 0,
    *,
    long: bool = True,
) -> Fraction:
    """Collateral of a pool position at a price, profit and costs counted.

    Parameters
    ----------
    size_usd : number
        Value at entry.
    entry, price : number
    collateral_usd : number
        At the price; of collateral in the asset itself, its amount times the price.
    fees : number, default 0
        Borrowing, funding and closing fees; the liquidation fee is not among them.
    impact : number, default 0
        Price impact of closing; only a negative one counts.
    long : bool, default True

    Notes
    -----
    GMX v2, contracts/position/PositionUtils.sol, isPositionLiquidatable.
    """
    value = exact(size_usd, "size_usd")
    gained = value * _positive(price, "price") / _positive(entry, "entry") - value
    return (
        exact(collateral_usd, "collateral_usd")
        + (gained if long else -gained)
        + min(exact(impact, "impact"), Fraction(0))
        - exact(fees, "fees")
    )


def is_remaining_too_small(
    remaining: Rate, size_usd: Rate, min_factor: Rate, min_usd: Rate = 0
) -> bool:
    """Is what remains below the least amount, at or below zero, or below a share of the size?

    GMX v2, contracts/position/PositionUtils.sol, isPositionLiquidatable.
    """
    left = exact(remaining, "remaining")
    return (
        left <= 0
        or left < exact(min_usd, "min_usd")
        or left < exact(min_factor, "min_factor") * exact(size_usd, "size_usd")
    )

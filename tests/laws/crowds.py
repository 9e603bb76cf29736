"""Crowds with margin rules of their own: one leverage, partial closing, cross margin, gaps, delay.

Set up in whole ticks, lots and atoms, as in `ladders`. Source of the laws: ../shared/rules/laws.md,
section 2.1.
"""

from fractions import Fraction
from typing import Any

import numpy as np

import cascade as cs
from cascade.margin import (
    MarginTerms,
    bankruptcy_price,
    isolated_margin,
    liquidation_price,
)
from laws.ladders import common_step


def one_leverage_crowd(
    leverage: Fraction,
    rate: Fraction,
    entries: tuple[Fraction, Fraction],
    open_interest: Fraction,
    impact: Fraction,
    price: Fraction,
    shock: Fraction,
    accounts: int = 20_000,
) -> dict[str, float]:
    """Isolated longs of one leverage, entries uniform (L06): drop, end price, units liquidated."""
    low, high = entries
    step = (high - low) / accounts
    tick = common_step(step / 2, price, shock) / 10
    lots = 1000
    units = open_interest / accounts
    engine = cs.Engine(asset_decimals=0)
    market = engine.add_market(
        "X", tick_size=1, lot_size=1, rules=cs.Rules(tiers=((0, rate),), trigger="<="),
        venue=cs.Impact.linear(impact * units / lots / tick),
    )  # fmt: skip
    market.set_index(int(price / tick))
    entry = int((low + step / 2) / tick) + int(step / tick) * np.arange(accounts)
    engine.accounts.open(market, side="long", size=lots, entry=entry, leverage=leverage)
    triggers = engine.accounts.liquidation_price(market)
    result = engine.step(index={"X": int((price - shock) / tick)})
    final = float(market.mark_ticks * tick)
    return {
        "drop": float(price) - final,
        "final_price": final,
        "units_liquidated": result.liquidated * float(units),
        "top_trigger": float(triggers.max() * tick),
        "bottom_trigger": float(triggers.min() * tick),
        "rung": float(units),
        "spacing": float(step),
    }


def partial_staircase(
    price: Fraction, rate: Fraction, target: Fraction, count: int
) -> tuple[list[float], list[float], float]:
    """Triggers and sizes of a long cut to a target margin rate (L11), and how late it may be cut.

    Ticks are cut so that each trigger is on the grid, where it fits in 31 bits; else each stage is
    late by up to a tick. The third result is that part of the price.
    """
    ratio = (1 - target) / (1 - rate)
    ticks = ratio.denominator ** (count - 1)
    late = 0.0
    if ticks > 2**31 - 100:
        ticks = 2**30
        late = 2 * count / ticks
    keep = rate / target
    lots = keep.denominator**count * rate.denominator
    if late or lots > 2**29:
        lots = 2**29 // rate.denominator * rate.denominator
        late = max(late, 4 / 2**29)
    engine = cs.Engine(asset_decimals=0)
    rules = cs.Rules(tiers=((0, rate),), partial=("target", target), trigger="<=", feed="index")
    market = engine.add_market("X", tick_size=1, lot_size=1, rules=rules, venue=cs.Impact.linear(0))
    market.set_index(ticks + 1)
    margin = int(rate * lots * ticks)
    engine.accounts.open(market, side="long", size=lots, entry=ticks, margin=margin)
    triggers, sizes = [], []
    for _ in range(count):
        trigger = int(engine.accounts.column(market, "liquidation_price")[0])
        triggers.append(trigger / ticks * float(price))
        sizes.append(int(engine.accounts.column(market, "size")[0]) / lots)
        result = engine.step(index={"X": trigger})
        assert result.liquidated == 1
    return triggers, sizes, late


def partial_ladder(
    price: Fraction,
    shock: Fraction,
    ratio: Fraction,
    rate: Fraction,
    target: Fraction | None,
    accounts: int = 20_000,
) -> tuple[float, float, int]:
    """Drop of a linear market whose accounts are cut to a target rate (L12); without one, closed.

    Triggers are uniform over four times the shock: each position is entered at its trigger, with
    maintenance as its margin. The shock comes in small steps, because an account sold far below
    its trigger has less equity left and sells more. Returns the drop, the drop of one whole
    position, and the liquidations.
    """  # fmt: skip
    width = 4 * shock
    ticks, lots = 1000, 10 * rate.denominator
    tick = width / accounts / ticks
    start = int(price / tick)
    engine = cs.Engine(asset_decimals=0)
    rules = cs.Rules(
        tiers=((0, rate),), trigger="<=",
        partial=None if target is None else ("target", target),
    )  # fmt: skip
    market = engine.add_market(
        "X", tick_size=1, lot_size=1, rules=rules, venue=cs.Impact.linear(ratio * ticks / lots)
    )
    market.set_index(start)
    triggers = start - ticks // 2 - ticks * np.arange(accounts)
    engine.accounts.open(
        market, side="long", size=lots, entry=triggers,
        margin=[int(rate * lots * int(trigger)) for trigger in triggers],
    )  # fmt: skip
    path = np.arange(start, start - round(shock / tick) - 1, -ticks // 4)
    run = engine.run(path={"X": np.append(path[1:], start - round(shock / tick))})
    engine.validate()
    drop = (start - market.mark_ticks) * float(tick)
    return drop, float(ratio * width / accounts), int(run.steps["liquidated"].sum())


def swept_accounts(
    leverage: Fraction,
    rate: Fraction,
    entry: Fraction,
    impact: Fraction,
    size: Fraction,
    fund: Fraction,
    sign: int = 1,
) -> dict[str, float]:
    """One account closed as one order on a linear market: average price and the fund (K08)."""  # fmt: skip
    backing = isolated_margin(size, entry, leverage)
    terms = MarginTerms.flat(rate)
    trigger = liquidation_price(sign * size, entry, backing, terms)
    ruin = bankruptcy_price(sign * size, entry, backing)
    tick = common_step(trigger, ruin, entry, impact * size / 2)
    lot = common_step(size, Fraction(1))
    engine = cs.Engine(asset_decimals=9)
    market = engine.add_market(
        "X", tick_size=1, lot_size=1, rules=cs.Rules(tiers=((0, rate),), trigger="<="),
        venue=cs.Impact.linear(impact * lot / tick),
    )  # fmt: skip
    worth = float(tick * lot)
    engine.fund_deposit(round(fund / (tick * lot), 6))
    market.set_index(int(entry / tick))
    engine.accounts.open(
        market, side=[sign], size=int(size / lot), entry=int(entry / tick), leverage=leverage
    )
    before = engine.insurance_fund()
    result = engine.step(index={"X": int(trigger / tick)})
    fills = result.events[result.events["kind"] == cs.EventKind.FILL]
    gained = result.fund_received - result.fund_paid - result.bad_debt
    return {
        "P_liq": float(trigger),
        "P_bk": float(ruin),
        "vwap": float(fills["price"][0] * tick),
        "fund_change": gained * worth,
        "fund_after": (before + result.fund_received - result.fund_paid) * worth,
        "residual": result.bad_debt * worth,
    }


def cross_margin_groups(
    matrix: list[list[Fraction]], impact: Fraction
) -> tuple[list[Fraction], list[tuple[Any, Any]], list[Fraction]]:
    """Impacts, exposures and densities of three groups of accounts that make a 2 x 2 matrix.

    ``K = diag(impacts) @ sum(density * outer(a, a))``: the ratio of the off-diagonal elements is that
    of the impacts, and the groups hold both markets, the first, or the second.

    Raises
    ------
    ValueError
        No accounts make this matrix.
    """
    (k11, k12), (k21, k22) = matrix
    if bool(k12) != bool(k21):
        raise ValueError("accounts that hold both markets carry a crash both ways")
    impacts = [impact, impact * k21 / k12 if k12 else impact]
    first, second, shared = k11 / impacts[0], k22 / impacts[1], k12 / impacts[0]
    if shared * shared > first * second:
        raise ValueError("a matrix of cross-margin accounts is positive semi-definite")
    # units of the second market that an account with both holds for one of the first
    held = min(max(Fraction(1), shared / first), second / shared) if shared else Fraction(1)
    both = shared / held
    densities = [both, first - both, second - both * held * held]
    return impacts, [(1, held), (1, 0), (0, 1)], densities


def cross_margin_crash(
    matrix: list[list[Fraction]],
    shocks: list[Fraction],
    reach: Fraction,
    accounts: int = 20_000,
    impact: Fraction = Fraction("0.002"),
) -> tuple[list[float], float]:
    """Drops of two markets whose accounts are cross-margined (L20), and the drop of one account.

    Surpluses of each group are uniform over `reach`; maintenance is taken of the entry value, so
    that a surplus falls by exactly the exposure times the drop.
    """
    base, ticks = 10**8, 1000
    impacts, exposures, densities = cross_margin_groups(matrix, impact)
    step = reach / accounts
    scale = 10**5 / (max(densities) * step)  # lots in a unit
    engine = cs.Engine(asset_decimals=0)
    rules = cs.Rules(tiers=((0, "0.01"),), basis="entry")
    markets = [
        engine.add_market(name, tick_size=1, lot_size=1, rules=rules,
                          venue=cs.Impact.linear(slope / step * ticks / scale))
        for name, slope in zip(("A", "B"), impacts, strict=True)
    ]  # fmt: skip
    for market in markets:
        market.set_index(base)
    surplus = ticks // 2 + ticks * np.arange(accounts)
    for held, density in zip(exposures, densities, strict=True):
        if not density:
            continue
        lots = round(density * step * scale)
        ids = None
        for market, exposure in zip(markets, held, strict=True):
            if exposure:
                size = round(lots * exposure)
                # each leg brings its maintenance, the first also the surplus
                margin = size * base // 100 + (lots * surplus if ids is None else 0)
                ids = engine.accounts.open(
                    market, side="long", size=np.full(accounts, size), entry=base, margin=margin,
                    mode="cross", account=ids,
                )  # fmt: skip
    moves = {m.name: base - round(s / step * ticks) for m, s in zip(markets, shocks, strict=True)}
    engine.step(index=moves)
    engine.validate()
    drops = [(base - market.mark_ticks) / ticks * float(step) for market in markets]
    largest = max(density * max(held) for held, density in zip(exposures, densities, strict=True))
    return drops, float(max(impacts) * largest * step)


def gap_bankruptcies(
    price: Fraction, after: Fraction, density: Fraction, rate: Fraction, rungs: int = 99_000
) -> dict[str, float]:
    """Jump through a ladder, all filled at its end (L21): bad debt, units hit and bankrupt."""
    width = price - after
    ticks = 100
    tick = width / rungs / ticks
    start = round(price / tick)
    engine = cs.Engine(asset_decimals=0)
    market = engine.add_market(
        "X", tick_size=1, lot_size=1, rules=cs.Rules(surplus="trader"), venue=cs.Impact.linear(0)
    )
    market.set_index(start)
    triggers = start - ticks // 2 - ticks * np.arange(rungs)
    ruin = np.rint(triggers * float(1 - rate)).astype(np.int64)
    engine.accounts.open_ladder(market, side="long", size=1, trigger=triggers, bankruptcy=ruin)
    result = engine.step(index={"X": start - rungs * ticks})
    rung = float(density * width / rungs)
    ruined = int((result.events["kind"] == cs.EventKind.BAD_DEBT).sum())
    return {
        "bad_debt": result.bad_debt_atoms * float(tick) * rung,
        "units_hit": result.liquidated * rung,
        "bankrupt_units": ruined * rung,
        "rung": rung,
    }


def late_executions(
    liquidation: float, bankruptcy: float, deviation: float, draws: int, seed: int
) -> np.ndarray:
    """Losses below bankruptcy, per unit, of accounts that wait while the price moves (L22).

    An account is reached exactly at its liquidation price in a step without a budget, and is
    executed in the next one at a normally distributed price.
    """
    ticks = 10**6
    engine = cs.Engine(asset_decimals=0, seed=seed)
    market = engine.add_market(
        "X", tick_size=1, lot_size=1, rules=cs.Rules(surplus="trader"), venue=cs.Impact.linear(0)
    )
    trigger, ruin = round(liquidation * ticks), round(bankruptcy * ticks)
    far = trigger + ticks
    scores = np.random.default_rng(seed).standard_normal(draws)
    prices = np.maximum(1, trigger + np.rint(scores * deviation * ticks)).astype(np.int64)
    losses = np.zeros(draws)
    market.set_index(far)
    for row, price in enumerate(prices.tolist()):
        engine.accounts.open_ladder(market, side="long", size=1, trigger=trigger, bankruptcy=ruin)
        engine.budget(accounts=0)
        waiting = engine.step(index={"X": trigger})
        assert waiting.pending == 1
        engine.budget()
        losses[row] = engine.step(index={"X": price}).bad_debt_atoms / ticks
        if price > trigger:
            # recovered in time: take it away before the next one
            engine.step(index={"X": trigger})
        engine.step(index={"X": far})
        engine.clear_events()
    return losses


def check_ticks(
    contract: str,
    side: int,
    leverage: Fraction,
    rate: Fraction,
    liquidation: Fraction | None,
    bankruptcy: Fraction | None,
) -> None:
    """Is the engine's tick next to a price given as a multiple of the entry price?

    Raises
    ------
    ValueError
        It is not.
    """
    entry = 10**7
    engine = cs.Engine(asset_decimals=0 if contract == "linear" else 15)
    market = engine.add_market(
        "X", tick_size=1, lot_size=1, rules=cs.Rules(tiers=((0, rate),)), contract=contract,
        venue=cs.Impact.linear(0),
    )  # fmt: skip
    market.set_index(entry)
    engine.accounts.open(market, side=[side], size=100, entry=entry, leverage=leverage)
    for name, price in (("liquidation_price", liquidation), ("bankruptcy_price", bankruptcy)):
        tick = int(engine.accounts.column(market, name)[0])
        # rounding may reach the next tick, and an equity that is never zero has no liquidation tick
        if price is None and tick in (0, 2**31 - 2):
            continue
        if price is None or abs(tick - price * entry) > 1:
            raise ValueError(f"{contract} {side:+d} {name}: engine {tick / entry}, exact {price}")


def inverse_equities(
    size: Fraction, entry: Fraction, leverage: Fraction, prices: list[Fraction]
) -> list[float]:
    """Coin equity of an isolated inverse long at several prices, from the engine."""
    engine = cs.Engine(asset="coin", asset_decimals=12)
    market = engine.add_market(
        "X", tick_size=common_step(entry, *prices), lot_size=size, contract="inverse",
        venue=cs.Impact.linear(0), rules=cs.Rules(tiers=((0, 0),)),
    )  # fmt: skip
    market.set_index(entry)
    engine.accounts.open(market, side=["long"], size=size, entry=entry, leverage=leverage)
    coins = []
    for price in prices:
        market.set_index(price)
        coins.append(float(engine.accounts.equity[0]))
    return coins

"""Lending markets of whole lots and atoms for the engine's tests: prices are ticks, one atom each."""

from engine_kit import Kit, rows


def lending_engine(kit: Kit, *, rules=None, price=100, eth=None, usd=None, feed="index", **market):
    """An engine with ETH at `price`, and a lending market of ETH (threshold 0.8, bonus 0.05, any amount at
    the mark unless `eth` says so) and USD, with 1,000,000 USD and 100,000 ETH supplied from outside."""
    engine = kit.engine()
    source = kit.market(engine, "ETH", rules={"feed": feed}, **market)
    source.set_index(price)
    pool = engine.lending.add("pool", rules=kit.lending.LendingRules(**(rules or {})))
    terms = {
        "liquidation_threshold": "0.8",
        "liquidation_bonus": "0.05",
        "venue": None,
        **(eth or {}),
    }
    pool.add_reserve("ETH", price="ETH", **terms)
    pool.add_reserve("USD", **(usd or {}))
    pool["ETH"].supply(100_000)
    pool["USD"].supply(1_000_000)
    return engine, pool


def borrower(pool, eth, usd) -> int:
    return int(pool.open(collateral={"ETH": [eth]}, debt={"USD": [usd]})[0])


def calls(engine) -> list[tuple[int, int]]:
    """(lots repaid, lots seized) of each call."""
    repaid = [row["quantity"] for row in rows(engine, "repay") if row["cause"] >= 0]
    seized = [row["quantity"] for row in rows(engine, "seize")]
    return list(zip(repaid, seized, strict=True))


def numbers(pool) -> dict:
    """Everything that a refusal must leave as it was."""
    return {name: pool[name].row() for name in ("ETH", "USD")} | {
        "health": [str(float(x)) for x in pool.health]
    }


def four_reserves(kit, *, btc=None, venue=None, liquidator=None, oracle=None, trigger="<", **rules):
    """ETH at 100 (threshold 0.8, bonus 0.05), BTC at 1000 (0.7), USD and DAI at one; plenty of each."""
    engine = kit.engine()
    for name, price in (("ETH", 100), ("BTC", 1000)):
        kit.market(engine, name, rules={"feed": "index"}).set_index(price)
    rules = {"trigger": trigger, **rules}
    pool = engine.lending.add("pool", rules=kit.lending.LendingRules(**rules))
    terms = {"liquidation_bonus": "0.05", "venue": venue}
    if oracle is not None:
        oracle = kit.lending.Oracle(**oracle)
    pool.add_reserve("ETH", price="ETH", liquidation_threshold="0.8", oracle=oracle, **terms)
    pool.add_reserve("BTC", price="BTC", liquidation_threshold="0.7", **{**terms, **(btc or {})})
    for name in ("USD", "DAI"):
        pool.add_reserve(name, price=None, liquidation_threshold="0.5")
    for name in pool.reserves:
        pool[name].supply(1_000_000)
    if liquidator is not None:
        engine.liquidators.add(kit.lending.Liquidator(**liquidator))
    return engine, pool


def held(kit, pool, account) -> dict:
    """Lots that an account has and owes, by reserve; indices are one."""
    found = {}
    for name, reserve in pool.reserves.items():
        for word, side in (("has", reserve.supplied_side), ("owes", reserve.borrowed_side)):
            if kit.name == "twin":
                position = pool.engine.clearing.position(account, side.number, 0)
                lots = 0 if position is None else position.size
            else:
                lots = int(pool.engine.accounts.column(side, "size")[account])
            if lots:
                found[name, word] = abs(lots)
    return found

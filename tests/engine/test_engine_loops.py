"""Accounts that loop, and stablecoins that lose their peg: twin and core, and worked by hand."""

import random

import pytest
from engine_kit import BUY, SELL, TWIN, core_kit, pick, rows
from lending_kit import lending_of

import cascade as cs

SUPPLY, BORROW, HEALTH = 34, 36, 39


def bank_of(kit, *, venue=None, ltv="0.5", price=1000, spot=None, **reserve):
    """A coin at 1000 and money, lots and atoms of one."""
    engine = kit.engine()
    market = kit.market(engine, "COIN", rules={"feed": "last"}, venue=spot or kit.linear(1, 1))
    if spot is None:
        market.set_index(price)
    bank = engine.lending.add("bank", rules=lending_of(kit).LendingRules())
    stated = {"liquidation_threshold": "0.8", "loan_to_value": ltv, **reserve}
    bank.add_reserve("COIN", price="COIN", venue=venue, **stated)
    bank.add_reserve("USD")
    bank["USD"].supply(10_000_000)
    return engine, market, bank


def moved(engine):
    """Lots supplied and borrowed, in order."""
    found = [row for row in rows(engine) if row["kind"] in (SUPPLY, BORROW) and row["account"] >= 0]
    return pick(found, "kind", "quantity")


def test_booked_at_the_mark(kit):
    _, market, bank = bank_of(kit)
    ids = bank.loop("COIN", "USD", leverage=[3, "2.55", 1], amount=10, swap=False)
    assert list(ids) == [0, 1, 2]
    # 30 coins against 20 * 1000, 25 against 15 * 1000, 10 against nothing
    assert bank.health[:2].tolist() == [24_000 / 20_000, 20_000 / 15_000]
    assert bank["COIN"].row()["supplied"] == 65
    assert bank["USD"].row()["borrowed"] == 35_000
    assert market.mark == 1000


def test_rounds_at_a_constant_price(kit):
    engine, _, bank = bank_of(kit)
    bank.loop("COIN", "USD", leverage="1.9", amount=100)
    # half of 100,000; of 150,000 less 50,000; of 175,000 less 75,000: 12 coins; then what is left of 190
    steps = [(50_000, 50), (25_000, 25), (12_000, 12), (3000, 3)]
    expected = [x for lent, got in steps for x in ((BORROW, lent), (SUPPLY, got))]
    assert moved(engine) == expected
    assert bank.health.tolist() == [190_000 * 0.8 / 90_000]
    engine.validate()


def test_rounds_are_bounded_and_leverage_too(kit):
    engine, _, bank = bank_of(kit)
    bank.loop("COIN", "USD", leverage=[1.9, 50], amount=100, rounds=2)
    assert [lots for kind, lots in moved(engine) if kind == SUPPLY] == [50, 25, 50, 25]
    engine, _, bank = bank_of(kit)
    # beyond 1 / (1 - ratio) = 2 nobody gets; the last coin cannot be paid
    bank.loop("COIN", "USD", leverage=50, amount=100)
    assert bank["COIN"].row()["supplied"] == 199
    assert bank.borrowable(0, "USD") == 500


def test_swaps_move_the_venue(kit):
    pool = kit.pools.ConstantProduct(1000, 1_000_000, fee=0)
    engine, market, bank = bank_of(kit, venue="price", ltv="0.75", spot=pool)
    bank.loop("COIN", "USD", leverage=2, amount=[40, 40])
    # 80 coins bought of 1000: the price is 1,000,000 * 1000 / 920^2 = 1181.47
    assert market.mark in (1181, 1182)
    lent = [lots for kind, lots in moved(engine) if kind == BORROW]
    got = [lots for kind, lots in moved(engine) if kind == SUPPLY]
    assert sum(got) == 80
    # x * y stays, every cost rounded up to an atom
    assert 0 <= sum(lent) - (10**9 / 920 - 10**6) <= len(lent)
    # the second account pays more for the same
    half = got.index(next(lots for k, lots in enumerate(got) if sum(got[: k + 1]) == 40)) + 1
    assert sum(lent[half:]) > sum(lent[:half])
    engine.validate()


def test_refusals(kit):
    engine, market, bank = bank_of(kit, venue="price")
    bank.add_reserve("OTHER", price="COIN", liquidation_threshold="0.5")
    if kit.name == "core":
        for match, terms in (
            ("COIN.*is the collateral", {"collateral": "COIN", "debt": "COIN"}),
            ("same market", {"debt": "OTHER"}),
            ("rounds 65", {"rounds": 65}),
            ("row 1: leverage 0.5", {"leverage": [2, 0.5]}),
            ("row 0: amount 0 of 'COIN' is below 1", {"amount": 0}),
            (
                "leverage has 3 numbers, and must have 1 or as many as amount, 2",
                {"amount": [1, 2], "leverage": [2, 2, 2]},
            ),
        ):
            given = {"collateral": "COIN", "debt": "USD", "leverage": 2, "amount": 1, **terms}
            names = given.pop("collateral"), given.pop("debt")
            with pytest.raises(ValueError, match=match):
                bank.loop(*names, **given)
        with pytest.raises(KeyError, match="nothing"):
            bank.loop("COIN", "nothing", leverage=2, amount=1)
        assert len(engine.accounts) == 0 and market.mark == 1000


def test_supply_cap_stops_a_loop_where_it_is(kit):
    engine, _, bank = bank_of(kit, supply_cap=160)
    with pytest.raises(ValueError, match="cap"):
        bank.loop("COIN", "USD", leverage="1.9", amount=100)
    assert bank["COIN"].row()["supplied"] == 150
    engine.validate() if kit.name == "core" else None


def test_borrowable_is_what_borrow_accepts(kit):
    _, _, bank = bank_of(kit, ltv="0.61")
    bank.open(collateral={"COIN": [7]}, debt={"USD": [123]})
    # floor(7000 * 0.61) - 123
    assert bank.borrowable(0, "USD") == 4147
    with pytest.raises(ValueError):
        bank.borrow(0, "USD", 4148)
    bank.borrow(0, "USD", 4147)
    assert bank.borrowable(0, "USD") == 0


# --- random loops ----------------------------------------------------------------------------------


def random_loops(kit, seed):
    draw = random.Random(seed)
    classes = lending_of(kit)
    engine = kit.engine(execution=draw.choice(["sequential", "batch"]))
    reserves = draw.randint(500, 3000)
    pool = kit.pools.ConstantProduct(reserves, reserves * 1000, fee=draw.choice([0, "0.003"]))
    venue = draw.choice([pool, kit.linear(1, draw.randint(1, 5))])
    coin = kit.market(engine, "COIN", rules={"feed": "last"}, venue=venue)
    if venue is not pool:
        coin.set_index(1000)
    stable = kit.pools.Stableswap(100_000, 10_000_000, 50, peg=100, fee=0)
    kit.market(engine, "USDX", rules={"feed": "last"}, venue=stable)
    bank = engine.lending.add("bank")
    interest = draw.choice([None, classes.KinkRate("0.01", "0.04", "0.6", "0.8")])
    bank.add_reserve("COIN", price="COIN", venue=draw.choice(["price", None]), interest=interest,
                     liquidation_threshold="0.8", loan_to_value=draw.choice(["0.5", "0.75"]))  # fmt: skip
    bank.add_reserve("USDX", price="USDX", venue=draw.choice(["price", None]), interest=interest,
                     borrow_factor=draw.choice([1, "0.9"]), liquidation_threshold="0.9")  # fmt: skip
    bank.add_reserve("USD", borrow_cap=draw.choice([None, 900_000]))
    bank["USD"].supply(2_000_000)
    bank["USDX"].supply(50_000)
    bank["COIN"].supply(draw.choice([30, 500]))
    said = []
    for _ in range(3):
        given, owed = draw.choice(
            [("COIN", "USD"), ("COIN", "USDX"), ("USDX", "USD"), ("USDX", "COIN")]
        )
        count = draw.randint(1, 4)
        most = 60 if given == "COIN" else 600
        terms = {
            "amount": [draw.randint(1, most) for _ in range(count)],
            "leverage": [draw.randint(100, 450) / 100 for _ in range(count)],
            "swap": draw.random() < 0.8,
            "rounds": draw.choice([1, 3, 64]),
        }
        try:
            said.append(list(bank.loop(given, owed, **terms)))
        except (ValueError, OverflowError) as error:
            said.append(type(error).__name__)
        sale = {"kind": 2, "side": draw.choice([BUY, SELL]), "size": draw.randint(1, 40)}
        result = engine.step(orders=[("COIN", kit.messages([sale]))], dt=draw.choice([0, 86_400]))
        said.append((result.liquidated, result.pending))
    said.append([str(health) for health in bank.health])
    said.append([sorted(bank[name].row().items()) for name in ("COIN", "USDX", "USD")])
    if kit.name == "core":
        engine.validate()
    return rows(engine), said


@pytest.mark.parametrize("seed", range(30))
def test_random_loops_alike(seed):
    core = core_kit()
    if core is None:
        pytest.skip("cascade.Engine cannot be imported: the compiled engine is not built")
    slow, fast = random_loops(TWIN, seed), random_loops(core, seed)
    assert slow[1] == fast[1]
    assert slow[0] == fast[0]


# --- a stablecoin that loses its peg ---------------------------------------------------------------


def stable_bank(kit):
    """USDX from a stableswap at 100 ticks a coin; an account of each kind."""
    engine = kit.engine()
    pool = kit.pools.Stableswap(100_000, 10_000_000, 50, peg=100, fee=0)
    market = kit.market(engine, "USDX", rules={"feed": "last"}, venue=pool)
    gold = kit.market(engine, "GOLD", rules={"feed": "index"})
    gold.set_index(100)
    bank = engine.lending.add("bank")
    bonus = {"liquidation_bonus": "0.05"}
    bank.add_reserve("USDX", price="USDX", liquidation_threshold="0.95", **bonus)
    bank.add_reserve("GOLD", price="GOLD", venue=None, liquidation_threshold="0.8", **bonus)
    bank.add_reserve("USD")
    bank["USD"].supply(1_000_000)
    bank["USDX"].supply(50_000)
    return engine, market, bank


def test_collateral_that_loses_its_peg_is_liquidated(kit):
    engine, market, bank = stable_bank(kit)
    assert market.mark == 100
    # due below 9300 / (100 * 0.95) = 97.9 ticks
    bank.open(collateral={"USDX": [100]}, debt={"USD": [9300]})
    sale = kit.messages([{"kind": 2, "side": SELL, "size": 60_000}])
    result = engine.step(orders=[("USDX", sale)])
    assert market.mark < 98
    assert result.liquidated >= 1
    found = rows(engine, "liquidation")
    assert {row["market"] for row in found} == {bank["USDX"].supplied_side.number}
    engine.validate()


def test_debt_that_loses_its_peg_relieves(kit):
    engine, market, bank = stable_bank(kit)
    # 100 of gold bear 8000; 79 coins are 7900 at the peg
    bank.open(collateral={"GOLD": [100]}, debt={"USDX": [79]})
    before = bank.health[0]
    sale = kit.messages([{"kind": 2, "side": SELL, "size": 60_000}])
    assert engine.step(orders=[("USDX", sale)]).liquidated == 0
    assert bank.health[0] == 8000 / (79 * market.mark) > before
    # back above the peg they are due: 79 * 102 is more than 8000
    purchase = kit.messages([{"kind": 2, "side": BUY, "size": 135_000}])
    result = engine.step(orders=[("USDX", purchase)])
    assert market.mark > 101
    assert result.liquidated >= 1


def test_booked_loops_know_no_ratio():
    engine = cs.Engine(asset_decimals=0)
    market = engine.add_market("COIN", tick_size=1, lot_size=1)
    bank = engine.lending.add("bank")
    bank.add_reserve("COIN", price="COIN", venue=None, liquidation_threshold="0.8")
    bank.add_reserve("USD")
    bank["USD"].supply(1_000_000)
    with pytest.raises(ValueError, match="no price yet"):
        bank.loop("COIN", "USD", leverage=2, amount=1, swap=False)
    market.set_index(1000)
    bank.loop("COIN", "USD", leverage=10, amount=10, swap=False)
    assert bank.health.tolist() == [80_000 / 90_000]

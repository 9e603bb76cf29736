"""Funding by the clock: when it falls due, its rate, who pays and who gets the remainder."""

import pytest
from engine_kit import pick, rows


def perpetual(kit, *, bid=99, ask=101, index=100, sizes=((10, "long"), (10, "short")), **rules):
    engine = kit.engine()
    stated = {"feed": "index", "funding_interval": 8, **rules}
    market = kit.market(engine, rules=stated)
    market.book.load_depth([(bid, 50)], [(ask, 50)])
    if index:
        market.set_index(index)
    for size, side in sizes:
        engine.accounts.open(market, side=side, size=[size], entry=100, leverage=2, mode="cross")
    return engine, market


def settlements(engine):
    return pick(rows(engine, "funding"), "time", "price", "money", "quantity", "code")


def test_settlements_fall_due_at_multiples_of_the_interval(kit):
    engine, _ = perpetual(kit, interest="0.01")
    engine.step(dt=7)
    assert settlements(engine) == []
    engine.step(dt=1)
    assert settlements(engine) == [(8 * 10**9, 100, 10, 2, 10**7)]
    engine.step(dt=20)
    # at 16 and 24 in one step, before its index counts
    assert [row[0] for row in settlements(engine)] == [8 * 10**9, 16 * 10**9, 24 * 10**9]
    assert list(engine.accounts.balance) == [500 - 30, 500 + 30]
    assert rows(engine)[-1]["kind"] == 13
    engine.validate()


def test_the_marks_of_before_the_step_count(kit):
    engine, market = perpetual(kit, interest="0.01")
    engine.step(index={"X": 200}, dt=8)
    assert settlements(engine)[0][1:3] == (100, 10)
    assert market.mark == 200


def test_rate_is_the_mean_over_time_of_the_premium(kit):
    engine, market = perpetual(kit)
    # mid 103 for 6 s, 99 for 2 s: (6 * 3 - 2 * 1) / 8 = 2 % of the index
    market.book.load_depth([(102, 50)], [(104, 50)], replace=True)
    engine.step(dt=6)
    market.book.load_depth([(98, 50)], [(100, 50)], replace=True)
    engine.step(dt=2)
    assert settlements(engine)[0][4] == 2 * 10**7
    # the next interval knows its own premium alone
    engine.step(dt=8)
    assert settlements(engine)[1][4] == -(10**7)


def test_a_premium_is_split_at_the_settlement(kit):
    engine, market = perpetual(kit)
    market.book.load_depth([(102, 50)], [(104, 50)], replace=True)
    engine.step(dt=12)
    market.book.load_depth([(98, 50)], [(100, 50)], replace=True)
    engine.step(dt=4)
    # 3 % for 8 s; then 3 % for 4 s and -1 % for 4 s
    assert [row[4] for row in settlements(engine)] == [3 * 10**7, 10**7]


def test_time_without_a_premium_does_not_count(kit):
    engine, market = perpetual(kit)
    market.book.load_depth([(102, 50)], [], replace=True)
    engine.step(dt=6)
    market.book.load_depth([(102, 50)], [(104, 50)], replace=True)
    engine.step(dt=2)
    market.book.load_depth([(102, 50)], [], replace=True)
    engine.step(dt=8)
    assert [row[4] for row in settlements(engine)] == [3 * 10**7, 0]


def test_a_stale_index_gives_no_premium(kit):
    engine, market = perpetual(kit, stale_after=3)
    market.book.load_depth([(102, 50)], [(104, 50)], replace=True)
    engine.step(dt=2)
    engine.step(dt=2)
    market.book.load_depth([(109, 50)], [(111, 50)], replace=True)
    # older than 3 s by now
    engine.step(dt=4)
    assert settlements(engine)[0][4] == 3 * 10**7


def test_clamp_and_cap(kit):
    # premium 3 %, interest 1 %, clamp 0.5 %: 3 % - 0.5 %
    for rules, parts in (
        ({"interest": "0.01"}, 4 * 10**7),
        ({"interest": "0.01", "funding_clamp": "0.005"}, 25 * 10**6),
        ({"interest": "0.01", "funding_clamp": "0.05"}, 10**7),
        ({"funding_cap": "0.002"}, 2 * 10**6),
        ({"interest": "-0.1", "funding_cap": "0.002"}, -2 * 10**6),
    ):
        engine, market = perpetual(kit, **rules)
        market.book.load_depth([(102, 50)], [(104, 50)], replace=True)
        engine.step(dt=8)
        assert settlements(engine)[0][4] == parts


def test_premium_rounds_toward_zero(kit):
    for bid, ask, parts in ((100, 102, 333_333_333), (98, 100, -333_333_333)):
        engine, market = perpetual(kit, bid=bid, ask=ask, index=3, sizes=())
        market.set_index(3)
        middle = (bid + ask) // 2
        expected = (middle - 3) * 10**9 / 3
        assert expected > 10**9
        engine.step(dt=8)
        # held at the whole index
        assert settlements(engine)[0][4] == 10**9
        engine, market = perpetual(kit, bid=bid, ask=ask, index=300, sizes=())
        market.book.load_depth([(bid + 200, 1)], [(ask + 200, 1)], replace=True)
        engine.step(dt=8)
        # 1 or -1 of 300
        assert settlements(engine)[0][4] == parts // 100 + (parts < 0)


def test_the_fund_gets_the_remainder(kit):
    # 3, 3 long and 6 short at 101 and a third of a thousandth: 0.101 a long, 0.202 a short
    engine, _ = perpetual(
        kit, bid=100, ask=102, index=101, sizes=((3, "long"), (3, "long"), (6, "short")),
        interest="0.000333333",
    )  # fmt: skip
    before = list(engine.accounts.balance)
    engine.step(dt=8)
    paid = [int(b - a) for a, b in zip(engine.accounts.balance, before, strict=True)]
    assert paid == [1, 1, 0]
    assert engine.insurance_fund() == 2
    assert settlements(engine)[0][2] == 2
    engine.validate()


def test_a_fixed_rate_replaces_the_formula_until_it_is_lifted(kit):
    engine, market = perpetual(kit, interest="0.01")
    engine.set_funding(market, "-0.02")
    engine.step(dt=8)
    engine.set_funding(market, None)
    engine.step(dt=8)
    assert [row[4] for row in settlements(engine)] == [-2 * 10**7, 10**7]
    assert list(engine.accounts.balance) == [500 + 20 - 10, 500 - 20 + 10]
    with pytest.raises(ValueError, match=r"outside -1 \.\.\. 1"):
        engine.set_funding(market, 2)


def test_positions_may_be_valued_at_the_index(kit):
    rules = {"feed": "mid", "interest": "0.01"}
    engine, market = perpetual(kit, bid=119, ask=121, funding_value="index", **rules)
    engine.set_funding(market, "0.01")
    engine.step(dt=8)
    assert settlements(engine)[0][1:3] == (100, 10)
    engine, market = perpetual(kit, bid=119, ask=121, **rules)
    engine.set_funding(market, "0.01")
    engine.step(dt=8)
    assert settlements(engine)[0][1:3] == (120, 12)


def test_no_mark_no_settlement(kit):
    engine = kit.engine()
    kit.market(engine, rules={"funding_interval": 1, "interest": "0.01"})
    engine.step(dt=5)
    assert rows(engine) == []


def test_markets_settle_by_time_and_then_by_market(kit):
    engine = kit.engine()
    for name, interval in (("A", 4), ("B", 2)):
        kit.market(engine, name, rules={"funding_interval": interval, "feed": "index"}).set_index(9)
    engine.step(dt=4)
    found = pick(rows(engine, "funding"), "time", "market")
    assert found == [(2 * 10**9, 1), (4 * 10**9, 0), (4 * 10**9, 1)]


def test_funding_makes_an_account_due_in_its_step(kit):
    engine, _ = perpetual(kit, interest="0.49", tiers=[(0, "0.02")])
    result = engine.step(dt=8)
    # the long paid 490 of its 500: 10 against maintenance 20
    assert result.liquidated == 1
    (closed,) = rows(engine, "liquidation")
    assert (closed["account"], closed["time"], closed["money"]) == (0, 8 * 10**9, 10)
    engine.validate()


def test_an_inverse_contract_pays_in_coins(kit):
    engine = kit.engine()
    market = kit.market(
        engine, rules={"feed": "index", "funding_interval": 8, "interest": "0.01"},
        contract="inverse", multiplier=10_000,
    )  # fmt: skip
    market.set_index(100)
    for side in ("long", "short"):
        engine.accounts.open(market, side=side, size=[10], entry=100, leverage=2, mode="cross")
    engine.step(dt=8)
    # 10 * 10000 / 100 = 1000 atoms
    assert list(engine.accounts.balance) == [500 - 10, 500 + 10]
    engine.validate()

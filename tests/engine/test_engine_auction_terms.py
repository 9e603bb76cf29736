"""Auctions whose terms a collateral has of its own, and least debts: docs/collateral-auctions.md, by hand."""

import pytest
from engine_kit import core_kit, rows

import cascade as cs

needs_core = pytest.mark.skipif(core_kit() is None, reason="the compiled engine is not built")
OWN = {
    "BTC": {
        "penalty": "0.1", "buf": "1.2", "price": ("exponential", "0.9"), "tip": 3, "chip": "0.01", "dust": 500,
    },
}  # fmt: skip


def house(kit, **terms):
    """10 ETH at 100 against 800 and 10 BTC at 1000 against 8000, where both bear just that."""
    engine = kit.engine()
    auction = kit.lending.CollateralAuction(
        **{"penalty": 0, "buf": 1, "price": ("linear", 1000), "tail": 400, **terms}
    )
    rules = {"close_factor": ("auction", auction), "bad_debt": "deficit"}
    lending = engine.lending.add("house", rules=kit.lending.LendingRules(**rules))
    for name, price in (("ETH", 100), ("BTC", 1000)):
        kit.market(engine, name, rules={"feed": "index"}).set_index(price)
        lending.add_reserve(
            name, price=name, venue=None, liquidation_threshold="0.8", borrowable=False
        )
    lending.add_reserve("USD", collateral=False)
    lending["USD"].supply(10**6)
    lending.open(collateral={"ETH": [10, 0], "BTC": [0, 10]}, debt={"USD": [800, 8000]})
    return engine, lending


def found(engine, kind, *fields):
    return [tuple(int(row[name]) for name in fields) for row in rows(engine, kind)]


def test_each_collateral_has_its_own_terms(kit):
    engine, _ = house(kit, collateral_terms=OWN)
    engine.step(index={"ETH": 90, "BTC": 900})
    # tabs of 800 and 8,000 with a tenth more; 3 and a hundredth of 8,800 for who starts the second
    kicks = sorted(found(engine, "kick", "account", "money"))
    assert kicks == [(0, 800), (1, 8800)]
    assert found(engine, "incentive", "account", "quantity") == [(1, 91)]
    # at 90 of 90 ETH is taken at once, in parts because 8 lots are worth less than all of the tab
    assert set(found(engine, "take", "account", "price")) == {(0, 90)}
    engine.step(dt=2)
    # 1,080 after two seconds at nine tenths each is 874.8
    assert found(engine, "take", "account", "price")[-1] == (1, 874)
    engine.validate()


def test_a_limit_among_the_terms_is_that_of_the_collaterals_tabs(kit):
    own = {"hole": 2200, "penalty": "0.1", "buf": "1.2"}
    engine, _ = house(kit, collateral_terms={"BTC": own}, hole=2500)
    engine.step(index={"BTC": 900})
    # 2,200 over 1.1 of debt
    assert found(engine, "kick", "account", "money") == [(1, 2200)]
    engine.validate()


def test_a_debt_is_none_or_as_large_as_dust(kit):
    engine, lending = house(kit, collateral_terms=OWN)
    before = engine.state_hash()
    with pytest.raises(ValueError, match="dust"):
        lending.repay(1, "USD", 7501)
    assert engine.state_hash() == before
    lending.repay(1, "USD", 7500)
    lending.repay(1, "USD", 500)
    with pytest.raises(ValueError, match="dust"):
        lending.borrow(1, "USD", 499)
    lending.borrow(1, "USD", 500)
    # of ETH there is no least debt
    lending.repay(0, "USD", 799)
    engine.validate()


def test_the_least_debt_is_that_of_the_collateral_that_asks_for_most(kit):
    _, lending = house(kit, dust=100, collateral_terms={"BTC": {"dust": 500}})
    with pytest.raises(ValueError, match="dust"):
        lending.repay(0, "USD", 701)
    lending.deposit(0, "BTC", 1)
    with pytest.raises(ValueError, match="dust"):
        lending.repay(0, "USD", 301)
    lending.repay(0, "USD", 300)


@pytest.mark.parametrize(
    "terms",
    [
        {"collateral_terms": {"BTC": {"stage": 1}}}, {"collateral_terms": {"BTC": {"buf": 0}}},
        {"collateral_terms": {"BTC": {"hole": 1}}, "collateral_holes": {"BTC": 2}},
        {"collateral_terms": {"BTC": {"collateral_holes": ()}}},
    ],
)  # fmt: skip
def test_terms_out_of_range_are_refused(terms):
    with pytest.raises(ValueError, match=r"collateral_terms|buf"):
        cs.CollateralAuction(**terms)


@needs_core
def test_a_stored_engine_has_the_terms(tmp_path):
    engine, lending = house(core_kit(), collateral_terms=OWN, collateral_holes={"ETH": 5000})
    engine.step(index={"ETH": 99, "BTC": 900})
    engine.save(tmp_path / "engine.npz")
    other = cs.Engine.load(tmp_path / "engine.npz")
    assert next(iter(other.lending)).rules == lending.rules or (
        next(iter(other.lending)).rules.auction.of("BTC").numbers(1)
        == lending.rules.auction.of("BTC").numbers(1)
    )
    for each in (engine, other):
        each.step(dt=3)
    assert engine.state_hash() == other.state_hash()


def test_presets_have_makers_numbers():
    # makerdao/spells-mainnet, DssSpell.t.sol of 28 May 2021
    for name, hole, dust in (("ETH-B", 8, 15_000), ("ETH-C", 5, 5_000), ("WBTC-A", 15, 5_000)):
        rule = cs.rules.maker_liq2(name).auction
        assert (rule.hole, float(rule.dust), float(rule.tip), float(rule.penalty)) == (
            hole * 10**6, dust, 300, 0.13,
        )  # fmt: skip
        assert (rule.price, rule.tail, float(rule.cusp)) == (("stairstep", "0.99", 90), 8400, 0.4)
    both = cs.rules.maker_liq2({"ETH": "ETH-B", "WBTC": "WBTC-A"}, dust=7).auction
    assert (both.hole, both.of("ETH").hole, both.of("WBTC").hole) == (10**8, 8 * 10**6, 15 * 10**6)
    assert (both.of("DAI").dust, both.of("ETH").dust) == (7, "15000")
    with pytest.raises(ValueError, match="ETH-Z"):
        cs.rules.maker_liq2("ETH-Z")


def test_a_protocol_that_auctions_has_auctions_in_an_engine():
    rules = cs.LendingRules.from_protocol(cs.rules.aave_v3("3.3", close="auction"))
    assert rules.auction == cs.CollateralAuction()
    assert (rules.bonus, rules.fee, rules.min_leftover, rules.bad_debt) == (
        "fixed",
        0,
        0,
        "deficit",
    )
    own = cs.CollateralAuction(dust=3)
    protocol = cs.rules.euler_v1(close="auction", bad_debt="auction_shortfall")
    rules = cs.LendingRules.from_protocol(protocol, close_factor=("auction", own), fee_on="bonus")
    assert rules.auction is own
    with pytest.raises(ValueError, match="stays"):
        cs.LendingRules.from_protocol(cs.rules.aave_v2(close="auction"))

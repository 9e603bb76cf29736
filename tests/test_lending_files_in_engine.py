"""Parameter files in engines: what a file says of storefronts, fees, switches and ceilings holds there."""

import gzip
import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

import cascade as cs
from cascade import lending

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
COMETS = tuple(DATA / f"comet_mainnet_{name}.json" for name in ("usdc", "wbtc", "weth"))
AAVE = DATA / "aave_v3_ethereum_20231031_after.json.gz"
PARTS = 10**9


def needs(path):
    if not path.exists():
        pytest.skip(f"the data file {path.name} is not beside the repository")
    return path


def add_price(engine, name, price, tick="0.01", lot="0.0001"):
    rules = cs.Rules(tiers=((0, 0),), feed="index")
    market = engine.add_market(name, tick_size=tick, lot_size=lot, rules=rules)
    market.set_index(price)
    return market


# --- Comet -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", COMETS, ids=lambda path: path.stem)
def test_a_comet_file_brings_storefront_target_and_liquidation_factors(path):
    raw = json.loads(needs(path).read_text())
    loaded = lending.load_comet(path)
    engine = cs.Engine(asset_decimals=6)
    prices = {loaded.base: None}
    prices |= {name: add_price(engine, name, 100) for name in loaded.assets}
    market = engine.lending.add("comet", rules=cs.rules.compound_v3())
    made = market.add_reserves(loaded, prices, venue=None)
    number, _, decimals = raw["targetReserves"].partition("e")
    units = Fraction(number.replace("_", "")) * 10 ** int(decimals) / loaded.base_unit
    factor = Fraction(str(raw["storeFrontPriceFactor"]))
    assert market.rules.close_factor == ("absorb", factor, units)
    for name, given in raw["assets"].items():
        stated = Fraction(str(given["liquidationFactor"]))
        assert Fraction(made[name].given["liquidation_factor"], PARTS) == stated


def test_what_a_caller_states_of_the_storefront_stays():
    loaded = lending.load_comet(needs(COMETS[0]))
    close = ("absorb", "0.6", 7)
    rules = cs.LendingRules.from_protocol(cs.rules.compound_v3(), close_factor=close)
    engine = cs.Engine(asset_decimals=6)
    market = engine.lending.add("comet", rules=rules)
    market.add_reserves(loaded, {"USDC": None}, others="leave out")
    assert market.rules.close_factor == close


def test_an_account_of_the_usdc_file_is_absorbed_at_its_liquidation_factor(tmp_path):
    loaded = lending.load_comet(needs(COMETS[0]))
    engine = cs.Engine(asset_decimals=6)
    prices = {"USDC": None, "WETH": add_price(engine, "WETH", 2000)}
    market = engine.lending.add("comet", rules=cs.rules.compound_v3())
    market.add_reserves(loaded, prices, others="leave out", venue=None)
    market["USDC"].supply(10_000_000)
    market.open(collateral={"WETH": [10]}, debt={"USDC": [15_000]})
    engine.step(index={"WETH": 1650}, dt=0)
    # 10 * 1,650 * 0.95 = 15,675: 675 for the account. Ten at 1,650 * (1 - 0.5 * 0.05) = 1,608.75 are 16,087.5
    assert market["USDC"].supplied == 10_000_675
    assert market["USDC"].treasury == 16_087.5 - 15_675
    assert market["WETH"].absorbed == 0
    engine.validate()
    engine.save(tmp_path / "engine.npz")
    other = cs.Engine.load(tmp_path / "engine.npz")
    assert other.lending["comet"].rules == market.rules
    assert other.state_hash() == engine.state_hash()


# --- Aave ------------------------------------------------------------------------------------------


def aave(variant="3.3", names=("WETH", "LINK"), **changes):
    """The file's market with WETH and LINK at 2,000 and 10 dollars against USDC; `changes` by symbol."""
    loaded = lending.load_aave_v3(needs(AAVE))
    reserves = dict(loaded.reserves)
    for name, fields in changes.items():
        reserves[name] = replace(reserves[name], **fields)
    engine = cs.Engine(asset_decimals=8)
    prices = {
        name: add_price(engine, name, 2000 if name == "WETH" else 10, lot="0.001") for name in names
    }
    market = engine.lending.add("aave", rules=cs.rules.aave_v3(variant))
    market.add_reserves(
        replace(loaded, reserves=reserves), prices | {"USDC": None}, others="leave out", venue=None
    )
    market["USDC"].supply(1_000_000)
    return engine, market


@pytest.mark.parametrize("variant", ["3.0", "3.3", "3.7"])
def test_every_collateral_has_the_fee_of_the_file(variant):
    needs(AAVE)
    with gzip.open(AAVE, "rt") as file:
        raw = {row["symbol"]: row for row in json.load(file)["reserves"].values()}
    _, market = aave(variant)
    fees = {name: raw[name]["liquidationProtocolFee"] for name in market.reserves}
    assert set(fees.values()) & {1000, 2000}
    for name, reserve in market.reserves.items():
        assert reserve.given["fee"] == fees[name] * 10**5


def test_the_fee_of_the_file_is_paid():
    engine, market = aave("3.0", LINK={"liquidation_threshold": 5000, "bonus": 11000, "ltv": 0})
    market.open(collateral={"LINK": [1000]}, debt={"USDC": [4000]})
    engine.step(index={"LINK": 7}, dt=0)
    # 4,000 * 1.1 / 7 = 628.571 at a health of 0.875, of which 628.571 / 1.1 = 571.428..., up, are no bonus:
    # a tenth of 57.142
    fee = market["LINK"].given["fee"] / PARTS
    assert fee in (0.1, 0.2)
    assert market["LINK"].treasury == pytest.approx(57.142 * fee, abs=0.001)
    assert market["LINK"].supplied == pytest.approx(1000 - 628.571, abs=0.001)


def test_a_frozen_reserve_is_frozen_and_no_more():
    engine, market = aave(WETH={"is_frozen": True})
    weth = market["WETH"]
    assert (weth.frozen, weth.paused) == (True, False)
    for call in (lambda: weth.supply(5), lambda: market.open(collateral={"WETH": [1]})):
        with pytest.raises(ValueError, match="frozen"):
            call()
    weth.freeze(False)
    weth.supply(10)
    account = int(market.open(collateral={"WETH": [10]}, debt={"USDC": [15_000]})[0])
    market.borrow(account, "WETH", 0.001)
    weth.freeze()
    with pytest.raises(ValueError, match="frozen"):
        market.borrow(account, "WETH", 0.001)
    # what lowers claims goes on
    market.repay(account, "WETH", 0.001)
    market.withdraw(account, "WETH", 0.001)
    weth.redeem(1)
    assert engine.step(index={"WETH": 1600}, dt=0).liquidated > 0


@pytest.mark.parametrize("switch", [{"is_active": False}, {"is_paused": True}])
def test_an_inactive_reserve_is_as_closed_as_a_paused_one(switch):
    engine, market = aave(LINK=switch)
    assert market["LINK"].paused
    with pytest.raises(ValueError, match="paused"):
        market["LINK"].supply(5)
    market["LINK"].pause(False)
    market.open(collateral={"LINK": [1000]}, debt={"USDC": [6000]})
    market["LINK"].pause()
    # 1,000 at 7 bear less than 6,000, and nobody may take them
    result = engine.step(index={"LINK": 7}, dt=0)
    assert (result.liquidated, result.pending) == (0, 1)


@pytest.mark.parametrize(("variant", "isolates"), [("3.0", True), ("3.3", True), ("3.7", False)])
def test_debt_ceilings_isolate_before_3_7_only(variant, isolates):
    _, market = aave(variant, LINK={"debt_ceiling": 500_000_00})
    assert market["LINK"].given["debt_ceiling"] == (500_000_00 if isolates else -1)
    both = {"LINK": [1000], "WETH": [1]}
    if isolates:
        with pytest.raises(ValueError, match="isolated"):
            market.open(collateral=both, debt={"USDC": [100]})
    else:
        market.open(collateral=both, debt={"USDC": [100]})
        with pytest.raises(ValueError, match="debt_ceiling"):
            market.add_reserve("MORE", price="LINK", debt_ceiling=100)


# --- presets ---------------------------------------------------------------------------------------


def test_caps_follow_the_preset():
    for name in cs.rules.LENDING:
        rules = cs.LendingRules.from_protocol(cs.rules.LENDING[name]())
        bound = "below" if name == "compound_v2" else "at_or_below"
        assert (rules.supply_bound, rules.borrow_bound) == (bound, bound)
        assert rules.treasury_capped == (name in ("aave_v3", "spark"))
        assert rules.uncounted == ("spared" if name[:4] in ("aave", "spar") else "seized")


def test_compound_refuses_the_cap_itself():
    engine = cs.Engine(asset_decimals=6)
    eth = add_price(engine, "ETH", 2000, lot=0.001)
    market = engine.lending.add("compound", rules=cs.rules.compound_v2())
    market.add_reserve("ETH", price=eth, venue=None, liquidation_threshold="0.8", supply_cap=100)
    market.add_reserve("USD", price=None, borrow_cap=1000)
    market["USD"].supply(100_000)
    market.open(collateral={"ETH": [10]}, debt={"USD": [1]})
    with pytest.raises(
        ValueError, match=r"999 .* outside 1e-06 ... 998.999999, .* borrow_cap of 1000 "
    ):
        market.borrow(0, "USD", 999)
    market.borrow(0, "USD", 998.999999)
    with pytest.raises(ValueError, match=r"90 .* outside 0.001 ... 89.999, .* supply_cap of 100 "):
        market["ETH"].supply(90)
    market["ETH"].supply(89.999)

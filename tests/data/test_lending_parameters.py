"""Lending parameters of 31 October 2023 and Comet's configurations; a health factor's sample of Aave v2."""

import csv
import gzip
import json
from fractions import Fraction
from statistics import median

import pytest

import cascade as cs
from cascade import lending
from cascade.data import DataFormatError
from cascade.lending import Account, ReserveTerms

WAD, RAY, USD = 10**18, 10**27, 10**8


@pytest.mark.parametrize("when", ["before", "after"])
def test_aave_v3_ethereum(shared_data, when):
    market = lending.load_aave_v3(shared_data(f"aave_v3_ethereum_20231031_{when}.json.gz"))
    assert market.chain == 1
    assert len(market.reserves) == len(market.strategies) == 25
    weth, usdc = market.reserves["WETH"], market.reserves["USDC"]
    assert (weth.ltv, weth.liquidation_threshold, weth.bonus) == (8050, 8300, 10500)
    assert (usdc.unit, usdc.protocol_fee, usdc.price) == (10**6, 2000, 99997427)
    assert market.reserves["1INCH"].debt_ceiling == 450_000_000
    assert market.e_modes[1].liquidation_threshold == 9300
    for reserve in market.reserves.values():
        # the configurator's bound on legal parameters, and what section 5 makes of it
        product = reserve.liquidation_threshold * reserve.bonus
        assert product <= 10**8
        assert reserve.ltv <= reserve.liquidation_threshold
    strategy = market.strategies["DAI"]
    full = lending.kink_rates(strategy, 0, WAD, 1000)
    assert full.borrow_rate == strategy.base + strategy.slope1 + strategy.slope2


def test_the_vote_changed_the_rate_strategy_of_one_reserve(shared_data):
    before, after = (
        lending.load_aave_v3(shared_data(f"aave_v3_ethereum_20231031_{when}.json.gz"))
        for when in ("before", "after")
    )
    assert before.reserves == after.reserves
    changed = [name for name, terms in before.strategies.items() if after.strategies[name] != terms]
    assert changed == ["WETH"]


def test_loaded_reserves_go_into_the_rule(shared_data):
    market = lending.load_aave_v3(shared_data("aave_v3_ethereum_20231031_before.json.gz"))
    rule = cs.rules.aave_v3("3.0").liquidation
    # one WETH of 1816.85499606 dollars at 83 % backs 1507.98 dollars; USDC is at 0.99997427
    state = Account({"WETH": WAD}, {"USDC": 1_600 * 10**6})
    worth = lending.values(rule, market.reserves, state)
    assert worth.collateral == 181685499606
    assert worth.debt == 159995883200
    assert lending.health_factor(rule, market.reserves, state) == (
        (181685499606 * 8300 + 5000) // 10**4 * WAD + worth.debt // 2
    ) // worth.debt  # fmt: skip
    done = lending.liquidate(rule, market.reserves, state, debt="USDC", collateral="WETH")
    # at 0.9425 all of it: 1599.958832 dollars of WETH and 5 %, a tenth of which is the protocol's
    assert done.repaid == 1_600 * 10**6
    assert done.seized == pytest.approx(1.05 * 159995883200 / 181685499606 * WAD, rel=1e-12)
    assert done.fee == pytest.approx(done.seized / 1.05 * 0.05 * 0.1, rel=1e-12)
    # a wrapped staked coin against the coin: the category lifts the threshold to 93 %
    mode = market.e_modes[1]
    close = Account({"wstETH": WAD}, {"WETH": 105 * WAD // 100}, e_mode=mode)
    assert not lending.is_liquidatable(rule, market.reserves, close)
    plain = Account(close.collateral, close.debts)
    assert lending.is_liquidatable(rule, market.reserves, plain)


def aave_in_the_engine(shared_data):
    loaded = lending.load_aave_v3(shared_data("aave_v3_ethereum_20231031_before.json.gz"))
    engine = cs.Engine(asset_decimals=6)
    for name, price in (("WETH", 1800), ("wstETH", 2000), ("1INCH", "0.5"), ("DAI", 1)):
        market = engine.add_market(
            name, tick_size="0.0001", lot_size="0.01",
            rules=cs.Rules(tiers=((0, 0),), feed="index"),
        )  # fmt: skip
        market.set_index(Fraction(price))
    market = engine.lending.add("aave", rules=cs.rules.aave_v3("3.0"))
    prices = {name: name for name in ("WETH", "wstETH", "1INCH", "DAI")} | {"USDC": None}
    market.add_reserves(loaded, prices, others="leave out", venue=None)
    return market


def test_the_file_s_terms_of_accounts_go_into_the_engine(shared_data):
    """1INCH has a ceiling of 4,500,000.00; category 1 is of ETH: 93 %, 90 % and a bonus of 1 %."""
    market = aave_in_the_engine(shared_data)
    assert market.rules.sentinel == Fraction(95, 100)
    assert {n: r.given["debt_ceiling"] for n, r in market.reserves.items()} == {
        "1INCH": 450_000_000, "DAI": -1, "USDC": -1, "wstETH": -1, "WETH": -1,
    }  # fmt: skip
    lent = {n for n, r in market.reserves.items() if r.given["isolation_lends"]}
    assert lent == {"DAI", "USDC"}
    assert not any(r.given["siloed"] for r in market.reserves.values())
    (category,) = market.categories.values()
    assert category.name == "ETH correlated"
    assert set(category.sides) == set(category.borrowable) == {"wstETH", "WETH"}
    assert category.terms == {
        "threshold": 930_000_000, "loan_to_value": 900_000_000, "bonus": 10_000_000,
    }  # fmt: skip
    market["WETH"].supply(1000)
    market["USDC"].supply(10_000_000)
    # 2000 dollars at 81 %, or at 93 % in the category, against 1692 of ETH
    held, owed = {"wstETH": [1]}, {"WETH": [Fraction("0.94")]}
    market.open(collateral=held, debt=owed)
    market.open(collateral=held, debt=owed, category="ETH correlated")
    assert market.health.round(6).tolist() == [
        round(1620 / 1692, 6), round(1860 / 1692, 6),
    ]  # fmt: skip
    # against the isolated one nothing but stablecoins is lent, and 4.5 million of them
    account = int(market.open(collateral={"1INCH": [22_000_000]})[0])
    with pytest.raises(ValueError, match="isolated"):
        market.borrow(account, "WETH", 1)
    with pytest.raises(ValueError, match="debt_ceiling"):
        market.borrow(account, "USDC", Fraction("4500000.01"))
    market.borrow(account, "USDC", 4_500_000)
    assert market["1INCH"].isolated_debt == 4_500_000


@pytest.mark.parametrize(
    ("name", "unit", "assets", "target"),
    [
        ("usdc", 10**6, 5, 5_000_000 * 10**6),
        ("wbtc", 10**8, 2, 250 * 10**8),
        ("weth", WAD, 2, 5000 * WAD),
    ],
)
def test_comet_mainnet(shared_data, name, unit, assets, target):
    market = lending.load_comet(shared_data(f"comet_mainnet_{name}.json"))
    assert market.base_unit == unit
    assert len(market.assets) == assets
    assert market.target_reserves == target
    for asset in market.assets.values():
        assert asset.borrow_factor < asset.liquidate_factor < asset.liquidation_factor <= WAD


def test_a_comet_market_absorbs_and_sells(shared_data):
    market = lending.load_comet(shared_data("comet_mainnet_usdc.json"))
    assert market.borrow_curve == (15 * WAD // 1000, 35 * WAD // 1000, WAD // 4, WAD * 8 // 10)
    assets = market.priced({"WETH": 2000 * USD})
    # 2000 * 0.895 = 1790
    assert not lending.is_absorbable(assets, {"WETH": WAD}, 1790 * 10**6, USD, market.base_unit)
    done = lending.absorb(assets, {"WETH": WAD}, 1791 * 10**6, USD, market.base_unit)
    # credited 0.95 * 2000 = 1900: 109 go back to the account
    assert (done.supply, done.bad_debt) == (109 * 10**6, 0)
    # sold at 1 - 0.5 * 5 %: 1950 a coin, 50 above what it was credited
    bought = lending.buy_collateral(
        assets["WETH"], 1950 * 10**6, USD, market.base_unit, market.store_front_factor,
        reserves=done.reserves, target_reserves=market.target_reserves, holdings=WAD,
    )  # fmt: skip
    assert bought.collateral == WAD
    assert bought.reserves == 50 * 10**6


def test_health_factors_of_one_account_over_a_year(shared_data):
    """75 states with components: median error 3.5e-6, as the sample states it; sums, not cut means."""
    file = shared_data("aave_v2_health_factor_sample.csv.gz")
    with gzip.open(file, "rt", newline="") as text:
        rows = list(csv.DictReader(text))
    assert len(rows) == 75
    names = [
        name.removesuffix("_LiqThreshold") for name in rows[0] if name.endswith("_LiqThreshold")
    ]
    rule = cs.rules.aave_v2(health="sum").liquidation
    errors = []
    for row in rows:
        number = {name: Fraction(text or 0) for name, text in row.items() if _is_number(text)}
        reserves, held, owed = {}, {}, {}
        for name in names:
            reserves[name] = ReserveTerms(
                # sixteen decimals of the coin's price in ether
                price=int(number[f"{name}_eth"] * 10**26), unit=WAD,
                liquidation_threshold=int(number[f"{name}_LiqThreshold"] * 10**4),
            )  # fmt: skip
            held[name] = int(number[f"a{name}_balance"] * WAD)
            owed[name] = int((number[f"variabledebt{name}"] + number[f"stabledebt{name}"]) * WAD)
        found = lending.health_factor(rule, reserves, Account(held, owed))
        if row["HF"] == "inf":
            assert found is None
            continue
        errors.append(abs(found / WAD / float(row["HF"]) - 1))
    assert len(errors) > 70
    assert round(median(errors), 7) == 3.5e-6
    # three states in four agree to a part in a thousand; the rest hold coins whose threshold changed
    assert sorted(errors)[3 * len(errors) // 4] < 1e-3


def _is_number(text):
    try:
        Fraction(text or 0)
    except ValueError:
        return False
    return True


AAVE = {
    "chainId": 1,
    "eModes": {},
    "reserves": {
        "0x1": {
            "symbol": "A", "decimals": 18, "ltv": 7500, "liquidationThreshold": 8000,
            "liquidationBonus": 10500, "liquidationProtocolFee": 1000, "reserveFactor": 1000,
            "supplyCap": 1, "borrowCap": 1, "debtCeiling": 0, "eModeCategory": 0, "isActive": True,
            "isPaused": False, "isFrozen": False, "borrowingEnabled": True,
            "isBorrowableInIsolation": False, "isSiloed": False, "isFlashloanable": True,
            "oracleLatestAnswer": 100, "oracleDecimals": 10, "interestRateStrategy": "0x2",
        }
    },
    "strategies": {
        "0x2": {
            "optimalUsageRatio": 8 * 10**26, "baseVariableBorrowRate": 0,
            "variableRateSlope1": 4 * 10**25, "variableRateSlope2": 6 * 10**26,
        }
    },
}  # fmt: skip


def written(tmp_path, content):
    file = tmp_path / "market.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    return file


def test_a_small_file_of_reserves(tmp_path):
    market = lending.load_aave_v3(written(tmp_path, AAVE))
    # ten decimals become the market's eight
    assert market.reserves["A"].price == 1
    assert market.switches["A"].is_borrowable
    assert market.strategies["A"].slope2 == 6 * 10**26


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("ltv", "many", "ltv: 'many' is no number"),
        ("ltv", 10_001, "ltv: 10001 is outside 0 ... 10000"),
        ("ltv", -1, "ltv: -1 is outside"),
        ("ltv", 0.5, "ltv: 0.5 is not a multiple"),
        ("ltv", True, "ltv: True is no number"),
        ("isActive", 1, "isActive: 1 is neither true nor false"),
        ("symbol", 3, "symbol: 3 is no text"),
        ("interestRateStrategy", "0x3", "strategies.0x3: is missing"),
        ("decimals", None, "decimals: None is no number"),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path, field, value, said):
    reserve = {**AAVE["reserves"]["0x1"], field: value}
    file = written(tmp_path, {**AAVE, "reserves": {"0x1": reserve}})
    with pytest.raises(DataFormatError, match=said.replace(".", r"\.")):
        lending.load_aave_v3(file)


def test_files_of_another_kind_are_refused(tmp_path):
    for content in ("[]", "{}", "nothing", '{"reserves": 1}'):
        for load in (lending.load_aave_v3, lending.load_comet):
            with pytest.raises(DataFormatError):
                load(written(tmp_path, content))
    twice = {**AAVE["reserves"], "0x9": AAVE["reserves"]["0x1"]}
    with pytest.raises(DataFormatError, match="'A' is there twice"):
        lending.load_aave_v3(written(tmp_path, {**AAVE, "reserves": twice}))


COMET = {
    "name": "M", "baseToken": "USDC", "borrowMin": "1e6", "storeFrontPriceFactor": 0.5,
    "targetReserves": "5_000e6",
    "rates": {
        f"{side}{part}": 0.5 for side in ("supply", "borrow")
        for part in ("Base", "SlopeLow", "SlopeHigh", "Kink")
    },
    "assets": {
        "A": {"decimals": "18", "borrowCF": 0.8, "liquidateCF": 0.85, "liquidationFactor": 0.9,
              "supplyCap": "1e18"},
    },
}  # fmt: skip


def test_a_small_comet_file(tmp_path):
    market = lending.load_comet(written(tmp_path, COMET))
    assert market.target_reserves == 5_000 * 10**6
    assert market.assets["A"].liquidation_factor == 9 * 10**17
    with pytest.raises(lending.PriceError, match="A"):
        lending.absorb(market.assets, {"A": 1}, 1, USD, market.base_unit)
    for change, said in (
        ({"targetReserves": "5000"}, "targetReserves"), ({"storeFrontPriceFactor": 1.5}, "outside"),
        ({"rates": {}}, "rates.supplyBase: is missing"), ({"assets": 1}, "must be an object"),
    ):  # fmt: skip
        with pytest.raises(DataFormatError, match=said):
            lending.load_comet(written(tmp_path, {**COMET, **change}))


def outside_prices(engine, prices):
    """A market without trade for each price, 8 decimals, as an oracle reads it."""
    made = {}
    for name, price in prices.items():
        rules = cs.Rules(tiers=((0, 0),), feed="index")
        market = engine.add_market(
            f"{name}-USD", tick_size="0.0001", lot_size="0.0001", rules=rules
        )
        market.set_index(Fraction(price // 10**4, 10**4))
        made[name] = market
    return made


def test_aave_reserves_go_into_an_engine(shared_data):
    loaded = lending.load_aave_v3(shared_data("aave_v3_ethereum_20231031_before.json.gz"))
    engine = cs.Engine(asset_decimals=8)
    market = engine.lending.add("aave", rules=cs.rules.aave_v3("3.0"))
    prices = outside_prices(engine, {name: r.price for name, r in loaded.reserves.items()})
    made = market.add_reserves(loaded, prices, venue=None)
    assert list(made) == list(market.reserves) == list(loaded.reserves)
    weth, usdc = made["WETH"], made["USDC"]
    assert weth.given["threshold"] == 830_000_000
    assert weth.given["loan_to_value"] == 805_000_000
    assert weth.given["bonus"] == 50_000_000
    # 1.8 million coins of 10,000 lots
    assert weth.given["supply_cap"] == 18_000_000_000
    assert not made["CRV"].given["borrowable"]
    assert not made["GHO"].given["collateral"]
    # the health of one coin and 1,507 dollars, at the prices' fourth decimal
    usdc.supply(10_000)
    (account,) = market.open(collateral={"WETH": 1}, debt={"USDC": 1507}).tolist()
    here = market.health[account]
    there = Fraction("1816.8549") * Fraction("0.83") / (1507 * Fraction("0.9999"))
    assert here == pytest.approx(float(there), rel=1e-9)


def test_a_year_of_interest_is_the_strategys(shared_data):
    loaded = lending.load_aave_v3(shared_data("aave_v3_ethereum_20231031_after.json.gz"))
    engine = cs.Engine(asset_decimals=8)
    market = engine.lending.add("aave")
    prices = outside_prices(engine, {"WETH": 2000 * USD})
    market.add_reserves(loaded, {**prices, "USDC": None}, others="leave out", venue=None)
    market["USDC"].supply(100_000)
    market.open(collateral={"WETH": 1_000}, debt={"USDC": 95_000})
    # half way between the kink of 0.9 and all: the rate of one step, compounded over the year
    rates = lending.kink_rates(loaded.strategies["USDC"], 5_000, 95_000, 1000)
    year = 365 * 86_400
    engine.step(dt=year)
    growth = lending.compound_interest(rates.borrow_rate, year) / RAY
    # the protocol cuts the third term of the series to four digits
    assert market["USDC"].borrow_index == pytest.approx(growth, rel=1e-5)


def test_what_does_not_fit_a_file_is_refused(shared_data):
    loaded = lending.load_aave_v3(shared_data("aave_v3_ethereum_20231031_before.json.gz"))
    market = cs.Engine().lending.add("aave")
    with pytest.raises(KeyError, match="nothing for 1INCH, UNI"):
        market.add_reserves(loaded, {"USDC": None})
    with pytest.raises(KeyError, match="'ETH' is not in the file"):
        market.add_reserves(loaded, {"ETH": None}, others="leave out")
    with pytest.raises(ValueError, match="others"):
        market.add_reserves(loaded, {"USDC": None}, others="all")
    with pytest.raises(TypeError, match="AaveMarket"):
        market.add_reserves(loaded.reserves, {"USDC": None})
    assert market.reserves == {}


def test_comet_goes_into_an_engine(shared_data):
    loaded = lending.load_comet(shared_data("comet_mainnet_usdc.json"))
    engine = cs.Engine()
    market = engine.lending.add("comet")
    dollars = {"COMP": 46, "WBTC": 34_000, "WETH": 1_800, "UNI": 4, "LINK": 11}
    prices = {}
    for name, price in dollars.items():
        rules = cs.Rules(tiers=((0, 0),), feed="index")
        prices[name] = engine.add_market(name, tick_size="0.01", lot_size="0.0001", rules=rules)
        prices[name].set_index(price)
    made = market.add_reserves(loaded, {**prices, "USDC": None}, venue=None)
    assert set(made) == {"USDC", *dollars}
    # half of the penalty of 5 % off the price: 1 / 0.975 - 1
    assert made["WETH"].given["bonus"] == 25_641_025
    assert made["WETH"].given["threshold"] == 895_000_000
    assert not made["WETH"].given["borrowable"] and not made["USDC"].given["collateral"]
    # up to the kink 1.5 % and 3.5 % a year of what is lent out
    made["USDC"].supply(10_000)
    market.open(collateral={"WETH": 10}, debt={"USDC": 4_000})
    engine.step(dt=365 * 86_400)
    assert made["USDC"].borrow_index == pytest.approx(1 + 0.015 + 0.035 * 0.4, rel=1e-9)

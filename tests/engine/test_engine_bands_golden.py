"""Published loans of crvUSD through the engine; numbers from golden/lending.json, entry named in each.

The client's documents: 3,000 a unit, 100 bands wide, discounts of 5 % and 2 %.
"""

from fractions import Fraction

import pytest
from engine_kit import rows

TERMS = (100, "0.006", "0.05", "0.02")


def documents(kit, decimals=9, lot=Fraction(1, 1000)):
    engine = kit.engine(asset_decimals=decimals)
    market = kit.market(
        engine, "ETH", tick_size=Fraction(1, 100), lot_size=lot, rules={"feed": "index"}
    )
    market.set_index(3000)
    bands = engine.lending.add_bands(
        "crvusd", price="ETH", venue=None, rules=kit.lending.BandRules(*TERMS)
    )
    return engine, bands


def edge(bands, number):
    """Upper price of a band; a lot is a thousandth, an atom 10**-9."""
    if hasattr(bands, "grid"):
        return Fraction(bands.grid.edges[number], 1 << bands.grid.shift) / 10**6
    return Fraction(bands.band_price(number))


@pytest.mark.parametrize(
    ("collateral", "debt", "band", "upper", "lower", "health_percent"),
    [
        ("0.5", 1000, 32, "2174.941007873561634", "2068.347257607234777", "45.1912031476161562"),
        ("0.6", 1500, 10, "2713.146225026413746", "2580.175063923865968", "15.200984677843694"),
        ("0.8", 1500, 39, "2027.187147180850842", "1927.834806254156043", "55.2190795613534014"),
        ("0.7", 1500, 25, "2333.46407819744091", "2219.101120164841944", "35.1846612411492326"),
    ],
)
def test_a_loan_lies_where_the_source_has_it(
    kit, collateral, debt, band, upper, lower, health_percent
):
    # llamma-create, -borrow-more, -add-collateral, -remove-collateral
    _, bands = documents(kit)
    bands.open(collateral=Fraction(collateral), debt=debt, bands=5)
    columns = bands.columns()
    assert (columns["first"][0], columns["last"][0]) == (band, band + 4)
    # prices of 50 bits, each from its neighbour; atoms of 10**-9, a few for each of five bands
    assert float(edge(bands, band)) == pytest.approx(float(upper), rel=1e-12)
    assert float(edge(bands, band + 5)) == pytest.approx(float(lower), rel=1e-12)
    health = 100 * (Fraction(int(columns["backing"][0]), int(columns["debt"][0])) - 1)
    assert abs(health - Fraction(health_percent)) < Fraction(100 * 40, 10**9 * debt)


@pytest.mark.parametrize(
    ("bands", "most"),
    [(5, "2751.493405530582454486"), (6, "2737.828112577888632315"), (7, "2724.253615257658154585"),
     (10, "2684.068128277815937982"), (14, "2631.718004474831209682")],
)  # fmt: skip
def test_the_largest_debt_falls_with_the_number_of_bands(kit, bands, most):
    # llamma-max-table; band 0 is taken there, as it is here once the price is below its edge
    engine, market = documents(kit)
    engine.step(index={"ETH": Fraction(299_999, 100)}, dt=600)
    assert abs(Fraction(str(market.max_debt(1, bands))) - Fraction(most)) < Fraction(1, 10**8)


@pytest.mark.parametrize(("bands", "carried"), [(16, True), (17, False), (20, False)])
def test_more_bands_than_carry_a_debt_are_refused(kit, bands, carried):
    # llamma-band-null
    engine, market = documents(kit)
    engine.step(index={"ETH": Fraction(299_999, 100)}, dt=600)
    if carried:
        assert market.open(collateral=1, debt=2600, bands=bands).tolist() == [0]
    else:
        with pytest.raises(ValueError, match="debt"):
            market.open(collateral=1, debt=2600, bands=bands)


def test_so_much_collateral_can_be_taken_out(kit):
    # llamma-max-removable: 0.254841506439755199, in lots of a millionth
    engine, market = documents(kit, decimals=9, lot=Fraction(1, 10**6))
    market.open(collateral=Fraction(8, 10), debt=1500, bands=5)
    engine.step(index={"ETH": Fraction(299_999, 100)}, dt=600)
    with pytest.raises(ValueError, match=r"debt|carries"):
        market.remove_collateral(0, Fraction(254_900, 10**6))
    market.remove_collateral(0, Fraction(254_841, 10**6))
    assert market.columns()["first"].tolist() == [1]


def empty_venue(kit, decimals, lot, discounts, rate=0):
    """Bands of a market whose oracle is an index, and an empty book to trade in."""
    engine = kit.engine(asset_decimals=decimals)
    market = kit.market(
        engine, "ETH", tick_size=Fraction(1, 100), lot_size=lot, rules={"feed": "index"}
    )
    market.set_index(3000)
    bands = engine.lending.add_bands(
        "crvusd",
        price="ETH",
        rules=kit.lending.BandRules(100, "0.006", *discounts),
        rate=rate,
    )
    engine.step(index={"ETH": Fraction(299_999, 100)}, dt=600)
    return engine, market, bands


def test_who_liquidates_pays_what_the_bands_money_lacks_and_gets_their_collateral(kit):
    # llamma-tokens-to-liquidate: a debt of 3053.026929417 against 2751.493405531 and 0.139388023 in the bands
    engine, market, bands = empty_venue(
        kit, 10, Fraction(1, 10**8), ("0.05", "0.02"), rate=Fraction(1, 5)
    )
    engine.liquidators.add(kit.lending.Liquidator())
    most = Fraction("2751.4934055305")  # of 5 bands, as in llamma-max-table
    bands.open(collateral=1, debt=most, bands=5)
    # somebody bids for so much and no more: a liquidator buys just that from the bands, at the protocol's price
    bought = Fraction("0.86061198")
    market.book.load_depth([(3500, bought)], [])
    engine.step(index={"ETH": 2988}, dt=600)
    assert bands.totals()["sold"] == bought * 10**8
    held = int(bands.columns()["stable"][0])
    assert held == pytest.approx(27_514_934_055_306, rel=1e-4)
    # interest makes it due, nobody bids for more; then the owner repays down to what the source has
    pays = 3_015_335_238_865  # 301.533523886491869218 in atoms
    while (owed := int(bands.columns()["debt"][0])) <= held + pays:
        engine.step(dt=86_400 * 30)
    bands.repay(0, Fraction(owed - held - pays, 10**10))
    # below the bands' price and above what is asked: the rest is had by liquidation alone
    market.book.load_depth([(2500, Fraction("0.13938802"))], [])
    before = engine.liquidators.result(0)["profit"]
    assert engine.step(dt=0).liquidated == 1
    (seize,), (repay,) = rows(engine, "seize"), rows(engine, "repay")[1:]
    assert repay["quantity"] - seize["money"] == pays
    assert (bought * 10**8 + seize["quantity"]) / Fraction(10**8) == 1
    sold = Fraction("0.13938802") * 2500
    earned = engine.liquidators.result(0)["profit"] - before
    assert earned == pytest.approx(float(sold) - 301.533523886491869218, abs=1e-9)


def test_the_loss_of_soft_liquidation_is_what_the_bands_did_not_buy_back(kit):
    # llamma-user-loss: 883.035865972 of 929.933909709 are left
    deposited, current = Fraction("929.933910"), Fraction("883.035866")
    engine, market, bands = empty_venue(kit, 8, Fraction(1, 10**6), ("0.09", "0.02"))
    bands.open(collateral=deposited, debt=2_200_000, bands=20)
    # at once by a tenth: the bands sell far below the venue, and buy back above it
    market.book.load_depth([(2600, 1000)], [])
    engine.step(index={"ETH": 2700}, dt=600)
    sold = Fraction(bands.totals()["sold"], 10**6)
    # no more is offered than leaves the source's loss
    market.book.load_depth([], [(2900, sold - (deposited - current))])
    engine.step(index={"ETH": 3000}, dt=600)
    totals, columns = bands.totals(), bands.columns()
    assert rows(engine, "liquidation") == []
    held = Fraction(int(columns["collateral"][0]), totals["parts_a_lot"] * 10**6)
    # shares give a lot back but for its smallest part
    assert 0 <= current - held < Fraction(2, 10**6)
    loss = deposited - held
    assert abs(loss - Fraction("46.898043737")) < Fraction(3, 10**6)
    assert abs(100 * loss / deposited - Fraction("5.043158793")) < Fraction(1, 10**6)
    assert Fraction(totals["sold"] - totals["bought"], 10**6) == deposited - current
    # nearly all of the money went for it: what is left would buy a thousandth of the loss
    assert columns["stable"][0] < 10**8 * 3000 * Fraction(1, 2)
    engine.validate()


@pytest.mark.parametrize(("bands", "approximate"), [(4, "0.89"), (50, "0.66")])
def test_the_largest_loan_to_value_is_the_formula_to_first_order(kit, bands, approximate):
    # llamma-ltv: 1 - d - N / 2A at d of 9 % and A of 100. The exact (1 - d) sqrt(1 - 1/A) A/N (1 - (1 - 1/A)^N)
    # is above it, by no more than the product d N / 2A and the second order of the power, N^2 / 6A^2
    _, _, loans = empty_venue(kit, 10, Fraction(1, 10**6), ("0.09", "0.06"))
    # the price at which a loan of as much begins: band 1 begins at 99 % of 3,000
    most = Fraction(str(loans.max_debt(1, bands))) / 2970
    share = Fraction(bands, 200)
    above = most - Fraction(approximate)
    assert 0 < above < Fraction(9, 100) * share + share**2 * Fraction(2, 3)

"""Published loans of crvUSD through the engine; numbers from golden/lending.json, entry named in each.

The client's documents: 3,000 a unit, 100 bands wide, discounts of 5 % and 2 %.
"""

from fractions import Fraction

import pytest

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

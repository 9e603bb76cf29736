"""What `engine.lending.add`, `add_reserve` and `add_bands` refuse leaves the engine as it was."""

import pytest

import cascade as cs

HUGE = 10**14


@pytest.fixture
def engine():
    made = cs.Engine(asset_decimals=6)
    source = made.add_market("ETH", tick_size="0.01", lot_size="0.01", rules=cs.Rules(feed="index"))
    source.set_index(3000)
    made.lending.add("first").add_reserve("USD")
    return made


def goes_on(engine, tmp_path):
    """Another market, a copy and a file work as if nothing had been asked."""
    lending = engine.lending.add("second")
    lending.add_reserve("ETH", price="ETH", liquidation_threshold="0.8")
    lending.add_reserve("USD")
    lending["USD"].supply(100_000)
    lending.open(collateral={"ETH": [10]}, debt={"USD": [1000]})
    engine.validate()
    engine.save(tmp_path / "engine.npz")
    for other in (engine.copy(), cs.Engine.load(tmp_path / "engine.npz")):
        assert other.state_hash() == engine.state_hash()
        other.validate()


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("tip", lambda: auction(tip=HUGE)),
        ("hole", lambda: auction(hole=HUGE)),
        ("dust", lambda: auction(dust=HUGE)),
        ("collateral_holes", lambda: auction(collateral_holes={"ETH": HUGE})),
        ("gas_reserve", lambda: troves(gas_reserve=HUGE)),
        ("least_left", lambda: troves(least_left=HUGE)),
        ("stop_gap", lambda: cs.LendingRules(stop_gap=(("backstop", HUGE),))),
    ],
)
def test_amounts_beyond_the_moneys_atoms(engine, tmp_path, name, made):
    rules = made()
    before = engine.state_hash()
    with pytest.raises(ValueError, match=name):
        engine.lending.add("refused", rules=rules)
    assert engine.state_hash() == before
    assert len(engine.lending) == 1
    goes_on(engine, tmp_path)


def auction(**terms):
    close = ("auction", cs.CollateralAuction(**terms))
    return cs.LendingRules(close_factor=close, bad_debt="auction_shortfall")


def troves(**terms):
    return cs.LendingRules(close_factor="trove", troves=cs.Troves(**terms))


def test_a_refinement_that_does_not_fit(engine, tmp_path):
    before, markets = engine.state_hash(), len(engine.markets)
    # 300,000 ticks times 10**5 is beyond 2**31 - 2
    with pytest.raises(ValueError, match=r"refinement 100000 is outside 1 \.\.\. 7158: the mark"):
        engine.lending["first"].add_reserve("ETH", price="ETH", refinement=10**5)
    assert (engine.state_hash(), len(engine.markets)) == (before, markets)
    goes_on(engine, tmp_path)


def test_names_of_sides_are_those_of_no_other_market(engine, tmp_path):
    engine.add_market("first ETH borrowed", tick_size=1, lot_size=1)
    before, markets = engine.state_hash(), len(engine.markets)
    with pytest.raises(ValueError, match="'first ETH borrowed' exists"):
        engine.lending["first"].add_reserve("ETH", price="ETH")
    assert (engine.state_hash(), len(engine.markets)) == (before, markets)
    goes_on(engine, tmp_path)


def test_a_market_of_bands_has_no_other_reserves(engine, tmp_path):
    bands = engine.lending.add_bands("soft", price="ETH")
    markets = len(engine.markets)
    with pytest.raises(ValueError, match="has bands"):
        bands.lending.add_reserve("more")
    with pytest.raises(ValueError, match="has bands"):
        bands.lending.add_category(
            "more", collateral=[], borrowable=[], liquidation_threshold="0.9"
        )
    assert len(engine.markets) == markets
    goes_on(engine, tmp_path)


def test_terms_that_contradict_one_another():
    with pytest.raises(ValueError, match=r"critical_ratio '1\.5' is below minimum_ratio '1\.6'"):
        cs.Troves(minimum_ratio="1.6", critical_ratio="1.5")
    with pytest.raises(ValueError, match="amplification 5 is outside 20"):
        cs.BandRules(amplification=5)
    with pytest.raises(ValueError, match=r"fee 2 is outside 0 \.\.\. 0\.5"):
        cs.BandRules(fee=2)

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
        bands.lending.add_reserve("more", price=None)
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


@pytest.mark.parametrize("name", ["collateral", "borrowable", "siloed"])
def test_switches_are_true_or_false(engine, tmp_path, name):
    markets = len(engine.markets)
    with pytest.raises(TypeError, match=f"{name} must be True or False, got 'no'"):
        engine.lending["first"].add_reserve("ETH", price="ETH", **{name: "no"})
    assert len(engine.markets) == markets
    goes_on(engine, tmp_path)


def test_a_word_does_not_stop_a_sequencer_or_a_reserve(engine):
    lending = engine.lending.add("aave", rules=cs.LendingRules(sentinel="0.95"))
    reserve = lending.add_reserve("USD")
    before = engine.state_hash()
    with pytest.raises(TypeError, match="up must be True or False, got 'down'"):
        lending.sequencer("down")
    with pytest.raises(TypeError, match="paused must be True or False, got 'x'"):
        reserve.pause("x")
    with pytest.raises(TypeError, match="frozen must be True or False, got 1"):
        reserve.freeze(1)
    assert engine.state_hash() == before


@pytest.mark.parametrize("quantity", [0, -1, 10**15])
def test_a_route_of_nothing_or_of_too_much_is_refused(quantity):
    engine = cs.Engine()
    market = engine.add_market("ETH", tick_size=1, lot_size=1)
    market.book.load_depth([(99, 5)], [(101, 5)])
    before, events = engine.state_hash(), len(engine.events)
    with pytest.raises(ValueError, match=r"quantity: .* lots are outside 1"):
        engine.route("sell", quantity, ["ETH"])
    assert (engine.state_hash(), len(engine.events)) == (before, events)

"""Several liquidators: the first who gains, or the one who gains most and outbids the others."""

import pytest
from reference import engine as twin

import cascade

GAS = (10, 5)


def lend(kit):
    """One account, 10 at 100 against 790; at 98 a call seizes 8.46 for 790 and gains 39.08 before gas."""
    terms = twin if kit.name == "twin" else cascade
    engine = kit.engine(asset_decimals=2)
    market = kit.market(engine, rules={"feed": "index"}, lot_size=0.01)
    market.set_index(100)
    lending = engine.lending.add("lend", rules=terms.LendingRules())
    lending.add_reserve(
        "X", price="X", venue=None, liquidation_threshold="0.8", liquidation_bonus="0.05"
    )
    lending.add_reserve("USD").supply(1000)
    lending.open(collateral={"X": [10]}, debt={"USD": [790]})
    for gas in GAS:
        engine.liquidators.add(terms.Liquidator(gas=gas))
    return engine


def test_the_first_who_gains_acts(kit):
    engine = lend(kit)
    assert engine.step(index={"X": 98}).liquidated == 1
    first, second = (engine.liquidators.result(k) for k in range(2))
    assert (first["profit"], first["bids"], first["calls"]) == (29.08, 0, 1)
    assert (second["profit"], second["calls"]) == (0, 0)


def test_the_highest_bidder_pays_what_the_next_would_have_gained(kit):
    engine = lend(kit)
    engine.liquidators.compete = "bids"
    assert engine.step(index={"X": 98}).liquidated == 1
    first, second = (engine.liquidators.result(k) for k in range(2))
    assert (first["profit"], first["calls"]) == (0, 0)
    # 39.08 less gas of 5 less the other's 29.08
    assert (second["profit"], second["bids"], second["calls"]) == (5.0, 29.08, 1)


def test_unknown_competition_is_refused():
    engine = cascade.Engine()
    with pytest.raises(ValueError, match="'order' or 'bids', got 'auction'"):
        engine.liquidators.compete = "auction"
    assert engine.liquidators.compete == "order"

"""Copies, files and hashes of engines with open auctions, and what a forged one is refused for."""

import pytest
from engine_kit import TWIN, core_kit, rows

import cascade as cs
from cascade import snapshot

TERMS = {
    "penalty": "0.1", "buf": "1.2", "price": ("stairstep", "0.9", 10), "tail": 90, "cusp": "0.2",
    "chip": "0.001", "hole": 1500, "collateral_holes": {"X": 1400}, "dust": 50, "tip": 1,
}  # fmt: skip


def maker(kit, *, rested=True):
    """An engine with a part of an account, and one that is taken by halves, in auctions."""
    engine = kit.engine(asset_decimals=0)
    kit.market(engine, "X", rules={"feed": "index"})
    engine.market("X").set_index(100)
    engine.liquidators.add(kit.lending.Liquidator(capital=200, calls="single"))
    auction = kit.lending.CollateralAuction(**TERMS)
    rules = kit.lending.LendingRules(
        close_factor=("auction", auction), bad_debt="auction_shortfall"
    )
    lending = engine.lending.add("maker", rules=rules)
    lending.add_reserve("X", price="X", venue=None, liquidation_threshold="0.8", borrowable=False)
    lending.add_reserve("USD", collateral=False)
    lending["USD"].supply(5000)
    lending.open(collateral={"X": [10, 10, 10]}, debt={"USD": [790, 800, 60]})
    engine.step(index={"X": 90}, dt=1)
    if rested:
        engine.step(dt=25)
        engine.step(dt=10)
    return engine, lending


def go_on(engine) -> tuple:
    for price in (88, 60, 40):
        engine.step(index={"X": price}, dt=60)
        engine.validate()
    return engine.state_hash(), engine.events.tobytes(), engine.totals()


def test_a_copy_and_a_file_go_on_bit_for_bit(tmp_path):
    engine, lending = maker(core_kit())
    assert len(lending.auctions) == 2
    assert rows(engine, "take")
    lending.auctions.stage = 2
    engine.save(tmp_path / "engine.npz")
    others = [engine.copy(), cs.Engine.load(tmp_path / "engine.npz")]
    for other in others:
        found = other.lending["maker"]
        assert other.state_hash() == engine.state_hash()
        assert found.rules == lending.rules
        assert found.auctions.stage == 2
        for name, column in lending.auctions.columns().items():
            assert column.tolist() == found.auctions.columns()[name].tolist()
    for each in (engine, *others):
        each.lending["maker"].auctions.stage = 0
    ends = [go_on(each) for each in (engine, *others)]
    assert ends[0] == ends[1] == ends[2]
    assert {41, 42} <= {row["kind"] for row in rows(engine)}


def test_twin_and_core_have_one_hash():
    hashes = []
    for kit in (TWIN, core_kit()):
        engine, lending = maker(kit)
        seen = [engine.state_hash()]
        lending.auctions.stage = 1
        seen.append(engine.state_hash())
        engine.step(dt=1)
        seen.append(engine.state_hash())
        hashes.append(seen)
    assert hashes[0] == hashes[1]
    assert len(set(hashes[0])) == 3


def forged(name, row, field, value):
    engine, _ = maker(core_kit())
    arrays = {key: array.copy() for key, array in snapshot.to_arrays(engine).items()}
    snapshot.from_arrays(arrays)
    if field is None:
        arrays[name] = arrays[name][:row]
    else:
        arrays[name][field][row] = value
    return arrays


@pytest.mark.parametrize(
    ("name", "row", "field", "value"),
    [
        ("auctions", 0, "reserve", 1),
        ("auctions", 0, "reserve", 2),
        ("auctions", 0, "number", 0),
        ("auctions", 1, "number", 1),
        ("auctions", 1, "number", 9),
        ("auctions", 0, "account", 3),
        ("auctions", 0, "account", -1),
        ("auctions", 0, "lot", 0),
        ("auctions", 0, "lot", 10_000),
        ("auctions", 0, "tab", 0),
        ("auctions", 0, "due", -1),
        ("auctions", 0, "due", 5000),
        ("auctions", 0, "price", 0),
        ("auctions", 0, "started", 10**12),
        ("auctions", 0, "event", 10**6),
        ("auctions", 0, "wave", -1),
        ("auctions", 0, "resting", 2),
        ("auctions", 1, None, None),
        ("auctioneers", 0, "open", 3),
        ("auctioneers", 0, "count", 1),
        ("auctioneers", 0, "stage", 4),
        ("auctioneers", 0, None, None),
    ],
)
def test_a_forged_auction_is_refused(name, row, field, value):
    with pytest.raises(ValueError, match="auction"):
        snapshot.from_arrays(forged(name, row, field, value))


def test_a_debt_that_nobody_awaits_is_found():
    engine, _ = maker(core_kit())
    value = int(snapshot.to_arrays(engine)["auctions"]["due"][0])
    with pytest.raises(cs.ReserveError, match="maker USD: cash, debts, awaited and deficit"):
        snapshot.from_arrays(forged("auctions", 0, "due", value - 1)).validate()


def test_an_auction_shows_what_it_is():
    engine, lending = maker(core_kit(), rested=False)
    columns = lending.auctions.columns()
    assert columns["account"].tolist() == [1, 0]
    assert columns["lot"].tolist() == [10, 5]
    # a lot of 10 for 800; of 1400 there is room for 520 / 1.1 then
    assert columns["tab"].tolist() == [880, 519]
    assert columns["due"].tolist() == [800, 472]
    assert columns["first_price"].tolist() == columns["price"].tolist() == [108.0, 108.0]
    engine.step(dt=10)
    assert lending.auctions.columns()["price"].tolist() == pytest.approx([97.2, 97.2])
    assert repr(lending.auctions) == "<OpenAuctions: 2>"
    for wrong in (-1, 4):
        with pytest.raises(ValueError, match="stage"):
            lending.auctions.stage = wrong
    assert engine.lending.add("other").auctions is None


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"penalty": -1}, ValueError, "penalty"),
        ({"buf": 0}, ValueError, "buf"),
        ({"buf": 11}, ValueError, "buf"),
        ({"price": "linear"}, ValueError, "price"),
        ({"price": ("cubic", 1)}, ValueError, "linear, stairstep, exponential"),
        ({"price": ("linear",)}, ValueError, "has 1 numbers"),
        ({"price": ("linear", 0)}, ValueError, "price"),
        ({"price": ("stairstep", 2, 1)}, ValueError, "cut"),
        ({"price": ("exponential", "1/3")}, ValueError, "cut"),
        ({"tail": -1}, ValueError, "tail"),
        ({"cusp": 2}, ValueError, "cusp"),
        ({"hole": -1}, ValueError, "hole"),
        ({"collateral_holes": {"X": -1}}, ValueError, "collateral_holes"),
        ({"collateral_holes": ("X",)}, TypeError, "collateral_holes"),
        ({"dust": "x"}, TypeError, "dust"),
        ({"tip": 2**70}, ValueError, "tip"),
        ({"chip": 2}, ValueError, "chip"),
    ],
)
def test_terms_out_of_range_are_refused(changes, error, words):
    with pytest.raises(error, match=words):
        cs.CollateralAuction(**changes)


def test_rules_of_calls_are_none_of_auctions():
    close = ("auction", cs.CollateralAuction())
    for name, value in (("bonus", "covered"), ("fee", 1), ("min_leftover", 1), ("halt_above", 1)):
        with pytest.raises(ValueError, match=name):
            cs.LendingRules(close_factor=close, bad_debt="deficit", **{name: value})
    with pytest.raises(TypeError, match="CollateralAuction"):
        cs.LendingRules(close_factor=("auction", 1), bad_debt="deficit")
    with pytest.raises(ValueError, match="'ETH-Z' is not one of 'ETH-A'"):
        cs.rules.maker_liq2("ETH-Z")
    engine = cs.Engine(asset_decimals=0)
    rules = cs.LendingRules(
        close_factor=("auction", cs.CollateralAuction(dust="0.5")), bad_debt="deficit"
    )
    assert rules.auction.dust == "0.5"
    assert engine.lending.add("maker", rules=rules).rules is rules


def test_the_preset_is_the_poll():
    rules = cs.rules.maker_liq2(dust=10_000)
    assert rules.auction == cs.CollateralAuction(
        penalty="0.13", buf="1.30", price=("stairstep", "0.99", 90), tail=8400, cusp="0.40",
        hole=rules.auction.hole, dust=10_000, tip="0", chip="0.001",
    )  # fmt: skip
    assert rules.auction.hole == 22_000_000
    assert rules.bad_debt == "auction_shortfall"
    engine = cs.Engine()
    engine.lending.add("maker", rules=rules)

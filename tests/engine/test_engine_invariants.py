"""Promises that are compared after each stage of the waterfall, and what is raised when one is broken.

The twin is broken by writing into it, the compiled engine by a snapshot whose totals do not fit, brought
back without the validation that refuses it.
"""

import pytest
from engine_kit import BUY, SELL

SUMS = {"contracts": "ContractConservationError", "money": "MoneyConservationError"}


def expected(kit, name):
    """The error of that name in either implementation."""
    if kit.name == "core":
        return getattr(pytest.importorskip("cascade"), name)
    from reference import invariants

    return getattr(invariants, name)


def unbalance(kit, engine, what, monkeypatch):
    """The same engine with a lot of the outside's or an atom of the fund too many."""
    if kit.name == "twin":
        if what == "contracts":
            engine.clearing.markets[0].outside_lots += 1
        else:
            engine.clearing.assets["USD"].fund += 1
        return engine
    return from_changed(engine, monkeypatch, what)


def from_changed(engine, monkeypatch, what):
    cs = pytest.importorskip("cascade")
    snapshot = pytest.importorskip("cascade.snapshot")
    arrays = {name: array.copy() for name, array in snapshot.to_arrays(engine).items()}
    if what == "contracts":
        arrays["markets"]["outside_size"] += 1
    else:
        arrays["assets"][0] += 1
    with monkeypatch.context() as patch:
        patch.setattr(cs.Engine, "validate", lambda self: None)
        return snapshot.from_arrays(arrays, engine)


def falling(kit, *, bids=(), shorts=True, **rules):
    """A long of ten from 100 with a margin of 105, that is due from 90, and a short against it."""
    engine = kit.engine()
    stated = {"tiers": [(0, 0.01)], "feed": "index", **rules}
    market = kit.market(engine, rules=stated)
    market.set_index(100)
    engine.fund_deposit(20)
    engine.accounts.open(market, side="long", size=10, entry=100, margin=105)
    if shorts:
        engine.accounts.open(market, side="short", size=20, entry=100, margin=900)
    if bids:
        market.book.load_depth(bids, [])
    return engine


STAGES = {
    "the book": {"bids": [(80, 20)]},
    "a partial close": {"bids": [(80, 20)], "partial": ("fraction", "0.2", 0, 1)},
    "a takeover": {"absorb": 1},
}


@pytest.mark.parametrize("what", SUMS)
@pytest.mark.parametrize("stage", STAGES)
def test_each_stage_compares_the_sums(kit, monkeypatch, stage, what):
    engine = falling(kit, **STAGES[stage])
    index = 90 if stage == "a partial close" else 85
    engine.copy().step(index={"X": index})  # nothing is wrong with it
    engine = unbalance(kit, engine, what, monkeypatch)
    said = {"contracts": "sizes in market 0 sum to 1 lots", "money": "asset 0 holds 1 atoms more"}
    error = expected(kit, SUMS[what])
    with pytest.raises(error, match=f"^after {stage} of account 0: {said[what]}"):
        engine.step(index={"X": index})


@pytest.mark.parametrize("what", SUMS)
def test_a_policy_that_writes_into_the_twin_is_found_out(what):
    from engine_kit import TWIN

    def policy(columns):
        unbalance(TWIN, engine, what, None)
        return columns.size

    engine = falling(TWIN, adl=policy, adl_trigger="always")
    with pytest.raises(expected(TWIN, SUMS[what]), match=r"^after deleveraging of account 0"):
        engine.step(index={"X": 85})


@pytest.mark.parametrize("what", SUMS)
def test_a_snapshot_that_does_not_balance_is_refused(tmp_path, monkeypatch, what):
    cs = pytest.importorskip("cascade")
    snapshot = pytest.importorskip("cascade.snapshot")
    kit = pytest.importorskip("engine_kit").core_kit()
    engine = from_changed(falling(kit), monkeypatch, what)
    with pytest.raises(getattr(cs, SUMS[what])):
        engine.validate()
    engine.save(tmp_path / "engine.npz")
    with pytest.raises(ValueError, match="holds no engine") as refused:
        cs.Engine.load(tmp_path / "engine.npz")
    assert isinstance(refused.value.__cause__, getattr(cs, SUMS[what]))
    assert issubclass(getattr(cs, SUMS[what]), cs.ConservationError)
    assert snapshot.VERSION == 1


def test_a_crossed_book_is_seen_in_the_twin():
    # the compiled engine needs a stray write for one: test_engine_stray_writes.py
    from engine_kit import TWIN

    engine = falling(TWIN, bids=[(80, 5)])
    market = engine.market("X")
    market.book.open_auction()
    TWIN.limit(engine, market, BUY, 95, 50)
    TWIN.limit(engine, market, SELL, 90, 50)
    market.venue.auction = False
    with pytest.raises(expected(TWIN, "CrossedBookError"), match="account 0: the book of market 0"):
        engine.step(index={"X": 85})


def test_an_order_of_the_closed_is_seen_in_the_twin(monkeypatch):
    # the compiled engine needs a stray write for one: test_engine_stray_writes.py
    from engine_kit import TWIN
    from reference.cascade import Cascade

    engine = falling(TWIN, absorb=1)
    TWIN.limit(engine, engine.market("X"), SELL, 130, 5, account=0)
    engine.copy().step(index={"X": 85})
    monkeypatch.setattr(Cascade, "cancel_orders", lambda *_: None)
    with pytest.raises(expected(TWIN, "ClosedAccountOrderError"), match="left in market 0"):
        engine.step(index={"X": 85})


def test_running_sums_follow_everything(fast_kit):
    # deposits, opening, funding, fees, socialised losses: `validate` counts them again
    cs = pytest.importorskip("cascade")
    if fast_kit.name != "core":
        pytest.skip("the twin keeps no running sums")
    engine = cs.Engine(asset_decimals=2)
    rules = cs.Rules(
        tiers=[(0, 0.01)], feed="index", maker_fee="-0.001", taker_fee="0.002", absorb="0.3",
        liquidation_fee="0.01", socialised="gains", haircut=True, fund_limit=3,
    )  # fmt: skip
    market = engine.add_market("X", tick_size=1, lot_size=1, rules=rules)
    market.set_index(100)
    engine.fund_deposit(50)
    engine.accounts.open(market, side="long", size=10, entry=100, margin=[100, 150, 900])
    engine.accounts.open(market, side="short", size=[25, 30], entry=100, margin=900)
    engine.accounts.create(2, balance=400)
    engine.accounts.deposit(5, 30)
    engine.accounts.withdraw(6, 20)
    engine.add_asset("EUR")  # moves the table of assets
    market.book.load_depth([(70, 50)], [(130, 5)])
    market.book.limit("buy", 82, 5, account=5)
    engine.fund(market, "0.01")
    engine.validate()
    for price in (88, 79, 60, 40):
        engine.step(index={"X": price})
        engine.validate()
    kinds = set(engine.events["kind"].tolist())
    seen = ("FUNDING", "FEE", "TAKEOVER", "FUND", "SOCIALISED")
    assert {cs.EventKind[name] for name in seen} <= kinds, kinds

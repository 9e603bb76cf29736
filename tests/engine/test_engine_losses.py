"""Losses by stage and account: worked by hand, and added up event by event over random histories."""

import numpy as np
import pytest
import random_engine_actions as histories
from engine_kit import BUY, SELL, core_kit

cs = pytest.importorskip("cascade")

EMPTY = dict.fromkeys(cs.losses.STAGES, 0)


def engine_with(longs, shorts, *, fund=0, contract="linear", multiplier=1, **rules):
    """Isolated positions of (size, entry, margin) at a mark of 100, one atom a unit."""
    engine = cs.Engine(asset_decimals=0)
    stated = {"tiers": ((0, "0.01"),), "feed": "index", **rules}
    market = engine.add_market(
        "X", tick_size=1, lot_size=1, contract=contract, multiplier=multiplier,
        rules=cs.Rules(**stated),
    )  # fmt: skip
    market.set_index(100)
    engine.fund_deposit(fund)
    for side, members in (("long", longs), ("short", shorts)):
        for size, entry, margin in members:
            engine.accounts.open(market, side=side, size=size, entry=entry, margin=margin)
    return engine, market


def paid(losses):
    return [(int(a), str(s), int(m)) for a, s, m in losses.paid_by.tolist()]


def test_margin_fund_and_bad_debt():
    # ten lots sold at 84 under a mark of 91: 70 of closing against 10 of equity, 30 in the fund
    engine, market = engine_with([(10, 100, 100)], [], fund=30, tiers=((0, "0.05"),))
    market.book.load_depth([(84, 10)], [])
    result = engine.step(index={"X": 91})
    assert result.losses.atoms == EMPTY | {"margin": 10, "fund": 30, "bad_debt": 30}
    assert paid(result.losses) == [(0, "margin", 10), (-2, "fund", 30), (-1, "bad_debt", 30)]
    assert result.losses["fund"] == 30
    assert result.losses.total == result.losses.total_atoms == 70
    assert result.paid_by is result.losses.paid_by


def test_fees_are_part_of_the_loss():
    engine, market = engine_with([(10, 100, 100)], [], taker_fee="0.01")
    market.book.load_depth([(90, 10)], [])
    result = engine.step(index={"X": 90})
    # nothing is lost in closing; nine of fees, and no equity
    assert result.losses.atoms == EMPTY | {"bad_debt": 9}


def test_winners_bear_what_the_price_costs_them():
    # at 85 the margin ended at 90: fifty are missing, and closing at 90 costs the shorts 30 and 20
    engine, _ = engine_with([(10, 100, 100)], [(4, 100, 300), (6, 105, 300)], adl="size")
    result = engine.step(index={"X": 85})
    assert paid(result.losses) == [(1, "adl", 20), (2, "adl", 30)]
    assert result.losses.total_atoms == 50


def test_house_bears_what_it_takes_over():
    engine, market = engine_with([(10, 100, 100)], [], fund=1000)
    result = engine.step(index={"X": 85})
    assert paid(result.losses) == [(-2, "backstop", 50)]
    assert market.house == (10, 900)


def test_a_price_better_than_the_mark_is_a_gain_of_the_winner():
    # 50 of equity at 95: the margin ends at 90, where the short buys five under the mark
    engine, _ = engine_with([(10, 100, 100)], [(10, 100, 900)], adl="size", tiers=((0, "0.06"),))
    result = engine.step(index={"X": 95})
    assert result.losses.atoms == EMPTY | {"margin": 50, "adl": -50}
    assert result.losses.total_atoms == 0


def test_shared_losses_name_who_paid():
    engine, _ = engine_with(
        [(10, 100, 100)], [(2, 100, 900), (3, 100, 900)], fund=100, absorb=1, socialised="gains",
        haircut=True,
    )  # fmt: skip
    result = engine.step(index={"X": 50})
    # 400 are missing: 100 from the fund, 250 of gains, and 50 of the same profits
    assert paid(result.losses) == [
        (-2, "fund", 100), (1, "socialised", 100), (2, "socialised", 150),
        (1, "haircut", 20), (2, "haircut", 30),
    ]  # fmt: skip
    assert result.losses.total_atoms == 400
    assert "socialised 250" in repr(result.losses)


@pytest.mark.parametrize("side", ["long", "short"])
def test_inverse_contracts(side):
    # 1000 / 100 = 10 a lot; the margin of 10 is gone at 90 (11 1/9) or 112 (8 13/14), up against us
    engine, market = engine_with([], [], contract="inverse", multiplier=1000)
    engine.accounts.open(market, side=side, size=10, entry=100, margin=10)
    price, sale = (90, 80) if side == "long" else (112, 125)
    book = ([(sale, 10)], []) if side == "long" else ([], [(sale, 10)])
    market.book.load_depth(*book)
    result = engine.step(index={"X": price})
    # V = -10000 / price rounded down: long -112 at 90, -125 at 80, from -100; short 89 and 80 from 100
    equity, closing = (-2, 13) if side == "long" else (-1, 9)
    (liquidation,) = engine.events[engine.events["kind"] == cs.EventKind.LIQUIDATION]
    assert liquidation["money"] == equity
    assert result.losses.atoms == EMPTY | {"bad_debt": -equity + closing}
    assert result.losses.total_atoms == engine.bad_debt()


def test_every_asset_on_its_own():
    engine, _ = engine_with([(10, 100, 100)], [])
    engine.add_asset("BTC", 2)
    other = engine.add_market(
        "Y", tick_size=1, lot_size=1, asset="BTC", rules=cs.Rules(feed="index", absorb=1)
    )
    other.set_index(100)
    engine.accounts.open(other, side="short", size=3, entry=100, margin=10)
    result = engine.step(index={"Y": 110})
    assert result.losses.total_atoms == 0
    assert result.losses_in("BTC").atoms == EMPTY | {"bad_debt": 2000}
    assert result.losses_in("BTC")["bad_debt"] == 20
    with pytest.raises(ValueError, match="asset 'EUR' is unknown"):
        result.losses_in("EUR")


def test_a_run_adds_its_steps_up():
    path = [97, 93, 88, 80]
    engines = [
        engine_with(
            [(10, 100, 100), (7, 100, 50), (5, 100, 90)], [(9, 100, 900)], adl="okx", fund=20
        )
        for _ in range(2)
    ]
    run = engines[0][0].run({"X": path})
    steps = [engines[1][0].step(index={"X": price}).losses.atoms for price in path]
    assert run.losses.atoms == {
        stage: sum(step[stage] for step in steps) for stage in cs.losses.STAGES
    }
    assert run.losses.total_atoms > 0
    assert run.paid_by["atoms"].sum() == run.losses.total_atoms


# --- random histories ------------------------------------------------------------------------------


def worth(market, lots, ticks):
    return market.atoms_of(lots, ticks)


def told(engine, events, first):
    """The same sums, one event after the other; cost by liquidation and equity left by unit."""
    cost, relief = {}, {"adl": 0, "backstop": 0}
    for at, event in enumerate(events):
        kind, cause = int(event["kind"]), int(event["cause"])
        if kind == 6:
            cost[first + at] = [event, 0, 0]
        closing = kind == 2 and event["order"] == 0 and event["account"] >= 0
        forced = kind in (7, 17) or closing
        if not forced:
            continue
        market = engine.markets[event["market"]]
        liquidation = cost[cause]
        sign = 1 if event["side"] == SELL else -1
        lots, money = sign * int(event["quantity"]), sign * int(event["money"])
        if market.contract == "inverse":
            money = -money
        liquidation[1] += lots
        liquidation[2] -= money
        if kind == 2:
            rate = market.rules.table(1)["taker_fee"]
            liquidation[2] += -(-int(event["money"]) * rate // 10**9)
        else:
            name = "adl" if kind == 17 else "backstop"
            relief[name] += money - worth(market, lots, int(liquidation[0]["price"]))
    return cost, relief


def chains(engine, cost):
    """(equity before, equity after) of each liquidated unit."""
    found = []
    for event, lots, spent in cost.values():
        market = engine.markets[event["market"]]
        before = int(event["money"])
        after = before - worth(market, lots, int(event["price"])) - spent
        known = found and found[-1][0] == event["account"] and found[-1][2] == before
        if known and found[-1][3] == event["cause"]:
            found[-1][2] = after
        else:
            found.append([event["account"], before, after, event["cause"]])
    return [(before, after) for _, before, after, _ in found]


REOPENING = ("open_auction", "uncross", "halt", "resume", "set_close")


def whole_closes(seed):
    """A history without partial rules, auctions and halts: every unit that is taken is settled."""
    setup, actions = histories.draw_history(seed)
    rules = tuple({**rules, "partial": None, "breaker": None} for rules in setup.rules)
    kept = [a for a in actions if a[0] not in REOPENING]
    return type(setup)(setup.execution, rules, setup.curve), kept


@pytest.mark.parametrize("seed", range(60))
def test_stages_sum_to_the_loss(seed):
    setup, actions = whole_closes(seed)
    actor = histories.Actor(core_kit(), setup)
    engine = actor.engine
    for name, arguments in actions:
        start = engine.event_count
        actor.act(name, arguments)
        if name != "step" or engine.event_count == start:
            continue
        events = engine.events[start:]
        found = cs.losses.trace(engine, events, start).atoms
        cost, relief = told(engine, events, start)
        units = chains(engine, cost)
        deficits = sum(max(0, -after) for _, after in units)
        assert sum(found[n] for n in ("fund", "socialised", "haircut", "bad_debt")) == deficits
        assert found["margin"] == sum(max(0, b) - max(0, a) for b, a in units)
        assert {name: found[name] for name in relief} == relief
        # the loss: below zero already, what closing cost, and what others took over of it
        loss = sum(max(0, -before) + before - after for before, after in units)
        assert sum(found.values()) == loss + sum(relief.values())


def test_random_histories_reach_every_stage():
    reached = dict.fromkeys(cs.losses.STAGES, 0)
    for seed in range(150):
        setup, actions = whole_closes(seed)
        actor = histories.Actor(core_kit(), setup)
        for name, arguments in actions:
            actor.act(name, arguments)
        found = cs.losses.trace(actor.engine, actor.engine.events, 0).atoms
        for stage, atoms in found.items():
            reached[stage] += atoms != 0
    assert all(count >= 3 for count in reached.values()), reached


def test_rows_are_of_one_account_and_stage():
    engine, _ = engine_with([(10, 100, 100), (10, 100, 100)], [(50, 100, 900)], adl="size")
    result = engine.step(index={"X": 80})
    assert paid(result.losses) == [(2, "adl", 200)]
    assert result.paid_by.dtype == cs.PAID_DTYPE
    assert np.array_equal(np.unique(result.paid_by["account"]), [2])
    assert engine.events[-1]["side"] in (BUY, SELL)

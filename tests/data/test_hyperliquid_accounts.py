"""Liquidation prices that Hyperliquid published, found again by engine and formulas.

In March 2023 the venue took maintenance, 1 % of the notional (half of the initial margin at 50x), at the
mark of the answer; its later answers let it move with the price.
"""

import json
from decimal import Decimal
from fractions import Fraction

import pytest

import cascade as cs
from cascade import margin
from cascade.data import DataFormatError, load_account_state

RATE = Fraction(1, 100)
TICK = Fraction(1, 10_000)
PRECISION = Fraction(1, 10**8)
# 1 % of 3434.815334 in whole millionths
MAINTENANCE = Fraction("34.348153")


@pytest.fixture(scope="module")
def state(shared_data):
    pytest.importorskip("yaml")
    return load_account_state(shared_data("hl_user_state_20230327.yaml"))


def rules_of(rate, **changes):
    """The venue's rules with what was so when the answer was given."""
    return cs.rules.hyperliquid("BTC", tiers=[(0, rate)], feed="index", **changes)


def account_in_engine(state):
    """Engine with the account; entered at the marks, which moves profits into the balance."""
    engine = cs.Engine(asset_decimals=9)
    engine.accounts.create(1)
    engine.accounts.deposit(0, state.account_value)
    for held in state.positions:
        lot = Fraction(1, 10 ** -held.size.as_tuple().exponent)
        market = engine.add_market(
            held.coin, tick_size=TICK, lot_size=lot,
            rules=rules_of(RATE, basis="entry"),
        )  # fmt: skip
        market.set_index(Decimal(held.mark.numerator) / held.mark.denominator)
        engine.accounts.open(
            market, side="long" if held.size > 0 else "short", size=abs(held.size),
            entry=Decimal(held.mark.numerator) / held.mark.denominator, margin=0, mode="cross",
            account=0,
        )  # fmt: skip
    return engine


def price_of(state, held):
    """Published price of a short, less what the venue cuts off the maintenance."""
    cut = RATE * Fraction(state.notional) - MAINTENANCE
    return Fraction(held.liquidation_price) - cut / abs(Fraction(held.size))


def test_the_answer(state):
    assert len(state.positions) == 12
    assert [p.coin for p in state.positions if p.liquidation_price is None] == [
        "ETH", "MATIC", "SOL", "AVAX", "BNB", "LTC", "ARB",
    ]  # fmt: skip
    assert sum(p.value for p in state.positions) == state.notional == Decimal("3434.815334")
    for held in state.positions:
        assert held.profit == (held.mark - Fraction(held.entry)) * Fraction(held.size)
    assert state.balance == Decimal("1182.312496") - Decimal("0.688018")


def test_all_twelve_prices_by_formula(state):
    for held in state.positions:
        others = [
            margin.Position(p.size, p.entry, p.mark, margin.MarginTerms.flat(0))
            for p in state.positions
            if p is not held
        ]
        # maintenance stands at its amount of the answer, so that it is taken off the balance
        left = Fraction(state.balance) - MAINTENANCE
        price = margin.liquidation_price(
            held.size, held.entry, left, margin.MarginTerms.flat(0), others=others, mark=held.mark
        )
        if held.liquidation_price is None:
            assert price is None
        else:
            assert abs(price - Fraction(held.liquidation_price)) <= PRECISION


def test_all_twelve_prices_in_the_engine(state):
    engine = account_in_engine(state)
    assert engine.accounts.equity[0] == float(state.account_value)
    assert engine.accounts.maintenance[0] == pytest.approx(34.34815334, abs=2e-8)
    for held in state.positions:
        (ticks,) = engine.accounts.column(held.coin, "liquidation_price")
        if held.liquidation_price is None:
            assert ticks == 0
            continue
        assert -PRECISION <= ticks * TICK - price_of(state, held) <= TICK


@pytest.mark.parametrize("number", range(12))
def test_the_account_is_liquidated_there_and_not_before(state, number):
    held = state.positions[number]
    engine = account_in_engine(state)
    if held.liquidation_price is None:
        assert engine.step(index={held.coin: float(TICK)}).liquidated == 0
        return
    due = -(-price_of(state, held) // TICK)
    before = engine.step(index={held.coin: Decimal(int(due - 1)) / 10_000})
    assert before.liquidated == before.pending == 0
    assert engine.step(index={held.coin: Decimal(int(due + 1)) / 10_000}).liquidated == 1
    engine.validate()


def later_cases(path):
    return {case["id"]: case for case in json.loads(path.read_text(), parse_float=Decimal)}


@pytest.mark.parametrize(
    ("name", "tick"),
    [("hype_cross_short", "0.0000001"), ("spcx_isolated_long", "0.0000005"),
     ("eth_isolated_long_rounded_inputs", "0.00001")],
)  # fmt: skip
def test_three_later_prices(shared_data, name, tick):
    case = later_cases(shared_data("hl_liquidation_px_cases.json"))[name]
    size, expected = Fraction(case["szi"]), Fraction(case["expected_liquidation_px"])
    rate = Fraction(1, 2 * int(case["max_leverage"]))
    mark = Fraction(case["position_value"]) / abs(size)
    if case["mode"] == "cross":
        assert Fraction(case["cross_maintenance_margin"]) == rate * Fraction(case["position_value"])
        equity = Fraction(case["account_value"])
    else:
        equity = Fraction(case["raw_usd"]) + Fraction(case["position_value"])
    # at the mark the account's equity is its backing
    price = margin.liquidation_price(size, mark, equity, margin.MarginTerms.flat(rate))
    allowed = Fraction(case.get("tolerance_rel", 0)) * expected
    digits = -case["expected_liquidation_px"].as_tuple().exponent
    assert abs(price - expected) <= max(allowed, Fraction(1, 10**digits))

    engine = cs.Engine(asset_decimals=11)
    market = engine.add_market(
        "X", tick_size=tick, lot_size=Fraction(1, 10 ** -case["szi"].as_tuple().exponent),
        rules=rules_of(rate),
    )  # fmt: skip
    entry = round(mark / Fraction(tick)) * Fraction(tick)
    market.set_index(float(entry))
    engine.accounts.open(
        market, side="long" if size > 0 else "short", size=abs(case["szi"]), entry=float(entry),
        margin=round(float(equity + size * (entry - mark)), 11), mode=case["mode"], round=True,
    )  # fmt: skip
    (found,) = engine.accounts.column(market, "liquidation_price")
    # the first tick at which it is due
    beyond = (found * Fraction(tick) - price) * (1 if size < 0 else -1)
    assert -Fraction(tick) / 100 <= beyond <= Fraction(tick)


POSITION = {
    "coin": "X", "szi": "1", "entryPx": "2", "positionValue": "3", "unrealizedPnl": "1",
    "marginUsed": "1", "leverage": {"type": "cross", "value": 5}, "liquidationPx": None,
}  # fmt: skip
SUMMARY = {"accountValue": "10", "totalNtlPos": "3"}


def answer(**changes):
    return {
        "crossMarginSummary": SUMMARY,
        "assetPositions": [{"position": POSITION | changes}],
    }


def test_json_answer(tmp_path):
    path = tmp_path / "state.json"
    path.write_text(json.dumps(answer(leverage={"type": "isolated", "value": 5})))
    state = load_account_state(path)
    assert state.balance == 10
    assert (state.positions[0].isolated, state.positions[0].mark) == (True, 3)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (answer(szi="0"), "szi: 0 is no position"),
        (answer(szi="x"), "szi: 'x' is not a decimal"),
        (answer(leverage={"type": "other", "value": 5}), "'other' is not one of cross, isolated"),
        ({"assetPositions": []}, "crossMarginSummary: is missing"),
        ({"crossMarginSummary": SUMMARY}, "assetPositions: is missing"),
    ],
)
def test_answers_that_are_refused(tmp_path, content, text):
    path = tmp_path / "state.json"
    path.write_text(json.dumps(content))
    with pytest.raises(DataFormatError, match=text):
        load_account_state(path)


@pytest.mark.parametrize(
    ("content", "text"),
    [("a: [", "neither JSON nor YAML"), ("x", "str where an object belongs"),
     ("interactions: []", "no answer of the recording"),
     ("interactions: [{response: {body: {}}}]", "string: is missing")],
)  # fmt: skip
def test_recordings_that_are_refused(tmp_path, content, text):
    pytest.importorskip("yaml")
    path = tmp_path / "state.yaml"
    path.write_text(content)
    with pytest.raises(DataFormatError, match=text):
        load_account_state(path)

"""The report's numbers, recomputed from the events in plain Python."""

import json
from collections import defaultdict
from pathlib import Path

import pytest

import cascade as cs
from cascade import report, scenarios
from cascade.codes import EventKind, Side

EXAMPLE = """\
[market]
name = "X"
tick = 0.5
lot = 0.01
price = 1_000
rules = {rules}
feed = "{feed}"
{contract}

[book]
levels = 900
step_ticks = 2
touch_size = {touch}
growth = 0.002

[crowd]
count = 3_000
seed = 11
leverage = [5, 10, 25]
leverage_weights = [3, 2, 1]
notional_median = {notional}
mode = "{mode}"
long_share = {share}

[fund]
deposit = {deposit}

[shock]
kind = "{kind}"
move = {move}
steps = 5
"""

CASES = {
    "fund and bad debt": {},
    "house and fees": {
        "rules": "{ tiers = [[0, 0.01]], absorb = 0.4, taker_fee = 0.001, liquidation_fee = 0.002, "
        'surplus = "trader", liquidation_order = "bankruptcy" }',
    },
    "deleveraging": {
        "rules": '{ tiers = [[0, 0.01]], adl = "bitmex", surplus = "trader", '
        'liquidation_order = "bankruptcy" }',
        "deposit": "0", "touch": "1", "share": "0.5",
    },
    "cross, partial": {"mode": "cross", "rules": "{ tiers = [[0, 0.01]], partial_target = 0.05 }"},
    "short squeeze": {"kind": "buy", "move": "0.15", "feed": "last", "share": "0.2"},
    "sold by an aggressor": {"kind": "sell", "feed": "last"},
    "shared losses": {
        "rules": '{ tiers = [[0, 0.01]], socialised = "gains", haircut = true, fund_limit = 3, '
        'fund_block = [50, 2], adl = "okx", adl_trigger = ["drawdown", 0.5, 8] }',
    },
    "inverse": {
        "contract": 'contract = "inverse"\nmultiplier = 100\nasset = "BTC"\nasset_decimals = 9',
        "rules": "{ tiers = [[0, 0.01]] }", "touch": "8", "notional": "0.5", "deposit": "0.01",
    },
}  # fmt: skip


@pytest.fixture(scope="module", params=CASES)
def outcome(request, tmp_path_factory):
    values = {
        "rules": "{ tiers = [[0, 0.01]] }", "feed": "mid", "contract": "", "touch": "4",
        "notional": "800", "mode": "isolated", "share": "0.6", "deposit": "20", "kind": "index",
        "move": "-0.15",
    } | CASES[request.param]  # fmt: skip
    path = tmp_path_factory.mktemp("report") / "case.toml"
    text = EXAMPLE
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", value)
    path.write_text(text)
    return scenarios.load(path).run()


@pytest.fixture(scope="module")
def shipped():
    return scenarios.load("btc_crash").run()


def by_kind(outcome):
    rows = defaultdict(list)
    names = outcome.events.dtype.names
    for number, values in enumerate(outcome.events.tolist()):
        row = dict(zip(names, values, strict=True), number=outcome.first_event + number)
        rows[EventKind(row["kind"])].append(row)
    return rows


def test_losses_are_paid_to_the_atom(outcome):
    rows = by_kind(outcome)
    paid = report.exact(outcome)["paid_atoms"]
    hit = {row["account"] for row in rows[EventKind.LIQUIDATION]}
    assert len(hit) > 100
    sign = 1 if outcome.market.contract == "linear" else -1
    entry = outcome.engine.accounts.column(outcome.market, "entry_value")
    # per account: what closing cost it
    loss = {account: int(outcome.before.entry_value[account] - entry[account]) for account in hit}
    trades = rows[EventKind.TAKEOVER] + [r for r in rows[EventKind.FILL] if r["account"] in hit]
    for row in trades:
        loss[row["account"]] -= sign * row["money"] * (1 if row["side"] == Side.SELL else -1)
    for row in rows[EventKind.ADL]:
        money = sign * row["money"] * (1 if row["side"] == Side.SELL else -1)
        for account, received in ((row["account"], money), (row["counterparty"], -money)):
            if account in hit:
                loss[account] -= received
    fees = sum(row["money"] for row in rows[EventKind.FEE] if row["account"] in hit)
    assert paid["closing_loss"] == sum(loss.values())
    assert paid["fees"] == fees
    fund_out = -sum(r["money"] for r in rows[EventKind.FUND] if r["money"] < 0 <= r["account"])
    fund_in = sum(r["money"] for r in rows[EventKind.FUND] if r["money"] > 0 and r["account"] >= 0)
    unpaid = sum(row["money"] for row in rows[EventKind.BAD_DEBT])
    assert (paid["fund"], paid["fund_received"], paid["bad_debt"]) == (fund_out, fund_in, unpaid)
    assert paid["bad_debt"] == round(outcome.engine.bad_debt() * outcome.engine.scale_of())
    shared = sum(r["money"] for kind in (20, 21) for r in rows[EventKind(kind)])
    assert paid["socialised"] + paid["haircut"] == shared
    assert paid["closing_loss"] + paid["fees"] == (
        paid["margin"] + paid["fund"] + shared + paid["bad_debt"]
    )
    assert min(paid[name] for name in ("margin", "fund", "bad_debt", "left_to_traders")) >= 0


def test_the_fund_adds_up(outcome):
    exact = report.exact(outcome)
    paid, fund = exact["paid_atoms"], exact["fund_atoms"]
    change = paid["fund_received"] + paid["house_realised"] - paid["fund"]
    assert fund["after"] == fund["before"] + change
    lots, entry = outcome.market.house
    assert exact["house_lots"]["held"] == outcome.market.lots.steps(lots)
    mark = outcome.market.mark
    value = lots * mark if outcome.market.contract == "linear" else -100 * lots / mark
    scale = outcome.engine.scale_of()
    assert fund["house_unrealised"] / scale == pytest.approx(value - entry, abs=2 / scale)


def test_counts_waves_and_depth(outcome):
    rows = by_kind(outcome)
    exact = report.exact(outcome)
    forced = rows[EventKind.LIQUIDATION]
    assert exact["liquidations"] == len(forced)
    assert exact["accounts_liquidated"] == len({row["account"] for row in forced})
    waves = defaultdict(lambda: [0, 0])
    for row in forced:
        waves[row["wave"]][0] += 1
        waves[row["wave"]][1] += row["quantity"]
    assert {w["wave"]: [w["liquidations"], w["lots"]] for w in exact["waves"]} == waves
    assert sum(w["atoms"] for w in exact["waves"]) == exact["liquidated_atoms"]
    assert sum(p["liquidations"] for p in exact["path"]) == len(forced)
    assert sum(p["atoms"] for p in exact["path"]) == exact["liquidated_atoms"]
    fills = rows[EventKind.FILL]
    by_order = sum(row["quantity"] for row in fills if row["order"] > 0)
    assert exact["depth_lots"]["aggressor"] == by_order
    everything = sum(row["quantity"] for row in fills)
    assert exact["depth_lots"]["forced"] == everything - by_order
    closed = sum(row["quantity"] for row in rows[EventKind.TAKEOVER])
    assert exact["house_lots"]["taken_over"] == closed
    before, after = outcome.before.size, outcome.engine.accounts.column(outcome.market, "size")
    # both sides of a deleveraging are accounts
    both = 2 * sum(row["quantity"] for row in rows[EventKind.ADL])
    assert exact["deleveraged"]["lots"] == both // 2
    assert exact["deleveraged"]["accounts"] == len({r["counterparty"] for r in rows[EventKind.ADL]})
    assert int(abs(before).sum() - abs(after).sum()) == closed + both + everything - by_order


def test_notional_is_the_value_at_the_mark(outcome):
    exact = report.exact(outcome)
    scale = outcome.engine.scale_of()
    total = 0.0
    for row in by_kind(outcome)[EventKind.LIQUIDATION]:
        size = outcome.market.lots.number(row["quantity"])
        price = outcome.market.ticks.number(row["price"])
        total += size * price if outcome.market.contract == "linear" else 100 * size / price
    assert exact["liquidated_atoms"] / scale == pytest.approx(total, rel=1e-6)


def test_moves_and_branching(outcome):
    rows = by_kind(outcome)
    numbers = report.measure(outcome)
    marks = rows[EventKind.MARK]
    moves = [(row["price"] - row["money"], row["wave"]) for row in marks]
    exact = numbers["exact"]["mark_ticks"]
    assert exact["total_move"] == sum(move for move, _ in moves)
    assert exact["exogenous_move"] == sum(move for move, wave in moves if wave == 0)
    assert exact["low"] == min([row["price"] for row in marks] + [exact["start"]])
    assert exact["high"] == max([row["price"] for row in marks] + [exact["start"]])
    assert numbers["amplification"] == exact["total_move"] / exact["exogenous_move"]
    every = {row["number"]: row for of_kind in rows.values() for row in of_kind}
    caused = 0
    for row in rows[EventKind.LIQUIDATION]:
        cause = every.get(row["cause"])
        while cause is not None and cause["kind"] != EventKind.LIQUIDATION:
            cause = every.get(cause["cause"])
        caused += cause is not None
    assert numbers["branching_ratio"] == caused / len(rows[EventKind.LIQUIDATION])
    assert caused > 0


def test_outside_moves_are_the_index_moves(shipped):
    exact = report.exact(shipped)
    assert exact["mark_ticks"]["exogenous_move"] == -16_500
    assert exact["index_ticks"] == 93_500
    assert [p["index_ticks"] for p in exact["path"]] == [110_000 - 550 * k for k in range(31)]
    assert exact["path"][-1]["mark_ticks"] == exact["mark_ticks"]["end"]
    assert [p["time_ns"] for p in exact["path"]] == [k * 10**9 for k in range(31)]


def test_text_says_what_the_numbers_say(shipped):
    numbers = report.measure(shipped)
    text = report.render(numbers)
    assert text.isascii() and "\x1b" not in text
    lines = text.splitlines()
    assert lines[0] == "BTC: 100,000 accounts, seed 20251010, btc_crash"
    assert max(map(len, lines)) <= 100
    words = {tuple(line.split()[:2]) for line in lines}
    assert ("liquidations", f"{numbers['liquidations']['count']:,}") in words
    assert ("amplification", f"{numbers['amplification']:.3f}") in words
    assert ("end", f"{numbers['price']['end']:,.0f}") in words
    assert text.endswith("s to run\n")
    waves = lines[lines.index("Liquidations by wave") + 1 :]
    widths = {len(line) for line in waves[: 1 + len(numbers["waves"])]}
    assert len(widths) == 1


def test_nobody_liquidated(tmp_path):
    path = tmp_path / "calm.toml"
    source = scenarios.shipped()["btc_crash"].read_text()
    path.write_text(source.replace("move = -0.15", "move = 0.0001").replace("100_000", "10"))
    numbers = report.measure(scenarios.load(path).run())
    assert numbers["branching_ratio"] is None
    assert numbers["waves"] == []
    assert "Nobody was liquidated." in report.render(numbers)
    json.dumps(numbers, allow_nan=False)


def test_what_is_still_due_is_said(tmp_path):
    path = tmp_path / "slow.toml"
    source = (
        scenarios.shipped()["btc_crash"].read_text().replace("steps = 30", "steps = 30\nsettle = 0")
    )
    path.write_text(source.replace("100_000", "2_000") + "\n[engine]\nbudget_accounts = 3\n")
    outcome = scenarios.load(path).run()
    assert outcome.engine.pending > 0
    text = report.render(report.measure(outcome))
    assert f"Still due when the run ended: {outcome.engine.pending:,} entries." in text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"), (0.1234, "0.123"), (12.34, "12.3"), (999, "999"), (999.6, "1.00k"), (1234, "1.23k"),
        (12_345, "12.3k"), (123_456, "123k"), (999_499, "999k"), (999_600, "1.00M"), (-2.5e7, "-25.0M"),
        (1.069e9, "1.07B"), (3e12, "3.00T"),
    ],
)  # fmt: skip
def test_humanise(value, text):
    assert report.humanise(value) == text


def test_the_page_names_what_it_is_read_from():
    page = (Path(__file__).resolve().parents[1] / "docs" / "report.md").read_text()
    for kind in (
        "MARK",
        "LIQUIDATION",
        "FILL",
        "TAKEOVER",
        "ADL",
        "FUND",
        "BAD_DEBT",
        "FEE",
        "INDEX",
    ):
        assert kind in page
    assert cs.EventKind.FUND.name == "FUND"

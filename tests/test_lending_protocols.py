"""Every lending protocol on the shipped file: what the report says, recomputed from the log in plain Python."""

from collections import defaultdict
from dataclasses import replace
from fractions import Fraction

import pytest

import cascade as cs
from cascade import cli, lending_report, scenarios
from cascade.codes import EventKind
from cascade.lending_crowd import crowd_columns

PROTOCOLS = [*cs.rules.LENDING_PROTOCOLS, *cs.rules.AUCTION_PROTOCOLS]
CALLS = [name for name in cs.rules.LENDING_PROTOCOLS if name != "compound_v3"]
TROVES = ["liquity_v1", "liquity_v2"]
UNIT = 1  # atoms of a lot of 0.0001 at a tick of 0.01, of six decimals
LIQUIDATOR, HOUSE = -3, -2


def smaller(scenario, count=1_500):
    """The same market with fewer and larger borrowers, as much collateral in all."""
    sections = scenario.sections
    (lending,) = sections.lending
    (group,) = lending.borrowers
    factor = Fraction(group.count, count)
    group = replace(group, count=count, value_median=group.value_median * factor)
    lending = replace(lending, borrowers=(group,))
    return replace(scenario, sections=replace(sections, lending=(lending,)))


@pytest.fixture(scope="module")
def played():
    """Runs by protocol, each once."""
    found = {}

    def run(name):
        if name not in found:
            found[name] = smaller(scenarios.load("lending")).with_rules(name).run()
        return found[name]

    return run


def log_of(outcome):
    """Rows of the run by kind, each with its number, and every row by number."""
    rows, every = defaultdict(list), {}
    names = outcome.events.dtype.names
    for number, values in enumerate(outcome.events.tolist(), outcome.first_event):
        row = dict(zip(names, values, strict=True), number=number)
        rows[EventKind(row["kind"])].append(row)
        every[number] = row
    return rows, every


def prices(outcome, reserve):
    """Believed price in ticks by number of event, going through the log."""
    ticks = outcome.before.rows[reserve.lending.name, reserve.name]["price"]
    found = {}
    side = reserve.supplied_side.number
    for number, row in enumerate(outcome.events[["kind", "market", "price"]].tolist()):
        if row[:2] == (EventKind.ORACLE, side):
            ticks = row[2]
        found[outcome.first_event + number] = ticks
    return found


def collateral_of(outcome):
    (lending,) = outcome.engine.lending
    return next(r for r in lending.reserves.values() if r.source is not None)


@pytest.mark.parametrize("name", PROTOCOLS)
def test_every_protocol_plays_and_balances(name, played):
    outcome = played(name)
    outcome.engine.validate()
    exact = lending_report.exact(outcome)
    rows, _ = log_of(outcome)
    assert exact["liquidations"]["calls"] == len(rows[EventKind.LIQUIDATION]) > 20
    assert exact["events"] == outcome.engine.event_count - outcome.first_event
    for part in ("waves", "path"):
        assert sum(row["calls"] for row in exact[part]) == exact["liquidations"]["calls"]
        assert (
            sum(row["repaid_atoms"] for row in exact[part]) == exact["liquidations"]["repaid_atoms"]
        )
    # everybody who owes is counted once, before and after
    columns = outcome.before.columns["loans"]
    assert sum(row["accounts_before"] for row in exact["health"]) == (columns["owed"] > 0).sum()
    (lending,) = outcome.engine.lending
    assert sum(row["debt_after"] for row in exact["health"]) == sum(
        crowd_columns(lending)["debt"].tolist()
    )
    # nobody is due at the start
    assert exact["health"][0]["accounts_before"] == 0


@pytest.mark.parametrize("name", PROTOCOLS)
def test_debts_that_went_are_those_of_the_log(name, played):
    outcome = played(name)
    rows, every = log_of(outcome)
    by_account = defaultdict(int)
    for row in rows[EventKind.REPAY]:
        if row["account"] >= 0:
            assert every[row["cause"]]["kind"] == EventKind.LIQUIDATION
            by_account[row["account"]] += row["money"]
    if name in TROVES:
        assert not by_account
        for row in rows[EventKind.OFFSET] + rows[EventKind.REDISTRIBUTE]:
            by_account[row["account"]] += row["quantity"]
    found = lending_report.exact(outcome)["liquidations"]
    assert found["repaid_atoms"] == sum(by_account.values()) > 0
    assert found["accounts"] == len(by_account)


@pytest.mark.parametrize("name", PROTOCOLS)
def test_liquidators_have_what_they_sold_for_less_what_they_paid(name, played):
    outcome = played(name)
    exact, (rows, every) = lending_report.exact(outcome), log_of(outcome)
    (liquidator,) = exact["liquidators"]
    sold = sum(
        row["money"] if row["side"] == 1 else -row["money"]
        for row in rows[EventKind.FILL]
        if row["account"] == LIQUIDATOR
    )
    # money is worth one everywhere; what a loan in bands held of it comes with the call
    paid = sum(r["money"] + r["order"] for r in rows[EventKind.REPAY] if r["counterparty"] == 0)
    paid += sum(row["money"] for row in rows[EventKind.TAKE])
    paid += sum(row["money"] for row in rows[EventKind.SOFT_LIQUIDATION])
    got = sum(row["money"] for row in rows[EventKind.DE_LIQUIDATION])
    got += sum(row["quantity"] for row in rows[EventKind.INCENTIVE])
    if name == "crvusd":
        got += sum(row["money"] for row in rows[EventKind.SEIZE])
    closed = len(rows[EventKind.LIQUIDATION])
    got += closed * {"liquity_v1": 200, "liquity_v2": 75}.get(name, 0) * 10**6
    assert liquidator["profit_atoms"] == sold - paid + got - liquidator["gas_atoms"]
    assert liquidator["profit_atoms"] > 0
    acts = len(rows[EventKind.TAKE]) + sum(r["account"] < 0 for r in rows[EventKind.SEIZE])
    calls = {
        row["cause"] for row in rows[EventKind.SEIZE] if row["counterparty"] == 0 <= row["account"]
    }
    assert all(every[cause]["kind"] == EventKind.LIQUIDATION for cause in calls)
    assert liquidator["calls"] == acts + len(calls) > 20


@pytest.mark.parametrize("name", [*CALLS, "compound_v3", "maker_liq2"])
def test_bad_debt_by_destination_is_that_of_the_log(name, played):
    outcome = played(name)
    rows, _ = log_of(outcome)
    written = sum(row["money"] for row in rows[EventKind.BAD_DEBT])
    found = lending_report.exact(outcome)["bad_debt"]
    assert sum(row["atoms"] for row in found) == written
    (lending,) = outcome.engine.lending
    assert {row["to"] for row in found} <= {lending.rules.bad_debt}


@pytest.mark.parametrize("name", CALLS)
def test_seized_at_the_price_of_its_moment(name, played):
    outcome = played(name)
    (rows, _), ticks = log_of(outcome), prices(outcome, collateral_of(outcome))
    seized = sum(r["quantity"] * ticks[r["number"]] * UNIT for r in rows[EventKind.SEIZE])
    kept = sum(r["money"] * ticks[r["number"]] * UNIT for r in rows[EventKind.SEIZE])
    found = lending_report.exact(outcome)["liquidations"]
    assert (found["seized_atoms"], found["fee_atoms"]) == (seized, kept)
    assert (found["fee_on_top_atoms"] > 0) == (name == "euler_v1")


def test_a_storefront_sells_what_was_taken_over(played):
    outcome = played("compound_v3")
    rows, _ = log_of(outcome)
    (found,) = lending_report.exact(outcome)["storefronts"]
    (lending,) = outcome.engine.lending
    taken = sum(r["quantity"] for r in rows[EventKind.SEIZE] if r["counterparty"] == HOUSE)
    sold = sum(r["quantity"] for r in rows[EventKind.SEIZE] if r["account"] < 0)
    assert found["collateral"] == {
        "ETH": {"taken_lots": taken, "sold_lots": sold, "held_lots": taken - sold}
    }
    assert lending["ETH"].row()["absorbed"] == taken - sold
    paid = sum(r["money"] for r in rows[EventKind.REPAY] if r["account"] < 0)
    owed = sum(r["money"] for r in rows[EventKind.REPAY] if r["account"] >= 0)
    # what stayed with the protocol: purchases, less debts taken over, less surplus given to accounts
    surplus = sum(r["quantity"] for r in rows[EventKind.SUPPLY])
    lost = sum(r["quantity"] for r in rows[EventKind.BAD_DEBT])
    assert (found["paid_atoms"], found["debt_atoms"]) == (paid, owed)
    assert found["treasury_atoms"] == paid - owed - surplus
    assert found["taken"] == len({r["account"] for r in rows[EventKind.LIQUIDATION]})
    assert lost == sum(row["lots"] for row in lending_report.exact(outcome)["bad_debt"])


def test_auctions_are_those_of_the_log(played):
    outcome = played("maker_liq2")
    rows, _ = log_of(outcome)
    (found,) = lending_report.exact(outcome)["auctions"]
    (lending,) = outcome.engine.lending
    kinds = (EventKind.KICK, EventKind.TAKE, EventKind.REDO)
    assert [found[word] for word in ("begun", "takes", "resets")] == [len(rows[k]) for k in kinds]
    tabs = sum(r["money"] for r in rows[EventKind.KICK])
    paid = sum(r["money"] for r in rows[EventKind.TAKE])
    assert (found["tab_atoms"], found["paid_atoms"]) == (tabs, paid)
    # an auction ends when its tab is paid or its lot is gone; the others are open
    lots = defaultdict(int)
    left = defaultdict(int)
    for row in rows[EventKind.KICK]:
        lots[row["order"]], left[row["order"]] = row["quantity"], row["money"]
    for row in rows[EventKind.TAKE]:
        lots[row["order"]] -= row["quantity"]
        left[row["order"]] -= row["money"]
    assert found["open"] == sum(1 for number in lots if lots[number] and left[number])
    assert found["takes"] > 100
    assert lending.rules.auction.tip == 20
    # the last price is below the first, so long after the shock is anything taken
    assert outcome.engine.time >= 1_200 + 8_400


@pytest.mark.parametrize("name", TROVES)
def test_troves_go_to_the_pool_and_to_the_others(name, played):
    outcome = played(name)
    exact, (rows, _) = lending_report.exact(outcome), log_of(outcome)
    (found,) = exact["troves"]
    held, ticks = collateral_of(outcome), prices(outcome, collateral_of(outcome))
    offsets, shared = rows[EventKind.OFFSET], rows[EventKind.REDISTRIBUTE]
    assert found["offset_atoms"] == sum(r["quantity"] for r in offsets) > 0
    assert found["redistributed_atoms"] == sum(r["quantity"] for r in shared) > 0
    assert found["pool_before_atoms"] - found["pool_after_atoms"] == found["offset_atoms"]
    owners = [r for r in rows[EventKind.RETURNED] if r["account"] >= 0]
    where = {
        "pool": [(r["money"], r) for r in offsets],
        "others": [(r["money"], r) for r in shared],
        "liquidators": [(r["quantity"], r) for r in rows[EventKind.SEIZE]],
        "owners": [(r["quantity"], r) for r in owners],
    }
    assert found["collateral"] == {
        word: {
            "lots": sum(lots for lots, _ in parts),
            "atoms": sum(lots * UNIT * ticks[row["number"]] for lots, row in parts),
        }
        for word, parts in where.items()
    }
    # all that the loans had went somewhere
    taken = sum(r["quantity"] for r in rows[EventKind.LIQUIDATION])
    assert taken == sum(part["lots"] for part in found["collateral"].values())
    # who bore what the debts exceeded the collateral by
    losses = defaultdict(int)
    for word, events in (("stability_pool", offsets), ("redistribution", shared)):
        for row in events:
            losses[word] += max(0, row["quantity"] - row["money"] * UNIT * ticks[row["number"]])
    assert {row["to"]: row["atoms"] for row in exact["bad_debt"]} == {
        word: atoms for word, atoms in losses.items() if atoms
    }
    # the ratio of all loans is that of the sums
    columns = crowd_columns(held.lending)
    total = sum(columns["collateral"].tolist()), sum(columns["debt"].tolist())
    assert found["ratio_after"] == 10_000 * total[0] // total[1]
    # of the debts only what the pool took is gone, and interest has come; accounts see theirs rounded down
    owed = sum(outcome.before.columns["loans"]["debt"].tolist()) - found["offset_atoms"]
    owed += sum(r["quantity"] for r in rows[EventKind.INTEREST])
    assert held.lending["USD"].row()["owed_lots"] == owed >= total[1]


def test_bands_sell_and_lose_what_the_log_says(played):
    outcome = played("crvusd")
    exact, (rows, _) = lending_report.exact(outcome), log_of(outcome)
    (found,) = exact["bands"]
    bands = outcome.engine.lending.bands["loans"]
    totals = bands.totals()
    ticks = prices(outcome, bands.collateral)
    for word, kind, sign in (
        ("sold", EventKind.SOFT_LIQUIDATION, 1), ("bought", EventKind.DE_LIQUIDATION, -1),
    ):  # fmt: skip
        trades = rows[kind]
        worth = sum(r["quantity"] * ticks[r["number"]] * UNIT for r in trades)
        money = sum(r["money"] for r in trades)
        lots = sum(r["quantity"] for r in trades)
        assert found[word] == {
            "trades": len(trades), "lots": lots, "atoms": money, "lost_atoms": sign * (worth - money),
        }  # fmt: skip
        assert totals[word] == lots
    assert found["sold"]["trades"] > 10
    assert found["calls"] == len(rows[EventKind.SEIZE])
    assert found["closed_lots"] == sum(r["quantity"] for r in rows[EventKind.SEIZE])
    # collateral: what came in, less sold, closed, and repaid, is left but for parts of lots
    left = totals["lots_in"] - totals["lots_out"]
    assert abs(found["left_lots"] - left) <= len(rows[EventKind.SEIZE]) + 1
    assert (
        sum(p["soft_lots"] for p in exact["path"])
        == found["sold"]["lots"] - found["bought"]["lots"]
    )
    assert exact["waiting"]["debt_atoms"] == sum(
        debt
        for debt, due in zip(
            *(bands.columns()[name].tolist() for name in ("debt", "due")), strict=True
        )
        if due
    )


@pytest.mark.parametrize("name", PROTOCOLS)
def test_the_report_says_what_was_fitted(name, played):
    outcome = played(name)
    numbers = lending_report.measure(outcome)
    text = lending_report.render(numbers)
    assert text.startswith(f"loans ({name}")
    fitted = text.splitlines()[1]
    if name in CALLS:
        assert fitted == "" and not numbers["fitted"]
    else:
        assert fitted.startswith("  Fitted to the rules: ")
        assert all(note in fitted for note in numbers["fitted"])
    words = {
        "compound_v3": "Storefront of loans", "maker_liq2": "Collateral auctions",
        "liquity_v1": "stability pool", "liquity_v2": "stability pool", "crvusd": "sold softly",
    }  # fmt: skip
    assert words.get(name, "Liquidations by wave") in text


@pytest.mark.parametrize("name", ["liquity_v1", "crvusd"])
def test_a_picture_of_any_kind(name, played, tmp_path):
    pytest.importorskip("matplotlib")
    from cascade.lending_plot import plot

    path = tmp_path / "picture.png"
    plot(lending_report.measure(played(name)), str(path))
    assert path.read_bytes().startswith(b"\x89PNG")


def test_the_command_plays_a_variant(capsys):
    assert cli.main(["run", "lending", "--rules", "liquity_v2:staked ether", "--quiet"]) == 0
    assert capsys.readouterr().out.startswith("loans (liquity_v2 staked ether): ")
    assert cli.main(["run", "lending", "--rules", "maker_liq2:BAT-A", "--quiet"]) == 2
    assert "lending.variant: collateral 'BAT-A' is not one of 'ETH-A'" in capsys.readouterr().err

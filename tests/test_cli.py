"""The command: what it prints, where, and how it ends."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import cascade as cs
from cascade import cli, scenarios

ROOT = Path(__file__).resolve().parents[1]

SMALL = """\
[market]
name = "X"
tick = 1
lot = 0.01
price = 1_000
feed = "mid"
[book]
levels = 500
touch_size = 5
[crowd]
count = 500
leverage_median = 15
[shock]
kind = "index"
move = -0.1
steps = 5
"""


@pytest.fixture
def small(tmp_path):
    path = tmp_path / "small.toml"
    path.write_text(SMALL)
    return str(path)


def command(*arguments, **options):
    return subprocess.run(
        [sys.executable, "-m", "cascade", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        **options,
    )


def test_run_without_arguments_is_the_shipped_scenario(capsys, monkeypatch):
    # no line of progress, however slow the machine
    monkeypatch.setattr(time, "monotonic", lambda: 0.0)
    assert cli.main(["run"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("BTC: 100,000 accounts")
    assert "Who paid, USD" in out
    assert err == ""


def _readme_block(first_line):
    text = (ROOT / "README.md").read_text()
    start = text.index(f"```text\n{first_line}") + len("```text\n")
    return text[start : text.index("```", start)]


@pytest.mark.parametrize("scenario", ["btc_crash", "examples/binance_btcusdt.toml"])
def test_readme_shows_the_real_output(scenario, capsys, monkeypatch):
    if scenario.startswith("examples") and not (ROOT.parent / "shared" / "data").exists():
        pytest.skip("needs ../shared/data, a recorded order book")
    monkeypatch.chdir(ROOT)
    assert cli.main(["run", scenario, "--quiet"]) == 0
    printed = capsys.readouterr().out.splitlines()
    # the last line has the time taken
    assert _readme_block(printed[0]).splitlines()[:-1] == printed[:-1]


def test_venues_lists_every_preset(capsys):
    assert cli.main(["venues"]) == 0
    lines = capsys.readouterr().out.splitlines()
    named = [line.partition(":")[0] for line in lines if not line.startswith(" ")]
    heading = ["", "Lending protocols (rules for cascade.lending)"]
    venues = [*cs.rules.VENUES, *cs.rules.BREAKER_VENUES]
    protocols = [*cs.rules.LENDING_PROTOCOLS, *cs.rules.AUCTION_PROTOCOLS]
    assert named == [*venues, *heading, *protocols]
    every = [*venues, *protocols]
    assert "    lending; 3.0, 3.3, 3.7" in lines
    assert "    breaker" in lines
    assert "    follows code (gmx-io/gmx-synthetics at a5c0c883)" in lines
    assert cli.main(["venues", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in rows] == every
    assert all(row["source"] for row in rows)
    assert all(bool(row["symbols"]) == (row["name"] in cs.rules.VENUES) for row in rows)


def test_rules_of_a_venue_for_any_scenario(small, capsys):
    found = {}
    for name in (None, "bybit_linear", "gmx_v2"):
        arguments = ["run", small, "--json", *(["--rules", name] if name else [])]
        assert cli.main(arguments) == 0
        found[name] = json.loads(capsys.readouterr().out)["exact"]
    # the pool of gmx_v2 takes everything off the book
    assert found["gmx_v2"] != found["bybit_linear"] != found[None]
    scenario = scenarios.load(small).with_rules("bybit_linear")
    assert scenario.build().markets[0].rules == cs.rules.bybit_linear("BTCUSDT", feed="mid")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("nosuch", "market.rules: 'nosuch' is not one of binance_usdm"),
        ("bitmex", "market.contract: bitmex has inverse contracts, the scenario's are linear"),
    ],
)
def test_rules_that_do_not_fit(small, name, reason, capsys):
    assert cli.main(["run", small, "--rules", name]) == cli.EXIT_BAD_INPUT
    assert reason in capsys.readouterr().err


def test_module_and_version():
    done = command("--version")
    assert (done.returncode, done.stdout) == (0, f"cascade {cs.__version__}\n")
    assert command().returncode == 2


def test_json_is_the_same_each_time_but_for_the_time_taken(small, capsys):
    texts = []
    for _ in range(2):
        assert cli.main(["run", small, "--json"]) == 0
        text = capsys.readouterr().out
        numbers = json.loads(text)
        taken = numbers.pop("seconds_taken")
        assert set(taken) == {"build", "run"}
        head, _, _ = text.partition('"seconds_taken"')
        texts.append(head)
        assert numbers["market"] == "X"
    assert texts[0] == texts[1]


def test_seed_changes_the_crowd(small, capsys):
    assert cli.main(["run", small, "--json", "--seed", "5"]) == 0
    five = json.loads(capsys.readouterr().out)
    assert cli.main(["run", small, "--json"]) == 0
    none = json.loads(capsys.readouterr().out)
    assert (five["seed"], none["seed"]) == (5, 0)
    assert five["exact"]["liquidated_atoms"] != none["exact"]["liquidated_atoms"]


@pytest.mark.parametrize("seed", ["-1", "x", str(2**63)])
def test_bad_seed(small, seed, capsys):
    with pytest.raises(SystemExit) as caught:
        cli.main(["run", small, f"--seed={seed}"])
    assert caught.value.code == 2
    assert "--seed" in capsys.readouterr().err


def test_events_are_the_log(small, tmp_path, capsys):
    target = tmp_path / "log.npz"
    assert cli.main(["run", small, "--json", "--events", str(target)]) == 0
    numbers = json.loads(capsys.readouterr().out)
    with np.load(target, allow_pickle=False) as archive:
        events, first = archive["events"], int(archive["first_event"])
    assert events.dtype == cs.EVENT_DTYPE
    assert len(events) - first == numbers["events"]
    assert events.tobytes() == scenarios.load(small).run().engine.events.tobytes()
    assert (events["kind"][first:] == cs.EventKind.LIQUIDATION).sum() == numbers["liquidations"][
        "count"
    ]


def test_bad_scenario_is_one_line(tmp_path):
    path = tmp_path / "bad.toml"
    path.write_text(SMALL.replace("touch_size = 5", "touch_size = -5"))
    done = command("run", str(path))
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == f"cascade: {path}, line 9, book.touch_size: -5 is not above 0\n"


def test_missing_scenario_and_unwritable_log(tmp_path, small, capsys):
    assert cli.main(["run", str(tmp_path / "none.toml")]) == 2
    assert "cannot be read: No such file" in capsys.readouterr().err
    assert cli.main(["run", small, "--events", str(tmp_path / "no" / "log.npz")]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_interrupt_ends_with_130(tmp_path):
    path = tmp_path / "long.toml"
    path.write_text(SMALL.replace("steps = 5", "steps = 1_000_000\ndt = 0"))
    running = subprocess.Popen(
        [sys.executable, "-m", "cascade", "run", str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # a shell starts what runs in its background with interrupts ignored, and children inherit it
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        # the first line of progress says that the run has begun
        assert running.stderr.readline().startswith("step ")
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=60)
    finally:
        running.kill()
    assert running.returncode == 130
    assert out == ""
    assert err.splitlines()[-1] == "cascade: interrupted"


def test_a_reader_that_leaves_is_no_error(small):
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "cascade", "run", small],
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
        timeout=120,
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (141, "")


def test_progress_begins_after_two_seconds(capsys, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    progress = cli.Progress()
    for second in range(6):
        now[0] = float(second)
        progress(second, 10)
    progress.close()
    assert capsys.readouterr().err == "step 2 of 10\nstep 4 of 10\n"


def test_progress_is_a_bar_on_a_terminal(monkeypatch):
    made = []

    class Bar:
        def __init__(self, total, unit, file, leave):
            self.total, self.n, self.shown, self.closed = total, 0, [], False
            made.append(self)

        def refresh(self):
            self.shown.append((self.n, self.total))

        def close(self):
            self.closed = True

    monkeypatch.setitem(sys.modules, "tqdm", SimpleNamespace(tqdm=Bar))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(cli, "PROGRESS_AFTER_SECONDS", -1.0)
    progress = cli.Progress()
    progress(1, 10)
    progress(2, 20)
    progress.close()
    (bar,) = made
    assert (bar.shown, bar.closed) == ([(1, 10), (2, 20)], True)


def test_quiet_says_nothing_but_the_report(small, capsys, monkeypatch):
    monkeypatch.setattr(cli, "PROGRESS_AFTER_SECONDS", -1.0)
    assert cli.main(["run", small]) == 0
    assert "step 5 of 5" in capsys.readouterr().err
    assert cli.main(["run", small, "--quiet"]) == 0
    assert capsys.readouterr().err == ""


def test_main_job_needs_no_optional_library(small):
    program = (
        "import sys\n"
        "for name in ('msgspec', 'tqdm', 'matplotlib', 'plotly'):\n"
        "    sys.modules[name] = None\n"
        "from cascade.cli import main\n"
        f"sys.exit(main(['run', {small!r}, '--quiet']))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stderr) == (0, "")

"""The runner of golden files: what it counts, and the files beside the project where there are any."""

import json
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SHARED = HERE.parents[1] / ".." / "shared" / "golden"
sys.path.insert(0, str(HERE))

from case import Answer, Inputs, UnsupportedError, allowed_difference, differences  # noqa: E402

LONG = {"side": "long", "wallet_balance": "qty*entry/leverage", "leverage": 5, "entry": 8, "qty": 1.0,
        "mmr": 0.01, "maint_amount": 0.01}  # fmt: skip
TIERED = "liq_price.linear.isolated.tiered"


def _run(tmp_path, cases, *options):
    file = tmp_path / "cases.json"
    file.write_text(json.dumps(cases))
    command = [sys.executable, str(HERE / "run.py"), str(file), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert not done.stderr
    return done.returncode, done.stdout.splitlines()


def test_counts_and_exit_code(tmp_path):
    # third-party test of the venue's formula: 8 - 1.6, less 0.01, over 0.99
    right = {"id": "right", "rule": TIERED, "inputs": LONG, "tolerance": 1e-9,
             "expected": {"liq_price": 6.454545454545454}}  # fmt: skip
    wrong = right | {"id": "wrong", "expected": {"liq_price": 6.5}}
    other = right | {"id": "other", "rule": "liq_price.of.another.kind"}
    code, lines = _run(tmp_path, [right, wrong, other])
    assert code == 1
    assert len(lines) == 2
    assert lines[0].startswith(f"FAILED wrong ({TIERED}): liq_price: 6.4545")
    assert lines[1] == "passed 1, failed 1, unsupported 1"
    assert _run(tmp_path, [right, other]) == (0, ["passed 1, failed 0, unsupported 1"])
    assert _run(tmp_path, [right, wrong], "--rule", "pnl")[1] == [
        "passed 0, failed 0, unsupported 0"
    ]


def test_inputs_are_exact_and_formulas_are_read():
    given = Inputs(LONG)
    assert given["wallet_balance"] == Fraction(8, 5)
    assert given["mmr"] == Fraction(1, 100)
    assert given.get("nothing", 3) == 3
    with pytest.raises(UnsupportedError, match="nothing"):
        given["nothing"]
    with pytest.raises(UnsupportedError, match="formula"):
        given.exact("__import__('os')")


@pytest.mark.parametrize(
    ("tolerance", "allowed"),
    [(0.5, 0.5), ({"default": 1, "x": 2}, 2), ({"abs": 3}, 3), ({"rel": "0.1"}, 10),
     ("rel 1e-2; abs 0.5 elsewhere", 1), ("abs 7 with 100 accounts", 7), (None, 0), ("exact", 0)],
)  # fmt: skip
def test_tolerances(tolerance, allowed):
    assert allowed_difference(tolerance, "x", 100.0) == pytest.approx(allowed, abs=1e-9)


def test_differences_are_named():
    expected = {"a": 1, "b": [1, 2], "c": "no", "d": {"e": True}}
    right = {"a": 1.0, "b": [1, 2], "c": "no", "d": {"e": True}, "more": 0}
    assert differences(expected, Answer(right), 0) == []
    wrong = {"a": 2, "b": [1], "c": "yes", "d": {"e": False}}
    assert len(differences(expected, Answer(wrong), 0)) == 4
    assert differences({"a": 1}, Answer({"a": float("nan")}), 9) != []
    assert differences({"a": 1}, Answer({}), 0) == ["a: not answered"]
    assert differences({"b": [1, 2]}, Answer({"b": [1.5, 2]}, {"b": [0.6, 0.1]}), 0) == []
    assert differences({"b": [1, 2]}, Answer({"b": [1.5, 2.5]}, {"b": [0.6, 0.1]}), 0) != []


def test_numbers_printed_as_text_are_compared_exactly():
    long = "1000000000000000000000000000001"
    assert differences(long, Answer(10**30 + 1), {"abs": 0}) == []
    assert differences(long, Answer(10**30), {"abs": 0}) != []
    assert differences(long, Answer(10**30), {"abs": "1"}) == []
    assert differences(10**15, Answer(10**15 + 1), {"abs": 0}) != []
    assert differences("0.513", Answer(Fraction(513, 1000)), {"abs": 0}) == []
    assert differences("0.513", Answer(Fraction(5131, 10000)), {"abs": 0}) != []
    # a decimal that does not end is rounded at its last digit
    third = "0.3333333333333333333333333333333333"
    assert differences(third, Answer(Fraction(1, 3)), {"abs": 0}) == []
    assert differences(third, Answer(Fraction(1, 3) + Fraction(1, 10**33)), {"abs": 0}) != []
    assert differences("not a number", Answer("not a number"), {"abs": 0}) == []
    assert differences("5", Answer(True), {"abs": 0}) != []


def test_cases_in_prose_are_found_by_what_they_give(tmp_path):
    # Aave's own test with other numbers and other words
    case = {"id": "another", "protocol": "Aave v3", "rule": "percentMul, worded differently",
            "inputs": {"value": "3", "percentage_bps": 5000}, "expected": "2",
            "tolerance": {"abs": 0}}  # fmt: skip
    unknown = case | {"id": "unknown", "inputs": {"nothing": 1}}
    other = case | {"id": "other", "protocol": "another protocol"}
    assert _run(tmp_path, [case, unknown, other]) == (0, ["passed 1, failed 0, unsupported 2"])


@pytest.mark.slow
@pytest.mark.parametrize(("name", "least"), [("perp", 74), ("model", 57), ("lending", 75)])
def test_shared_cases(name, least):
    file = SHARED / f"{name}.json"
    if not file.exists():
        pytest.skip(f"{file} is not beside the project")
    command = [sys.executable, str(HERE / "run.py"), str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    counts = done.stdout.splitlines()[-1].replace(",", "").split()
    assert done.returncode == 0, done.stdout
    assert int(counts[1]) >= least

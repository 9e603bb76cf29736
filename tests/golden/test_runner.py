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

import acceptance  # noqa: E402
from case import Answer, Inputs, UnsupportedError, allowed_difference, differences  # noqa: E402
from run import run_case  # noqa: E402

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
    assert len(lines) == 3
    assert lines[0].startswith(f"FAILED wrong ({TIERED}): liq_price: 6.4545")
    assert lines[1].startswith("unsupported other (liq_price.of.another.kind): no adapter")
    assert lines[2] == "passed 1, failed 1, unsupported 1"
    code, lines = _run(tmp_path, [right, other])
    assert (code, lines[1:]) == (0, ["passed 1, failed 0, unsupported 1"])
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
    code, lines = _run(tmp_path, [case, unknown, other])
    assert (code, lines[2:]) == (0, ["passed 1, failed 0, unsupported 2"])
    # where nothing says whether to multiply or to divide, no answer is better than a wrong one
    silent = case | {"id": "silent", "rule": "worded differently"}
    assert run_case(silent, [])[0] == "unsupported"
    assert run_case(silent | {"id": "aave-percentmul-9"}, []) == ("passed", [])
    # without a protocol, how the id begins tells it
    alone = {name: value for name, value in case.items() if name != "protocol"}
    assert run_case(alone | {"id": "aave-9"}, []) == ("passed", [])


MALFORMED = [
    None, 5, {}, {"id": "no inputs", "rule": TIERED, "expected": 1},
    {"id": "null", "rule": TIERED, "inputs": None, "expected": 1},
    {"id": "list", "rule": TIERED, "inputs": [1], "expected": 1},
    {"id": "nothing expected", "rule": TIERED, "inputs": LONG},
    {"id": "formula", "rule": TIERED, "inputs": LONG | {"qty": "1+("}, "expected": {"liq_price": 1}},
    {"id": "type", "rule": TIERED, "inputs": LONG | {"qty": {"a": 1}}, "expected": {"liq_price": 1}},
    {"rule": 3, "protocol": ["x"], "inputs": {"debt": 1}, "expected": 1},
    {"id": "tolerance", "rule": TIERED, "inputs": LONG, "expected": {"liq_price": 1}, "tolerance": [1]},
]  # fmt: skip


def test_a_malformed_case_stops_no_other(tmp_path):
    right = {"id": "right", "rule": TIERED, "inputs": LONG, "tolerance": 1e-9,
             "expected": {"liq_price": 6.454545454545454}}  # fmt: skip
    code, lines = _run(tmp_path, [*MALFORMED, right])
    assert code == 1
    assert lines[-1] == "passed 1, failed 9, unsupported 2"
    assert len(lines) == len(MALFORMED) + 1
    assert lines[0].startswith("FAILED case 0 (): TypeError: a case is an object")


def _case(name, protocol, given, expected, tolerance=0, rule="worded somehow"):
    return {"id": name, "protocol": protocol, "rule": rule, "inputs": given, "expected": expected,
            "tolerance": {"abs": tolerance}}  # fmt: skip


VAULT = {
    "collateral": 100,
    "price": "0.4",
    "ltv": "0.3",
    "debt": 5,
    "debt_price": "2.5",
    "max_discount": "0.2",
}
STORE = {
    "base_amount": 50000000,
    "price_usd": 1,
    "store_front_factor": 0.5,
    "liquidation_factor": 0.8,
}
ATTACK = {"A0": 10000, "B0": 28000000, "b": 32000, "c": "20.12", "theta": "0.85", "bonus": "0.05"}
#: Worked by hand or printed where a comment says so.
BY_INPUTS = [
    _case("healthy", "Compound v3", {"debt_usdc": 100, "collateral": [["COMP", 1]], "prices": {"COMP": 100},
                                     "liquidate_cf": "1"}, {"liquidatable": False}),
    _case("several", "Compound v3",
          {"accounts": [{"debt_usdc": owed, "collateral": [["COMP", 1]]} for owed in (101, 99)],
           "prices": {"COMP": 100}, "liquidate_cf": "1"}, [True, False]),
    _case("ratio", "Liquity v1", {"coll": "1.6", "debt": 150, "price": 100}, {"icr": "1.066666667"}, 1e-9),
    _case("one discount", "Euler v1", {"hs": "0.95", "booster": 2}, "0.095"),
    _case("bare", "Compound v3", {"debt_usdc": 101, "collateral": [["COMP", 1]], "prices": {"COMP": 100},
                                  "liquidate_cf": "1"}, True),
    _case("rows", "Compound v3", {"rows": [[100, "0.8", 80], [100, "0.8", 81]],
                                  "columns": "collateral value, liquidateCF, debt"}, [False, True]),
    _case("principals", "Compound v3", {"present": [100, -100], "supply_index": "1.5", "borrow_index": "1.5"},
          [66, -67]),
    _case("closed", "Compound v3", STORE | {"reserves_before": 100, "target_reserves": 100}, "NotForSale"),
    _case("closed then open", "Compound v3", STORE | {"reserves_before": [100, 99], "target_reserves": 100},
          ["NotForSale", "55555555555555555555"]),
    _case("too much", "Compound v3", STORE | {"holdings": 1}, "LIQUIDATE_SEIZE_TOO_MUCH"),
    _case("above", "Euler v2", VAULT | {"desired": 6}, "E_ExcessiveRepayAmount"),
    _case("above in an object", "Euler v2", VAULT | {"desired": 6}, {"error": "ExcessiveRepayAmount"}),
    _case("discounts", "Euler v2", {"hs": ["0.96", "0.5", "1"], "max_discount": "0.2"}, ["0.04", "0.2", 0]),
    _case("largest debt", "Euler v1", {"collateral": 100, "price": "0.4", "cf": "0.75", "bf": "0.4"}, "12"),
    # Sadeghi & Feinstein 2026, example 5, and section 3: quote * (g - 1) x / (A + g x) with g 1.05
    _case("even", "theory", ATTACK, "16.56", 0.01),
    _case("even as a share", "theory", ATTACK, {"fee": "0.001656"}, 1e-6),
    _case("small", "theory", {"A": 1000, "B": 21000, "x": 1000, "fee": 0, "bonus": "0.05"},
          str(21000 * 0.05 * 1000 / 2050), 1e-9),
    # (1.25 * 100 - 90) / (1.25 - 0.9 * 1.05)
    _case("target", "theory", {"B": 100, "W": 90, "LT": "0.9", "b": "0.05", "h": "1.25"},
          str(35 / 0.305), 1e-9),
    # at health one the collateral is the debt times the bonus, and no liquidation helps below it
    _case("edge", "Aave v3", {"lt": "0.8", "bonus": "1.25", "collateral": 1000, "debt": 800},
          {"hf": 1, "toxic_hf": 1, "liquidatable": False}),
    # half of 2,000 may be repaid, which leaves 990
    _case("deadlock", "Aave v3.3", {"collateral_usd": 2000, "debt_usd": 2000, "lt": "0.955", "bonus": "1.01",
                                    "min_leftover_usd": 1000},
          {"hf": "0.955", "max_repay_usd": 1000, "collateral_left_usd": 990, "revert": True,
           "toxic_below": "0.96455"}),
    # three debts: half of the whole is above the first, half of the first is what v3.0 allows
    _case("whole", "Aave v3.3", {"debts": [3000, 3000, 3000], "collateral": 12000, "hf": "0.97"},
          {"max_repay": 3000, "max_repay_before": 1500}),
    _case("no debt", "Aave v3", {"collateral": [["0.9", 1, "0.85"]], "debts": []}, "inf"),
    # a balance of 1,050 holds 1,000 and a bonus of 50, a tenth of which is the protocol's
    _case("fee", "Aave v3", {"collateral": 1050, "bonus": "1.05", "protocol_fee": "0.1"},
          {"fee": 5, "liquidator": 1045, "repaid": 1000}),
    _case("fee of a repayment", "Aave v3", {"repay": 100, "liquidation_bonus": 10500, "price_debt": 2,
                                            "protocol_fee_bps": 1000}, {"seized": 210, "fee": 1}),
    _case("at the cap", "Aave v3", {"supply_cap": 100, "supplied": 89, "accrued_to_treasury": 1,
                                    "deposit": [10, 11]}, [True, False]),
    _case("above the cap", "Aave v3", {"borrow_cap": 100, "borrows": 90, "borrow": 11}, "BORROW_CAP_EXCEEDED"),
    _case("below the cap", "Compound v2", {"cap": 100, "total_borrows": 90, "borrow": [9, 10]}, [True, False]),
    _case("offers", "Compound v2", {"borrow_balance": 10, "close_factor": "0.5", "repay": [5, 6]}, [True, False]),
    _case("offer", "Compound v2", {"borrow_balance": 10, "close_factor": "0.5", "repay": 6}, "TOO_MUCH_REPAY"),
    _case("limit", "Compound v2", {"borrow_balance": 10, "close_factor": "0.5"}, {"max_repay": 5}),
    # 1 / (1.05 * 1.2), and 0.8 * 1.05 * 1.2
    _case("toxic", "theory", {"b": "0.05", "c_over_y": "0.1"}, str(1 / 1.26), 1e-12),
    _case("toxic health", "theory", {"LT": "0.8", "b": "0.05", "c": 1, "y": 10}, {"toxic_hf": "1.008"}),
    _case("wad", "Aave v3", {"mul": [3, 5], "div": [5, 3]}, {"mul_floor": 0, "mul_ceil": 1,
          "div_ceil": "1666666666666666667", "div_floor": "1666666666666666666"}, rule="wadMul and wadDiv"),
    # half the debt of 10,000 at 1.1 buys 4,000 units at 1.375; half of 13,750 counts against the debt
    _case("shortfall", "Compound v2", {"collateral_tokens": 10000, "exchange_rate": 1, "debt": 10000,
                                       "price_collateral": "1.375", "collateral_factor": "0.5",
                                       "liquidation_incentive": "1.1", "close_factor": "0.5", "repay": 5000},
          {"ratio_before": "1.375", "ratio_after": "1.65", "debt_after": 5000, "shortfall_before": 3125,
           "collateral_after": 6000}),
]  # fmt: skip


@pytest.mark.parametrize("case", BY_INPUTS, ids=lambda case: case["id"])
def test_cases_found_by_what_they_give(case):
    assert run_case(case, BY_INPUTS) == ("passed", [])


def test_a_refusal_of_another_name_and_a_number_for_a_refusal_fail():
    named = _case("above", "Euler v2", VAULT | {"desired": 6}, "PRICE_ERROR")
    assert run_case(named, [])[0] == "failed"
    number = named | {"expected": {"max_repay": 5}}
    assert "refused" in run_case(number, [])[1][0]
    open_ = _case("open", "Compound v3", STORE | {"reserves_before": 1}, "NotForSale")
    assert run_case(open_, [])[0] == "failed"


def test_one_value_of_several_is_unsupported():
    parts = _case("parts", "Liquity v1", {"coll": 2, "debt": 2000, "stability_pool": 500}, 500)
    assert run_case(parts, [])[0] == "unsupported"


def test_what_is_not_answered_is_unsupported_and_a_wrong_part_fails():
    given = BY_INPUTS[0] | {"expected": {"liquidatable": False, "weather": 3}}
    assert run_case(given, []) == ("unsupported", ["weather: not answered"])
    wrong = given | {"expected": {"liquidatable": True, "weather": 3}}
    state, lines = run_case(wrong, [])
    assert (state, len(lines)) == ("failed", 1)


def test_tolerances_that_are_conditions():
    answers = {"hill": {"1": [6.0, 7.0], "3": [4.0, 5.0]}, "sd": {"1": [0.03], "3": [0.034]}}
    text = "accept: hill(1)>5.5, 3.5<hill(3)<5.5, hill(3)<5.5<hill(1); sd below 0.0351 for all"
    assert acceptance.is_acceptance(text)
    assert acceptance.differences(answers, text) == []
    for clause in ("hill(1)>6.5", "3.5<hill(3)<4.5", "hill(1)<hill(3)", "sd below 0.033 for all",
                   "sd above 0.032 for all"):  # fmt: skip
        assert len(acceptance.differences(answers, f"accept: {clause}, hill(1)>5")) == 1
    with pytest.raises(ValueError, match="cannot be read"):
        acceptance.differences(answers, "accept: it looks right")


def test_shared_cases_do_not_depend_on_their_prose():
    file = SHARED / "lending.json"
    if not file.exists():
        pytest.skip(f"{file} is not beside the project")
    cases = [case | {"rule": "something else"} for case in json.loads(file.read_text())]
    found = [run_case(case, cases) for case in cases]
    assert [lines for state, lines in found if state == "failed"] == []
    assert sum(state == "passed" for state, _ in found) >= 183


@pytest.mark.slow
@pytest.mark.parametrize(("name", "least"), [("perp", 129), ("model", 67), ("lending", 185)])
def test_shared_cases(name, least):
    file = SHARED / f"{name}.json"
    if not file.exists():
        pytest.skip(f"{file} is not beside the project")
    command = [sys.executable, str(HERE / "run.py"), str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    counts = done.stdout.splitlines()[-1].replace(",", "").split()
    assert done.returncode == 0, done.stdout
    assert int(counts[1]) >= least

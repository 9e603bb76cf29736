"""Run golden cases against the product: ``python tests/golden/run.py FILE.json [--rule R]``.

A file is a list of cases with `inputs`, `expected` and `tolerance`, named by `rule` or by an `id`
that begins with a law (L01). An adapter a rule translates inputs to calls of public functions or
runs of the engine. A case is alone: one that cannot be read or run is a failing case, and the next one runs.
A rule without an adapter, and a question that an adapter does not answer, are unsupported. Prints a line a
case that fails or is unsupported, with the reason, and a closing count, and ends with 1 when a case fails.
"""

import argparse
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
# an installed package comes first: sources alone have no compiled modules
sys.path.append(str(HERE.parent.parent / "src"))

import acceptance  # noqa: E402
import auction_rules  # noqa: E402
import halt_rules  # noqa: E402
import law_rules  # noqa: E402
import lending_rules  # noqa: E402
import liquidation_rules  # noqa: E402
import market_rules  # noqa: E402
import model_rules  # noqa: E402
import perp_rules  # noqa: E402
import pool_rules  # noqa: E402
import refusals  # noqa: E402
import waterfall_rules  # noqa: E402
from case import UNANSWERED, Answer, Inputs, UnsupportedError, differences  # noqa: E402

from cascade.lending import LendingRefusedError  # noqa: E402

Adapter = Callable[[Inputs], Answer | dict[str, Any] | list[Any]]
RULES: dict[str, Adapter] = {
    **perp_rules.RULES,
    **liquidation_rules.RULES,
    **market_rules.RULES,
    **waterfall_rules.RULES,
    **law_rules.RULES,
    **model_rules.RULES,
    **halt_rules.RULES,
    **pool_rules.RULES,
}
#: Where a rule is prose, cases are found by what they give and ask.
FINDERS: list[Callable[[dict[str, Any]], Adapter | None]] = [
    pool_rules.adapter_of,
    auction_rules.adapter_of,
    lending_rules.find,
]
LAW = re.compile(r"[A-Z]\d\d")


def rule_of(case: dict[str, Any]) -> str:
    """Rule of a case; of a law its letter and number."""
    if "rule" in case:
        return str(case["rule"])
    name = str(case.get("id", ""))
    found = LAW.match(name)
    return found.group() if found else name


def _check(case: Any) -> None:
    """Refuse a case that says nothing to run or to compare."""
    if not isinstance(case, dict):
        raise TypeError(f"a case is an object, not {case!r}")
    if not isinstance(case.get("inputs"), dict):
        raise TypeError(f"inputs {case.get('inputs')!r} are no object")
    if case.get("expected") is None:
        raise TypeError("nothing is expected")


def _adapter(case: dict[str, Any]) -> Adapter:
    adapter = RULES.get(rule_of(case))
    if adapter is None:
        adapter = next(filter(None, (find(case) for find in FINDERS)), None)
    if adapter is None:
        raise UnsupportedError(
            f"no adapter of this rule for the inputs {', '.join(case['inputs'])}"
        )
    return adapter


def _run(case: Any, cases: list[Any]) -> list[str]:
    _check(case)
    expected, tolerance = case["expected"], case.get("tolerance")
    others = [other for other in cases if isinstance(other, dict)]
    try:
        answer = _adapter(case)(Inputs(case["inputs"], expected, others))
    except LendingRefusedError as error:
        return refusals.differences(expected, error)
    if not isinstance(answer, Answer):
        answer = Answer(answer)
    if isinstance(answer.values, dict) and not isinstance(expected, dict):
        raise UnsupportedError("one value is asked, and nothing says which of several")
    if acceptance.is_acceptance(tolerance):
        return acceptance.differences(answer.values, tolerance)
    found = differences(expected, answer, tolerance)
    missing = [line for line in found if line.endswith(UNANSWERED)]
    if missing and len(missing) == len(found):
        raise UnsupportedError("; ".join(missing))
    return [line for line in found if line not in missing]


def run_case(case: Any, cases: list[Any]) -> tuple[str, list[str]]:
    """State of a case, "passed", "failed" or "unsupported", and why: lines of what differs or is missing."""
    try:
        found = _run(case, cases)
    except UnsupportedError as error:
        return "unsupported", [str(error)]
    except Exception as error:  # a case that cannot be run is a failing case, and the next one runs
        return "failed", [f"{type(error).__name__}: {error}"]
    return ("failed" if found else "passed"), found


def main(arguments: list[str] | None = None) -> int:
    """Run a file and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--rule", help="only this rule or law, or rules below it")
    parser.add_argument("--list", action="store_true", help="print a line for every case")
    options = parser.parse_args(arguments)
    cases = json.loads(options.file.read_text())
    if not isinstance(cases, list):
        parser.error(f"{options.file} holds no list of cases")
    counts = {"passed": 0, "failed": 0, "unsupported": 0}
    for number, case in enumerate(cases):
        named = case if isinstance(case, dict) else {}
        rule, name = rule_of(named), named.get("id", f"case {number}")
        if options.rule and rule != options.rule and not rule.startswith(options.rule + "."):
            continue
        state, why = run_case(case, cases)
        counts[state] += 1
        if state != "passed":
            shown = "FAILED" if state == "failed" else state
            print(f"{shown} {name} ({rule}): {'; '.join(why)}")
        elif options.list:
            print(f"{state} {name} ({rule})")
    print(", ".join(f"{state} {count}" for state, count in counts.items()))
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())

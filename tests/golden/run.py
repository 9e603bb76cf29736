"""Run golden cases against the product: ``python tests/golden/run.py FILE.json [--rule R]``.

A file is a list of cases with `inputs`, `expected` and `tolerance`, named by `rule` or by an `id`
that begins with a law (L01). An adapter a rule translates inputs to calls of public functions or
runs of the engine; a rule without one is unsupported. Prints a line a failing case and a closing count, and
ends with 1 when a case fails.
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

import auction_rules  # noqa: E402
import halt_rules  # noqa: E402
import law_rules  # noqa: E402
import lending_rules  # noqa: E402
import liquidation_rules  # noqa: E402
import market_rules  # noqa: E402
import model_rules  # noqa: E402
import perp_rules  # noqa: E402
import pool_rules  # noqa: E402
import waterfall_rules  # noqa: E402
from case import Answer, Inputs, UnsupportedError, differences  # noqa: E402

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
    found = LAW.match(str(case["id"]))
    return found.group() if found else str(case["id"])


def run_case(case: dict[str, Any], cases: list[dict[str, Any]]) -> list[str] | None:
    """Differences from what a case expects; None when the product has no such rule."""
    adapter = RULES.get(rule_of(case))
    if adapter is None:
        adapter = next(filter(None, (find(case) for find in FINDERS)), None)
    if adapter is None:
        return None
    try:
        answer = adapter(Inputs(case["inputs"], case["expected"], cases))
        if not isinstance(answer, Answer):
            answer = Answer(answer)
        return differences(case["expected"], answer, case.get("tolerance"))
    except UnsupportedError:
        return None
    except Exception as error:  # a case that cannot be run is a failing case, and the next one runs
        return [f"{type(error).__name__}: {error}"]


def main(arguments: list[str] | None = None) -> int:
    """Run a file and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--rule", help="only this rule or law, or rules below it")
    parser.add_argument("--list", action="store_true", help="print a line for every case")
    options = parser.parse_args(arguments)
    cases = json.loads(options.file.read_text())
    counts = {"passed": 0, "failed": 0, "unsupported": 0}
    for case in cases:
        rule = rule_of(case)
        if options.rule and rule != options.rule and not rule.startswith(options.rule + "."):
            continue
        found = run_case(case, cases)
        state = "unsupported" if found is None else "failed" if found else "passed"
        counts[state] += 1
        if state == "failed":
            print(f"FAILED {case['id']} ({rule}): {'; '.join(found)}")
        elif options.list:
            print(f"{state} {case['id']} ({rule})")
    print(", ".join(f"{state} {count}" for state, count in counts.items()))
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())

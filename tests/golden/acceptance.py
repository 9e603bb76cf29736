"""Tolerances that are told as conditions: ``accept: hill(1)>5.5, 3.5<hill(3)<5.5; sd below 0.0351 for all``.

A name is a key of the answer, a number in brackets a key below it. A list holds if each of its values
does. Comparisons may be chained.
"""

import operator
import re
from typing import Any

COMPARE = {"<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge}
TERM = re.compile(r"([A-Za-z_]\w*)\s*\(\s*([\w.]+)\s*\)")
PLAIN = re.compile(r"(\w+) (below|above) ([0-9.eE+-]+) for all")


def is_acceptance(tolerance: Any) -> bool:
    """Whether a tolerance is told as conditions."""
    return isinstance(tolerance, str) and tolerance.startswith("accept:")


def _leaves(value: Any) -> list[float]:
    if isinstance(value, dict):
        return [leaf for one in value.values() for leaf in _leaves(one)]
    if isinstance(value, (list, tuple)):
        return [leaf for one in value for leaf in _leaves(one)]
    return [float(value)]


def _values(term: str, answers: dict[str, Any]) -> list[float]:
    if found := TERM.fullmatch(term):
        return _leaves(answers[found[1]][found[2]])
    return [float(term)]


def _holds(clause: str, answers: dict[str, Any]) -> bool:
    if found := PLAIN.fullmatch(clause):
        limit, test = float(found[3]), operator.lt if found[2] == "below" else operator.gt
        return all(test(leaf, limit) for leaf in _leaves(answers[found[1]]))
    parts = re.split(r"(<=|>=|<|>)", clause)
    if len(parts) < 3:
        raise ValueError(f"condition {clause!r} cannot be read")
    sides = [_values(part.strip(), answers) for part in parts[::2]]
    return all(
        COMPARE[sign](one, other)
        for sign, left, right in zip(parts[1::2], sides[:-1], sides[1:], strict=True)
        for one in left for other in right
    )  # fmt: skip


def differences(answers: Any, tolerance: str) -> list[str]:
    """Conditions that do not hold."""
    clauses = re.split(r"[,;]", tolerance.removeprefix("accept:"))
    return [
        f"{clause.strip()} does not hold of {answers}"
        for clause in clauses if clause.strip() and not _holds(clause.strip(), answers)
    ]  # fmt: skip

"""A golden case's inputs as exact numbers, and the comparison of an answer with what it expects.

Inputs may be numbers, printed numbers or formulas over the other inputs ("qty*entry/leverage").
A tolerance is a number (absolute), an object ({"abs": .., "rel": ..}, or one number an expected key
with a "default"), or a text in which "rel x" and "abs x" are looked for.
"""

import ast
import operator
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from numbers import Real
from typing import Any

PRINTED = 5e-12  # expected values carry twelve significant digits
OPERATORS = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.USub: operator.neg, ast.UAdd: operator.pos,
}  # fmt: skip
ENDLESS_DIGITS = 28
UNANSWERED = ": not answered"
NUMBER_AFTER = r"\b{word}\s+([0-9.]+(?:e[-+]?[0-9]+)?)"


class UnsupportedError(Exception):
    """The product has nothing that answers this case."""


@dataclass
class Answer:
    """What the product says: values by expected key, and how far a discretised one may be off."""

    values: Any
    allowed: dict[str, float | list[float]] = field(default_factory=dict)


class _Given(dict[str, Any]):
    def __missing__(self, name: str) -> Any:
        raise UnsupportedError(f"input {name!r} is missing")


def _as_number(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _as_number(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_as_number(one) for one in value]
    if not isinstance(value, str) or (number := _printed(value)) is None:
        return value
    return int(number) if number.denominator == 1 else float(number)


class Inputs:
    """Inputs of a case, read as exact numbers.

    `asked` is what the case expects, for the names of its rows alone; `cases` is the case's file.
    """

    def __init__(
        self, given: dict[str, Any], asked: Any = None, cases: Sequence[dict[str, Any]] = ()
    ) -> None:
        self.given = _Given(given)
        self.asked = asked
        self.cases = cases

    def __contains__(self, name: str) -> bool:
        return self.given.get(name) is not None

    def __getitem__(self, name: str) -> Fraction:
        if name not in self:
            raise UnsupportedError(f"input {name!r} is missing")
        return self.exact(self.given[name])

    def get(self, name: str, default: Any = 0) -> Any:
        """Exact number of an input, or the default."""
        if name not in self:
            return default
        return self[name]

    def plain(self) -> dict[str, Any]:
        """The inputs with printed numbers as numbers."""
        return {name: _as_number(value) for name, value in self.given.items()}

    def of_case(self, start: str) -> dict[str, Any] | None:
        """Inputs of the first other case whose id begins so."""
        for case in self.cases:
            if str(case.get("id", "")).startswith(start) and isinstance(case.get("inputs"), dict):
                return Inputs(case["inputs"]).plain()
        return None

    def first(self, *names: str) -> Fraction:
        """The first of several names for one thing."""
        for name in names:
            if name in self:
                return self[name]
        raise UnsupportedError(f"none of the inputs {', '.join(names)} is given")

    def sign(self) -> int:
        """+1 for a long, -1 for a short."""
        side = self.given.get("side")
        if side not in ("long", "short"):
            raise UnsupportedError(f"side {side!r}")
        return 1 if side == "long" else -1

    def exact(self, value: Any) -> Fraction:
        """Exact number of a value or formula."""
        if isinstance(value, (bool, dict, list)):
            raise UnsupportedError(f"{value!r} is no number")
        if isinstance(value, (int, Fraction)):
            return Fraction(value)
        if isinstance(value, float):
            return Fraction(repr(value))
        try:
            return Fraction(Decimal(value))
        except InvalidOperation:
            return self._formula(ast.parse(value, mode="eval").body)

    def _formula(self, node: ast.AST) -> Fraction:
        if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
            return self.exact(node.value)
        if isinstance(node, ast.Name):
            return self[node.id]
        if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
            return OPERATORS[type(node.op)](self._formula(node.left), self._formula(node.right))
        if isinstance(node, ast.UnaryOp) and type(node.op) in OPERATORS:
            return OPERATORS[type(node.op)](self._formula(node.operand))
        raise UnsupportedError(f"formula {ast.unparse(node)!r}")


def allowed_difference(tolerance: Any, key: str, expected: float) -> float:
    """How far a value may be from the expected one."""
    absolute = relative = 0.0
    if isinstance(tolerance, dict):
        if "abs" in tolerance or "rel" in tolerance:
            absolute = float(tolerance.get("abs", 0))
            relative = float(tolerance.get("rel", 0))
        else:
            absolute = float(tolerance.get(key, tolerance.get("default", 0)))
    elif isinstance(tolerance, str):
        found = {
            word: re.search(NUMBER_AFTER.format(word=word), tolerance) for word in ("rel", "abs")
        }
        relative = float(found["rel"][1]) if found["rel"] else 0.0
        absolute = float(found["abs"][1]) if found["abs"] else 0.0
    elif tolerance is not None:
        absolute = float(tolerance)
    return max(absolute, (relative + PRINTED) * abs(expected))


def differences(expected: Any, answer: Answer, tolerance: Any) -> list[str]:
    """Where the answer is not what is expected, one line each."""
    return list(_compare(expected, answer.values, answer.allowed, tolerance, "", ""))


def _printed(text: str) -> Fraction | None:
    # a number too long for JSON is printed as text; other text is compared as it is
    try:
        return Fraction(Decimal(text))
    except (InvalidOperation, ValueError, OverflowError):
        return None


def _last_digit(text: str) -> Fraction:
    # a decimal of very many digits is a number that does not end, rounded at its last one
    digits = Decimal(text).as_tuple()
    if len(digits.digits) < ENDLESS_DIGITS or int(digits.exponent) >= 0:
        return Fraction(0)
    return Fraction(1, 2) * Fraction(10) ** int(digits.exponent)


def _exact_limit(tolerance: Any, key: str, expected: Fraction) -> Fraction | float:
    # stated limits alone, without the digits that a printed number lacks
    if not isinstance(tolerance, dict) or not {"abs", "rel"} & set(tolerance):
        return allowed_difference(tolerance, key, float(expected))
    absolute = Fraction(Decimal(str(tolerance.get("abs", 0))))
    return max(absolute, Fraction(Decimal(str(tolerance.get("rel", 0)))) * abs(expected))


def _part(allowed: float | list[float], path: str) -> float:
    # a list of allowances goes with a list of values: the path ends in the row's number
    return allowed[int(path.split(".")[-2])] if isinstance(allowed, list) else allowed


def _compare(expected: Any, got: Any, allowed: dict[str, Any], tolerance: Any, path: str, key: str):
    if isinstance(expected, dict):
        for name, value in expected.items():
            if not isinstance(got, dict) or name not in got:
                yield f"{path}{name}{UNANSWERED}"
            else:
                inner = name if not key or name in allowed else key
                yield from _compare(value, got[name], allowed, tolerance, f"{path}{name}.", inner)
    elif isinstance(expected, list):
        if not isinstance(got, (list, tuple)):
            yield f"{path[:-1]}: {got!r}, expected {expected!r}"
            return
        if len(expected) != len(got):
            yield f"{path[:-1]}: {len(got)} values, expected {len(expected)}"
            return
        for number, (value, other) in enumerate(zip(expected, got, strict=True)):
            yield from _compare(value, other, allowed, tolerance, f"{path}{number}.", key)
    elif isinstance(expected, str) and (exact := _printed(expected)) is not None:
        limit, rounding = _exact_limit(tolerance, key, exact), _last_digit(expected)
        # a discretised answer alone has an allowance
        limit = max(limit, _part(allowed.get(key, 0.0), path))
        if isinstance(got, str):
            got = _printed(got)
        if isinstance(got, bool) or not isinstance(got, Real):
            yield f"{path[:-1]}: {got!r}, expected {expected}"
        elif not abs(Fraction(got) - exact) <= max(limit, rounding):
            yield f"{path[:-1]}: {got}, expected {expected} within {float(limit):.3g}"
    elif isinstance(expected, Real) and not isinstance(expected, bool):
        got = _printed(got) if isinstance(got, str) else got
        if not isinstance(got, Real) or isinstance(got, bool):
            yield f"{path[:-1]}: {got!r}, expected {expected!r}"
            return
        # whole numbers on both sides carry no printing error
        is_exact = isinstance(expected, int) and isinstance(got, (int, Fraction))
        limit = (
            _exact_limit(tolerance, key, Fraction(expected))
            if is_exact
            else allowed_difference(tolerance, key, float(expected))
        )
        limit = max(limit, _part(allowed.get(key, 0.0), path))
        gap = abs(got - expected) if is_exact else abs(float(got) - float(expected))
        if not gap <= limit:
            yield f"{path[:-1]}: {float(got)!r}, expected {expected!r} within {float(limit):.3g}"
    elif expected != got:
        yield f"{path[:-1]}: {got!r}, expected {expected!r}"

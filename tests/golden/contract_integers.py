"""Inputs and answers in units or in a contract's own integers.

A whole number from 10**15 on is taken for a contract's own; answers are given in the form in which the
case prints what it expects.
"""

import re
from fractions import Fraction
from typing import Any

from case import Inputs, UnsupportedError

from cascade.lending.wad import WAD

OWN_INTEGER = 10**15


def scaled(i: Inputs, value: Any, unit: int) -> int:
    if isinstance(value, str):
        value = re.sub(r"\b(rad|ray|wad|wei)\b", "", value).strip()
    number = i.exact(value)
    if number.denominator == 1 and abs(number) >= OWN_INTEGER:
        return int(number)
    scaled = number * unit
    if scaled.denominator != 1:
        raise UnsupportedError(f"{value!r} has more digits than the protocol")
    return int(scaled)


def of(i: Inputs, name: str, unit: int = WAD, default: Any = None) -> int:
    if name not in i:
        if default is None:
            raise UnsupportedError(f"input {name!r} is missing")
        return int(default)
    return scaled(i, i.given[name], unit)


def all_of(i: Inputs, name: str, unit: int = WAD) -> list[int]:
    value = i.given[name]
    return [scaled(i, one, unit) for one in (value if isinstance(value, list) else [value])]


def shown(asked: Any, value: Any, unit: int = WAD) -> Any:
    """A contract's integer in the form of what is expected: as it is, or in units."""
    if isinstance(asked, dict) and isinstance(value, dict):
        return {name: shown(asked.get(name), one, unit) for name, one in value.items()}
    if isinstance(asked, list) and isinstance(value, (list, tuple)):
        return [shown(asked[n] if n < len(asked) else 0, one, unit) for n, one in enumerate(value)]
    if isinstance(value, bool) or not isinstance(value, int):
        return value
    try:
        own = Fraction(str(asked))
    except ValueError:
        return Fraction(value, unit)
    return value if abs(own) >= OWN_INTEGER and own.denominator == 1 else Fraction(value, unit)


def like_list(i: Inputs, name: str, values: list[Any]) -> Any:
    return values if isinstance(i.given[name], list) else values[0]


def numbers(i: Inputs, name: str) -> list[Fraction]:
    value = i.given[name]
    return [i.exact(one) for one in (value if isinstance(value, list) else [value])]

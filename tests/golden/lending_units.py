"""Units of lending cases: human amounts and prices as the whole numbers that the protocols work with."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from case import Inputs, UnsupportedError

WAD = 10**18
PRICE = 10**8


def whole(value: Fraction, scale: int = 1) -> int:
    """A number times a scale; what does not come out whole is cut off."""
    return int(value * scale)


def scaled(i: Inputs, name: str, scale: int = WAD, default: Any = None) -> int:
    """Whole number of an input, or of a default."""
    value = i[name] if default is None or name in i else Fraction(default)
    return whole(value, scale)


def share(value: int, scale: int = WAD) -> Fraction:
    """A whole number as the number it stands for."""
    return Fraction(value, scale)


def numbers(i: Inputs, name: str) -> list[Fraction]:
    """List of an input; a single number is a list of one."""
    if name not in i:
        raise UnsupportedError(f"input {name!r} is missing")
    given = i.given[name]
    return [i.exact(x) for x in (given if isinstance(given, list) else [given])]


def has(*names: str) -> Callable[[Inputs, str], bool]:
    """Whether a case gives all these inputs."""
    return lambda i, text: all(name in i for name in names)


def says(*words: str) -> Callable[[Inputs, str], bool]:
    """Whether a case's protocol and rule contain all these words."""
    return lambda i, text: all(word.lower() in text.lower() for word in words)


def asks(*names: str) -> Callable[[Inputs, str], bool]:
    """Whether a case expects all these answers."""
    return lambda i, text: isinstance(i.asked, dict) and all(name in i.asked for name in names)


def both(*tests: Callable[[Inputs, str], bool]) -> Callable[[Inputs, str], bool]:
    """Whether all tests hold."""
    return lambda i, text: all(test(i, text) for test in tests)


def multiplier(value: Fraction) -> Fraction:
    """A bonus as a multiplier: 0.05 and 1.05 both mean 5 %."""
    return value if value >= 1 else 1 + value

"""What errors say of arguments of the wrong kind, so that they name what was forgotten."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

__all__ = ["check_name", "said"]


def said(given: Any) -> str:
    """A wrong argument in words; of a function, such as a preset, that it is to be called."""
    if callable(given):
        name = getattr(given, "__qualname__", repr(given))
        return f"{name} itself: call it, {name}()"
    if type(given).__name__ == "BandRules":
        return "BandRules, which are of engine.lending.add_bands"
    return repr(given)


def check_name(name: Any, what: str, taken: Collection[str]) -> None:
    """Refuse what is no name, or one that exists.

    Raises
    ------
    TypeError, ValueError
        The message has the name and those that are taken.
    """
    if not isinstance(name, str) or not name:
        raise TypeError(f"{what} must have a text that is not empty as its name, got {name!r}")
    if name in taken:
        raise ValueError(f"{what} {name!r} exists; there are: {', '.join(map(repr, taken))}")

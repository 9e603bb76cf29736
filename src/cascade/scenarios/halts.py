"""The circuit breaker of a scenario: a table of `cascade.Breaker`, or of a venue's with its arguments."""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from typing import Any

from cascade.breakers import Breaker
from cascade.rules import BREAKERS

#: A pause or phase without end; TOML has no None.
OPEN_END = "open end"


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_plain(entry) for entry in value)
    return None if value == OPEN_END else value


def breaker_of(table: dict[str, Any]) -> Breaker:
    """A breaker from a table of a scenario.

    Parameters
    ----------
    table : dict
        Parameters of `cascade.Breaker`; with `preset` those of that function of `cascade.rules` too.

    Raises
    ------
    TypeError, ValueError
        The preset or a parameter is unknown, missing or not what it should be.
    """
    given = {name: _plain(value) for name, value in table.items()}
    preset = given.pop("preset", None)
    if preset is not None and preset not in BREAKERS:
        raise ValueError(f"preset {preset!r} is not one of {', '.join(BREAKERS)}")
    made: Callable[..., Breaker] = Breaker if preset is None else BREAKERS[preset]
    own = [name for name in signature(made).parameters if name != "changes"]
    known = {*own, *signature(Breaker).parameters}
    for name in given:
        if name not in known:
            raise ValueError(f"{name!r} is unknown; known: {', '.join(sorted(known))}")
    for name, parameter in signature(made).parameters.items():
        if parameter.default is parameter.empty and name != "changes" and name not in given:
            raise ValueError(f"{name!r} is missing: preset {preset!r} needs it")
    return made(**given)

"""From the data file of a lending protocol to `ProtocolRules`.

A data file has `FOLLOWS`, `DATE`, `SOURCE`, `PROTOCOL` (fields of `cascade.lending.ProtocolRules`) and
`LIQUIDATION` (fields of `cascade.lending.LiquidationRule`); where versions differ, `VARIANTS` and
`PROTOCOL_VARIANTS` (what each changes), `DEFAULT`, and `VERSIONS` (which variant a version is).
"""

from __future__ import annotations

from dataclasses import fields
from importlib import import_module
from types import ModuleType
from typing import Any, Protocol

from cascade.lending.rule import LiquidationRule, ProtocolRules
from cascade.rules.presets import Venue

#: Data files of lending protocols, in the order they are listed.
LENDING_PROTOCOLS: tuple[str, ...] = (
    "aave_v2", "aave_v3", "spark", "compound_v2", "compound_v3", "euler_v1", "euler_v2", "morpho_blue",
)  # fmt: skip

#: Data files of protocols that liquidate by other means than a call, and by what: their parameters go into
#: classes of `cascade.lending`, not into one rule.
AUCTION_PROTOCOLS: dict[str, str] = {
    "maker_liq2": "collateral auctions",
    "liquity_v1": "stability pool and redistribution",
    "liquity_v2": "stability pool and redistribution",
    "crvusd": "soft liquidation in bands",
}

KNOBS = tuple(field.name for field in fields(LiquidationRule))

CALL = """

Parameters
----------
variant : str, optional
    Version of the protocol{variants}.
**changes
    Fields of `cascade.lending.LiquidationRule` to set differently, such as ``close_share``.

Returns
-------
ProtocolRules
    Its `liquidation` is the rule that `cascade.lending.liquidate` takes.

Raises
------
ValueError
    There is no such version, or a change is out of range; the message lists what there is.
TypeError
    `variant` is no text, a change names no field or is no number of its kind.

Notes
-----
Follows: {follows}. Date: {date}. Source: {source}.
"""


class LendingPreset(Protocol):
    """Rules of one lending protocol, called with a version."""

    def __call__(self, variant: str | None = None, **changes: Any) -> ProtocolRules:
        """Rules of a version."""


def _data(name: str) -> ModuleType:
    return import_module(f"cascade.rules.parameters.{name}")


def _variant(data: ModuleType, name: str, version: str) -> str:
    # the variant that a version is
    known: dict[str, str] = getattr(data, "VERSIONS", {})
    if not isinstance(version, str):
        raise TypeError(f"{name}: variant must be text, such as '3.0', got {version!r}")
    if version not in known:
        raise ValueError(f"{name} has no variant {version!r}; known: {', '.join(known) or 'none'}")
    return known[version]


def _rules(name: str, variant: str | None, **changes: Any) -> ProtocolRules:
    data = _data(name)
    variants = getattr(data, "VARIANTS", {})
    chosen = getattr(data, "DEFAULT", None) if variant is None else _variant(data, name, variant)
    for change in changes:
        if change not in KNOBS:
            raise TypeError(
                f"{name}: {change!r} is no field of LiquidationRule: {', '.join(KNOBS)}"
            )
    knobs = {**data.LIQUIDATION, **variants.get(chosen, {}), **changes}
    terms = {**data.PROTOCOL, **getattr(data, "PROTOCOL_VARIANTS", {}).get(chosen, {})}
    return ProtocolRules(
        name=name, liquidation=LiquidationRule(**{"source": data.SOURCE, **knobs}),
        variant=chosen or "", source=data.SOURCE, date=data.DATE, **terms,
    )  # fmt: skip


def describe_lending(name: str) -> Venue:
    """What the rules of that name follow; `contract` is "lending", or how the protocol liquidates otherwise.

    Raises
    ------
    ValueError
        There is none of that name.
    """
    known = (*LENDING_PROTOCOLS, *AUCTION_PROTOCOLS)
    if name not in known:
        raise ValueError(f"{name!r} is not one of {', '.join(known)}")
    data = _data(name)
    return Venue(
        name=name,
        title=(data.__doc__ or "").partition(":")[0],
        contract=AUCTION_PROTOCOLS.get(name, "lending"),
        follows=data.FOLLOWS,
        date=data.DATE,
        source=data.SOURCE,
        symbols=(),
        variants=tuple(getattr(data, "VARIANTS", {})),
    )


def _preset(name: str) -> LendingPreset:
    data, about = _data(name), describe_lending(name)

    def preset(variant: str | None = None, **changes: Any) -> ProtocolRules:
        return _rules(name, variant, **changes)

    default = getattr(data, "DEFAULT", None)
    known = "; there is one"
    if about.variants:
        versions: dict[str, str] = data.VERSIONS
        alike = ", ".join(f"{v} is {chosen}" for v, chosen in versions.items() if v != chosen)
        known = f": {', '.join(about.variants)}; {alike}; default {default}"
    preset.__name__ = preset.__qualname__ = name
    preset.__doc__ = (data.__doc__ or "").rstrip() + CALL.format(
        variants=known, follows=about.follows, date=about.date, source=about.source
    )
    return preset


#: Lending protocols by name.
LENDING: dict[str, LendingPreset] = {name: _preset(name) for name in LENDING_PROTOCOLS}

"""From a venue's data file, or a file of leverage brackets, to `Rules`.

A data file is a module of `cascade.rules.parameters` with `FOLLOWS` (documents or code), `DATE`, `SOURCE`, `RULES`
(parameters of `cascade.Rules`) and `TIERS` (rows by symbol); where it has them, `CONTRACT`,
`BY_SYMBOL` (parameters that depend on the symbol) and `VARIANTS` (parameters of another reading).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from importlib import import_module
from types import ModuleType
from typing import Any, Protocol

from cascade.ruleset import Rules

Row = tuple[Fraction, ...]

#: Data files of this package, in the order they are listed.
VENUES = (
    "binance_usdm", "bybit_linear", "bybit_inverse", "okx_swap", "bitmex", "deribit",
    "kraken_futures", "hyperliquid", "dydx_v4", "drift_v2", "gmx_v2", "ftx", "vega", "percolator",
)  # fmt: skip

CALL = """

Parameters
----------
symbol : str, optional
    As the venue names it; default the first of its table. Here: {symbols}.
variant : str, optional
    Another reading of the rules{variants}.
**changes
    Parameters of `cascade.Rules` to set differently, such as ``taker_fee``.

Returns
-------
Rules
    Its `source` names the documents.

Raises
------
ValueError
    The symbol is not in the table (with ``tiers=`` any will do), or there is no such variant.

Notes
-----
Contracts are {contract}. Follows: {follows}. Date: {date}. Source: {source}.
"""


class Preset(Protocol):
    """Rules of one venue, called with a symbol."""

    def __call__(
        self, symbol: str | None = None, *, variant: str | None = None, **changes: Any
    ) -> Rules:
        """Rules of a symbol."""


@dataclass(frozen=True)
class Venue:
    """What a preset stands for.

    `symbols` are those of its table, `variants` the names of its other readings.
    """

    name: str
    title: str
    contract: str
    follows: str
    date: str
    source: str
    symbols: tuple[str, ...]
    variants: tuple[str, ...]


def _rows(tiers: Sequence[Sequence[Any]]) -> list[Row]:
    return [
        (Fraction(floor), Fraction(rate), *(1 / Fraction(leverage) for leverage in top))
        for floor, rate, *top in tiers
    ]


def _listed(data: ModuleType, name: str) -> Any:
    return getattr(data, name, {})


def _rules(data: ModuleType, symbol: str | None, variant: str | None, **changes: Any) -> Rules:
    name = data.__name__.rpartition(".")[2]
    if symbol is None:
        symbol = next(iter(data.TIERS))
    variants = _listed(data, "VARIANTS")
    if variant is not None and variant not in variants:
        raise ValueError(
            f"{name} has no variant {variant!r}; known: {', '.join(variants) or 'none'}"
        )
    if "tiers" not in changes:
        if symbol not in data.TIERS:
            raise ValueError(
                f"{name} has no symbol {symbol!r} here; known: {', '.join(data.TIERS)}"
            )
        changes = {"tiers": _rows(data.TIERS[symbol]), **changes}
    layers = (
        data.RULES, {"source": data.SOURCE}, _listed(data, "BY_SYMBOL").get(symbol, {}),
        variants.get(variant, {}), changes,
    )  # fmt: skip
    return Rules(**{name: value for layer in layers for name, value in layer.items()})


def describe(name: str) -> Venue:
    """What the preset of that name follows.

    Raises
    ------
    ValueError
        There is none of that name.
    """
    if name not in VENUES:
        raise ValueError(f"{name!r} is not one of {', '.join(VENUES)}")
    data = import_module(f"cascade.rules.parameters.{name}")
    return Venue(
        name=name,
        title=(data.__doc__ or "").partition(":")[0],
        contract=getattr(data, "CONTRACT", "linear"),
        follows=data.FOLLOWS,
        date=data.DATE,
        source=data.SOURCE,
        symbols=tuple(data.TIERS),
        variants=tuple(_listed(data, "VARIANTS")),
    )


def _preset(name: str) -> Preset:
    data = import_module(f"cascade.rules.parameters.{name}")
    about = describe(name)

    def preset(symbol: str | None = None, *, variant: str | None = None, **changes: Any) -> Rules:
        return _rules(data, symbol, variant, **changes)

    preset.__name__ = preset.__qualname__ = name
    preset.__doc__ = (data.__doc__ or "").rstrip() + CALL.format(
        symbols=", ".join(about.symbols),
        variants=f": {', '.join(about.variants)}" if about.variants else "; this venue has none",
        contract=about.contract,
        follows=about.follows,
        date=about.date,
        source=about.source,
    )
    return preset


def tiers_from_file(path: Any, symbol: str) -> list[Row]:
    """Tier rows of one symbol from a file of leverage brackets, as `Rules` takes them.

    Parameters
    ----------
    path : str or os.PathLike
        As `cascade.data.load_tiers` reads it.
    symbol : str
        As the file names it, or as the venue does: ``BTCUSDT`` finds ``BTC/USDT:USDT``.

    Returns
    -------
    list of (floor, maintenance rate, initial rate)
        Fractions; the initial rate is one over the largest leverage.

    Raises
    ------
    ValueError
        The file has no such symbol.
    cascade.data.DataFormatError
        The file is not one of leverage brackets.
    """
    from cascade.data import load_tiers

    table = load_tiers(path)
    if symbol not in table:
        # ccxt writes base/quote:settle, the venue base and quote alone
        plain = {
            name.partition(":")[0].replace("/", ""): name
            for name in reversed(table)
            if name.count("-") == 0
        }
        if symbol not in plain:
            raise ValueError(
                f"{path} has no symbol {symbol!r}; it has {len(table)}, such as "
                f"{', '.join(list(table)[:3])}"
            )
        symbol = plain[symbol]
    found = table[symbol]
    return [
        (Fraction(floor), Fraction(rate), 1 / Fraction(top))
        for floor, rate, top in zip(
            found.floor, found.maintenance_rate, found.max_leverage, strict=True
        )
    ]


#: Presets by the name that scenario files use.
PRESETS: dict[str, Preset] = {name: _preset(name) for name in VENUES}

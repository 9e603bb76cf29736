"""From a venue's data file, or a file of leverage brackets, to `Rules`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from types import ModuleType
from typing import Any

from cascade.rules import binance_usdm as _binance_usdm
from cascade.rules import hyperliquid as _hyperliquid
from cascade.ruleset import Rules

Row = tuple[Fraction, Fraction, Fraction]


def _rows(tiers: Sequence[tuple[int, str, int]]) -> list[Row]:
    return [(Fraction(floor), Fraction(rate), Fraction(1, top)) for floor, rate, top in tiers]


def _preset(venue: ModuleType, symbol: str, changes: dict[str, Any]) -> Rules:
    if "tiers" not in changes:
        if symbol not in venue.TIERS:
            name = venue.__name__.rpartition(".")[2]
            raise ValueError(
                f"{name} has no symbol {symbol!r} here; known: {', '.join(venue.TIERS)}"
            )
        changes = {"tiers": _rows(venue.TIERS[symbol]), **changes}
    return Rules(**{**venue.RULES, "source": venue.SOURCE, **changes})


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


def binance_usdm(symbol: str, **changes: Any) -> Rules:
    """Rules of a Binance USD-M perpetual.

    Parameters
    ----------
    symbol : str
        As the venue names it, ``"BTCUSDT"``.
    **changes
        Parameters of `Rules` to set differently, such as ``taker_fee``.

    Returns
    -------
    Rules
        Its `source` names the documents.

    Raises
    ------
    ValueError
        The symbol is not in the table; with ``tiers=tiers_from_file(path, symbol)`` any will do.

    Notes
    -----
    What is kept and what is left out: `cascade/rules/binance_usdm.py`.
    """
    return _preset(_binance_usdm, symbol, changes)


def hyperliquid(symbol: str, **changes: Any) -> Rules:
    """Rules of a Hyperliquid perpetual.

    Parameters
    ----------
    symbol : str
        As the venue names it, ``"BTC"``.
    **changes
        Parameters of `Rules` to set differently, such as ``absorb``.

    Returns
    -------
    Rules
        Its `source` names the documents.

    Raises
    ------
    ValueError
        The symbol is not in the table.

    Notes
    -----
    What is kept and what is left out: `cascade/rules/hyperliquid.py`.
    """
    return _preset(_hyperliquid, symbol, changes)


#: Presets by the name that scenario files use.
PRESETS: dict[str, Callable[..., Rules]] = {
    "binance_usdm": binance_usdm,
    "hyperliquid": hyperliquid,
}

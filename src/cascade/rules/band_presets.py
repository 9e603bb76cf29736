"""Terms of soft liquidation markets from their data file, as `cascade.BandRules`."""

from __future__ import annotations

from typing import Any

from cascade.band_rules import BandRules
from cascade.rules.parameters.crvusd import MARKETS, SOURCE


def crvusd(market: str = "tests", **changes: Any) -> BandRules:
    """Terms of a market of crvUSD, for `engine.lending.add_bands`.

    Parameters
    ----------
    market : str, default "tests"
        Of the markets of ``docs/protocols/crvusd.md``.
    **changes
        Fields of `BandRules` to set differently; where the source does not tell one, it must be here.

    Returns
    -------
    BandRules

    Raises
    ------
    ValueError
        There is no such market, or its source does not tell a field.
    TypeError
        A change names no field.

    Examples
    --------
    >>> crvusd(fee="0.01").fee
    '0.01'
    """
    if market not in MARKETS:
        raise ValueError(f"market {market!r} is not one of {', '.join(map(repr, MARKETS))}")
    terms: dict[str, Any] = {**MARKETS[market], "source": SOURCE, **changes}
    if "fee" not in terms:
        raise ValueError(f"the source of market {market!r} does not tell its fee: state one")
    return BandRules(**terms)

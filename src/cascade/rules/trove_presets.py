"""Presets of protocols whose loans are closed whole: Liquity v1 and v2, as `cascade.LendingRules`."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from cascade.lending_rules import LendingRules
from cascade.rules.parameters.liquity_v1 import SOURCE as SOURCE_1
from cascade.rules.parameters.liquity_v1 import TROVES
from cascade.rules.parameters.liquity_v2 import BRANCHES, COMMON
from cascade.rules.parameters.liquity_v2 import SOURCE as SOURCE_2
from cascade.trove_terms import Troves

__all__ = ["liquity_v1", "liquity_v2"]

DAY = 86_400


def _rules(source: str, terms: Mapping[str, Any], changes: Mapping[str, Any]) -> LendingRules:
    troves = Troves(**{**terms, **changes})
    return LendingRules(close_factor="trove", troves=troves, source=source)


def liquity_v1(**changes: Any) -> LendingRules:
    """Liquity v1: a stability pool, redistribution and recovery mode.

    Parameters
    ----------
    **changes
        Fields of `cascade.Troves` to set differently, such as ``sells=True``.

    Returns
    -------
    LendingRules
        For a lending market of ether and its own stable money.

    Raises
    ------
    TypeError, ValueError
        There is no such field, or it is out of range.

    Notes
    -----
    The borrowing fee is its floor, which is where the base rate falls to without redemptions; these are
    left out. The stability pool is the only stage before other loans take a debt over: `stop_gap` can
    add none.
    """
    data: Mapping[str, Any] = TROVES
    terms = {
        "minimum_ratio": data["minimum_ratio"],
        "critical_ratio": data["critical_ratio"],
        "gas_share": Fraction(1, data["gas_compensation_divisor"]),
        "gas_reserve": data["reserve"],
        "least_left": data["least_left_in_pool"],
        "borrowing_fee": data["fee_floor"],
        # the reserve is part of the debt
        "least_debt": Fraction(data["least_net_debt"]) + Fraction(data["reserve"]),
    }
    return _rules(SOURCE_1, terms, changes)


def liquity_v2(branch: str = "WETH", **changes: Any) -> LendingRules:
    """Liquity v2, one branch: rates that owners set, penalties, a surplus, shutdown, no recovery mode.

    Parameters
    ----------
    branch : str, default "WETH"
        ``"WETH"`` or ``"staked ether"``; a lending market is one branch.
    **changes
        Fields of `cascade.Troves` to set differently.

    Returns
    -------
    LendingRules

    Raises
    ------
    TypeError, ValueError
        There is no such branch or field, or it is out of range.

    Notes
    -----
    Left out: redemptions, delegates who set rates, the fee of changing a rate within seven days, and the
    0.0375 of ether that an owner puts by for the liquidator: state its value as ``gas_reserve``. The
    stability pool of the branch is the only stage before other loans take a debt over: `stop_gap` can add
    none.
    """
    data: Mapping[str, Any] = COMMON
    if branch not in BRANCHES:
        raise ValueError(f"branch {branch!r} is not one of {', '.join(BRANCHES)}")
    terms = {
        **BRANCHES[branch],
        "gas_share": Fraction(1, data["gas_compensation_divisor"]),
        "gas_cap": data["gas_compensation_cap"],
        "least_left": data["least_left_in_pool"],
        "recovery": False,
        "interest": (data["least_rate"], data["largest_rate"]),
        "pool_share": data["pool_share"],
        "upfront_time": data["upfront_days"] * DAY,
        "least_debt": data["least_debt"],
    }
    return _rules(SOURCE_2, terms, changes)

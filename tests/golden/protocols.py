"""Whose rule a case is of: its `protocol`, or what its `id` begins with where it names none."""

from typing import Any

#: The longest beginning that fits comes first.
PREFIXES = {
    "aave-v2": "Aave v2",
    "aave33": "Aave v3.3",
    "aave37": "Aave v3.7",
    "aave": "Aave v3",
    "spark": "Spark",
    "comp2": "Compound v2",
    "comet": "Compound v3",
    "comp3": "Compound v3",
    "maker": "MakerDAO Liq 2.0",
    "liquity2": "Liquity v2",
    "liquity": "Liquity v1",
    "euler1": "Euler v1",
    "euler2": "Euler v2",
    "morpho-irm": "Morpho adaptive-curve IRM",
    "morpho": "Morpho Blue",
    "llamma": "crvUSD LLAMMA",
    "stableswap": "Curve stableswap",
    "univ2": "Uniswap v2",
    "univ3": "Uniswap v3",
    "theory": "theory",
    "hf-change": "theory",
    "toxic-ltv": "Compound v2 fork",
}


def protocol_of(case: dict[str, Any]) -> str:
    """Name of the protocol; empty if nothing tells it."""
    told = case.get("protocol")
    if told:
        return str(told)
    name = str(case.get("id", ""))
    return next((PREFIXES[start] for start in PREFIXES if name.startswith(start)), "")


def words_of(case: dict[str, Any]) -> str:
    """What a case says in words: its rule and its id."""
    return f"{case.get('rule', '')} {case.get('id', '')}"

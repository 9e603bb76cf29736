"""Vega: parameters of the protocol as its feature files have them.

A distressed party's whole position goes to the network and its whole margin to the market's
insurance pool: `absorb` one at the mark, surplus to the fund. The network then disposes of it by the
strategy of the specification's example. What the pool cannot pay is shared in proportion to gains.
The maintenance rate is the risk
factor of the simple risk model of the feature files; a market's own comes from its risk model.

Left out, because `Rules` has no place for it: prices that the network's orders may not move and
price-monitoring bounds that they stay within, the slippage part of maintenance, search and release levels.
"""

FOLLOWS = "specification and feature files"
DATE = "vegaprotocol/specs, 2024"
SOURCE = (
    "vegaprotocol/specs 0012-POSR, 0015-INSR, 0002-STTL, 0019-MCAL; vegaprotocol/vega, "
    "core/integration/features (simple risk model, factor 0.1)"
)

RULES: dict[str, object] = {
    "tier_mode": "whole",
    "basis": "mark",
    "trigger": "<",
    "feed": "last",
    "liquidation_order": "market",
    "surplus": "fund",
    "absorb": 1,
    "socialised": "gains",
    "disposal": (10, "0.5", 50, "0.01"),
}

#: The simple risk model: floor, risk factor.
TIERS: dict[str, object] = {"default": ((0, "0.1"),)}

"""Percolator: parameters of the protocol as its proofs have them.

A due position is closed whole at the oracle price, off the book; its deficit is paid by its own
capital, then by the insurance fund, then by every contract of the opposing side, and what is left by a
haircut of profits. A liquidation pays 0.5 % to the fund.

Left out, because `Rules` has no place for it: the warm-up of profits, the bound of a step's price move.
Version 16 reduces every opposing position alike; the version of October 2025 takes warming profits, then
insurance, then a haircut of equity.
"""

FOLLOWS = "specification 16.8.3 for the waterfall, proofs for the rates"
DATE = "aeyakovenko/percolator at d594e6a"
SOURCE = (
    "dcccrypto/percolator specification 16.8.3; aeyakovenko/percolator at d594e6a, tests and Kani "
    "proofs (maintenance 500, initial 1,000, liquidation fee 50 basis points)"
)

RULES: dict[str, object] = {
    "tier_mode": "whole",
    "basis": "mark",
    "trigger": "<",
    "feed": "index",
    "liquidation_fee": "0.005",
    "liquidation_order": "market",
    "surplus": "trader",
    "absorb": 1,
    "socialised": "opposite",
    "haircut": True,
}

#: Floor, maintenance rate, largest leverage.
TIERS: dict[str, object] = {"default": ((0, "0.05", 10),)}

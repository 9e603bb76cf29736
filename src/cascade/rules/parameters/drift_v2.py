"""Drift v2: parameters of the protocol as its tests have them.

A liquidator takes over, at the oracle price, just what restores maintenance and a buffer of 2 %
above it, losses counted with the buffer too; that is the exact shortage rule, with the whole close off
the book (`absorb` one). A tenth of the shortage may be freed at once, all of it after 150 slots, which are 60
seconds here, and one below 50 dollars at once. What is left stays with the trader; what the fund cannot
pay, every contract of both sides does.

Left out, because `Rules` has no place for it: the liquidator's and the fund's fee (both in
`cascade.closeout.transfer_to_cover`), rates that grow with the root of size, spot collateral.
"""

FOLLOWS = "code"
DATE = "drift-labs/protocol-v2 at 0ae3e3b1d"
SOURCE = (
    "drift-labs/protocol-v2 at 0ae3e3b1d, programs/drift/src/math/liquidation.rs and "
    "controller/liquidation/tests.rs"
)

RULES: dict[str, object] = {
    "tier_mode": "whole",
    "basis": "mark",
    "trigger": "<",
    "feed": "index",
    "liquidation_order": "market",
    "surplus": "trader",
    "absorb": 1,
    "socialised": "contracts",
    "partial": ("shortage", "0.02", "0.1", 60, 50),
    "funding_mode": "index",
}

#: The market of the tests: floor, maintenance rate, largest leverage.
TIERS: dict[str, object] = {"default": ((0, "0.05", 10),)}

"""crvUSD: parameters of soft liquidation in bands (LLAMMA).

Collateral lies in bands of prices and is sold through them as the price falls, and bought back as it rises; a
loan is liquidated when even that does not cover it.

Left out: peg keepers, monetary policies, tokens of fewer than 18 decimals. The markets are those of the
repository's tests and of its client's documents; what the chain has was not read.
"""

FOLLOWS = "code"
DATE = "curvefi/curve-stablecoin at cf1d05fb, 2026-08-20"
SOURCE = (
    "curvefi/curve-stablecoin at cf1d05fb, curve_stablecoin/AMM.vy, controller.vy, ControllerView.vy, "
    "constants.vy, tests/utils/protocols.py; curvefi/curve-stablecoin-js README"
)

#: Shares of one; times in seconds.
COMMON: dict[str, object] = {
    "least_bands": 4,
    "most_bands": 50,
    "most_skipped_bands": 1024,
    "dead_shares": 1000,
    "oracle_step": "1.25",
    "oracle_seconds": 120,
    "kept_below_edge": "0.0001",
    "largest_rate_a_second": "0.000000043959106799",
}
MARKETS: dict[str, dict[str, object]] = {
    "tests": {
        "amplification": 100,
        "fee": "0.006",
        "loan_discount": "0.09",
        "liquidation_discount": "0.06",
    },
    "documents": {
        "amplification": 100,
        "loan_discount": "0.05",
        "liquidation_discount": "0.02",
    },
}

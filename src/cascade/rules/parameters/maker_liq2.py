"""MakerDAO Liquidations 2.0: parameters of collateral auctions.

An unsafe vault is taken whole or in part, and its collateral sold in an auction whose price falls with time.

Left out, because the poll does not have them and they were changed later: liquidation ratio, penalty, least
debt and the limit over all collaterals; `cascade.lending.auction_terms` asks for these.
"""

FOLLOWS = "code, and the poll that switched the auctions on"
DATE = "2021-04 (poll); makerdao/dss at fa4f6630, 2022-05-18"
SOURCE = (
    "makerdao/dss at fa4f6630, src/dog.sol, clip.sol, abaci.sol; makerdao/community, ETH-A Liquidations "
    "2.0 poll"
)

#: Amounts in units of debt, times in seconds.
AUCTIONS: dict[str, dict[str, object]] = {
    "ETH-A": {
        "buf": "1.30",
        "tail": 8400,
        "cusp": "0.40",
        "cut": "0.99",
        "step": 90,
        "collateral_hole": "22000000",
        "chip": "0.001",
        "tip": "0",
    },
}

"""MakerDAO Liquidations 2.0: parameters of collateral auctions.

An unsafe vault is taken whole or in part, and its collateral sold in an auction whose price falls with time.

ETH-A is as the poll that switched its auctions on had it; the others are as the executive of 28 May 2021 left
them, whose tests state every parameter of every collateral, and which had given ETH-A a tip of 300 by then.

Left out of ETH-A, because the poll does not have them: liquidation ratio, penalty, least debt;
`cascade.lending.auction_terms` asks for these.
"""

FOLLOWS = "code, the poll that switched the auctions on, and an executive"
DATE = "2021-04 (poll), 2021-05-28 (executive); makerdao/dss at fa4f6630, 2022-05-18"
SOURCE = (
    "makerdao/dss at fa4f6630, src/dog.sol, clip.sol, abaci.sol; makerdao/community, ETH-A Liquidations "
    "2.0 poll; makerdao/spells-mainnet, src/DssSpell.t.sol of the executive of 2021-05-28"
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
    "ETH-B": {
        "buf": "1.30",
        "tail": 8400,
        "cusp": "0.40",
        "cut": "0.99",
        "step": 90,
        "collateral_hole": "8000000",
        "chip": "0.001",
        "tip": "300",
        "penalty": "0.13",
        "dust": "15000",
        "liquidation_ratio": "1.3",
    },
    "ETH-C": {
        "buf": "1.30",
        "tail": 8400,
        "cusp": "0.40",
        "cut": "0.99",
        "step": 90,
        "collateral_hole": "5000000",
        "chip": "0.001",
        "tip": "300",
        "penalty": "0.13",
        "dust": "5000",
        "liquidation_ratio": "1.75",
    },
    "WBTC-A": {
        "buf": "1.30",
        "tail": 8400,
        "cusp": "0.40",
        "cut": "0.99",
        "step": 90,
        "collateral_hole": "15000000",
        "chip": "0.001",
        "tip": "300",
        "penalty": "0.13",
        "dust": "5000",
        "liquidation_ratio": "1.5",
    },
}
#: Limit over all collaterals.
COMMON: dict[str, object] = {"hole": "100000000"}

"""Hyperliquid perpetuals: parameters of the venue.

The maintenance rate of a tier is half the initial rate at its largest leverage, the deduction makes
maintenance continuous. Positions of an account below maintenance are sent to the book as market orders: a
fifth of each above 100,000 USDC, then for 30 seconds whatever the account has whole; what is left of
its collateral stays with the trader. Below two thirds of maintenance the liquidator vault (here the
house) takes the whole unit, margin included. Deleveraging is at the previous mark; its index is read
with the position's sign.

Left out, because `Rules` has no place for it: deleveraging set off by a negative account value
(here by an empty fund, for what a close leaves), trading fees (they depend on volume: give
`maker_fee` and `taker_fee` where they matter), and the outside exchanges in the mark (here the median
of index, mid and last).
"""

FOLLOWS = "documents"
DATE = "2026"
SOURCE = (
    "hyperliquid.gitbook.io/hyperliquid-docs, trading/margin-tiers (mainnet) and "
    "trading/liquidations, trading/funding, trading/contract-specifications, read in 2026; "
    "announcement 307 (20 %, 30 seconds, 100,000 USDC)"
)

RULES: dict[str, object] = {
    "tier_mode": "marginal",
    "basis": "mark",
    "trigger": "<",
    "feed": "median",
    "liquidation_order": "market",
    "surplus": "trader",
    "partial": ("fraction", "0.2", 100_000, 30),
    "backstop": "2/3",
    "adl": "hyperliquid",
    "adl_price": "previous_mark",
    "funding_interval": 3_600,
    "funding_payments": 8,
    "interest": "0.0001",
    "funding_clamp": "0.0005",
    "funding_cap": "0.04",
    "funding_value": "index",
    "premium_of": "impact",
    "impact_notional": 6_000,
}
BY_SYMBOL: dict[str, object] = {
    "BTC": {"impact_notional": 20_000},
    "ETH": {"impact_notional": 20_000},
}

#: Floor of the notional (USDC), maintenance rate, largest leverage.
_LARGE = ((0, "0.05", 10), (20_000_000, "0.1", 5))
_SMALL = ((0, "0.05", 10), (3_000_000, "0.1", 5))

#: By symbol, as above.
TIERS: dict[str, object] = {
    "BTC": ((0, "0.0125", 40), (150_000_000, "0.025", 20)),
    "ETH": ((0, "0.02", 25), (100_000_000, "1/30", 15)),
    "SOL": ((0, "0.025", 20), (70_000_000, "0.05", 10)),
    "XRP": ((0, "0.025", 20), (40_000_000, "0.05", 10)),
    "DOGE": _LARGE,
    "kPEPE": _LARGE,
    "SUI": _LARGE,
    "WLD": _LARGE,
    "TRUMP": _LARGE,
    "LTC": _LARGE,
    "ENA": _LARGE,
    "POPCAT": _LARGE,
    "WIF": _LARGE,
    "AAVE": _LARGE,
    "kBONK": _LARGE,
    "LINK": _LARGE,
    "CRV": _LARGE,
    "AVAX": _LARGE,
    "ADA": _LARGE,
    "UNI": _LARGE,
    "NEAR": _LARGE,
    "TIA": _LARGE,
    "APT": _LARGE,
    "BCH": _LARGE,
    "HYPE": _LARGE,
    "FARTCOIN": _LARGE,
    "OP": _SMALL,
    "ARB": _SMALL,
    "LDO": _SMALL,
    "TON": _SMALL,
    "MKR": _SMALL,
    "ONDO": _SMALL,
    "JUP": _SMALL,
    "INJ": _SMALL,
    "kSHIB": _SMALL,
    "SEI": _SMALL,
    "TRX": _SMALL,
    "BNB": _SMALL,
    "DOT": _SMALL,
}

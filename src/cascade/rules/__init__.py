"""Rules of venues, each read from its own documents.

One file a venue, in `cascade.rules.parameters`, holds its parameters and names their source; a call gives
them as `cascade.Rules` for one symbol. `PRESETS` has them by name, and each is an attribute here; `describe`
says what one follows. Price limits and circuit breakers are the same as `cascade.Breaker`: `BREAKERS` and
`describe_breaker`; rules of lending protocols as `cascade.lending.ProtocolRules`: `LENDING` and
`describe_lending`.
"""

from cascade.rules.auction_presets import maker_liq2
from cascade.rules.band_presets import crvusd
from cascade.rules.halts import (
    BREAKER_VENUES,
    BREAKERS,
    binance_price_range,
    cme,
    describe_breaker,
    luld,
    mwcb,
    okx_price_limit,
)
from cascade.rules.presets import PRESETS, VENUES, Preset, Venue, describe, tiers_from_file
from cascade.rules.protocols import (
    AUCTION_PROTOCOLS,
    LENDING,
    LENDING_PROTOCOLS,
    LendingPreset,
    describe_lending,
)
from cascade.rules.trove_presets import liquity_v1, liquity_v2

binance_usdm: Preset = PRESETS["binance_usdm"]
bybit_linear: Preset = PRESETS["bybit_linear"]
bybit_inverse: Preset = PRESETS["bybit_inverse"]
okx_swap: Preset = PRESETS["okx_swap"]
bitmex: Preset = PRESETS["bitmex"]
deribit: Preset = PRESETS["deribit"]
kraken_futures: Preset = PRESETS["kraken_futures"]
hyperliquid: Preset = PRESETS["hyperliquid"]
dydx_v4: Preset = PRESETS["dydx_v4"]
drift_v2: Preset = PRESETS["drift_v2"]
gmx_v2: Preset = PRESETS["gmx_v2"]
ftx: Preset = PRESETS["ftx"]
vega: Preset = PRESETS["vega"]
percolator: Preset = PRESETS["percolator"]

aave_v2: LendingPreset = LENDING["aave_v2"]
aave_v3: LendingPreset = LENDING["aave_v3"]
spark: LendingPreset = LENDING["spark"]
compound_v2: LendingPreset = LENDING["compound_v2"]
compound_v3: LendingPreset = LENDING["compound_v3"]
euler_v1: LendingPreset = LENDING["euler_v1"]
euler_v2: LendingPreset = LENDING["euler_v2"]
morpho_blue: LendingPreset = LENDING["morpho_blue"]

__all__ = [
    "AUCTION_PROTOCOLS",
    "BREAKERS",
    "BREAKER_VENUES",
    "LENDING",
    "LENDING_PROTOCOLS",
    "PRESETS",
    "VENUES",
    "LendingPreset",
    "Preset",
    "Venue",
    "aave_v2",
    "aave_v3",
    "binance_price_range",
    "binance_usdm",
    "bitmex",
    "bybit_inverse",
    "bybit_linear",
    "cme",
    "compound_v2",
    "compound_v3",
    "crvusd",
    "deribit",
    "describe",
    "describe_breaker",
    "describe_lending",
    "drift_v2",
    "dydx_v4",
    "euler_v1",
    "euler_v2",
    "ftx",
    "gmx_v2",
    "hyperliquid",
    "kraken_futures",
    "liquity_v1",
    "liquity_v2",
    "luld",
    "maker_liq2",
    "morpho_blue",
    "mwcb",
    "okx_price_limit",
    "okx_swap",
    "percolator",
    "spark",
    "tiers_from_file",
    "vega",
]

"""Rules of venues, each read from its own documents.

One file a venue holds its parameters and names their source; a call gives them as `cascade.Rules`
for one symbol. `PRESETS` has them by name, and each is an attribute here; `describe` says what one
follows. Price limits and circuit breakers are the same as `cascade.Breaker`: `BREAKERS` and
`describe_breaker`.
"""

# their names are also those of their data files, which are loaded first
from cascade.rules import (  # noqa: F401  # isort: skip
    binance_price_range as _binance_price_range,
    cme as _cme,
    luld as _luld,
    mwcb as _mwcb,
    okx_price_limit as _okx_price_limit,
)
from cascade.rules.halts import (  # isort: skip
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

__all__ = [
    "BREAKERS",
    "BREAKER_VENUES",
    "PRESETS",
    "VENUES",
    "Preset",
    "Venue",
    "binance_price_range",
    "binance_usdm",
    "bitmex",
    "bybit_inverse",
    "bybit_linear",
    "cme",
    "deribit",
    "describe",
    "describe_breaker",
    "drift_v2",
    "dydx_v4",
    "ftx",
    "gmx_v2",
    "hyperliquid",
    "kraken_futures",
    "luld",
    "mwcb",
    "okx_price_limit",
    "okx_swap",
    "percolator",
    "tiers_from_file",
    "vega",
]

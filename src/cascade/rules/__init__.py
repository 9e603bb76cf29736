"""Rules of venues, each read from its own documents.

One file a venue holds its parameters and names their source; a call gives them as `cascade.Rules`
for one symbol.
"""

from cascade.rules.presets import PRESETS, binance_usdm, hyperliquid, tiers_from_file

__all__ = ["PRESETS", "binance_usdm", "hyperliquid", "tiers_from_file"]

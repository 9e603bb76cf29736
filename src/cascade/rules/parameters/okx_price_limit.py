"""OKX price limits of swaps: a band that follows the index and the average premium.

In the first ten minutes the index less and plus X; then the upper limit is
``min(max(I, I(1+Y) + premium), I(1+Z))`` and the lower one mirrored. A buy above and a sale below it are
refused; nothing halts.

Left out, because the venue does not say it in numbers: how the premium is sampled, which is every trade
of the window here.
"""

FOLLOWS = "documents"
DATE = "2022 (tiers); window of two minutes: later"
SOURCE = "OKX, Price limit rules"

BREAKER: dict[str, object] = {
    "reference": "premium",
    "window": 120,
    "hard": True,
    "beyond": "refuse",
    "pause": 0,
}
#: X, Y and Z by the contract's tier.
LIMITS: dict[int, tuple[str, str, str]] = {
    1: ("0.02", "0.02", "0.05"),
    2: ("0.04", "0.04", "0.08"),
    3: ("0.06", "0.06", "0.15"),
    4: ("0.06", "0.06", "0.2"),
}

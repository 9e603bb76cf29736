"""OKX USDT-margined swaps: parameters of the venue.

The rate of its tier applies to the whole position, the fee for closing counts as maintenance, and a
position falls due when its ratio reaches 100 %. What the book does not take at the bankruptcy price
goes to the engine and its reserve. A reduction goes two tiers down; in 2019 it went straight to the
first (``variant="2019"``).

Left out, because `Rules` has no place for it: tiers above the first, which OKX counts in contracts
and not in notional; the take-over of everything below what the first tier asks for
(`cascade.partial.okx_reduction`), offsetting of both sides first, auto-deleveraging. The older text
takes what the reserve cannot pay from the day's winners, here from those of a step
(``variant="clawback"``). The source's row of ADA-USDT is left out too: its maintenance
rate is above one over its leverage.
"""

FOLLOWS = "documents, and a third-party copy of the formulas"
DATE = "2022-02 (tiers), 2019 and later (text)"
SOURCE = (
    "OKX help 360020411711, 6974388462605; position tiers of ETH-USDT in "
    "freqtrade/freqtrade, tests/exchange/test_okx.py"
)

RULES: dict[str, object] = {
    "tier_mode": "whole",
    "basis": "mark",
    "close_fee": True,
    "trigger": "<=",
    "feed": "median",
    "taker_fee": "0.0006",
    "liquidation_order": "bankruptcy",
    "surplus": "fund",
    "partial": ("tier_step", 2),
}
VARIANTS: dict[str, object] = {
    "clawback": {"socialised": "gains"},
    "2019": {"partial": ("tier_step", 99)},
}

#: By symbol: floor of the notional (USDT), maintenance rate, largest leverage.
TIERS: dict[str, object] = {
    "ETH-USDT-SWAP": ((0, "0.01", 75),),
}

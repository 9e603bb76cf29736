"""One crowd and one shock under the rules of eight venues.

    python examples/gallery.py [--plot FILE]

Runs `gallery.toml` once for each venue's preset and prints a table in Markdown: how far the price fell,
how many were liquidated, what became of the fund, whose winners were closed and what nobody paid.
"""

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import cascade as cs
from cascade.report import measure

SCENARIO = Path(__file__).with_name("gallery.toml")
VENUES = (
    "binance_usdm",
    "bybit_linear",
    "okx_swap",
    "deribit",
    "hyperliquid",
    "dydx_v4",
    "drift_v2",
    "vega",
)
SHOWN_SECONDS = 60
NANOSECONDS = 10**9
MILLION = 10**6
HEADER = (
    "venue",
    "lowest price",
    "liquidated",
    "R",
    "fund",
    "house holds",
    "its result",
    "winners closed",
    "accounts",
    "bad debt",
)


@dataclass
class Played:
    """One venue's run: the report's numbers and, second by second, what the picture shows."""

    venue: str
    numbers: dict[str, Any]
    seconds: NDArray[np.int64]
    price: NDArray[np.float64]
    fund: NDArray[np.float64]
    deleveraged: NDArray[np.float64]
    bad_debt: NDArray[np.float64]


def play(venue: str) -> Played:
    """Run the scenario under a venue's rules."""
    outcome = cs.scenarios.load(SCENARIO).with_rules(venue).run()
    events, market = outcome.events, outcome.market
    scale = outcome.engine.scale_of(market.asset)
    seconds = np.arange(SHOWN_SECONDS + 1)
    second = -(-events["time"] // NANOSECONDS)

    def total(kind: cs.EventKind, column: str) -> NDArray[np.float64]:
        rows = events["kind"] == kind
        added = np.bincount(second[rows], events[column][rows], minlength=len(seconds))
        return np.cumsum(added[: len(seconds)])

    marks = events["kind"] == cs.EventKind.MARK
    last = np.searchsorted(second[marks], seconds, side="right")
    path = np.concatenate([[outcome.before.mark_ticks], events["price"][marks]])
    return Played(
        venue,
        measure(outcome),
        seconds,
        market.ticks.numbers_of(path[last].astype(np.int32)),
        (outcome.before.fund + total(cs.EventKind.FUND, "money")) / scale,
        total(cs.EventKind.ADL, "quantity") * float(market.lots.step),
        total(cs.EventKind.BAD_DEBT, "money") / scale,
    )


def row(played: Played) -> tuple[str, ...]:
    """Cells of a venue's line."""
    numbers = played.numbers
    ratio = numbers["branching_ratio"]
    return (
        f"`{played.venue}`",
        f"{numbers['price']['low']:,.0f}",
        f"{numbers['liquidations']['accounts']:,}",
        "-" if ratio is None else f"{ratio:.2f}",
        f"{numbers['fund']['after'] / MILLION:.2f}",
        f"{numbers['house']['held']:,.0f}",
        f"{numbers['house']['unrealised'] / MILLION:.2f}",
        f"{numbers['deleveraged']['size']:,.0f}",
        f"{numbers['deleveraged']['accounts']:,}",
        f"{numbers['paid']['bad_debt'] / MILLION:.2f}",
    )


def printed(gallery: list[Played]) -> str:
    """The table, in Markdown; sizes in BTC, money in millions."""
    lines = [HEADER, ("---",) * len(HEADER), *map(row, gallery)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def plot(gallery: list[Played], path: str) -> None:
    """Price, fund, deleveraging and bad debt over time, a line a venue."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(2, 2, figsize=(10, 6.5), layout="constrained", sharex=True)
    panels = (
        ("mark price, USD", lambda played: played.price),
        ("insurance fund, million USD", lambda played: played.fund / MILLION),
        ("winners closed so far, BTC", lambda played: played.deleveraged),
        ("bad debt so far, million USD", lambda played: played.bad_debt / MILLION),
    )
    styles = ("-", "--", "-.", ":")
    for axis, (title, values) in zip(axes.flat, panels, strict=True):
        for number, played in enumerate(gallery):
            style = styles[number % len(styles)]
            axis.plot(played.seconds, values(played), style, label=played.venue, linewidth=1.6)
        axis.set_title(title, fontsize=10)
        axis.grid(alpha=0.3)
    for axis in axes[1]:
        axis.set_xlabel("seconds")
    axes[0, 0].legend(fontsize=8, ncols=2)
    figure.savefig(path, dpi=80)


def main(arguments: list[str] | None = None) -> int:
    """Run all venues and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--plot", metavar="FILE", help="save a figure (needs matplotlib)")
    options = parser.parse_args(arguments)
    gallery = [play(venue) for venue in VENUES]
    print(printed(gallery))
    if options.plot:
        plot(gallery, options.plot)
    return 0


if __name__ == "__main__":
    sys.exit(main())

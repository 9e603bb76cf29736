"""A picture of a lending scenario's report: prices, healths before and after, repayments, bad debt or soft sales.

Drawn from the numbers of `cascade.lending_report.measure` alone; needs matplotlib, which is an extra.
"""

from __future__ import annotations

from importlib import import_module
from itertools import accumulate, pairwise
from typing import Any

__all__ = ["plot"]

MILLION = 10**6


def _labels(numbers: dict[str, Any]) -> list[str]:
    edges = [f"{row['from']:g}" for row in numbers["health"]]
    between = [f"{low}-{high}" for low, high in pairwise(edges[1:])]
    return [f"<{edges[1]}", *between, f"{edges[-1]}+"]


def plot(numbers: dict[str, Any], path: str) -> None:
    """Draw the report and save it.

    Parameters
    ----------
    numbers : dict
        As `cascade.lending_report.measure` gives it.
    path : str
        Of the picture; its ending says the format.

    Raises
    ------
    ImportError
        There is no matplotlib.
    OSError, ValueError
        The picture cannot be written, or its format is unknown.
    """
    figure_type = import_module("matplotlib.figure").Figure
    figure = figure_type(figsize=(10, 6.5), layout="constrained")
    prices, healths, repaid, lost = figure.subplots(2, 2).flat
    minutes = [point["time"] / 60 for point in numbers["path"]]
    for kind, style in (("outside", "-"), ("pool", "--"), ("oracle", ":")):
        prices.plot(minutes, [point[kind] for point in numbers["path"]], style, label=kind)
    prices.set_title(f"price, {numbers['asset']}", fontsize=10)
    prices.legend(fontsize=8)
    places = range(len(numbers["health"]))
    for shift, when in ((-0.2, "before"), (0.2, "after")):
        debts = [row[f"debt_{when}"] / MILLION for row in numbers["health"]]
        healths.bar([place + shift for place in places], debts, 0.4, label=when)
    healths.set_xticks(list(places), _labels(numbers), fontsize=8)
    healths.set_title(f"debt by health, million {numbers['asset']}", fontsize=10)
    healths.legend(fontsize=8)
    # loans in bands keep what is not covered, and are sold softly instead
    last = ("bad_debt", f"bad debt so far, {numbers['asset']}")
    if "bands" in numbers:
        last = ("soft", f"{numbers['market']} sold softly so far, less bought back")
    for axis, name, title in (
        (repaid, "repaid", f"repaid so far, million {numbers['asset']}"), (lost, *last),
    ):  # fmt: skip
        unit = MILLION if axis is repaid else 1
        axis.plot(minutes, [v / unit for v in accumulate(p[name] for p in numbers["path"])])
        axis.set_title(title, fontsize=10)
    for axis in (prices, repaid, lost):
        axis.set_xlabel("minutes")
        axis.grid(alpha=0.3)
    figure.savefig(path, dpi=80)

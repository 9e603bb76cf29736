"""Numbers, tables and lists as the report writes them."""

from __future__ import annotations

import math
from collections.abc import Sequence

SUFFIXES = ((10**12, "T"), (10**9, "B"), (10**6, "M"), (10**3, "k"))


def humanise(value: float) -> str:
    """Three or four significant digits with a suffix: 1.07B, 23.4M, 950."""
    size = abs(value)
    for factor, suffix in SUFFIXES:
        # what rounds up to the next suffix takes it
        if size >= factor * 0.9995:
            scaled = value / factor
            digits = max(0, 2 - math.floor(math.log10(max(abs(scaled), 1.0005 - 0.0005))))
            return f"{scaled:.{digits}f}{suffix}"
    return f"{value:.0f}" if size >= 100 or value == int(value) else f"{value:.3g}"


def percent(value: float | None) -> str:
    """A share as a signed percentage, "-" for none."""
    return "-" if value is None else f"{100 * value:+.2f} %"


def price_text(value: float) -> str:
    """A price with about six digits and thousands apart."""
    digits = 0 if value == int(value) and value >= 1000 else max(1, 6 - len(str(int(abs(value)))))
    return f"{value:,.{digits}f}"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of right-aligned columns under their header."""
    widths = [max(len(line[k]) for line in [header, *rows]) for k in range(len(header))]
    return [
        "  " + "  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True))
        for line in [header, *rows]
    ]


def pairs(title: str, rows: Sequence[tuple[str, str, str]]) -> list[str]:
    """A title and a line for each label, value and note."""
    left = max(len(row[0]) for row in rows)
    middle = max(len(row[1]) for row in rows)
    return [title] + [
        f"  {label.ljust(left)}  {value.rjust(middle)}  {note}".rstrip()
        for label, value, note in rows
    ]


def sampled(length: int, count: int) -> list[int]:
    """At most `count` places of a list, first and last among them."""
    if length <= count:
        return list(range(length))
    return [round(k * (length - 1) / (count - 1)) for k in range(count)]

"""Ladders whose triggers are a Poisson process: the number liquidated has a known distribution.

A Poisson process has no memory. So one long ladder serves for many runs: after a run has stopped,
what lies below the price is a fresh ladder, and the next shock starts the next run. All boundaries
are whole ticks and triggers are rounded to the lower tick, so that counts are those of the
continuous process. From R = 1 a run may go on for ever: there each run has a ladder of its own, with
room below it.
Source: ../shared/rules/laws.md, section 2.3; Consul & Jain (1973) for the distribution.
"""

import numpy as np
from scipy.stats import chi2

import cascade as cs

TOP_TICKS = 2**31 - 1000
LOTS = 100
MOST_RUNGS = 3_000_000


def poisson_ladder(
    theta: float, ratio: float, runs: int, seed: int, size_cv2: float = 0.0
) -> np.ndarray:
    """Numbers liquidated in independent runs below R = 1; in fewer of them where they are long.

    Parameters
    ----------
    theta : float
        Triggers that each shock is expected to reach.
    ratio : float
        R.
    size_cv2 : float, default 0
        Squared coefficient of variation of the sizes (gamma distributed; 1 is exponential).
    """
    mean = theta / (1 - ratio)
    runs = min(runs, int(MOST_RUNGS / mean))
    rungs = int(runs * mean + 60 * np.sqrt(runs * theta * (1 + size_cv2) / (1 - ratio) ** 3))
    ticks = int(min(5000, TOP_TICKS / (rungs + runs * theta) * 0.95))
    shock = round(theta * ticks)
    draw = np.random.default_rng(seed)
    distance = np.ceil(np.cumsum(draw.exponential(shock / theta, rungs))).astype(np.int64)
    sizes = np.full(rungs, LOTS)
    if size_cv2:
        sizes = np.rint(draw.gamma(1 / size_cv2, size_cv2 * LOTS, rungs)).astype(np.int64)
        sizes = np.maximum(sizes, 1)
    inside = distance < TOP_TICKS - 1
    triggers = TOP_TICKS - distance[inside]
    engine = cs.Engine(asset_decimals=0, seed=seed)
    market = engine.add_market(
        "X", tick_size=1, lot_size=1, venue=cs.Impact.linear(ratio * shock / theta / LOTS)
    )
    market.set_index(TOP_TICKS)
    engine.accounts.open_ladder(
        market, side="long", size=sizes[inside], trigger=triggers,
        bankruptcy=np.maximum(triggers - 1, 1),
    )  # fmt: skip
    path = TOP_TICKS - shock * np.arange(1, runs + 1)
    counts = engine.run(path={"X": path}).steps["liquidated"]
    # the ladder must outlast the runs
    assert market.mark_ticks > TOP_TICKS - distance[inside][-1]
    return np.asarray(counts, np.int64)


def separate_ladders(
    theta: float, ratio: float, runs: int, rungs: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Numbers liquidated in runs with a ladder each, and which of these were emptied."""
    ticks = int(min(1000, TOP_TICKS * 0.95 / (runs * rungs * (1.5 + ratio))))
    shock, push = round(theta * ticks), round(ratio * ticks)
    length = rungs * ticks + shock + push * rungs + 10 * ticks * int(np.sqrt(rungs))
    draw = np.random.default_rng(seed)
    distance = np.ceil(np.cumsum(draw.exponential(ticks, (runs, rungs)), axis=1)).astype(np.int64)
    assert distance.max() + shock + push * rungs < length
    starts = TOP_TICKS - length * np.arange(runs, dtype=np.int64)
    assert starts[-1] > length
    triggers = (starts[:, None] - distance).ravel()
    engine = cs.Engine(asset_decimals=0, seed=seed)
    market = engine.add_market("X", tick_size=1, lot_size=1, venue=cs.Impact.linear(push))
    market.set_index(TOP_TICKS)
    engine.accounts.open_ladder(
        market, side="long", size=1, trigger=triggers, bankruptcy=triggers - 1
    )
    counts = np.zeros(runs, np.int64)
    sold = 0
    for run, start in enumerate(starts.tolist()):
        # the price is the index less what was sold so far
        engine.step(index={"X": start + push * sold})
        counts[run] = engine.step(index={"X": start + push * sold - shock}).liquidated
        sold += int(counts[run])
        if counts[run] < rungs:
            # liquidate what is left, so that no trigger lies above the next ladder
            end = start - int(distance[run, -1])
            sold += engine.step(index={"X": end + push * sold}).liquidated
        assert sold == rungs * (run + 1)
        engine.clear_events()
    return counts, counts == rungs


def pmf_p_value(counts: np.ndarray, pmf: np.ndarray) -> float:
    """Chi-square p value of counts against probabilities of 0, 1, ..., the rest in one bin."""
    expected = pmf * len(counts)
    last = int(np.flatnonzero(expected >= 20)[-1])
    observed = np.bincount(np.minimum(counts, last + 1), minlength=last + 2)
    expected = np.append(expected[: last + 1], len(counts) - expected[: last + 1].sum())
    statistic = ((observed - expected) ** 2 / expected).sum()
    return float(chi2.sf(statistic, last + 1))

"""Markets whose index follows the marks of other markets: which may be followed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cascade._following import MOST_SOURCES
from cascade._grid import Grid
from cascade.ruleset import Rules

if TYPE_CHECKING:
    from cascade.engine import Engine
    from cascade.market import Market

__all__ = ["check_follows", "followed_markets"]


def followed_markets(
    engine: Engine, follows: Market | str | Sequence[Market | str] | None
) -> tuple[Market, ...]:
    """Markets that a new one is to follow, in the order given; none for None.

    Raises
    ------
    KeyError
        There is none of that name. A market that is not made yet cannot be followed, so that there is
        no circle.
    ValueError
        There are none, too many or one of them twice, or one belongs to another engine.
    """
    if follows is None:
        return ()
    stated: Sequence[Market | str]
    if isinstance(follows, str) or not isinstance(follows, Sequence):
        stated = (follows,)
    else:
        stated = follows
    sources = tuple(engine.market(one) for one in stated)
    if not 1 <= len(sources) <= MOST_SOURCES:
        raise ValueError(f"follows {len(sources)} markets, outside 1 ... {MOST_SOURCES}")
    for number, source in enumerate(sources):
        if source in sources[:number]:
            raise ValueError(f"follows {source.name!r} twice; each market counts once")
    return sources


def check_follows(sources: Sequence[Market], ticks: Grid, rules: Rules) -> None:
    """Refuse markets whose marks cannot give the index of a new one.

    Raises
    ------
    ValueError
        A source has another tick or is a side of a reserve; the new market's rules let its index come
        late or grow old.
    """
    for source in sources:
        if source.is_side:
            raise ValueError(f"follows {source.name!r} is a side of a reserve")
        if source.ticks != ticks:
            raise ValueError(
                f"follows {source.name!r}: its tick is {source.ticks.step}, not {ticks.step}"
            )
        if rules.index_delay or rules.stale_after is not None:
            raise ValueError(
                f"follows {source.name!r}: its mark is believed at once, without index_delay or "
                "stale_after"
            )

"""What the drivers of random histories share: playing on twin and core, shortening what differs, saying it."""

import argparse
from collections.abc import Callable

from engine_kit import TWIN, Kit, core_kit

from cascade import CascadeError

Difference = tuple[int, str]


def difference_of(actor: Callable, compare: Callable) -> Callable:
    """A function of (kit, setup, actions): where and how a history on `kit` leaves the twin's, or None."""

    def first_difference(kit: Kit, setup, actions: list) -> Difference | None:
        twin, other = actor(TWIN, setup), actor(kit, setup)
        for k, (name, arguments) in enumerate(actions):
            try:
                found = compare(twin, other, name, arguments)
            except (AssertionError, CascadeError) as broken:  # of one's own books: validate
                found = f"{type(broken).__name__}: {broken}"
            if found:
                return k, found
        return None

    return first_difference


def shorten(differs: Callable[[list], Difference | None], actions: list) -> list:
    """Drop actions, half of them at once, then fewer, while the history still ends in a difference."""
    length = len(actions) // 2
    while length:
        k = 0
        while k < len(actions):
            fewer = actions[:k] + actions[k + length :]
            found = differs(fewer)
            if found is not None:
                actions = fewer[: found[0] + 1]
            else:
                k += length
        length //= 2
    return actions


def run(
    about: str, draw_history: Callable, first_difference: Callable, unit: str, count: int
) -> int:
    """Read `--histories N` or `--actions N` and `--seed S`, play that many; 1 with the first difference."""
    parser = argparse.ArgumentParser(description=about.splitlines()[0])
    parser.add_argument(f"--{unit}", dest="count", type=int, default=count)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    kit = core_kit()
    if kit is None:
        print("cascade.Engine cannot be imported: the compiled engine is not built")
        return 2
    done, seed = 0, options.seed
    while done < options.count:
        setup, actions = draw_history(seed)
        found = first_difference(kit, setup, actions)
        if found is not None:
            print(f"seed {seed}, action {found[0]}: {found[1]}")
            shortest = shorten(
                lambda fewer: first_difference(kit, setup, fewer),  # noqa: B023
                actions[: found[0] + 1],
            )
            print(f"\nsetup = {setup}\nactions = [")
            for action in shortest:
                print(f"    {action},")
            print("]")
            print(first_difference(kit, setup, shortest)[1])
            return 1
        done += len(actions) if unit == "actions" else 1
        seed += 1
    print(f"{done} {unit} from seed {options.seed}: no difference")
    return 0

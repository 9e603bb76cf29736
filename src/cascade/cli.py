"""The ``cascade`` command: run a scenario and print its report, list the venues there are rules of.

The report goes to standard output, progress and errors to standard error. Exit codes: 0 done, 2 a
scenario or argument that cannot be used, 130 interrupted.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from cascade._version import __version__

PROGRESS_AFTER_SECONDS = 2.0
DEFAULT_SCENARIO = "btc_crash"
EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130
EXIT_BROKEN_PIPE = 141


class Progress:
    """Progress of a run on standard error, from the third second on.

    A bar of tqdm where that is installed and standard error is a terminal, else a line every two
    seconds.
    """

    def __init__(self) -> None:
        self._started = self._written = time.monotonic()
        self._bar: Any = None

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self._started < PROGRESS_AFTER_SECONDS:
            return
        if self._bar is None:
            self._bar = self._new_bar(total)
        if self._bar is not False:
            self._bar.total = total
            self._bar.n = done
            self._bar.refresh()
        elif now - self._written >= PROGRESS_AFTER_SECONDS:
            self._written = now
            print(f"step {done:,} of {total:,}", file=sys.stderr, flush=True)

    @staticmethod
    def _new_bar(total: int) -> Any:
        if not sys.stderr.isatty():
            return False
        try:
            bar = import_module("tqdm").tqdm
        except ImportError:
            return False
        return bar(total=total, unit="step", file=sys.stderr, leave=False)

    def close(self) -> None:
        """Take the bar away."""
        if self._bar:
            self._bar.close()


def _seed(text: str) -> int:
    seed = int(text)
    if not 0 <= seed < 2**63:
        raise argparse.ArgumentTypeError(f"{seed} is outside 0 ... {2**63 - 1}")
    return seed


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="cascade", description="Liquidation cascades on real mechanics."
    )
    parser.add_argument("--version", action="version", version=f"cascade {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    run = commands.add_parser("run", help="run a scenario and print its report")
    run.add_argument(
        "scenario",
        nargs="?",
        default=DEFAULT_SCENARIO,
        metavar="SCENARIO.toml",
        help=f"scenario file, or the name of a shipped one (default: {DEFAULT_SCENARIO})",
    )
    run.add_argument("--json", action="store_true", help="print the report as JSON")
    run.add_argument("--events", metavar="FILE.npz", help="write the event log to a file")
    run.add_argument(
        "--plot", metavar="FILE", help="draw a lending scenario's report (needs matplotlib)"
    )
    run.add_argument("--seed", type=_seed, metavar="N", help="draw the crowd from another seed")
    run.add_argument(
        "--rules",
        metavar="NAME",
        help="rules of a venue, or of a protocol (NAME or NAME:VARIANT), in place of the scenario's",
    )
    run.add_argument("--quiet", action="store_true", help="no progress on standard error")
    venues = commands.add_parser("venues", help="list the venues there are rules of")
    venues.add_argument("--json", action="store_true", help="print the list as JSON")
    return parser


def _venues(arguments: argparse.Namespace) -> int:
    from dataclasses import asdict

    from cascade.rules import (
        AUCTION_PROTOCOLS,
        BREAKER_VENUES,
        LENDING_PROTOCOLS,
        VENUES,
        describe,
        describe_breaker,
        describe_lending,
    )

    listed = [describe(name) for name in VENUES]
    listed += [describe_breaker(name) for name in BREAKER_VENUES]
    lending = [describe_lending(name) for name in (*LENDING_PROTOCOLS, *AUCTION_PROTOCOLS)]
    if arguments.json:
        json.dump([asdict(venue) for venue in (*listed, *lending)], sys.stdout, indent=2)
        sys.stdout.write("\n")
        return 0
    for venue in (*listed, *lending):
        if venue is lending[0]:
            print("\nLending protocols (rules for cascade.lending)")
        print(f"{venue.name}: {venue.title}")
        shown = venue.symbols or (venue.variants if venue in lending else ())
        print(f"    {'; '.join(filter(None, (venue.contract, ', '.join(shown))))}")
        print(f"    follows {venue.follows} ({venue.date})")
    return 0


def _write_events(path: str, outcome: Any) -> None:
    import numpy as np

    events = outcome.engine.events
    with open(path, "wb") as file:
        np.savez(file, events=events, first_event=np.int64(outcome.first_event))


def _draw(numbers: dict[str, Any], path: str) -> None:
    from cascade.errors import ScenarioError
    from cascade.lending_plot import plot

    try:
        plot(numbers, path)
    except ImportError as error:
        reason = f"{error}; pip install 'cascade-engine[plot]' brings matplotlib"
        raise ScenarioError(path, 0, "--plot", reason) from error
    except ValueError as error:
        raise ScenarioError(path, 0, "--plot", str(error)) from error


def _run(arguments: argparse.Namespace) -> int:
    from cascade import lending_report, report, scenarios
    from cascade.errors import ScenarioError

    scenario = scenarios.load(arguments.scenario)
    page: Any = lending_report if isinstance(scenario, scenarios.LendingScenario) else report
    if arguments.seed is not None:
        scenario = scenario.with_seed(arguments.seed)
    if arguments.rules is not None:
        scenario = scenario.with_rules(arguments.rules)
    if arguments.plot is not None and page is report:
        raise ScenarioError(scenario.path, 0, "", "--plot draws scenarios with [[lending]] only")
    progress = None if arguments.quiet else Progress()
    try:
        outcome = scenario.run(progress)
    finally:
        if progress is not None:
            progress.close()
    if arguments.events is not None:
        _write_events(arguments.events, outcome)
    numbers = page.measure(outcome)
    if arguments.plot is not None:
        _draw(numbers, arguments.plot)
    if arguments.json:
        json.dump(numbers, sys.stdout, indent=2, allow_nan=False)
        sys.stdout.write("\n")
    else:
        sys.stdout.write(page.render(numbers))
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments; default those of the process.

    Returns
    -------
    int
        Exit code.
    """
    arguments = _parser().parse_args(argv)
    from cascade.errors import ScenarioError

    try:
        return _venues(arguments) if arguments.command == "venues" else _run(arguments)
    except BrokenPipeError:
        # the reader has seen enough; what is still buffered must not fail at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_BROKEN_PIPE
    except (ScenarioError, OSError) as error:
        print(f"cascade: {error}".replace("\n", " "), file=sys.stderr)
        return EXIT_BAD_INPUT
    except KeyboardInterrupt:
        print("cascade: interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED

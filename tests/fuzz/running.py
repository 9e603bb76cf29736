"""Runs a fuzz target for a given time: guided by coverage with atheris, otherwise from a seed.

A target is a function of bytes that raises when the code under test did something it must not. The
input being tried is kept in a file, so that it survives a crash of the interpreter.
"""

import argparse
import importlib.util
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

Target = Callable[[bytes], None]


def _guided(target: Target, seconds: float, largest: int, kept: Path) -> None:
    """Let libFuzzer choose the inputs; it ends the process itself, with 1 after a failure."""
    import atheris

    options = [
        f"-max_total_time={max(1, int(seconds))}",
        f"-max_len={largest}",
        f"-exact_artifact_path={kept}",
    ]
    atheris.Setup([sys.argv[0], *options], atheris.instrument_func(target))
    atheris.Fuzz()


def _random_input(source: random.Random, largest: int) -> bytes:
    """Bytes of any length up to `largest`, short ones more often."""
    return source.randbytes(int(largest ** source.random()))


def _seeded(target: Target, seconds: float, largest: int, seed: int, kept: Path) -> None:
    source = random.Random(seed)
    end = time.monotonic() + seconds
    tried = 0
    with kept.open("wb", buffering=0) as file:
        while time.monotonic() < end:
            data = _random_input(source, largest)
            os.ftruncate(file.fileno(), 0)
            os.pwrite(file.fileno(), data, 0)
            try:
                target(data)
            except BaseException:
                print(f"failed after {tried} inputs; again with --repeat {kept}", file=sys.stderr)
                raise
            tried += 1
    kept.unlink()
    print(f"{tried} inputs, seed {seed}: nothing found")


def run(target: Target, largest: int) -> None:
    """Run the command line of a fuzz target whose inputs have at most `largest` bytes."""
    parser = argparse.ArgumentParser(description=sys.modules["__main__"].__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, help="of the run without atheris; default: random")
    parser.add_argument("--repeat", type=Path, metavar="FILE", help="try this one input")
    parser.add_argument("--without-atheris", action="store_true")
    arguments = parser.parse_args()
    name = Path(sys.argv[0]).stem
    if arguments.repeat:
        target(arguments.repeat.read_bytes())
        print("nothing found")
        return
    guided = (
        importlib.util.find_spec("atheris") is not None
        and not arguments.without_atheris
        and arguments.seed is None
    )
    kept = Path(tempfile.gettempdir(), f"{name}-{os.getpid()}.input")
    print(f"{name}: {'guided by coverage' if guided else 'random'}, {arguments.seconds:g} s")
    if guided:
        _guided(target, arguments.seconds, largest, kept)
        return
    seed = arguments.seed if arguments.seed is not None else random.SystemRandom().getrandbits(32)
    print(f"seed {seed}; the input being tried is in {kept}", flush=True)
    _seeded(target, arguments.seconds, largest, seed, kept)

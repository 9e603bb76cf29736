"""Fuzz target: a damaged scenario file is refused with `ScenarioError`, or it loads.

    python tests/fuzz/fuzz_scenario.py --seconds 600

The shipped scenarios are damaged by lines left out, doubled or swapped, by values replaced with
extreme ones of any type, by keys misspelt, and by bytes changed.
"""

import contextlib
import random
import sys
import tempfile
from importlib import resources
from pathlib import Path

from cascade import scenarios
from cascade.errors import ScenarioError

sys.path.insert(0, str(Path(__file__).parent))
from running import run

LARGEST = 64
PATH = Path(tempfile.mkdtemp(prefix="fuzz-scenario-"), "scenario.toml")
SHIPPED = [
    path.read_text(encoding="utf-8")
    for path in sorted(resources.files(scenarios).iterdir(), key=lambda path: path.name)
    if path.name.endswith(".toml")
]
# What a value is replaced with: TOML, one a line.
VALUES = """\
0
-1
0.1
-0.0
1e308
1e-320
nan
-inf
9223372036854775807
-9223372036854775808
99999999999999999999999
true
""
"long"
"BTC-PERP"
"\\u0000"
[]
[[]]
[1, 2]
["a"]
{}
{a = 1}
1979-05-27
07:32:00
[nan]
[0, 0, 0, 0]
""".splitlines()


def damaged(text: str, source: random.Random) -> bytes:
    """The scenario with one to four damages."""
    lines = text.splitlines()
    for _ in range(source.randint(1, 4)):
        at = source.randrange(len(lines))
        choice = source.randrange(6)
        if choice == 0 and len(lines) > 1:
            del lines[at]
        elif choice == 1:
            lines.insert(at, lines[at])
        elif choice == 2:
            other = source.randrange(len(lines))
            lines[at], lines[other] = lines[other], lines[at]
        elif choice == 3:
            lines[at] = lines[at][: source.randrange(len(lines[at]) + 1)] + source.choice(
                "x_=[].\"'#"
            )
        elif "=" in lines[at]:
            lines[at] = f"{lines[at].split('=')[0]}= {source.choice(VALUES)}"
    data = bytearray("\n".join(lines).encode())
    if source.random() < 0.1 and data:
        data[source.randrange(len(data))] = source.randrange(256)
    return bytes(data)


def check(data: bytes) -> None:
    """Load a damaged scenario."""
    source = random.Random(data)
    PATH.write_bytes(damaged(source.choice(SHIPPED), source))
    with contextlib.suppress(ScenarioError):
        scenarios.load(PATH)


if __name__ == "__main__":
    run(check, LARGEST)

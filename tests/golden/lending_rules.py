"""Adapters of lending protocols: cases are found by protocol and the inputs they name, not by their id.

The rule text of these cases is prose, so a new case may word it differently; what it is given and asked for
says which function answers, and words only where two functions take the same inputs.
"""

from collections.abc import Callable
from typing import Any

import aave_rules
import compound_rules
import euler_morpho_rules
from case import Inputs, UnsupportedError
from protocols import protocol_of, words_of

Adapter = Callable[[Inputs], Any]
FAMILIES: dict[str, list[tuple[Callable[[Inputs, str], bool], Callable[[Inputs, str], Any]]]] = {
    "Aave": aave_rules.FAMILY,
    "Spark": aave_rules.FAMILY,
    "Compound v3": compound_rules.COMET,
    "Compound v2": compound_rules.COMPOUND_V2,
    "Euler v1": euler_morpho_rules.EULER_V1,
    "Euler v2": euler_morpho_rules.EULER_V2,
    "Morpho": euler_morpho_rules.MORPHO,
    "theory": euler_morpho_rules.THEORY,
}


def find(case: dict[str, Any]) -> Adapter | None:
    """Adapter of a case of a lending protocol; None when no family knows it."""
    protocol = protocol_of(case)
    family = next((rows for name, rows in FAMILIES.items() if protocol.startswith(name)), None)
    if family is None:
        return None
    text = f"{protocol}: {words_of(case)}"

    def adapter(i: Inputs) -> Any:
        for applies, answer in family:
            if applies(i, text):
                return answer(i, text)
        raise UnsupportedError(f"no rule of {protocol} for the inputs {', '.join(i.given)}")

    return adapter

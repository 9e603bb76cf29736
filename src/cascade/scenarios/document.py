"""The text of a scenario file, and where in it each field stands.

TOML's parser gives values without their lines, so the lines are found by a scan of the text for
table headers and keys, outside multi-line strings. Numbers with a point come out as `Decimal`:
0.1 in a file is one tenth.
"""

from __future__ import annotations

import re
import tomllib
from decimal import Decimal
from typing import Any

from cascade.errors import ScenarioError

_HEADER = re.compile(r"\s*\[\[?\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"\s*((?:[A-Za-z0-9_-]+|\"[^\"]*\"|'[^']*')(?:\s*\.\s*[A-Za-z0-9_\"'-]+)*)\s*=")
_SYNTAX_LINE = re.compile(r"\(at line (\d+), column \d+\)")
_QUOTES = ('"""', "'''")


def _name(text: str) -> str:
    return ".".join(part.strip().strip("\"'") for part in text.split("."))


def find_lines(text: str) -> dict[str, int]:
    """Line, counting from 1, of each table and key, by dotted name."""
    lines: dict[str, int] = {}
    table = ""
    closing = ""
    for number, line in enumerate(text.splitlines(), 1):
        if closing:
            closing = "" if closing in line else closing
            continue
        if header := _HEADER.match(line):
            table = _name(header[1])
            lines.setdefault(table, number)
            continue
        if key := _KEY.match(line):
            name = _name(key[1])
            lines.setdefault(f"{table}.{name}" if table else name, number)
        closing = next((quote for quote in _QUOTES if line.count(quote) % 2), "")
    return lines


class Document:
    """Parsed scenario file.

    Parameters
    ----------
    path : str
        Name that errors give to the file.
    text : str
        Its content.

    Attributes
    ----------
    path : str
    values : dict
        Content as the parser gives it.

    Raises
    ------
    ScenarioError
        The text is not TOML.
    """

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self._lines = find_lines(text)
        try:
            self.values: dict[str, Any] = tomllib.loads(text, parse_float=Decimal)
        except tomllib.TOMLDecodeError as error:
            place = _SYNTAX_LINE.search(str(error))
            reason = _SYNTAX_LINE.sub("", str(error)).strip()
            raise ScenarioError(
                path, int(place[1]) if place else 0, "", f"not valid TOML: {reason}"
            ) from None
        except (ValueError, ArithmeticError, RecursionError) as error:
            # an integer of thousands of digits, an exponent beyond any decimal, endless nesting
            reason = str(error) if isinstance(error, ValueError) else type(error).__name__
            raise ScenarioError(path, 0, "", f"not valid TOML: {reason}") from None

    def line(self, field: str) -> int:
        """Line of a field; of its section when the field is missing; 0 without either."""
        while field and field not in self._lines:
            field = field.rpartition(".")[0]
        return self._lines.get(field, 0)

    def error(self, field: str, reason: str) -> ScenarioError:
        """Error that names file, line and field; the caller raises it."""
        return ScenarioError(self.path, self.line(field), field, reason)

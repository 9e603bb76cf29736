"""Lines of a data file, and the exact numbers in them.

Every loader reads through this module: plain, gzip and single-member zip files come out as
numbered lines of text, and each line turns its fields into exact integers or `decimal.Decimal`
and refuses, with file, line and field, what is not one. Nothing here rounds, and no number passes
through a binary float.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any, BinaryIO, cast

from cascade.errors import FileContentError

Path = str | os.PathLike[str]
Level = tuple[Decimal, Decimal]

INT64_MAX = 2**63 - 1
MAX_NUMBER_CHARACTERS = 100
MAX_LINE_CHARACTERS = 1 << 26

_ZIP_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?", re.ASCII)
_INTEGER = re.compile(r"[+-]?[0-9]{1,19}", re.ASCII)


class DataFormatError(FileContentError):
    """Content of a file that its format does not allow."""


class Line:
    """One line of a file, with the parsers for its fields.

    Parameters
    ----------
    path : str
        The file the line is from.
    number : int
        Counting from 1.
    text : str
        Without the line end.
    """

    __slots__ = ("number", "path", "text")

    def __init__(self, path: str, number: int, text: str) -> None:
        self.path: str = path
        self.number: int = number
        self.text: str = text

    def error(self, field: str, reason: str) -> DataFormatError:
        """Error that names this line; the caller raises it."""
        return DataFormatError(self.path, self.number, field, reason)

    def split(self, columns: int, separator: str = ",") -> list[str]:
        """Fields of the line, exactly `columns` of them."""
        fields = self.text.split(separator)
        if len(fields) != columns:
            raise self.error("", f"{len(fields)} fields; the format has {columns}")
        return fields

    def integer(self, value: object, field: str, low: int = 0, high: int = INT64_MAX) -> int:
        """Integer in `low` ... `high` from its digits or from a JSON integer."""
        if isinstance(value, str):
            if _INTEGER.fullmatch(value) is None:
                raise self.error(field, f"{value[:40]!r} is not an integer")
            number = int(value)
        elif isinstance(value, int) and not isinstance(value, bool):
            number = value
        else:
            raise self.error(field, f"{value!r:.40} is not an integer")
        if not low <= number <= high:
            raise self.error(field, f"{str(number)[:40]} is outside {low} ... {high}")
        return number

    def decimal(self, value: object, field: str, low: int | None = 0) -> Decimal:
        """Exact decimal not below `low` from its digits or from a JSON number."""
        if isinstance(value, str):
            if len(value) > MAX_NUMBER_CHARACTERS or _DECIMAL.fullmatch(value) is None:
                raise self.error(field, f"{value[:40]!r} is not a decimal number")
            number = Decimal(value)
        elif isinstance(value, (int, Decimal)) and not isinstance(value, bool):
            number = Decimal(value)
        else:
            raise self.error(field, f"{value!r:.40} is not a decimal number")
        if low is not None and number < low:
            raise self.error(field, f"{number} is below {low}")
        return number

    def choice(self, value: object, field: str, allowed: Sequence[str]) -> str:
        """`value` when it is one of `allowed`."""
        if not isinstance(value, str) or value not in allowed:
            raise self.error(field, f"{value!r:.40} is not one of {', '.join(allowed)}")
        return value

    def json(self, text: str) -> Any:
        """JSON value of `text`; numbers with a point or exponent come out as `Decimal`."""
        return parse_json(text, self.path, self.number)

    def get(self, record: object, field: str, kind: type) -> Any:
        """Member `field` of a JSON object, of type `kind`."""
        if not isinstance(record, dict):
            raise self.error(field, f"{type(record).__name__} where an object belongs")
        if field not in record:
            raise self.error(field, "is missing")
        value = record[field]
        if not isinstance(value, kind):
            raise self.error(field, f"{type(value).__name__} where {kind.__name__} belongs")
        return value

    def levels(self, record: object, field: str) -> tuple[Level, ...]:
        """Exact (price, size) pairs of a JSON array of arrays; further members are ignored."""
        return tuple(
            (self.decimal(price, field), self.decimal(size, field))
            for price, size, *_ in self.pairs(record, field)
        )

    def pairs(self, record: object, field: str) -> list[list[Any]]:
        """Arrays of at least two members in the JSON array `field`."""
        rows: list[list[Any]] = self.get(record, field, list)
        for row in rows:
            if not isinstance(row, list) or len(row) < 2:
                raise self.error(field, f"{row!r:.40} is not a [price, size] pair")
        return rows


def parse_json(text: str, path: str, line: int = 0) -> Any:
    """JSON value of `text` with exact numbers.

    Raises
    ------
    DataFormatError
        The text is not JSON, holds NaN or an infinity, or nests too deeply.
    """

    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is not a number")

    try:
        return json.loads(text, parse_float=_json_decimal, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise DataFormatError(path, line, "", f"not valid JSON ({error})") from error


def _json_decimal(text: str) -> Decimal:
    if len(text) > MAX_NUMBER_CHARACTERS or _DECIMAL.fullmatch(text) is None:
        raise ValueError(f"{text[:40]} is too long for a number")
    return Decimal(text)


def _open(path: str) -> BinaryIO:
    with open(path, "rb") as probe:
        magic = probe.read(4)
    if magic[:2] == b"\x1f\x8b":
        return cast(BinaryIO, gzip.open(path, "rb"))
    if magic != b"PK\x03\x04":
        return open(path, "rb")
    archive = zipfile.ZipFile(path)
    members = [entry for entry in archive.infolist() if not entry.is_dir()]
    if len(members) != 1:
        raise DataFormatError(path, 0, "", f"{len(members)} files in the archive; one belongs")
    if members[0].flag_bits & 1 or members[0].compress_type not in _ZIP_METHODS:
        raise DataFormatError(path, 0, "", "the archive is encrypted or not deflated")
    return cast(BinaryIO, archive.open(members[0]))


def read_lines(path: Path) -> Iterator[Line]:
    """Numbered lines of a plain, gzip or single-member zip file; empty lines are left out.

    Parameters
    ----------
    path : str or os.PathLike
        Recognised by its content, not by its name.

    Yields
    ------
    Line
        In the order of the file.

    Raises
    ------
    DataFormatError
        The compressed data are damaged, or the text is not UTF-8 or has a line above 64 Mi
        characters.
    OSError
        The file cannot be read.
    """
    name = os.fspath(path)
    number = 0
    try:
        with _open(name) as raw, io.TextIOWrapper(raw, encoding="utf-8-sig") as text:
            while content := text.readline(MAX_LINE_CHARACTERS):
                number += 1
                if len(content) == MAX_LINE_CHARACTERS:
                    raise DataFormatError(name, number, "", "line is too long")
                content = content.rstrip("\r\n")
                if content:
                    yield Line(name, number, content)
    except (gzip.BadGzipFile, zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise DataFormatError(name, number + 1, "", f"damaged archive ({error})") from error
    except UnicodeDecodeError as error:
        raise DataFormatError(name, number + 1, "", f"not UTF-8 text ({error.reason})") from error


def read_text(path: Path) -> str:
    """Whole text of a plain, gzip or single-member zip file, as `read_lines` reads it."""
    return "\n".join(line.text for line in read_lines(path))


def read_table(path: Path, required: Sequence[str]) -> Iterator[tuple[Line, dict[str, str]]]:
    """Rows of a comma-separated file with a header line.

    Parameters
    ----------
    path : str or os.PathLike
        The file. Fields are stripped of surrounding blanks; quotes have no meaning.
    required : sequence of str
        Columns that the header must name, in lower case; the header's case is ignored.

    Yields
    ------
    Line, dict of str to str
        The row, and its fields by lower-case column name.

    Raises
    ------
    DataFormatError
        The file is empty, a required column is missing, a column is named twice, or a row has
        more or fewer fields than the header.
    """
    lines = read_lines(path)
    header = next(lines, None)
    if header is None:
        raise DataFormatError(os.fspath(path), 0, "", "the file is empty")
    names = [name.strip().lower() for name in header.text.split(",")]
    for name in required:
        if name not in names:
            raise header.error(name, f"column is missing; the header has {', '.join(names)}")
    if len(set(names)) != len(names):
        raise header.error("", "a column is named twice")
    for line in lines:
        fields = [field.strip() for field in line.split(len(names))]
        yield line, dict(zip(names, fields, strict=True))

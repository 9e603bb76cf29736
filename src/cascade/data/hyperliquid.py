"""Accounts as Hyperliquid reports them: the answer to `clearinghouseState`, with its liquidation prices.

Read from the JSON of the answer, or from a recording of request and answer in YAML (vcr cassettes),
which needs PyYAML. Numbers stay the decimals that the venue wrote.
"""

from __future__ import annotations

import importlib
import os
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from cascade.data.lines import DataFormatError, Line, Path, parse_json, read_text

__all__ = ["AccountState", "StatePosition", "load_account_state"]


@dataclass(frozen=True, slots=True)
class StatePosition:
    """One position of an account, in USDC and units of the coin.

    Attributes
    ----------
    coin : str
    size : Decimal
        Signed, long positive, not 0.
    entry : Decimal
        Entry price.
    value : Decimal
        Notional at the mark.
    profit : Decimal
        Unrealised.
    margin : Decimal
        Margin used.
    leverage : Decimal
    isolated : bool
    liquidation_price : Decimal or None
        As published; None where there is none.
    """

    coin: str
    size: Decimal
    entry: Decimal
    value: Decimal
    profit: Decimal
    margin: Decimal
    leverage: Decimal
    isolated: bool
    liquidation_price: Decimal | None

    @property
    def mark(self) -> Fraction:
        """Mark that the notional was taken at."""
        return Fraction(self.value) / abs(Fraction(self.size))


@dataclass(frozen=True, slots=True)
class AccountState:
    """An account: equity, and positions in the order of the answer.

    Attributes
    ----------
    account_value : Decimal
        Equity of the cross unit, in USDC.
    notional : Decimal
        Sum of the cross positions' notionals.
    positions : tuple of StatePosition
    """

    account_value: Decimal
    notional: Decimal
    positions: tuple[StatePosition, ...]

    @property
    def balance(self) -> Decimal:
        """Cross collateral without unrealised profits."""
        return self.account_value - sum(
            (p.profit for p in self.positions if not p.isolated), Decimal(0)
        )


def load_account_state(path: Path) -> AccountState:
    """Account from an answer of the venue's `clearinghouseState`.

    Parameters
    ----------
    path : str or os.PathLike
        JSON of the answer, or a YAML recording of which the first answer with positions is read;
        plain, gzip or zip.

    Returns
    -------
    AccountState

    Raises
    ------
    DataFormatError
        The file is neither, a field is missing or not of its kind, or no answer has positions.
    ModuleNotFoundError
        The file is YAML and PyYAML is not installed.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "state.json"
    >>> _ = file.write_text('{"assetPositions": [], "crossMarginSummary": '
    ...                     '{"accountValue": "10.5", "totalNtlPos": "0"}}')
    >>> load_account_state(file).balance
    Decimal('10.5')
    """
    name = os.fspath(path)
    text = read_text(path)
    line = Line(name, 0, "")
    if text.lstrip().startswith("{"):
        return _state(line, parse_json(text, name))
    for body in _answers(line, text):
        answer = parse_json(body, name)
        if isinstance(answer, dict) and "assetPositions" in answer:
            return _state(line, answer)
    raise line.error("assetPositions", "no answer of the recording has it")


def _answers(line: Line, text: str) -> list[str]:
    yaml: Any = importlib.import_module("yaml")
    try:
        recording = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise DataFormatError(
            line.path, 0, "", f"neither JSON nor YAML ({str(error)[:200]})"
        ) from error
    bodies = []
    for entry in line.get(recording, "interactions", list):
        body = line.get(line.get(entry, "response", dict), "body", dict)
        bodies.append(line.get(body, "string", str))
    return bodies


def _state(line: Line, answer: Any) -> AccountState:
    summary = line.get(answer, "crossMarginSummary", dict)
    held = line.get(answer, "assetPositions", list)
    return AccountState(
        _number(line, summary, "accountValue"),
        _number(line, summary, "totalNtlPos"),
        tuple(_position(line, line.get(item, "position", dict)) for item in held),
    )


def _number(line: Line, record: Any, field: str, low: int | None = None) -> Decimal:
    return line.decimal(line.get(record, field, object), field, low)


def _position(line: Line, record: Any) -> StatePosition:
    leverage = line.get(record, "leverage", dict)
    kind = line.choice(line.get(leverage, "type", str), "type", ("cross", "isolated"))
    size = _number(line, record, "szi")
    if size == 0:
        raise line.error("szi", "0 is no position")
    published = line.get(record, "liquidationPx", object)
    return StatePosition(
        coin=line.get(record, "coin", str),
        size=size,
        entry=_number(line, record, "entryPx", 0),
        value=_number(line, record, "positionValue", 0),
        profit=_number(line, record, "unrealizedPnl"),
        margin=_number(line, record, "marginUsed"),
        leverage=_number(line, leverage, "value", 0),
        isolated=kind == "isolated",
        liquidation_price=(
            None if published is None else line.decimal(published, "liquidationPx", 0)
        ),
    )

"""Exceptions of the package: what misuse and broken promises raise.

Refusals that a venue would send back (no such order, price out of bounds, not fillable) are not
exceptions but result codes, see `cascade.codes.Code`.
"""

__all__ = [
    "CascadeError",
    "ClosedAccountOrderError",
    "ConservationError",
    "ContractConservationError",
    "CrossedBookError",
    "FileContentError",
    "InvariantError",
    "MoneyConservationError",
    "ScenarioError",
]


class CascadeError(Exception):
    """Base of all exceptions that only this package raises."""


class InvariantError(CascadeError):
    """A promise about the state does not hold; the state must not be used any further."""


class ConservationError(InvariantError):
    """Money or contracts appeared or disappeared."""


class ContractConservationError(ConservationError):
    """Sizes of a market, the outside's and the house's included, do not sum to zero."""


class MoneyConservationError(ConservationError):
    """Money of an asset, recorded bad debt included, is not what was deposited less withdrawals."""


class ClosedAccountOrderError(InvariantError):
    """An order of a unit that a liquidation closed still rests or waits."""


class CrossedBookError(InvariantError):
    """A best bid is at or above the best offer outside an auction."""


class FileContentError(CascadeError, ValueError):
    """Content of a file that cannot be used; names the file, the line and the field.

    Parameters
    ----------
    path : str
        The file.
    line : int
        Number of the line, counting from 1; 0 when the file as a whole is meant.
    field : str
        Name of the field as its format calls it; empty when the line as a whole is meant.
    reason : str
        What is wrong, with the value and what is allowed.

    Attributes
    ----------
    path, line, field, reason
        As given.
    """

    def __init__(self, path: str, line: int, field: str, reason: str) -> None:
        place = f"{path}, line {line}" if line else path
        super().__init__(f"{place}, {field}: {reason}" if field else f"{place}: {reason}")
        self.path: str = path
        self.line = line
        self.field = field
        self.reason = reason

    def __reduce__(self) -> tuple[type, tuple[str, int, str, str]]:
        return type(self), (self.path, self.line, self.field, self.reason)


class ScenarioError(FileContentError):
    """Content of a scenario file that cannot be run; fields are named like ``crowd.count``."""

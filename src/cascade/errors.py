"""Exceptions of the package: what misuse and broken promises raise.

Refusals that a venue would send back (no such order, price out of bounds, not fillable) are not
exceptions but result codes, see `cascade.codes.Code`.
"""

__all__ = ["CascadeError", "ConservationError", "InvariantError"]


class CascadeError(Exception):
    """Base of all exceptions that only this package raises."""


class InvariantError(CascadeError):
    """A promise about the state does not hold; the state must not be used any further."""


class ConservationError(InvariantError):
    """Money or contracts appeared or disappeared."""

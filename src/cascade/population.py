"""`engine.residents`: who lives in an engine besides its accounts, and their state in snapshots."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from cascade import _populate
from cascade.exact_numbers import exact, whole
from cascade.market import Market
from cascade.residents import KINDS, Resident

if TYPE_CHECKING:
    from cascade.engine import Engine

__all__ = ["Residents"]

assert tuple(KINDS) == _populate.KINDS


class Residents:
    """`engine.residents`: who else trades, in the order in which they take their turns.

    Examples
    --------
    >>> import cascade as cs
    >>> engine = cs.Engine(seed=7)
    >>> market = engine.add_market("X", tick_size=1, lot_size=1)
    >>> market.set_index(100)
    >>> engine.residents.add(cs.MarketMaker(market="X", depth=[(1, 5), (2, 9)], deposit=10_000))
    0
    >>> _ = engine.step()
    >>> market.book.bids(), market.book.asks()
    ([(99, 5, 1), (98, 9, 1)], [(101, 5, 1), (102, 9, 1)])
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._added: list[tuple[Resident, int]] = []

    def __len__(self) -> int:
        return len(self._added)

    def __getitem__(self, number: int) -> Resident:
        return self._added[number][0]

    def __iter__(self) -> Iterator[Resident]:
        return iter([resident for resident, _ in self._added])

    def __repr__(self) -> str:
        return f"<Residents: {', '.join(repr(entry) for entry in self) or 'none'}>"

    @property
    def accounts(self) -> list[int]:
        """Account of each, -1 for those whose orders are anonymous."""
        return [account for _, account in self._added]

    def add(self, resident: Resident) -> int:
        """Let a resident trade in every step from now on.

        Parameters
        ----------
        resident : MarketMaker, Arbitrageur, NoiseFlow, MomentumFlow or MarginCalls

        Returns
        -------
        int
            Its account, made with its deposit; -1 without a deposit.

        Raises
        ------
        KeyError
            The market is unknown.
        TypeError, ValueError
            It is no resident; a price or size is off the market's grid; the venue does not suit it.
        """
        if type(resident) not in KINDS.values():
            raise TypeError(f"a resident is one of {', '.join(KINDS)}, got {resident!r}")
        engine = self._engine
        market = engine.market(resident.market)
        settings = resident._whole(engine, market)
        account = -1
        if resident.deposit is not None:
            deposit = engine.to_atoms(resident.deposit, market.asset, "deposit")
            account = int(
                engine.accounts.create(1, balance=resident.deposit, asset=market.asset)[0]
            )
            leverage = exact(resident.leverage, "leverage")
            engine.accounts.set_leverage(account, market, leverage, "cross")
        else:
            deposit = 0
        self._enter(resident, market, account, deposit, settings)
        return account

    def _enter(
        self,
        resident: Resident,
        market: Market,
        account: int,
        deposit: int,
        settings: dict[str, Any],
    ) -> None:
        engine = self._engine
        name = type(resident).__name__
        _populate.add_resident(
            engine, name, market.number, account, deposit, engine.seed, **settings
        )
        self._added.append((resident, account))

    # --- snapshots -----------------------------------------------------------------------------

    def settings(self) -> list[dict[str, Any]]:
        """Each as plain numbers and text, for a file."""
        return [
            {
                "kind": type(resident).__name__,
                "account": account,
                "terms": {f.name: _stored(getattr(resident, f.name)) for f in fields(resident)},
            }
            for resident, account in self._added
        ]

    def numbers(self) -> list[list[int]]:
        """Where each stands, as integers: the rows that the state's hash covers."""
        return [_populate.resident_numbers(self._engine, k) for k in range(len(self))]

    def restore(self, settings: list[dict[str, Any]], numbers: list[int]) -> None:
        """Put back what `settings` and `numbers` gave, rows one after the other, each after its length.

        Raises
        ------
        KeyError, TypeError, ValueError
            It is not the state of residents of this engine.
        """
        engine = self._engine
        at = 0
        for number, entry in enumerate(settings):
            terms = {name: _restored(name, value) for name, value in entry["terms"].items()}
            resident = KINDS[entry["kind"]](**terms)
            market = engine.market(resident.market)
            account = whole(entry["account"], "account")
            if (account >= 0) != (resident.deposit is not None) or not -1 <= account < len(
                engine.accounts
            ):
                raise ValueError(f"resident {number}: its account")
            if account >= 0 and engine.asset_of(account) != market.asset:
                raise ValueError(f"resident {number}: its account has other money")
            deposit = 0
            if resident.deposit is not None:
                deposit = engine.to_atoms(resident.deposit, market.asset, "deposit")
            self._enter(resident, market, account, deposit, resident._whole(engine, market))
            if at >= len(numbers) or not 5 <= numbers[at] < len(numbers) - at:
                raise ValueError(f"resident {number}: its state is not stored")
            end = at + 1 + numbers[at]
            _populate.restore_resident(engine, number, numbers[at + 1 : end])
            at = end
        if at != len(numbers):
            raise ValueError("residents are left over")


def _stored(value: Any) -> Any:
    if value is None or isinstance(value, (int, str)):
        return value
    if isinstance(value, (tuple, list)):
        return [_stored(entry) for entry in value]
    return str(exact(value, "value"))


def _restored(name: str, value: Any) -> Any:
    if name in ("market", "open_orders", "hedged") or value is None:
        return value
    if isinstance(value, list):
        return tuple(_restored(name, entry) for entry in value)
    return exact(value, name)

"""Sums of lending markets: what a reserve has, what it owes, and what rounding has left in between."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cascade import _bandrestore, _lendingrestore, _lendingterms, _troverestore
from cascade._columns import position_table
from cascade.errors import ReserveError
from cascade.stop_gaps import has_pool

if TYPE_CHECKING:
    from cascade.engine import Engine
    from cascade.lending_market import LendingMarket

__all__ = ["check_lending", "check_reserve_totals", "lending_totals"]

# An amount over an index of at most 4.6 (half of 63 bits) leaves less than 6 lots; interest shared out
# among at most 2**63 scaled lots leaves less than 2**63 / 10**18 + 2 of them.
ROUNDING_LOTS = 12


def lending_totals(engine: Engine) -> dict[str, dict[str, dict[str, int]]]:
    """Lots by lending market, reserve and part, see `Engine.totals`.

    Parameters
    ----------
    engine : Engine

    Returns
    -------
    dict
        ``cash``; ``supplied``, ``redeemed``, ``borrowed``, ``repaid``, ``seized`` since the beginning;
        ``debts``, ``deficit``, ``awaited`` (debts that auctions are to bring), ``supplies``,
        ``treasury`` now; ``rounding``, what the reserve has
        beyond what it owes; ``roundings``, amounts that were rounded. Of a market with bands, under
        ``"bands"``, also what `BandMarket.totals` gives; of a lending market with a stability pool,
        under ``"stability pool"``, `LendingStabilityPool.row`.
    """
    found = {
        market.name: {
            **{
                name: _lendingrestore.reserve_totals(engine, reserve.number)
                for name, reserve in market.reserves.items()
            },
            **_band_totals(engine, market.name),
        }
        for market in engine.lending
    }
    for market in engine.lending:
        if has_pool(market.rules):
            found[market.name]["stability pool"] = market.stability_pool.row()
    return found


def _band_totals(engine: Engine, name: str) -> dict[str, dict[str, int]]:
    bands = engine.lending.bands.get(name)
    return {} if bands is None else {"bands": bands.totals()}


def check_reserve_totals(name: str, sums: dict[str, Any]) -> None:
    """Refuse sums of a reserve that do not add up.

    Parameters
    ----------
    name : str
        Of the reserve, for the message.
    sums : dict
        As `lending_totals` gives them, lots.

    Raises
    ------
    ReserveError
        Cash is not what came less what went; or cash, debts, awaited and deficit are less than supplies and
        treasury, or more than rounding explains.

    Notes
    -----
    Every amount is rounded for the reserve, so that ``0 <= rounding <= 12 * roundings`` lots.
    """
    came = sums["supplied"] + sums["repaid"]
    went = sums["redeemed"] + sums["borrowed"] + sums["seized"]
    if sums["cash"] != came - went or sums["cash"] < 0:
        raise ReserveError(f"{name}: cash is {sums['cash']} lots, {came} came and {went} went")
    has = sums["cash"] + sums["debts"] + sums["deficit"] + sums["awaited"]
    owes = sums["supplies"] + sums["treasury"]
    if not 0 <= has - owes <= ROUNDING_LOTS * sums["roundings"]:
        raise ReserveError(
            f"{name}: cash, debts, awaited and deficit are {has} lots against supplies and treasury of {owes}, "
            f"which {sums['roundings']} roundings do not explain"
        )


def check_lending(engine: Engine) -> None:
    """Refuse reserves whose sums, or whose accounts' claims, do not add up.

    Parameters
    ----------
    engine : Engine

    Raises
    ------
    ReserveError
        As `check_reserve_totals`; or the accounts' scaled claims are not the reserve's; or bands have
        not what came in less what went out, or loans not the debts and shares there are.
    InvariantError
        A claim is not on the side of its account's category, or not alone where it must be.
    """
    if not len(engine.lending):
        return
    positions = position_table(engine)
    sums = lending_totals(engine)
    _lendingterms.check_claims(engine)
    for market in engine.lending:
        for name, reserve in market.reserves.items():
            mine = np.isin(positions["market"], [side.number for side in reserve.supplied_sides])
            held = sum(positions["size"][mine].tolist())
            mine = positions["market"] == reserve.borrowed_side.number
            owed = sum(positions["size"][mine].tolist())
            row, where = reserve.row(), f"{market.name} {name}"
            if market.rules.troves is not None:
                owed = -row["borrowed"]  # by another sum, below
            if row["supplied"] < held:
                raise ReserveError(f"{where}: accounts hold {held} of {row['supplied']} supplied")
            if row["borrowed"] != -owed:
                raise ReserveError(f"{where}: accounts owe {-owed} of {row['borrowed']} borrowed")
            check_reserve_totals(where, sums[market.name][name])
        if market.auctions is not None:
            market.auctions.check()
        if market.rules.troves is not None:
            _check_troves(engine, market)
        if has_pool(market.rules):
            _check_pool(market)
    for name, bands in engine.lending.bands.items():
        held = _bandrestore.shares_held(engine, bands.number)
        try:
            _bandrestore.check_band_totals(name, bands.totals(), held)
        except ValueError as error:
            raise ReserveError(str(error)) from None
        fault = _bandrestore.watch_fault(engine, bands.number)
        if fault:
            raise ReserveError(f"{name}: {fault}")


def _check_troves(engine: Engine, market: LendingMarket) -> None:
    fault = _troverestore.trove_fault(engine, market.number)
    if fault:
        raise ReserveError(f"{market.name}: {fault}")


def _check_pool(market: LendingMarket) -> None:
    row = market.stability_pool.row()
    came, gained = row["provided"] - row["withdrawn"] - row["burned"], row["received"] - row["paid"]
    earned = row["interest_received"] - row["interest_paid"]
    has = row["deposits"], row["gains"], row["interest"]
    if has != (came, gained, earned) or min(has) < 0:
        raise ReserveError(
            f"{market.name}: the stability pool has not what came less what went: {row}"
        )

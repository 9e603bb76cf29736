"""Terms of accounts of the twin's lending markets: isolated collateral, siloed debts, caps, the sentinel.

docs/lending-market.md, *Terms of accounts*. Everything is counted anew from the positions; only what a debt
ceiling counts is kept, because interest is not in it.
"""

from dataclasses import dataclass
from math import floor

from . import log as events
from .margin import rate_of


@dataclass
class Cap:
    """What all reserves of one price have together, lots; None: any."""

    supply: int | None
    borrow: int | None


def hundredths(reserve, lots: int) -> int:
    return floor(lots * rate_of(reserve.lot_size) * 100)


def held_by(lending, account: int) -> tuple[list, list]:
    """Reserves that an account has collateral in, and those it owes to."""
    holdings = lending.unit(account).holdings
    return [h.reserve for h in holdings if h.size > 0], [h.reserve for h in holdings if h.size < 0]


def isolating(lending, account: int):
    """The reserve whose ceiling the account's debts count against."""
    collateral, _ = held_by(lending, account)
    return next((r for r in collateral if r.debt_ceiling is not None), None)


def borrowed(lending, account: int, reserve, lots: int) -> None:
    isolated = isolating(lending, account)
    if isolated is not None:
        isolated.isolated_debt += hundredths(reserve, lots)


def repaid(lending, account: int, reserve, lots: int) -> None:
    isolated = isolating(lending, account)
    if isolated is not None:
        isolated.isolated_debt = max(0, isolated.isolated_debt - hundredths(reserve, lots))


# --- the sentinel ------------------------------------------------------------------------------


def shut(lending) -> bool:
    return lending.sequencer_down or lending.engine.clock < lending.spared_until


def spared(lending, unit) -> bool:
    """Does a due account wait for the sequencer?"""
    if lending.rules.sentinel is None or not shut(lending):
        return False
    borne = unit.borne()
    return borne >= rate_of(lending.rules.sentinel) * (borne - unit.equity())


def set_sequencer(lending, up: bool, grace) -> None:
    if lending.rules.sentinel is None:
        raise ValueError(f"lending market {lending.name!r}: its rules have no sentinel")
    wait = round(rate_of(grace) * 10**9)
    if wait < 0:
        raise ValueError(f"grace {grace!r} is below 0")
    if up is not lending.sequencer_down:
        return
    if up:
        lending.spared_until = lending.engine.clock + wait
    lending.sequencer_down = not up
    lending.engine.log.add(
        events.SEQUENCER,
        quantity=lending.number,
        side=int(up),
        order=lending.spared_until if up else 0,
    )


def check_sequencer(lending) -> None:
    if shut(lending):
        raise ValueError("nothing is lent while the sequencer is down or in its grace")


# --- caps --------------------------------------------------------------------------------------


def price_of(reserve) -> tuple:
    """What reserves of one price have in common."""
    asset = reserve.lending.asset
    return (None, asset) if reserve.source is None else (reserve.source.number, asset)


def common(reserve, owed: bool) -> int | None:
    """Lots that all reserves of the price may still take."""
    engine = reserve.lending.engine
    cap = engine.lending.caps.get(price_of(reserve))
    most = None if cap is None else cap.borrow if owed else cap.supply
    if most is None:
        return None
    together = [r for r in engine.reserves if price_of(r) == price_of(reserve)]
    return most - sum(r.owed_lots if owed else r.supplied_lots for r in together)


def check_common(reserve, owed: bool, lots: int) -> None:
    left = common(reserve, owed)
    if left is not None and lots > left:
        raise ValueError(f"{reserve.name}: {lots} lots are above the {left} of the common cap")


def check_share(reserve, lots: int, supplies: int) -> None:
    if reserve.account_cap is not None and lots > reserve.account_cap:
        raise ValueError(f"{reserve.name}: {lots} lots are above the account_cap")
    if reserve.account_share is not None and lots > reserve.account_share * supplies:
        raise ValueError(f"{reserve.name}: {lots} lots are above the account_share")


# --- what is refused ---------------------------------------------------------------------------


def check_deposit(lending, account: int, reserve, lots: int) -> None:
    check_common(reserve, False, lots)
    others = [r for r in held_by(lending, account)[0] if r is not reserve]
    alone = reserve.debt_ceiling is not None
    if others and (alone or any(r.debt_ceiling is not None for r in others)):
        raise ValueError(f"account {account} has collateral, and isolated collateral is alone")
    held = sum(
        h.reserve.lots(h.size, False)
        for h in lending.unit(account).holdings
        if h.size > 0 and h.reserve is reserve
    )
    check_share(reserve, held + lots, reserve.supplied_lots + lots)


def siloed_away(lending, account: int, reserve) -> bool:
    others = [r for r in held_by(lending, account)[1] if r is not reserve]
    return bool(others) and (reserve.siloed or any(r.siloed for r in others))


def check_borrow(lending, account: int, reserve, lots: int) -> None:
    check_common(reserve, True, lots)
    check_sequencer(lending)
    if siloed_away(lending, account, reserve):
        raise ValueError(f"account {account} owes something else, and siloed debt is alone")
    isolated = isolating(lending, account)
    if isolated is not None:
        check_isolated(isolated, [(reserve, lots)])


def check_dust(lending, account: int, reserve, lots: int) -> None:
    """Where accounts are auctioned a debt is none or as large as its collateral's auctions ask."""
    rule = lending.rules.auction
    if rule is None or not lots:
        return
    dust = [rule.of(held.name).dust for held in held_by(lending, account)[0]]
    least = max((lending.engine.to_atoms(x, lending.asset) for x in dust), default=0)
    if lots * reserve.unit * reserve.price_ticks < least:
        raise ValueError(f"a debt of {lots} lots is worth less than the dust of {least} atoms")


def check_isolated(isolated, debts) -> int:
    """What debts add to what a ceiling counts."""
    added = 0
    for reserve, lots in debts:
        if not reserve.lent_in_isolation:
            raise ValueError(f"{reserve.name} cannot be borrowed against isolated collateral")
        added += hundredths(reserve, lots)
    if isolated.isolated_debt + added > isolated.debt_ceiling:
        raise ValueError(f"isolated debt is above the debt_ceiling of {isolated.debt_ceiling}")
    return added


def check_rows(lending, lots: dict) -> dict:
    """New accounts, lots by (reserve, debt) and row; what is added to what each ceiling counts."""
    reserves = lending.reserves
    together: dict = {}
    added: dict = {}
    for (name, owed), column in lots.items():
        key = (price_of(reserves[name]), owed)
        together[key] = together.get(key, 0) + sum(column)
        check_common(reserves[name], owed, together[key])
        if owed and sum(column):
            check_sequencer(lending)
        if not owed:
            supplies = reserves[name].supplied_lots + sum(column)
            for row in column:
                check_share(reserves[name], row, supplies)
    for k in range(max((len(column) for column in lots.values()), default=0)):
        collateral, debts = (
            [(reserves[n], c[k]) for (n, owed), c in lots.items() if owed == side and c[k]]
            for side in (False, True)
        )
        isolated = next((r for r, _ in collateral if r.debt_ceiling is not None), None)
        if isolated is not None and len(collateral) > 1:
            raise ValueError("isolated collateral is alone")
        if len(debts) > 1 and any(r.siloed for r, _ in debts):
            raise ValueError("siloed debt is alone")
        if isolated is not None:
            sofar = added.setdefault(isolated.name, 0)
            more = check_isolated(isolated, debts)
            if isolated.isolated_debt + sofar + more > isolated.debt_ceiling:
                raise ValueError(
                    f"isolated debt is above the debt_ceiling of {isolated.debt_ceiling}"
                )
            added[isolated.name] = sofar + more
    return added


def check_alone(lending) -> None:
    """What `validate` asks of isolated collateral and siloed debts."""
    for number, account in enumerate(lending.engine.clearing.accounts):
        if account.lending is lending:
            collateral, debts = held_by(lending, number)
            assert len(collateral) <= 1 or all(r.debt_ceiling is None for r in collateral)
            assert len(debts) <= 1 or not any(r.siloed for r in debts)
    for reserve in lending.reserves.values():
        assert 0 <= reserve.isolated_debt <= (reserve.debt_ceiling or 0)

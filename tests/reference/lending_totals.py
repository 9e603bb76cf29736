"""Sums of the twin's lending markets: what must add up, and what a hash has of them."""

from .lending_categories import category_number, side_of
from .lending_terms import check_alone
from .stability import check_pool

ROUNDING = 12  # lots that one rounded amount may leave at most


def reserve_totals(reserve) -> dict:
    """What a reserve has and owes, in lots: docs/engine-api.md."""
    held = reserve.cash + reserve.owed_lots + reserve.deficit + reserve.awaited
    return {
        "cash": reserve.cash,
        **reserve.flows,
        "debts": reserve.owed_lots,
        "deficit": reserve.deficit,
        "awaited": reserve.awaited,
        "supplies": reserve.supplied_lots,
        "treasury": reserve.treasury,
        "rounding": held - reserve.supplied_lots - reserve.treasury,
        "roundings": reserve.roundings,
    }


def lending_totals(engine) -> dict:
    bands = engine.lending.bands
    found = {
        name: {
            **{key: reserve_totals(reserve) for key, reserve in market.reserves.items()},
            **({"bands": bands[name].totals()} if name in bands else {}),
        }
        for name, market in engine.lending.items()
    }
    for name, market in engine.lending.items():
        if market.pool is not None:
            found[name]["stability pool"] = market.stability_pool.totals()
    return found


def check_reserve(reserve) -> None:
    """Raise AssertionError if claims and cash do not add up."""
    flows, totals = reserve.flows, reserve_totals(reserve)
    came = flows["supplied"] + flows["repaid"]
    assert reserve.cash == came - flows["redeemed"] - flows["borrowed"] - flows["seized"], totals
    assert reserve.cash >= 0, totals
    assert 0 <= totals["rounding"] <= ROUNDING * reserve.roundings, totals
    positions = reserve.lending.engine.clearing.positions
    sides = (*reserve.supplied_sides, reserve.borrowed_side)
    held = [sum(p.size for p in positions if p.market == side.number) for side in sides]
    assert [side.outside_lots for side in sides] == [-lots for lots in held], held
    if reserve.lending.auctions is not None:
        reserve.lending.auctions.check(reserve.lending.base)
    if not reserve.interest_mark:
        assert min(held[:-1]) >= 0, held
    assert reserve.supplied >= sum(held[:-1]), held
    assert [side.held for side in reserve.supplied_sides] == held[:-1], held
    if reserve.lending.troves is None:
        assert reserve.borrowed == -held[-1], held
    else:
        reserve.lending.troves.check()
    if reserve.lending.pool is not None:
        check_pool(reserve.lending.pool)
    for place in positions:
        if place.market in [side.number for side in reserve.supplied_sides] and place.size:
            category = reserve.lending.category_of.get(place.account)
            assert place.market == side_of(category, reserve).number, place
    check_alone(reserve.lending)
    assert reserve.absorbed == 0 or 0 < reserve.absorbed <= reserve.treasury, totals


def lending_rows(engine) -> list[list[int]]:
    """What a hash has of lending markets, when there is anything of them."""
    if not len(engine.lending) and not engine.liquidators:
        return []
    rows = [row for m in engine.lending.values() if m.auctions for row in m.auctions.rows()]
    rows += [[m.spot_lots, m.spot_entry] for m in engine.clearing.markets]
    for r in engine.reserves:
        rows.append([r.supply_index, r.borrow_index, r.supplied, r.borrowed, r.cash, r.treasury])
        rows.append([r.deficit, r.kept, r.price_ticks, r.updated, int(r.paused), r.absorbed])
        rows[-1] += [int(r.frozen), r.grace_until, r.at_target, r.row()["oracle"], r.offered]
        rows[-1] += [r.isolated_debt, r.waited, r.ahead[0] if r.ahead else 0]
        rows.append([len(r.waiting), *(n for time, price, _ in r.waiting for n in (time, price))])
    for market in engine.lending.values():
        if market.rules.sentinel is not None:
            rows.append([int(market.sequencer_down), market.spared_until])
    if any(market.categories for market in engine.lending.values()):
        rows.append(
            [
                0 if account.lending is None else category_number(account.lending, number)
                for number, account in enumerate(engine.clearing.accounts)
            ]
        )
    for market in engine.band_markets:
        rows += market.rows()
    for market in engine.lending.values():
        if market.troves is not None:
            rows += market.troves.rows()
        if market.pool is not None:
            rows += market.pool.rows()
        if market.rules.stop_gap:
            rows.append([market.stop_gap.cash, market.stop_gap.done])
    return rows + [[x.cash, x.spent, x.bids, x.done] for x in engine.liquidators]

"""Adapters of Liquity: calls of `cascade.lending`, of stability pools, redistribution and liquidated troves."""

from fractions import Fraction
from typing import Any

from case import Inputs, UnsupportedError
from contract_integers import like_list, numbers, of, scaled, shown

from cascade.lending import trove_liquidation
from cascade.lending.redistribution import Redistribution
from cascade.lending.stability_pool import StabilityPool
from cascade.lending.wad import WAD


def pool_events(i: Inputs) -> Any:
    pool = StabilityPool(of(i, "min_lusd_in_pool", WAD, 1) or 1)
    share = i.get("gas_comp", Fraction(1, 200))
    taken: dict[str, list[int]] = {}
    for verb, *rest in i.given["events"]:
        if verb == "liq":
            debt, collateral = (scaled(i, one, WAD) for one in rest)
            free = pool.max_offset()
            if share:
                parts = trove_liquidation.offset_and_redistribute(
                    collateral, debt, free, divisor=int(1 / share)
                )
                pool.offset(parts.offset_debt_wad, parts.offset_collateral_wad)
            else:
                pool.offset(debt, collateral)
            continue
        out = taken.setdefault(rest[0], [0, 0])
        if verb in ("dep", "deposit", "top", "topup"):
            out[1] += pool.deposit(rest[0], scaled(i, rest[1], WAD))
        elif verb in ("out", "withdraw", "claim"):
            wanted = scaled(i, rest[1], WAD) if len(rest) > 1 else None
            lusd, eth = pool.withdraw(rest[0], 0 if verb == "claim" else wanted)
            out[0] += lusd
            out[1] += eth
        else:
            raise UnsupportedError(f"event {verb!r}")
    found = {
        name: {"lusd": out[0] + pool.compounded(name), "eth": out[1] + pool.gain(name)}
        for name, out in taken.items()
    }
    return shown(i.asked, found)


def pool_example(i: Inputs) -> list[Any]:
    pool, price = StabilityPool(1), i["price"]
    for name, deposit in i.given["deposits"].items():
        pool.deposit(name, scaled(i, deposit, WAD))
    rows = []
    for row in i.given["liquidations"]:
        debt, collateral = (scaled(i, row[name], WAD) for name in ("debt", "coll"))
        pool.offset(debt, collateral)
        found = {}
        for name in i.given["deposits"]:
            left, gain = Fraction(pool.compounded(name), WAD), Fraction(pool.gain(name), WAD)
            found[name] = [left, gain, left + gain * price]
        rows.append(found)
    return rows


def trove_events(i: Inputs) -> Any:
    """Openings, more collateral and redistributions, told as the pool's events are."""
    shares, own = Redistribution(), {}
    for verb, name, *rest in i.given["events"]:
        if verb in ("open", "trove"):
            numbers = [scaled(i, one, WAD) for one in rest]
            own[name] = [numbers[0], numbers[1] if len(numbers) > 1 else WAD]
            shares.set_stake(name, numbers[0])
        elif verb in ("add", "top", "topup"):
            own[name] = [a + b for a, b in zip(own[name], shares.apply(name), strict=True)]
            own[name][0] += scaled(i, rest[0], WAD)
            shares.set_stake(name, own[name][0])
        elif verb in ("remove", "withdraw", "out"):
            own[name] = [a + b for a, b in zip(own[name], shares.apply(name), strict=True)]
            own[name][0] -= scaled(i, rest[0], WAD)
            shares.set_stake(name, own[name][0])
        elif verb == "liq":
            collateral, debt = (
                a + b for a, b in zip(own.pop(name), shares.pending(name), strict=True)
            )
            shares.remove(name)
            parts = trove_liquidation.offset_and_redistribute(collateral, debt, 0)
            shares.share_out(parts.redistributed_collateral_wad, parts.redistributed_debt_wad)
            there = [shares.pending(other)[0] + held[0] for other, held in own.items()]
            shares.remember(sum(there))
        else:
            raise UnsupportedError(f"event {verb!r}")
    found: dict[str, Any] = {}
    for name, held in own.items():
        collateral, debt = (a + b for a, b in zip(held, shares.pending(name), strict=True))
        asked = i.asked.get(name) if isinstance(i.asked, dict) else None
        both = {"coll": collateral, "eth": collateral, "debt": debt, "lusd": debt}
        found[name] = both if isinstance(asked, dict) else collateral
    return shown(i.asked, found)


def events(i: Inputs) -> Any:
    """A history of troves if any is opened in it, else of a pool."""
    troves = any(verb in ("open", "trove") for verb, *_ in i.given["events"])
    return trove_events(i) if troves else pool_events(i)


def told_troves(i: Inputs) -> Any:
    """Troves by name, all open at once, and those that are liquidated in turn without a pool."""
    gone = i.given[next(name for name in LIQUIDATED if name in i)]
    given: list[list[Any]] = []
    for name, held in i.given["troves"].items():
        amounts = held if isinstance(held, list) else [held]
        if isinstance(held, dict):
            amounts = [next(held[n] for n in ("coll", "collateral", "eth") if n in held)]
            amounts += [held[n] for n in ("debt", "lusd") if n in held]
        given.append(["open", name, *amounts])
    given += [["liq", name] for name in (gone if isinstance(gone, list) else [gone])]
    return trove_events(Inputs({"events": given}, i.asked))


LIQUIDATED = ("liquidate", "liquidated", "liquidations", "liq")


def redistribution_chain(i: Inputs) -> Any:
    """Every trove is liquidated when only one other is there, which opened just before."""
    each = of(i, "each_collateral")
    given = [["open", "0", each]]
    for number in range(int(i["liquidations"])):
        given += [["open", str(number + 1), each], ["liq", str(number)]]
    last = str(int(i["liquidations"]))
    answer = trove_events(Inputs({"events": given}, {last: i.asked}))
    return answer[last]


def ratios(i: Inputs) -> list[Fraction]:
    price = of(i, "price")
    found = [
        trove_liquidation.collateral_ratio(*(scaled(i, one, WAD) for one in row), price)
        for row in i.given["rows"]
    ]
    return shown(i.asked, found)


def modes(i: Inputs) -> list[str]:
    names = [name.strip() for name in i.given["columns"].split(",")]
    rows = [
        dict(zip(names, (scaled(i, one, WAD) for one in row), strict=True))
        for row in i.given["rows"]
    ]
    return [
        trove_liquidation.liquidation_branch(row["ICR"], row["TCR"], row["debt"], row["SP"])
        for row in rows
    ]


def max_borrow(i: Inputs) -> Fraction:
    value = of(i, "collateral_usd")
    return shown(i.asked, trove_liquidation.max_debt(value, WAD, of(i, "mcr")))


def composite(i: Inputs) -> Any:
    reserve = of(i, "reserve", WAD, trove_liquidation.LIQUIDATION_RESERVE)
    found = [trove_liquidation.composite_debt(int(debt), reserve) for debt in numbers(i, "debt")]
    return like_list(i, "debt", found)


def compensation(i: Inputs) -> Any:
    name = next(name for name in ("collateral", "coll") if name in i)
    found = [trove_liquidation.gas_compensation(int(value)) for value in numbers(i, name)]
    return like_list(i, name, found)


def decay(i: Inputs) -> Any:
    base, factor = int(i["base_rate"]), int(i.get(
        "minute_decay_factor", trove_liquidation.MINUTE_DECAY_FACTOR))  # fmt: skip
    found = [
        trove_liquidation.decayed_base_rate(base, int(s), factor) for s in numbers(i, "seconds")
    ]
    return like_list(i, "seconds", found)


def powers(i: Inputs) -> Any:
    pairs = zip(numbers(i, "base"), numbers(i, "exponent"), strict=True)
    found = [trove_liquidation.decimal_power(int(base), int(exponent)) for base, exponent in pairs]
    return like_list(i, "base", found)


def capped(i: Inputs) -> Any:
    collateral = of(i, "collateral" if "collateral" in i else "coll")
    debt, price = of(i, "debt"), of(i, "price")
    ratio = trove_liquidation.collateral_ratio(collateral, debt, price)
    ratios_asked = {"icr", "ICR", "ratio"}
    if not isinstance(i.asked, dict) or set(i.asked) <= ratios_asked:
        return shown(i.asked, dict.fromkeys(ratios_asked, ratio))
    parts = trove_liquidation.capped_offset(collateral, debt, price)
    return shown(i.asked, _parts(parts))


def _parts(parts: trove_liquidation.TroveLiquidation) -> dict[str, int]:
    return {
        "offset_debt": parts.offset_debt_wad,
        "coll_to_sp": parts.offset_collateral_wad,
        "redistributed_debt": parts.redistributed_debt_wad,
        "redistributed_coll": parts.redistributed_collateral_wad,
        "surplus": parts.surplus_wad,
        "surplus_to_owner": parts.surplus_wad,
        "gas_compensation": parts.gas_compensation_wad,
        "gas_comp": parts.gas_compensation_wad,
    }


def offset(i: Inputs) -> dict[str, Any]:
    """What a pool offsets is told as it is, or with what must stay in it."""
    pool = of(i, "stability_pool", WAD, 0)
    pool -= min(
        pool, of(i, "min_lusd_in_pool" if "min_lusd_in_pool" in i else "min_in_pool", WAD, 0)
    )
    compensation = i.get("gas_comp", Fraction(1, int(i.get("gas_comp_divisor", 200))))
    if compensation <= 0 or (1 / compensation).denominator != 1:
        raise UnsupportedError(f"gas compensation {compensation} is no part of a whole number")
    parts = trove_liquidation.offset_and_redistribute(
        of(i, "collateral" if "collateral" in i else "coll"), of(i, "debt"), pool,
        divisor=int(1 / compensation),
    )  # fmt: skip
    if not isinstance(i.asked, dict):
        raise UnsupportedError("one value is asked, and nothing says which")
    return shown(i.asked, _parts(parts))


def with_penalties(i: Inputs) -> dict[str, Any]:
    pool = of(i, "stability_pool", WAD, 0)
    pool -= min(pool, of(i, "min_in_pool", WAD, WAD))
    parts = trove_liquidation.offset_and_redistribute_with_penalties(
        of(i, "collateral"), of(i, "debt"), pool, of(i, "price"),
        offset_penalty_wad=of(i, "penalty_sp", WAD, WAD // 20),
        redistribution_penalty_wad=of(i, "penalty_redistribution", WAD, WAD // 10),
        divisor=int(i.get("gas_comp_divisor", 200)),
        gas_cap_wad=of(i, "gas_comp_cap", WAD, 2 * WAD),
    )  # fmt: skip
    return shown(i.asked, _parts(parts))

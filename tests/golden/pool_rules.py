"""Adapters of the pools and of laws about sales into them: calls of `cascade.pools` and `cascade.laws`.

A case is recognised by the names of its inputs, and by words of its rule or id where they do not tell.
Amounts beyond 2**53 are printed as text, so an answer is given in the form that the case expects.
"""

import re
from collections.abc import Callable
from fractions import Fraction
from math import sqrt
from typing import Any

from case import Answer, Inputs, UnsupportedError
from protocols import protocol_of, words_of

from cascade import laws as law
from cascade import pools

UNIT = 10**18
BASIS_POINTS = 10_000
Adapter = Callable[[Inputs], Any]


def _int(i: Inputs, name: str) -> int:
    number = i[name]
    if number.denominator != 1:
        raise UnsupportedError(f"{name} {number} is no integer")
    return int(number)


def _ints(i: Inputs, values: Any) -> list[int]:
    return [int(i.exact(value)) for value in values]


def _printed(value: Any, asked: Any) -> Any:
    """An answer with its integers as text where the case prints text."""
    if isinstance(asked, dict) and isinstance(value, dict):
        return {name: _printed(value[name], part) for name, part in asked.items() if name in value}
    if isinstance(asked, list) and isinstance(value, (list, tuple)):
        if len(asked) != len(value):
            return list(value)
        return [_printed(v, a) for v, a in zip(value, asked, strict=True)]
    return str(value) if isinstance(asked, str) and not isinstance(value, bool) else value


def _fee(i: Inputs) -> Fraction:
    if "fee_bps" in i:
        return i["fee_bps"] / BASIS_POINTS
    return i.get("fee", Fraction(3, 1000))


# ---------------------------------------------------------------- constant product


def amount_out(i: Inputs) -> int:
    held = (_int(i, "reserve_in"), _int(i, "reserve_out"))
    return pools.output_amount(_int(i, "amount_in"), *held, _fee(i))


def amount_in(i: Inputs) -> int:
    held = (_int(i, "reserve_in"), _int(i, "reserve_out"))
    return pools.input_amount(_int(i, "amount_out"), *held, _fee(i))


def tiny(i: Inputs) -> dict[str, int]:
    answer = {}
    if "out_args" in i:
        answer["out"] = pools.output_amount(*_ints(i, i.given["out_args"]), _fee(i))
    if "in_args" in i:
        answer["inn"] = pools.input_amount(*_ints(i, i.given["in_args"]), _fee(i))
    return answer


def flash(i: Inputs) -> dict[str, bool]:
    reserves = (_int(i, "reserve0"), _int(i, "reserve1"))
    names = [name for name in ("in0", "in1", "out0", "out1") if name in i]
    amounts = {name: _int(i, name) for name in names}
    more = amounts | {name: amounts[name] + 1 for name in names if name.startswith("out")}
    allowed = (pools.swap_allowed(*reserves, fee=_fee(i), **a) for a in (amounts, more))
    return dict(zip(("at", "one_more"), allowed, strict=True))


def shares_of_provider(i: Inputs) -> Any:
    """Shares of the first provider, or of one that finds reserves and shares there."""
    paid = (_int(i, "amount0"), _int(i, "amount1"))
    if "reserve0" in i:
        held = (_int(i, "reserve0"), _int(i, "reserve1"))
        supply = _int(i, "total_supply") if "total_supply" in i else None
        made = pools.ConstantProductPool(*held, shares=supply).add_liquidity(*paid)
    else:
        made = pools.first_shares(*paid)
    names = ("liquidity", "shares", "minted")
    return dict.fromkeys(names, made) if isinstance(i.asked, dict) else made


def pool_sale(i: Inputs) -> dict[str, Fraction]:
    base, quote, fee, sold = (i[name] for name in ("X", "Y", "fee", "dx"))
    out = pools.exact_output(sold, base, quote, fee)
    counted = sold * (1 - fee)
    return {
        "out": out,
        "avg_price": out / sold,
        "price_after_fee_in_pool": (quote - out) / (base + sold),
        "price_after_fee_outside": (quote - out) / (base + counted),
        "k_growth": (base + sold) * (quote - out) / (base * quote),
    }


# ---------------------------------------------------------------- concentrated liquidity


def _step(i: Inputs) -> pools.SwapStep:
    names = ("sqrt_price", "sqrt_target", "liquidity", "amount_remaining", "fee_pips")
    return pools.swap_step(*(_int(i, name) for name in names))


def swap_step(i: Inputs) -> dict[str, int]:
    step = _step(i)
    return {
        "amountIn": step.amount_in,
        "amountOut": step.amount_out,
        "fee": step.fee,
        "sqrtQ": step.sqrt_price,
    }


def next_price(after: Callable[..., int]) -> Adapter:
    def adapter(i: Inputs) -> int:
        names = ("sqrt_price", "liquidity", "amount")
        given = (_int(i, name) for name in names)
        return after(*given, zero_for_one=bool(i.given["zero_for_one"]))

    return adapter


def amount_between(between: Callable[..., int]) -> Adapter:
    def adapter(i: Inputs) -> dict[str, int]:
        roots = [pools.sqrt_price_of(i[name]) for name in ("price_a", "price_b")]
        depth = _int(i, "liquidity")
        return {
            "up": between(*roots, depth, round_up=True),
            "down": between(*roots, depth, round_up=False),
        }

    return adapter


def ticks_of_roots(i: Inputs) -> list[int]:
    return [pools.tick_at_sqrt_price(root) for root in _ints(i, i.given["sqrt_ratios"])]


def roots_of_ticks(i: Inputs) -> Any:
    if "ticks" in i:
        return [pools.sqrt_price_at_tick(tick) for tick in _ints(i, i.given["ticks"])]
    return pools.sqrt_price_at_tick(_int(i, "tick"))


def tick_of_root(i: Inputs) -> int:
    return pools.tick_at_sqrt_price(_int(i, "sqrt_ratio"))


def most_at_tick(i: Inputs) -> int:
    return pools.most_liquidity_at_tick(_int(i, "tick_spacing"))


def whole_swap(i: Inputs) -> dict[str, Any]:
    pool = pools.ConcentratedPool(
        _int(i, "sqrt_price"), fee_pips=_int(i, "fee_pips"), tick_spacing=_int(i, "tick_spacing")
    )
    for position in i.given["positions"]:
        pool.add_liquidity(*_ints(i, (position[n] for n in ("lower", "upper", "liquidity"))))
    limit = _int(i, "sqrt_price_limit") if "sqrt_price_limit" in i else None
    done = pool.swap(
        _int(i, "amount_specified"),
        zero_for_one=bool(i.given["zero_for_one"]),
        sqrt_price_limit=limit,
    )
    return {
        "amount0": done.amount0,
        "amount1": done.amount1,
        "tick": done.tick,
        "sqrt_price": done.sqrt_price,
        "liquidity": done.liquidity,
        "fee_growth0": pool.fee_growth[0],
        "fee_growth1": pool.fee_growth[1],
    }


# ---------------------------------------------------------------- stableswap


def invariant(i: Inputs) -> int:
    return pools.stableswap_invariant(_ints(i, i.given["balances"]), i["A"])


def stable_balance(i: Inputs) -> int:
    """Balance of one token when another's becomes x and the invariant stays."""
    held = _ints(i, i.given["balances"])
    kept = pools.stableswap_invariant(held, i["A"])
    held[int(i["i"])] = _int(i, "x")
    del held[int(i["j"])]
    return pools.stableswap_balance(held, kept, i["A"])


def _stable_pool(i: Inputs) -> pools.StableswapPool:
    return pools.StableswapPool(_ints(i, i.given["initial"]), i["A"], fee=i.get("fee"))


def stable_swap(i: Inputs) -> int:
    return _stable_pool(i).swap(_int(i, "i"), _int(i, "j"), _int(i, "dx")).amount_out


def virtual_prices(i: Inputs) -> list[int]:
    pool, answers = _stable_pool(i), []
    for swap in i.given["swaps"]:
        pool.swap(*_ints(i, swap))
        answers.append(pool.virtual_price)
    return answers


def stable_liquidity(i: Inputs) -> Any:
    pool = _stable_pool(i)
    shares = pool.add_liquidity(_ints(i, i.given["add"])) if "add" in i else 0
    if "remove" in i:
        return pool.remove_amounts(_ints(i, i.given["remove"]))
    if "burn" not in i:
        return shares
    if "index" in i or "i" in i:
        return pool.remove_one(_int(i, "burn"), int(i.first("index", "i")))
    return pool.remove_liquidity(_int(i, "burn"))


def stable_steps(i: Inputs) -> list[int]:
    """Virtual prices after withdrawals told in words: "add [1,1] twice; removeImbalance [1,0]"."""
    pool, prices = _stable_pool(i), []
    for told in str(i.given["steps"]).split(";"):
        found = re.fullmatch(r"\s*(\w+)\s*\[([^]]*)\]\s*(twice)?\s*", told)
        if found is None:
            raise UnsupportedError(f"step {told!r}")
        verb, numbers, twice = found.groups()
        amounts = [int(i.exact(number) * UNIT) for number in numbers.split(",")]
        for _ in range(2 if twice else 1):
            if verb == "add":
                pool.add_liquidity(amounts)
                continue
            if verb != "removeImbalance":
                raise UnsupportedError(f"step {told!r}")
            pool.remove_amounts(amounts)
            prices.append(pool.virtual_price)
    return prices


# ---------------------------------------------------------------- laws


def micro_liquidations(i: Inputs) -> dict[str, Any]:
    product, spot = float(i["k_invariant"]), float(i["spot"])
    base, quote = sqrt(product / spot), sqrt(product * spot)
    rates = (float(i[name]) for name in ("theta", "bonus", "fee"))
    found = law.pool_liquidation(float(i["c"]), float(i["b"]), base, quote, *rates)
    return {
        "A": base,
        "B": quote,
        "HF0": found.health_before,
        "u_star": found.sold,
        "collateral_seized": found.seized,
        "debt_repaid": found.repaid,
        "spot_after": found.price_after,
        "liquidator_profit": found.profit,
        "x_star_one_shot": found.best_sale,
        "profit_one_shot": found.best_profit,
    }


def loan_ladder(i: Inputs) -> dict[str, Any]:
    reserve, sale = float(i["X0"]), float(i["x_ext"])
    densities = [float(i.exact(x)) for x in i.given["eta"]]
    drops = [law.pool_ladder_drop(reserve, sale, density) for density in densities]
    # what is sold is the sale and the loans down to the drop, sold + density * z
    units = [sale + density * drop for density, drop in zip(densities, drops, strict=True)]
    ratios = [2 * density / reserve for density in densities]
    return {
        "R": ratios,
        "z_no_feedback": law.pool_ladder_drop(reserve, sale, 0.0),
        "z": drops,
        # the pool's own prices after those sales
        "price_ratio": [
            float(_price_after(reserve, sold) / _price_after(reserve, 0)) for sold in units
        ],
        "units": units,
        "local_R_at_fixed_point": [
            2 * density / (reserve + sold) for density, sold in zip(densities, units, strict=True)
        ],
    }


def _price_after(reserve: float, sold: float) -> Fraction:
    held = Fraction(reserve)
    out = pools.exact_output(Fraction(sold), held, 1, 0)
    return (1 - out) / (held + Fraction(sold))


# words of rule and id where inputs do not suffice, names of the inputs, adapter; the first that fits
SHAPES: list[tuple[str, set[str], Adapter]] = [
    ("", {"amount_in", "reserve_in", "reserve_out"}, amount_out),
    ("", {"amount_out", "reserve_in", "reserve_out"}, amount_in),
    ("", {"out_args"}, tiny),
    ("", {"in_args"}, tiny),
    ("", {"reserve0", "reserve1", "out0"}, flash),
    ("", {"reserve0", "reserve1", "out1"}, flash),
    ("", {"amount0", "amount1"}, shares_of_provider),
    ("", {"sqrt_price", "sqrt_target", "liquidity", "amount_remaining", "fee_pips"}, swap_step),
    ("from input|sqrt-in|FromInput", {"sqrt_price", "liquidity", "amount", "zero_for_one"},
     next_price(pools.sqrt_price_after_input)),
    ("from output|sqrt-out|FromOutput", {"sqrt_price", "liquidity", "amount", "zero_for_one"},
     next_price(pools.sqrt_price_after_output)),
    ("amount0|delta0|Amount0", {"price_a", "price_b", "liquidity"},
     amount_between(pools.amount0_between)),
    ("amount1|delta1|Amount1", {"price_a", "price_b", "liquidity"},
     amount_between(pools.amount1_between)),
    ("", {"sqrt_ratios"}, ticks_of_roots),
    ("", {"sqrt_ratio"}, tick_of_root),
    ("", {"ticks"}, roots_of_ticks),
    ("", {"tick"}, roots_of_ticks),
    ("", {"positions", "sqrt_price", "amount_specified", "zero_for_one"}, whole_swap),
    ("", {"tick_spacing"}, most_at_tick),
    ("", {"A", "balances", "i", "j", "x"}, stable_balance),
    ("", {"A", "balances"}, invariant),
    ("", {"A", "initial", "i", "j", "dx"}, stable_swap),
    ("", {"A", "initial", "swaps"}, virtual_prices),
    ("", {"A", "initial", "steps"}, stable_steps),
    ("", {"A", "initial", "add"}, stable_liquidity),
    ("", {"A", "initial", "burn"}, stable_liquidity),
    ("", {"A", "initial", "remove"}, stable_liquidity),
]  # fmt: skip


def adapter_of(case: dict[str, Any]) -> Adapter | None:
    """Adapter of a pool's case by its inputs' names, and by words where they do not tell; None if it is none."""
    protocol, given = protocol_of(case), set(case["inputs"])
    if protocol and not protocol.startswith(("Uniswap", "Curve")):
        return None
    for words, names, adapter in SHAPES:
        if names <= given and re.search(words, words_of(case)):
            return _as_printed(adapter)
    return None


def _as_printed(adapter: Adapter) -> Adapter:
    return lambda i: Answer(_printed(adapter(i), i.asked))


RULES: dict[str, Adapter] = {
    "A01": pool_sale,
    "A05": micro_liquidations,
    "A07": loan_ladder,
}

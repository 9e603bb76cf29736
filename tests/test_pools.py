"""Pools against numbers printed by the protocols' own suites, hand computations and what must always hold."""

from fractions import Fraction
from math import isqrt, log

import pytest
from hypothesis import example, given, reject
from hypothesis import strategies as st

from cascade import laws, pools

ETHER = 10**18
ONE = 1 << 96


# ---------------------------------------------------------------- constant product


@pytest.mark.parametrize(
    ("paid", "held", "other", "out"),
    [
        (1, 5, 10, 1662497915624478906),
        (1, 10, 5, 453305446940074565),
        (2, 10, 10, 1662497915624478906),
        (2, 5, 10, 2851015155847869602),
        (2, 10, 5, 831248957812239453),
        (1, 10, 10, 906610893880149131),
        (1, 100, 100, 987158034397061298),
        (1, 1000, 1000, 996006981039903216),
    ],
)
def test_output_is_the_pairs_own_table(paid, held, other, out):
    # Uniswap/v2-core test/UniswapV2Pair.spec.ts
    assert pools.output_amount(paid * ETHER, held * ETHER, other * ETHER) == out


def test_smallest_amounts():
    # Uniswap/v2-periphery test/UniswapV2Router02.spec.ts
    assert pools.output_amount(2, 100, 100) == 1
    assert pools.input_amount(1, 100, 100) == 2


def test_the_product_may_be_equal_and_not_one_less():
    reserves = 5 * ETHER, 10 * ETHER
    taken = 997 * 10**15
    assert pools.swap_allowed(*reserves, in0=ETHER, out0=taken)
    assert not pools.swap_allowed(*reserves, in0=ETHER, out0=taken + 1)
    assert not pools.swap_allowed(*reserves, in0=ETHER)
    assert not pools.swap_allowed(*reserves, out0=1)
    assert not pools.swap_allowed(*reserves, in0=ETHER, out1=10 * ETHER)


def test_first_provider():
    # UniswapV2Pair.spec.ts, mint: 1 and 4 make 2, and 1,000 shares stay with the pair
    assert pools.first_shares(ETHER, 4 * ETHER) == 2 * ETHER - 1000
    for paid in ((1000, 1000), (0, ETHER)):
        with pytest.raises(ValueError, match="make no share above 1000"):
            pools.first_shares(*paid)


def test_fee_in_the_pool_or_outside():
    # 50 into 1000 x 2,000,000: 2,000,000 * 49.85 / 1049.85 = 94,965.9475
    inside = pools.ConstantProductPool(1_000_000, 2_000_000_000)
    outside = pools.ConstantProductPool(1_000_000, 2_000_000_000, fee_in_pool=False)
    for pool in (inside, outside):
        assert pool.trade("sell", 50_000)[:3] == (50_000, 94_965_947, 150)
    assert inside.base_reserve == 1_050_000 and inside.fees == (0, 0)
    assert outside.base_reserve == 1_049_850 and outside.fees == (150, 0)
    assert float(inside.price) == pytest.approx(1814.31814522, rel=1e-8)
    assert float(outside.price) == pytest.approx(1814.57737056, rel=1e-8)


sizes = st.integers(1, 10**30)


@given(
    base=st.integers(10, 10**30), quote=st.integers(10, 10**30), size=sizes, inside=st.booleans()
)
def test_the_product_never_falls_and_a_quote_changes_nothing(base, quote, size, inside):
    pool = pools.ConstantProductPool(base, quote, fee_in_pool=inside)
    for side in ("sell", "buy"):
        before = pool.base_reserve, pool.quote_reserve, pool.fees
        if side == "buy" and size >= pool.base_reserve:
            with pytest.raises(ValueError, match="below the reserve"):
                pool.trade(side, size)
            assert (pool.base_reserve, pool.quote_reserve, pool.fees) == before
            continue
        said = pool.quote(side, size)
        assert (pool.base_reserve, pool.quote_reserve, pool.fees) == before
        assert pool.trade(side, size) == said
        assert pool.base_reserve * pool.quote_reserve >= before[0] * before[1]


@given(base=st.integers(10**3, 10**20), quote=st.integers(10**3, 10**20), parts=st.data())
def test_a_provider_takes_out_no_more_than_he_brought(base, quote, parts):
    pool = pools.ConstantProductPool(base, quote)
    assert pool.shares == isqrt(base * quote)
    brought = parts.draw(st.integers(base // 100 + 1, base)), quote
    try:
        shares = pool.add_liquidity(*brought)
    except ValueError:
        return
    taken = pool.remove_liquidity(shares)
    assert taken[0] <= brought[0] and taken[1] <= brought[1]


def test_a_provider_shares_the_fees():
    pool = pools.ConstantProductPool(10**9, 10**9, fee="0.01")
    shares = pool.add_liquidity(10**9, 10**9)
    assert shares == 10**9
    for side in ("sell", "buy"):
        pool.trade(side, 10**8)
    base, quote = pool.remove_liquidity(shares)
    assert base == 10**9
    # about 1 % of two trades of 10**8, half of it
    assert 900_000 < quote - 10**9 < 1_100_000


@given(base=st.integers(10, 10**15), quote=st.integers(10, 10**15), move=st.fractions("0.1", 9))
def test_depth_is_the_last_size_within_a_price(base, quote, move):
    pool = pools.ConstantProductPool(base, quote)
    limit = pool.price * move
    side = "sell" if move <= 1 else "buy"
    size = pool.depth(limit)
    sign = 1 if side == "buy" else -1
    if size:
        assert sign * (pool.quote(side, size).price - limit) <= 0
    if side == "sell" or size + 1 < pool.base_reserve:
        assert sign * (pool.quote(side, size + 1).price - limit) > 0


# ---------------------------------------------------------------- concentrated liquidity


def test_roots_of_ticks():
    # Uniswap/v3-core test/TickMath.spec.ts
    assert pools.sqrt_price_at_tick(0) == ONE
    assert pools.MIN_SQRT_PRICE == 4295128739
    assert pools.MAX_SQRT_PRICE == 1461446703485210103287273052203988822378723970342
    assert pools.sqrt_price_at_tick(pools.MIN_TICK + 1) == 4295343490
    assert (
        pools.sqrt_price_at_tick(pools.MAX_TICK - 1)
        == 1461373636630004318706518188784493106690254656249
    )
    for tick in (pools.MIN_TICK - 1, pools.MAX_TICK + 1):
        with pytest.raises(ValueError, match="tick"):
            pools.sqrt_price_at_tick(tick)


@pytest.mark.parametrize(
    ("spacing", "liquidity"),
    [
        (10, 1917569901783203986719870431555990), (60, 11505743598341114571880798222544994),
        (200, 38350317471085141830651933667504588), (2302, 441351967472034323558203122479595605),
        (887_272, 113427455640312821154458202477256070485),
    ],
)  # fmt: skip
def test_most_liquidity_at_a_tick(spacing, liquidity):
    # Tick.spec.ts, tickSpacingToMaxLiquidityPerTick
    assert pools.most_liquidity_at_tick(spacing) == liquidity
    with pytest.raises(ValueError, match="tick_spacing"):
        pools.most_liquidity_at_tick(887_273)


@given(st.integers(pools.MIN_TICK, pools.MAX_TICK - 1))
def test_a_tick_is_the_floor_of_its_prices(tick):
    low, high = pools.sqrt_price_at_tick(tick), pools.sqrt_price_at_tick(tick + 1)
    assert pools.tick_at_sqrt_price(low) == pools.tick_at_sqrt_price(high - 1) == tick
    # rounded up by at most one part of 2**96
    exact = Fraction("1.0001") ** abs(tick) if abs(tick) < 2000 else None
    if exact is not None:
        square = Fraction(low * low, 1 << 192)
        assert abs(square / (exact if tick >= 0 else 1 / exact) - 1) < Fraction(1, 2**94)


def test_amounts_between_prices():
    # Uniswap/v3-core test/SqrtPriceMath.spec.ts
    roots = [pools.sqrt_price_of(price) for price in (1, "1.21")]
    ups = [f(*roots, ETHER, round_up=True) for f in (pools.amount0_between, pools.amount1_between)]
    assert ups == [90909090909090910, 100000000000000000]
    assert pools.amount0_between(*roots[::-1], ETHER, round_up=False) == 90909090909090909
    assert pools.amount1_between(*roots, ETHER, round_up=False) == 99999999999999999


def _pool(spacing=60, fee=3000, *positions):
    pool = pools.ConcentratedPool(ONE, fee_pips=fee, tick_spacing=spacing)
    for position in positions:
        pool.add_liquidity(*position)
    return pool


WHOLE = (-887220, 887220, 2 * ETHER)


def test_swaps_of_the_pools_own_suite():
    # Uniswap/v3-core test/__snapshots__/UniswapV3Pool.swaps.spec.ts.snap
    assert _pool(60, 3000, WHOLE).swap(ETHER, zero_for_one=False)[:2] == (
        -665331998665331998,
        ETHER,
    )
    around = (-887220, -60, 2 * ETHER), (60, 887220, 2 * ETHER)
    pool = _pool(60, 3000, *around)
    assert pool.liquidity == 0
    done = pool.swap(-ETHER, zero_for_one=True)
    assert (done.amount0, done.amount1, done.tick) == (2024171064311638316, -ETHER, -13984)
    narrow = _pool(10, 500, (-10, 10, 2 * ETHER))
    done = narrow.swap(ETHER, zero_for_one=True)
    assert (done.amount0, done.amount1, done.tick) == (1000700370186095, -999700069986002, -887272)


def test_a_limit_stops_and_a_wrong_one_is_refused():
    pool = _pool(60, 3000, WHOLE)
    half = pools.sqrt_price_of("0.5")
    done = pool.swap(ETHER, zero_for_one=True, sqrt_price_limit=half)
    assert (done.amount0, done.amount1) == (830919884399388263, -585786437626904951)
    assert pool.sqrt_price == half
    before = pool.copy().__dict__
    with pytest.raises(ValueError, match="sqrt_price_limit"):
        pool.swap(1, zero_for_one=True, sqrt_price_limit=half)
    with pytest.raises(ValueError, match="amount"):
        pool.swap(0, zero_for_one=True)
    with pytest.raises(ValueError, match="lower"):
        pool.add_liquidity(-61, 60, 1)
    with pytest.raises(ValueError, match="no position"):
        pool.remove_liquidity(-60, 60, 1)
    assert pool.__dict__ == before


moves = st.lists(
    st.tuples(
        st.sampled_from(["add", "remove", "swap", "collect"]),
        st.integers(-8, 7),
        st.integers(1, 8),
        st.integers(1, 10**21),
        st.booleans(),
    ),
    min_size=1,
    max_size=25,
)


@given(moves)
def test_a_concentrated_pool_always_covers_its_providers(played):
    pool = _pool(60, 3000, (-60 * 8, 60 * 16, ETHER))
    held = {(-60 * 8, 60 * 16): ETHER}
    for what, lower, width, amount, flag in played:
        ends = 60 * lower, 60 * min(lower + width, 16)
        if what == "add":
            pool.add_liquidity(*ends, amount)
            held[ends] = held.get(ends, 0) + amount
        elif what == "swap":
            limit = (pools.MIN_SQRT_PRICE + 1, pools.MAX_SQRT_PRICE - 1)[not flag]
            if pool.sqrt_price != limit:
                pool.swap(amount if lower % 2 else -amount, zero_for_one=flag)
        elif held.get(ends):
            taken = min(amount, held[ends]) if what == "remove" else 0
            pool.remove_liquidity(*ends, taken)
            held[ends] -= taken
            if what == "collect" and held[ends]:
                pool.collect(*ends)
        assert pool.liquidity == sum(n for (a, b), n in held.items() if a <= pool.tick < b)
        assert min(pool.balances) >= 0
    for (lower, upper), amount in held.items():
        if (None, lower, upper) in pool.positions:
            pool.remove_liquidity(lower, upper, amount)
            pool.collect(lower, upper)
    assert not pool.positions and not pool.ticks and pool.liquidity == 0
    # roundings stay behind, at most a few units a step
    assert all(0 <= left < 10**5 for left in pool.balances)


def test_fees_go_to_the_ranges_that_were_crossed():
    pool = _pool(60, 3000, (-600, 0, ETHER), (0, 600, ETHER))
    done = pool.swap(10**15, zero_for_one=False)
    assert done.fee == 3 * 10**12
    pool.remove_liquidity(0, 600, 0)
    pool.remove_liquidity(-600, 0, 0)
    earned = pool.collect(0, 600)
    assert earned[0] == 0 and 0 <= done.fee - earned[1] <= 1
    assert pool.collect(-600, 0) == (0, 0)


def test_whole_range_is_constant_product():
    # L**2 of the two reserves' product, to the roundings of a few steps
    pool = _pool(60, 3000, WHOLE)
    pair = pools.ConstantProductPool(2 * ETHER, 2 * ETHER, fee_in_pool=False)
    for side, size in (("sell", ETHER // 3), ("buy", ETHER // 5)):
        ours, theirs = pool.trade(side, size), pair.trade(side, size)
        assert abs(ours.amount_in - theirs.amount_in) < 1000
        assert abs(ours.amount_out - theirs.amount_out) < 1000
        assert abs(float(ours.price / theirs.price) - 1) < 1e-15


# ---------------------------------------------------------------- stableswap


def _stable():
    return pools.StableswapPool([ETHER, ETHER], 50, fee="0.001")


def test_the_saddle_suite():
    # saddle-finance/saddle-contract test/swap.ts
    assert _stable().swap(0, 1, 10**17).amount_out == 99702611562565289
    pool = _stable()
    shares = pool.add_liquidity([2 * ETHER, 10**16])
    assert shares == 1996275270169644725
    assert pool.remove_liquidity(shares) == [1498601924450190405, 504529314564897436]
    pool = _stable()
    prices = []
    for way in ((0, 1), (1, 0)):
        pool.swap(*way, 10**17)
        prices.append(pool.virtual_price)
    assert prices == [1000050005862349911, 1000100104768517937]


def test_invariant_of_a_balanced_pool_is_its_sum():
    # curveresearch/curvesim test/unit/test_pool.py
    third = 295949605740077000000000000
    assert pools.stableswap_invariant([third] * 3, 5858) == 3 * third
    assert pools.stableswap_balance([third] * 2, 3 * third, 5858) == third


@given(
    balances=st.lists(st.integers(10**18, 10**21), min_size=2, max_size=4),
    amplification=st.integers(1, 5000),
)
@example(  # what the divisions lose is 421 here
    balances=[633_116_844_585_868_458_038, 42_821_035_425_023_525_520, 10**18, 10**18 + 6],
    amplification=1,
)
def test_invariant_solves_its_equation(balances, amplification):
    n, total = len(balances), sum(balances)
    product = Fraction(1)
    for balance in balances:
        product *= balance * n

    def left_less_right(d):
        return amplification * n * (total - d) + d - Fraction(d ** (n + 1)) / product

    try:
        d = pools.stableswap_invariant(balances, amplification)
    except ValueError:
        reject()  # the contract's rounds do not settle either
    # the difference falls through zero; Newton's method stops a unit off, and its divisions cost some
    slack = 2 * n + 2
    # of the product each division loses up to one, which those after it multiply
    lost = Fraction(0)
    for balance in balances:
        lost = lost * Fraction(d + slack, balance * n) + 1
    assert left_less_right(d - slack) + lost > 0 > left_less_right(d + slack)


@given(st.integers(10**15, 10**18), st.integers(1, 400), st.sampled_from(["sell", "buy"]))
def test_stableswap_trades_and_slopes(size, amplification, side):
    pool = pools.StableswapPool([2 * ETHER, 3 * ETHER], amplification, fee="0.0004")
    before, price = pool.invariant, pool.price
    step = 10**9
    out = pool.quote("sell", step).amount_out
    assert abs(Fraction(out, step) / pool.marginal_price("sell") - 1) < Fraction(1, 10**7)
    done = pool.trade(side, size)
    assert pool.invariant >= before - 2
    assert (pool.price < price) == (side == "sell")
    if side == "buy":
        assert done.amount_out == size


def test_withdrawals_pay_for_imbalance_only():
    pool = _stable()
    half = pool.copy().remove_liquidity(ETHER)
    assert half == [ETHER // 2, ETHER // 2]
    one = pool.copy().remove_one(ETHER, 0)
    assert 0 < one < ETHER
    burnt = pool.copy().remove_amounts([ETHER // 2, ETHER // 2])
    # no imbalance, no fee: half the shares, and the one that rounds up
    assert burnt == ETHER + 1
    assert abs(pool.copy().remove_amounts([one, 0]) - ETHER) < ETHER // 10**6


def test_decimals_are_scaled():
    small = pools.StableswapPool([10**6, 10**18], 50, fee="0.001", scales=[10**12, 1])
    assert small.swap(0, 1, 10**5).amount_out == 99702611562565289
    assert small.price < 10**12


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: pools.ConstantProductPool(0, 1), "base 0 is below 1"),
        (lambda: pools.ConstantProductPool(1, 1, fee=1), "fee 1 is outside"),
        (lambda: pools.ConstantProductPool(9, 9).add_liquidity(0, 9), "worth no share"),
        (lambda: pools.ConstantProductPool(9, 9).remove_liquidity(9), "outside 1 ... 8"),
        (lambda: pools.ConstantProductPool(9, 9).trade("short", 1), "side must be"),
        (lambda: pools.ConstantProductPool(9, 9).depth(0), "price 0 is not above 0"),
        (lambda: pools.StableswapPool([1], 5), "at least 2 numbers"),
        (lambda: pools.StableswapPool([1, 1], "0.005"), "amplification"),
        (lambda: pools.StableswapPool([9, 9], 5, fee="1e-11"), "multiple of 1e-10"),
        (lambda: pools.StableswapPool([9, 9], 5).swap(0, 0, 1), "both 0"),
        (lambda: pools.ConcentratedPool(1, fee_pips=0, tick_spacing=1), "sqrt_price 1 is outside"),
        (lambda: _pool(60, 3000, (-60, 60, ETHER)).trade("sell", ETHER), "can fill"),
    ],
)
def test_refusals_name_the_field(make, message):
    with pytest.raises(ValueError, match=message):
        make()


# ---------------------------------------------------------------- laws


def test_micro_liquidations_add_up_to_the_law():
    # small sales one by one, at the pool's price each, end at health 1 where the law says
    base, quote = 1084.6522890932808, 1843908.8914585773
    found = laws.pool_liquidation(10, 15_000, base, quote, 0.85, 0.05, 0.003)
    steps, held, debt, profit = 20_000, 10.0, 15_000.0, 0.0
    product = base * quote
    for _ in range(steps):
        sold = found.sold / steps
        brought = quote - product / (base + sold)
        base, quote = base + sold, quote - brought
        held -= sold / 0.997
        debt -= brought / (0.997 * 1.05)
        profit += brought * (1 - 1 / (0.997 * 1.05))
    assert 0.85 * held * quote / base / debt == pytest.approx(1, abs=1e-6)
    assert profit == pytest.approx(found.profit, rel=1e-6)
    assert debt == pytest.approx(15_000 - found.repaid, rel=1e-9)
    for wrong in ((10, 10_000), (10, 16_900)):
        with pytest.raises(ValueError, match=r"healthy|brings"):
            laws.pool_liquidation(*wrong, 1084.0, 1843908.0, 0.85, 0.05, 0.003)


def test_a_ladder_of_loans_stops_in_the_pool():
    # published: ratios 0.6 and 1.4, both finite
    for density, drop in ((300.0, 0.218922160175), (700.0, 1.45080854134)):
        assert laws.pool_ladder_drop(1000, 50, density) == pytest.approx(drop, rel=1e-11)
    assert laws.pool_ladder_drop(1000, 0, 400) == 0
    # waves one after the other, each the loans that the fall before made due
    drop = 0.0
    for _ in range(400):
        drop = 2 * log((1000 + 50 + 300 * drop) / 1000)
    assert drop == pytest.approx(laws.pool_ladder_drop(1000, 50, 300), rel=1e-12)


def test_a_pool_makes_liquidations_toxic():
    share = laws.critical_depth(0.8, 0.05)
    assert share == pytest.approx(0.0952380952381)
    assert laws.toxic_loan_to_value(0.05, share) == pytest.approx(0.8)
    assert laws.health_linked_critical_depth(0.8) == pytest.approx(0.125)
    assert laws.toxic_loan_to_value(0.05, 0) == pytest.approx(1 / 1.05)

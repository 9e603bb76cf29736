"""Collateral auctions of MakerDAO: limits, dust, bids, resets and incentives, and whole histories.

Numbers are those of makerdao/dss src/test (clip.t.sol, dog.t.sol, abaci.t.sol) where a test names one, else
worked by hand in the test.
"""

import copy
import pickle
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cascade import lending
from cascade.errors import CascadeError
from cascade.lending import RAD, RAY, WAD, RefusalError, auctions
from cascade.lending.auction_prices import (
    ExponentialDecrease,
    LinearDecrease,
    StairstepDecrease,
)
from cascade.lending.collateral_auctions import AuctionTerms, CollateralAuctions
from cascade.lending.wad import amount, in_units, rounded_power

VAULT = {"rate_ray": RAY, "spot_ray": 2 * RAY, "dust_rad": 20 * RAD}


def _bark(room, *, chop=WAD, collateral=40 * WAD, debt=100 * WAD, **changes):
    return auctions.bark(collateral, debt, chop_wad=chop, room_rad=room, **{**VAULT, **changes})


# ---------------------------------------------------------------- bark


def test_remnant_of_exactly_dust_is_left():
    # clip.t.sol test_bark_not_leaving_dust
    done = _bark(80 * RAD)
    assert (done.tab_rad, done.collateral_wad) == (80 * RAD, 32 * WAD)
    assert (done.debt_left_wad, done.collateral_left_wad) == (20 * WAD, 8 * WAD)


def test_remnant_below_dust_makes_all_be_taken_beyond_the_limit():
    # clip.t.sol test_bark_not_leaving_dust_over_hole
    done = _bark(80 * RAD + RAY)
    assert (done.tab_rad, done.collateral_wad, done.debt_left_wad) == (100 * RAD, 40 * WAD, 0)


@pytest.mark.parametrize("extra", [0, 1])
def test_limit_is_exceeded_by_less_than_dust_and_penalty(extra):
    # dog.t.sol test_bark_partial_liquidation_dirt_...
    dust, hole, chop = 200, 5000, 11 * WAD // 10
    debt = hole * WAD * WAD // chop + dust * WAD - 1 + extra
    done = _bark(hole * RAD, chop=chop, collateral=WAD, debt=debt, spot_ray=1000 * RAY,
                 dust_rad=dust * RAD)  # fmt: skip
    if extra:
        assert done.debt_left_wad == dust * WAD
        assert done.tab_rad <= hole * RAD
    else:
        assert done.debt_left_wad == 0
        assert hole * RAD < done.tab_rad < hole * RAD + dust * RAD * chop // WAD


def test_part_below_dust_is_refused_but_a_dusty_vault_is_taken():
    # dog.t.sol test_bark_do_not_create_dusty_auction_hole, test_bark_dusty_vault
    with pytest.raises(RefusalError, match=r"room_rad .* takes .* dust_rad is") as refused:
        _bark(19 * RAD)
    assert refused.value.reason == "dusty-auction"
    assert _bark(19 * RAD, collateral=1, debt=10 * WAD).debt_left_wad == 0


def test_exactly_covered_vault_is_safe():
    # dog.t.sol testFail_bark_not_unsafe: 1 * 1000 >= 500; here exactly at the edge
    with pytest.raises(RefusalError) as refused:
        _bark(1000 * RAD, collateral=50 * WAD)
    assert refused.value.reason == "not-unsafe"
    assert _bark(1000 * RAD, collateral=50 * WAD - 1).debt_left_wad == 0
    assert not auctions.is_unsafe(50, 100, RAY, 2 * RAY)
    with pytest.raises(RefusalError, match="not-unsafe"):
        _bark(1000 * RAD, spot_ray=0)


def test_collateral_that_rounds_to_nothing_is_refused():
    with pytest.raises(RefusalError) as refused:
        _bark(50 * RAD, collateral=1)
    assert refused.value.reason == "null-auction"


def test_rounding_of_the_penalty():
    # clip.t.sol test_partial_liquidation_Hole_limit: 75 less 0.2 ray
    done = _bark(75 * RAD, chop=11 * WAD // 10)
    assert done.tab_rad == 75 * RAD - RAY // 5
    assert done.debt_left_wad == 31818181818181818182


def test_room_is_that_of_the_tighter_limit_and_none_at_the_limit():
    assert auctions.room(100, 40, 50, 20) == 30
    assert auctions.room(100, 80, 50, 20) == 20
    for full in ((100, 100, 50, 20), (100, 40, 50, 50), (100, 130, 50, 0)):
        with pytest.raises(RefusalError) as refused:
            auctions.room(*full)
        assert refused.value.reason == "liquidation-limit-hit"


def test_spot_is_rounded_down_twice():
    assert auctions.liquidation_price_ray(4 * WAD, 2 * RAY) == 2 * RAY
    # 1e9 ray parts over three, then over three again
    assert auctions.liquidation_price_ray(1, 3 * RAY, 3 * RAY) == 111111111
    assert auctions.feed_price_ray(0) == 0
    with pytest.raises(RefusalError, match="zero-top-price"):
        auctions.starting_price(0, RAY)


# ---------------------------------------------------------------- bids


def test_bid_never_collects_more_than_the_tab():
    # clip.t.sol test_take_over_tab, test_take_at_tab
    for wanted in (25 * WAD, 22 * WAD, 40 * WAD):
        bid = auctions.take(40 * WAD, 110 * RAD, 5 * RAY, wanted, 22 * RAD)
        assert (bid.bought_wad, bid.paid_rad) == (22 * WAD, 110 * RAD)
        assert (bid.returned_wad, bid.is_over) == (18 * WAD, True)


def test_bid_under_the_tab():
    # clip.t.sol test_take_under_tab
    bid = auctions.take(40 * WAD, 110 * RAD, 5 * RAY, 11 * WAD, 22 * RAD)
    assert (bid.tab_rad, bid.lot_wad, bid.returned_wad) == (55 * RAD, 29 * WAD, 0)


def test_lot_that_is_empty_first_leaves_bad_debt():
    # clip.t.sol test_take_full_lot_partial_tab, at half of the price
    bid = auctions.take(40 * WAD, 110 * RAD, 5 * RAY // 2, 40 * WAD, 22 * RAD)
    assert (bid.paid_rad, bid.uncollected_rad, bid.is_over) == (100 * RAD, 10 * RAD, True)


def test_bid_is_cut_to_leave_the_least_tab_and_then_only_all_is_sold():
    # clip.t.sol test_take_bid_recalculates_due_to_chost_check, ..._fails_no_partial_allowed
    bid = auctions.take(40 * WAD, 110 * RAD, 5 * RAY, 18 * WAD, 22 * RAD)
    assert (bid.tab_rad, bid.lot_wad) == (22 * RAD, 224 * WAD // 10)
    with pytest.raises(RefusalError) as refused:
        auctions.take(bid.lot_wad, bid.tab_rad, 5 * RAY, WAD, 22 * RAD)
    assert refused.value.reason == "no-partial-purchase"
    # what pays the whole tab is no partial purchase
    rest = auctions.take(bid.lot_wad, bid.tab_rad, 5 * RAY, bid.tab_rad // (5 * RAY), 22 * RAD)
    assert (rest.paid_rad, rest.returned_wad) == (22 * RAD, 18 * WAD)


@given(
    lot=st.integers(1, 10**21), tab=st.integers(1, 10**48), price=st.integers(0, 10**30),
    wanted=st.integers(0, 10**21), chost=st.integers(0, 10**47),
)  # fmt: skip
def test_every_bid_adds_up_and_leaves_nothing_dusty(lot, tab, price, wanted, chost):
    try:
        bid = auctions.take(lot, tab, price, wanted, chost)
    except RefusalError:
        assert tab <= chost
        return
    assert bid.bought_wad + bid.lot_wad + bid.returned_wad == lot
    assert bid.paid_rad + bid.tab_rad + bid.uncollected_rad == tab
    assert bid.bought_wad <= wanted
    # the price is paid for every unit, and for less than one more
    assert bid.bought_wad * price <= bid.paid_rad < (bid.bought_wad + 1) * max(price, 1)
    if 0 < bid.tab_rad < tab:
        assert bid.tab_rad >= chost


def test_price_above_the_bidders_is_refused():
    # clip.t.sol testFail_take_bid_too_low
    with pytest.raises(RefusalError, match="too-expensive"):
        auctions.take(40 * WAD, 110 * RAD, 5 * RAY, 22 * WAD, 0, 5 * RAY - 1)
    assert auctions.take(40 * WAD, 110 * RAD, 5 * RAY, 22 * WAD, 0, 5 * RAY).is_over


# ---------------------------------------------------------------- prices and resets


def test_stairstep_prices_are_the_contracts():
    curve = StairstepDecrease(99 * RAY // 100, 1)
    # clip.t.sol, after 60 and after 100 seconds
    assert curve.price(5 * RAY, 60) == 2735783211953807380973706855
    assert curve.price(5 * RAY, 100) == 1830161706366147524653080130
    assert curve.price(5 * RAY, 0) == 5 * RAY
    slow = StairstepDecrease(99 * RAY // 100, 90)
    assert slow.price(5 * RAY, 90 * 60 + 89) == curve.price(5 * RAY, 60)


def test_linear_and_exponential_prices():
    # abaci.t.sol test_linear_decrease, test_continuous_exp_decrease
    linear = LinearDecrease(3600)
    assert [linear.price(1000 * RAY, 360 * n) // RAY for n in range(11)] == [
        1000, 900, 800, 700, 600, 500, 400, 300, 200, 100, 0,
    ]  # fmt: skip
    smooth = ExponentialDecrease(999230132966 * RAY // 10**12)
    for halves in range(5):
        off = Fraction(smooth.price(4000 * RAY, 900 * halves), 4000 * RAY >> halves) - 1
        assert abs(off) < Fraction(1, 1000)
    assert ExponentialDecrease(0).price(RAY, 1) == 0


@given(st.integers(0, RAY), st.integers(0, 300))
def test_power_is_within_a_unit_a_product(base, exponent):
    exact = Fraction(base, RAY) ** exponent
    assert abs(Fraction(rounded_power(base, exponent, RAY), RAY) - exact) <= Fraction(
        2 * exponent + 1, RAY
    )


@pytest.mark.parametrize(("elapsed", "stale"), [(3600, False), (3601, True)])
def test_reset_is_strictly_after_the_tail(elapsed, stale):
    # clip.t.sol test_auction_reset_tail
    asked = auctions.needs_reset(elapsed, RAY, RAY, tail_seconds=3600, cusp_ray=RAY // 2)
    assert asked is stale


@pytest.mark.parametrize(("elapsed", "stale"), [(1800, False), (1801, True)])
def test_reset_is_strictly_below_the_cusp(elapsed, stale):
    # clip.t.sol test_auction_reset_cusp
    price = LinearDecrease(3600).price(5 * RAY, elapsed)
    asked = auctions.needs_reset(elapsed, price, 5 * RAY, tail_seconds=3600, cusp_ray=RAY // 2)
    assert asked is stale
    assert (price < auctions.reset_price(5 * RAY, RAY // 2)) is stale


def test_incentive_of_a_reset_needs_tab_and_lot_of_the_least_tab():
    # clip.t.sol test_redo_incentive
    terms = (4 * RAY, 22 * RAD, 100 * RAD, WAD // 50)
    assert auctions.redo_incentive(110 * RAD, 40 * WAD, *terms) == 1022 * RAD // 10
    assert auctions.redo_incentive(110 * RAD, 2 * WAD, *terms) == 0
    assert auctions.redo_incentive(22 * RAD, 55 * WAD // 10, *terms) == 100 * RAD + 44 * RAD // 100
    assert auctions.redo_incentive(22 * RAD - 1, 40 * WAD, *terms) == 0


def test_stages_of_the_breaker():
    # clip.sol: isStopped(1) on kick, (2) on redo, (3) on take
    table = [
        [auctions.is_stopped(stage, op) for op in ("kick", "redo", "take")] for stage in range(4)
    ]
    assert table == [[False] * 3, [True, False, False], [True, True, False], [True] * 3]
    with pytest.raises(ValueError, match=r"stage 4 is outside 0 \.\.\. 3"):
        auctions.is_stopped(4, "kick")
    with pytest.raises(ValueError, match="operation 'bid' is not one of kick, redo, take"):
        auctions.is_stopped(0, "bid")


# ---------------------------------------------------------------- histories


def _terms(**changes):
    given = {
        "price": StairstepDecrease(99 * RAY // 100, 1), "liquidation_ratio_ray": 2 * RAY,
        "chop_wad": 11 * WAD // 10, "dust_rad": 20 * RAD, "hole_rad": 1000 * RAD,
        "collateral_hole_rad": 1000 * RAD, "buf_ray": 5 * RAY // 4, "tail_seconds": 3600,
        "cusp_ray": 3 * RAY // 10, "tip_rad": 2 * RAD, "chip_wad": WAD // 50,
    }  # fmt: skip
    return AuctionTerms(**{**given, **changes})


def _house(**changes):
    house = CollateralAuctions(_terms(**changes), 5 * WAD)
    house.open_vault("me", 40 * WAD, 100 * WAD)
    house.set_price(4 * WAD)
    return house


def test_auction_from_vault_to_leftover():
    # clip.t.sol takeSetup, test_take_multiple_bids_different_prices
    house = _house(tip_rad=0, chip_wad=0)
    number, taken = house.bark("me")
    assert (taken.tab_rad, taken.collateral_wad) == (110 * RAD, 40 * WAD)
    assert house.status(number) == (False, 5 * RAY)
    house.take(number, 10 * WAD)
    assert (house.running[number].tab_rad, house.running[number].lot_wad) == (60 * RAD, 30 * WAD)
    house.advance(30)
    price = house.status(number)[1]
    bid = house.take(number, 30 * WAD)
    assert (bid.paid_rad, bid.bought_wad) == (60 * RAD, 60 * RAD // price)
    assert bid.returned_wad == 30 * WAD - bid.bought_wad
    assert house.running == {} and house.dirt_rad == 0
    # the penalty is the system's surplus
    assert house.shortfall_rad == -10 * RAD
    house.check()


def test_reset_and_breaker_over_time():
    house = _house()
    number, _ = house.bark("me")
    with pytest.raises(RefusalError, match="cannot-reset"):
        house.redo(number)
    house.advance(119)
    # 0.99 ** 119 is above, 0.99 ** 120 below 0.3
    assert not house.status(number)[0]
    house.advance(1)
    with pytest.raises(RefusalError, match="needs-reset"):
        house.take(number, WAD)
    house.set_stage(2)
    with pytest.raises(RefusalError, match=r"stage 2 must be below 2 to redo"):
        house.redo(number)
    house.set_stage(1)
    house.set_price(3 * WAD)
    assert house.redo(number) == 2 * RAD + 22 * RAD // 10
    assert house.status(number) == (False, 15 * RAY // 4)
    assert house.incentives_rad == 2 * (2 * RAD + 22 * RAD // 10)
    house.open_vault("other", 40 * WAD, 50 * WAD)
    house.set_price(2 * WAD)
    with pytest.raises(RefusalError, match="stopped-incorrect"):
        house.bark("other")
    assert house.cancel(number) == 40 * WAD
    assert house.dirt_rad == 0
    house.check()


def test_price_of_zero_starts_and_resets_nothing():
    # dog.sol asks for a spot above 0; clip.t.sol testFail_kick_zero_price, testFail_redo_zero_price
    house = _house()
    house.set_price(0)
    with pytest.raises(RefusalError, match="not-unsafe"):
        house.bark("me")
    house.set_price(4 * WAD)
    number, _ = house.bark("me")
    house.advance(3601)
    house.set_price(0)
    before = house.running[number]
    with pytest.raises(RefusalError, match="zero-top-price"):
        house.redo(number)
    assert house.running[number] == before
    # a worthless feed and a price below one part: a top that rounds to nothing
    with pytest.raises(RefusalError, match="zero-top-price"):
        auctions.starting_price(1, RAY // 2)


def test_other_collaterals_use_up_the_common_limit():
    house = _house(hole_rad=110 * RAD)
    house.other_dirt_rad = 110 * RAD
    with pytest.raises(RefusalError, match="liquidation-limit-hit"):
        house.bark("me")
    house.other_dirt_rad = 109 * RAD
    # room for less than the dust, and the rest is no dust either
    with pytest.raises(RefusalError, match="dusty-auction"):
        house.bark("me")


def test_vaults_are_opened_covered_and_not_dusty():
    house = CollateralAuctions(_terms(), 4 * WAD)
    for debt, reason in ((20 * WAD + 1, "not-safe"), (20 * WAD - 1, "dust"), (1, "dust")):
        with pytest.raises(RefusalError, match=reason):
            house.open_vault("me", 10 * WAD, debt)
    house.open_vault("me", 10 * WAD, 20 * WAD)
    with pytest.raises(ValueError, match="owner 'me' has a vault"):
        house.open_vault("me", 10 * WAD, 20 * WAD)
    house.open_vault("empty", 1, 0)
    assert house.deposited_wad == 10 * WAD + 1
    with pytest.raises(ValueError, match="owner 'you' has no vault"):
        house.bark("you")


def test_interest_makes_a_vault_unsafe_and_the_whole_debt_is_due():
    house = CollateralAuctions(_terms(), 5 * WAD)
    house.open_vault("me", 40 * WAD, 100 * WAD)
    with pytest.raises(RefusalError, match="not-unsafe"):
        house.bark("me")
    house.set_rate(102 * RAY // 100)
    _, taken = house.bark("me")
    assert taken.due_rad == 102 * RAD
    with pytest.raises(ValueError, match="rate_ray"):
        house.set_rate(RAY)


def _state(house):
    return copy.deepcopy({name: value for name, value in vars(house).items() if name != "terms"})


_actions = st.lists(
    st.tuples(
        st.sampled_from(["open", "price", "bark", "take", "redo", "wait", "stage", "cancel"]),
        st.integers(0, 3), st.integers(0, 60 * WAD),
    ),
    max_size=40,
)  # fmt: skip


@given(_actions)
def test_histories_account_for_every_unit_and_refusals_change_nothing(actions):
    house = CollateralAuctions(_terms(hole_rad=150 * RAD), 5 * WAD)
    for what, number, size in actions:
        before = _state(house)
        calls = {
            "open": lambda n=number, s=size: house.open_vault(f"owner {n}", s, s * 2),
            "price": lambda s=size: house.set_price(s // 10),
            "bark": lambda n=number: house.bark(f"owner {n}"),
            "take": lambda n=number, s=size: house.take(n, s),
            "redo": lambda n=number: house.redo(n),
            "wait": lambda s=size: house.advance(s % 200),
            "stage": lambda n=number: house.set_stage(n if n == 3 else 0),
            "cancel": lambda n=number: house.cancel(n),
        }
        try:
            calls[what]()
        except ValueError:
            assert _state(house) == before
        house.check()
        tabs = sum(sale.tab_rad for sale in house.running.values())
        assert tabs + house.uncollected_rad + house.collected_rad <= house.due_rad * 11 // 10


# ---------------------------------------------------------------- arguments


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: LinearDecrease(0), r"tau_seconds 0 is outside 1 \.\.\."),
        (lambda: StairstepDecrease(RAY + 1, 1), r"cut_ray .* is outside 0 \.\.\. 1000"),
        (lambda: StairstepDecrease(RAY, 0), r"step_seconds 0 is outside 1 \.\.\."),
        (lambda: _bark(RAD, chop=WAD - 1), r"chop_wad 9{18} is outside 1000"),
        (lambda: auctions.take(0, 1, 1, 1, 1), r"lot_wad 0 is outside 1 \.\.\."),
        (lambda: _terms(cusp_ray=RAY + 1), r"cusp_ray .* is outside 0 \.\.\. 1000"),
        (lambda: in_units("0.0000000000000000001", WAD, "chop"), "chop .* is no multiple of 1/1000"),
        (lambda: lending.auction_terms("XYZ-A", liquidation_ratio=2, chop=1, dust=0, hole=1),
         "collateral 'XYZ-A' is not one of ETH-A"),
    ],
)  # fmt: skip
def test_errors_name_field_value_and_range(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_refusals_are_errors_of_the_package_and_can_be_sent_on():
    with pytest.raises(CascadeError) as refused:
        auctions.room(1, 1, 1, 0)
    again = pickle.loads(pickle.dumps(refused.value))
    assert (again.reason, str(again)) == ("liquidation-limit-hit", str(refused.value))


def test_floats_are_no_amounts():
    for value in (1.0, True, "1", None):
        with pytest.raises(TypeError, match="debt_wad must be an integer"):
            amount(value, "debt_wad")


def test_amounts_have_any_width():
    wide = 10**90
    bid = auctions.take(wide, wide * RAY, RAY, wide // 2, 0)
    assert (bid.paid_rad, bid.lot_wad) == (wide * RAY // 2, wide // 2)


def test_poll_of_eth_a():
    # makerdao/community, ETH-A poll: buf 1.30, tail 8400 s, cusp 0.40, cut 0.99, step 90 s, hole 22M, chip 0.1 %
    terms = lending.auction_terms(liquidation_ratio="1.5", chop="1.13", dust=100, hole=10**8)
    assert (terms.buf_ray, terms.tail_seconds) == (13 * RAY // 10, 8400)
    assert (terms.cusp_ray, terms.chip_wad, terms.tip_rad) == (2 * RAY // 5, WAD // 1000, 0)
    assert terms.collateral_hole_rad == 22_000_000 * RAD
    assert terms.price == StairstepDecrease(99 * RAY // 100, 90)
    assert terms.chost_rad == 113 * RAD
    # mcd-docs-content: at the cusp of 0.4 the price is reset after 92 steps of 90 seconds
    top = 1000 * RAY
    assert terms.price.price(top, 91 * 90) > auctions.reset_price(top, terms.cusp_ray)
    assert terms.price.price(top, 92 * 90) < auctions.reset_price(top, terms.cusp_ray)

"""The stages after the book, one rule a test, worked by hand (docs/waterfall.md)."""

from fractions import Fraction

import pytest
from engine_kit import SELL, pick, rows

PAID = ("account", "money")


def crowd(kit, longs, shorts, *, fund=0, decimals=0, **rules):
    """Isolated longs and shorts of (size, entry, margin) at 100; closed by the house at the mark."""
    engine = kit.engine(asset_decimals=decimals)
    stated = {"tiers": [(0, 0.01)], "feed": "index", "absorb": 1, **rules}
    market = kit.market(engine, rules=stated)
    market.set_index(100)
    if fund:
        engine.fund_deposit(fund)
    for side, members in (("long", longs), ("short", shorts)):
        for size, entry, margin in members:
            engine.accounts.open(market, side=side, size=size, entry=entry, margin=margin)
    return engine, market


def fall(engine, market, price):
    market.set_index(price)
    result = engine.step()
    engine.validate()
    return result


# --- what the fund may pay -------------------------------------------------------------------------


def test_most_for_one_unit(kit):
    # at 80 the longs lack 100 and 20
    engine, market = crowd(kit, [(10, 100, 100), (10, 100, 180)], [], fund=1000, fund_limit=60)
    fall(engine, market, 80)
    assert pick(rows(engine, "fund"), *PAID) == [(0, -60), (1, -20)]
    assert pick(rows(engine, "bad_debt"), *PAID) == [(0, 40)]
    assert engine.insurance_fund() == 920


def test_most_in_a_step(kit):
    engine, market = crowd(
        kit, [(10, 100, 100), (10, 100, 180), (10, 100, 250)], [], fund=1000, fund_block=(110,)
    )
    fall(engine, market, 80)
    assert pick(rows(engine, "fund"), *PAID) == [(0, -100), (1, -10)]
    assert pick(rows(engine, "bad_debt"), *PAID) == [(1, 10)]
    # a new step, a new block: at 70 the third lacks 50
    fall(engine, market, 70)
    assert pick(rows(engine, "fund"), *PAID)[2:] == [(2, -50)]


def test_most_in_a_block_of_time(kit):
    # blocks of 10 s from time 0; steps end at 1 s, 2 s and 12 s
    engine, market = crowd(
        kit, [(10, 100, 100), (10, 100, 240), (10, 100, 340)], [], fund=1000, fund_block=(120, 10)
    )
    fall(engine, market, 80)
    fall(engine, market, 71)  # lacks 50, of which 20 are left
    assert pick(rows(engine, "fund"), *PAID) == [(0, -100), (1, -20)]
    assert pick(rows(engine, "bad_debt"), *PAID) == [(1, 30)]
    market.set_index(61)
    engine.step(dt=10)
    assert pick(rows(engine, "fund"), *PAID)[2:] == [(2, -50)]
    engine.validate()


def test_house_is_not_limited(kit):
    # limits are for units: what the house loses on its own book is the fund's
    engine, market = crowd(kit, [(10, 100, 100)], [(10, 100, 100)], fund=1000, fund_limit=0)
    fall(engine, market, 85)
    fall(engine, market, 120)
    assert [money for who, money in pick(rows(engine, "fund"), *PAID) if who == -2] == [350]
    assert sum(money for _, money in pick(rows(engine, "bad_debt"), *PAID)) == 50 + 100


# --- when deleveraging begins ----------------------------------------------------------------------


def adl_rules(**more):
    return {"adl": "size", "absorb": 0, **more}


def test_before_the_fund(kit):
    engine, market = crowd(
        kit, [(10, 100, 100)], [(20, 100, 900)], fund=1000, **adl_rules(adl_trigger="always")
    )
    assert fall(engine, market, 80).adl_lots == 10
    assert engine.insurance_fund() == 1000


@pytest.mark.parametrize(("fund", "adl_lots"), [(99, 10), (100, 10), (101, 0)])
def test_when_the_fund_is_spent_on_what_the_house_holds(kit, fund, adl_lots):
    # no bids: the first long goes to the house at 90; at 80 that is worth 100 less
    engine, market = crowd(
        kit, [(10, 100, 100), (10, 100, 190)], [(20, 100, 900)], fund=fund,
        **adl_rules(adl_trigger="spent"),
    )  # fmt: skip
    assert fall(engine, market, 89).adl_lots == 0
    assert market.house == (10, 900)
    assert fall(engine, market, 80).adl_lots == adl_lots


def test_when_the_block_is_used_up(kit):
    # with a block of zero the fund can pay nothing, however much it has
    engine, market = crowd(
        kit, [(10, 100, 100)], [(20, 100, 900)], fund=1000, **adl_rules(fund_block=(0, None))
    )
    assert fall(engine, market, 80).adl_lots == 10


def drawn_down(kit, trigger):
    """A sale at 60 of ten lots whose margin ends at 90 takes 300 of a fund of 1000 at 89."""
    engine, market = crowd(
        kit, [(10, 100, 100), (10, 100, 200)], [(20, 100, 900)], fund=1000,
        **adl_rules(adl_trigger=("drawdown", *trigger)),
    )  # fmt: skip
    market.book.load_depth([(60, 10)], [])
    fall(engine, market, 89)
    assert engine.insurance_fund() == 700
    return engine, market


@pytest.mark.parametrize(("share", "lots"), [("0.3", 10), ("0.300000001", 0)])
def test_drawdown_from_the_peak(kit, share, lots):
    engine, market = drawn_down(kit, (share, 80))
    assert fall(engine, market, 79).adl_lots == lots
    assert engine.insurance_fund() == 700


@pytest.mark.parametrize(("seconds", "lots"), [(80, 10), ("80.000000001", 0)])
def test_peak_is_of_the_window(kit, seconds, lots):
    # the peak of second 1 counts up to second 81, and not a nanosecond longer
    engine, market = drawn_down(kit, ("0.3", 80))
    market.set_index(79)
    assert engine.step(dt=seconds).adl_lots == lots
    engine.validate()


def test_drawdown_is_that_of_the_moment(kit):
    # both in one step: the first sale is what the second sees
    engine, market = crowd(
        kit, [(10, 100, 100), (10, 100, 110)], [(20, 100, 900)], fund=1000,
        **adl_rules(adl_trigger=("drawdown", "0.3", 80)),
    )  # fmt: skip
    market.book.load_depth([(60, 10)], [])
    assert fall(engine, market, 85).adl_lots == 10


def test_prices_of_deleveraging(kit):
    # marks 100, 90, 80; the index is the mark here
    for price, tick in (("previous_mark", 90), ("index", 80), ("mark", 80), ("bankruptcy", 88)):
        engine, market = crowd(
            kit, [(10, 100, 120)], [(20, 100, 900)], **adl_rules(adl_price=price)
        )
        market.set_index(90)
        fall(engine, market, 80)
        assert pick(rows(engine, "adl"), "price") == [(tick,)]


def test_previous_mark_gives_way_to_the_mark(kit):
    # 100 is the first mark there is
    engine, _ = crowd(kit, [(10, 100, 5)], [(20, 100, 900)], **adl_rules(adl_price="previous_mark"))
    engine.step()
    assert pick(rows(engine, "adl"), "price") == [(100,)]


# --- socialised loss -------------------------------------------------------------------------------


def test_in_proportion_to_gains(kit):
    # Vega, 0012-POSR, case 1: a short of 100 from 100 with 5,000 at 180; gains of 8,000 and 80
    engine, market = crowd(
        kit, [(100, 100, 9000), (1, 100, 200)], [(100, 100, 5000)], socialised="gains"
    )
    fall(engine, market, 180)
    assert pick(rows(engine, "socialised"), *PAID) == [(0, 2970), (1, 30)]
    (liquidation,) = rows(engine, "liquidation")
    for event in rows(engine, "socialised"):
        assert rows(engine)[event["cause"]] == liquidation
        assert event["wave"] == liquidation["wave"]
    assert list(engine.accounts.margin(market)) == [6030, 170, 0]
    assert engine.bad_debt() == 0


def test_rounding_remainders(kit):
    # Vega, case 2: gains of 2,000, 6,000 and 80, of which 1,362 and 4,083 are paid out: 5,499 of 8,080
    # were there
    engine, market = crowd(
        kit,
        [(25, 100, 9000), (75, 100, 9000), (1, 100, 200)],
        [(100, 100, 8000 - 2581)],
        socialised="gains",
    )
    fall(engine, market, 180)
    paid = [money for _, money in pick(rows(engine, "socialised"), *PAID)]
    assert [gain - part for gain, part in zip((2000, 6000, 80), paid, strict=True)] == [
        1362,
        4083,
        54,
    ]


def test_gains_are_the_most(kit):
    # at 50 the long lacks 400; the only gain is 100, and a gain no equity stands behind is none
    engine, market = crowd(kit, [(10, 100, 100)], [(2, 100, 900)], socialised="gains")
    fall(engine, market, 50)
    assert pick(rows(engine, "socialised"), *PAID) == [(1, 100)]
    assert pick(rows(engine, "bad_debt"), *PAID) == [(0, 300)]
    assert engine.bad_debt() == 300


def test_losers_and_flat_accounts_pay_nothing_out_of_gains(kit):
    engine, market = crowd(
        kit, [(10, 100, 100), (1, 100, 900)], [(10, 100, 900), (5, 70, 900)], socialised="gains"
    )
    engine.accounts.create(1, balance=10_000)
    fall(engine, market, 80)
    assert pick(rows(engine, "socialised"), *PAID) == [(2, 100)]


def test_in_proportion_to_contracts(kit):
    # Drift v2: a loss of 100, long 7 and short 4: 9.09091 a contract
    engine, market = crowd(
        kit, [(1, 100, 10), (7, 100, 900)], [(4, 100, 900)], decimals=6,
        fund=0, socialised="contracts", tiers=[(0, 0)],
    )  # fmt: skip
    # the first long lacks 10 at 80: ten of them make the loss
    for _ in range(9):
        engine.accounts.open(market, side="long", size=1, entry=100, margin=10)
    fall(engine, market, 80)
    paid = pick(rows(engine, "socialised"), *PAID)
    assert paid == [(1, 63_636_363), (2, 36_363_637)]
    for (_, money), lots in zip(paid, (7, 4), strict=True):
        assert abs(Fraction(money, 10**6) / lots - Fraction(100, 11)) < Fraction(1, 10**6)


def test_never_more_than_there_is(kit):
    # 100 for 10 lots; the long of 6 has 30 of equity left and pays no more
    engine, market = crowd(
        kit, [(10, 100, 100), (6, 100, 150)], [(4, 100, 900)], socialised="contracts",
        tiers=[(0, "0.01")],
    )  # fmt: skip
    fall(engine, market, 80)
    assert pick(rows(engine, "socialised"), *PAID) == [(1, 30), (2, 40)]
    assert pick(rows(engine, "bad_debt"), *PAID) == [(0, 30)]
    # it is due now, and waits for the next step
    assert engine.accounts.equity[1] == 0
    assert engine.step().liquidated == 1


def test_the_side_against_the_liquidated(kit):
    # Percolator v16: open interest 100, 40 to be paid: 0.4 a contract
    engine, market = crowd(
        kit, [(2, 100, 20), (50, 100, 2000)], [(60, 100, 900), (40, 100, 900)],
        socialised="opposite",
    )  # fmt: skip
    fall(engine, market, 70)
    assert pick(rows(engine, "socialised"), *PAID) == [(2, 24), (3, 16)]


# --- haircut ---------------------------------------------------------------------------------------


def test_profits_are_junior_claims(kit):
    # Percolator: vault 1,000, capital 700, insurance 100: 200 back profits of 400, half of each
    engine, market = crowd(
        kit, [(10, 100, 100)], [(8, 100, 500), (2, 100, 200)], fund=200, fund_limit=100,
        haircut=True,
    )  # fmt: skip
    engine.accounts.create(1, balance=5)
    fall(engine, market, 60)
    assert pick(rows(engine, "haircut"), *PAID) == [(1, 160), (2, 40)]
    assert list(engine.accounts.equity) == [0, 660, 240, 5]
    assert engine.insurance_fund() == 100
    assert engine.bad_debt() == 0


def test_haircut_is_over_all_markets_and_nets_within_a_unit(kit):
    engine, market = crowd(kit, [(10, 100, 100)], [(3, 100, 900)], haircut=True)
    other = kit.market(engine, "Y", rules={"feed": "index"})
    other.set_index(100)
    engine.accounts.open(other, side="long", size=7, entry=90, margin=300)
    (account,) = engine.accounts.create(1, balance=500)
    for where, side, size in ((market, "short", 4), (other, "short", 4)):
        engine.accounts.open(where, side=side, size=size, entry=100, margin=0, mode="cross",
                             account=account)  # fmt: skip
    other.set_index(110)
    # profits: 60 of the short, 140 in the other market, 80 - 40 of the cross unit; 100 are missing
    fall(engine, market, 80)
    assert pick(rows(engine, "haircut"), *PAID) == [(1, 25), (2, 58), (3, 17)]
    assert engine.bad_debt() == 0


def test_one_stage_after_the_other(kit):
    # 400 are missing: 50 from the fund, 100 of gains, of what is left nobody has a profit
    engine, market = crowd(
        kit, [(10, 100, 100)], [(2, 100, 900)], fund=50, socialised="gains", haircut=True
    )
    fall(engine, market, 50)
    kinds = [row["kind"] for row in rows(engine) if row["kind"] in (8, 9, 20, 21)]
    # the socialised gain is still unrealised profit, so the haircut takes it a second time
    assert kinds == [8, 20, 21, 9]
    assert pick(rows(engine, "bad_debt"), "money") == [(150,)]


def test_a_large_book_of_deficits_is_shared_once(kit):
    engine, market = crowd(kit, [(1, 100, 10)] * 30, [(40, 100, 5000)], socialised="gains")
    fall(engine, market, 80)
    assert len(rows(engine, "liquidation")) == 30
    assert pick(rows(engine, "socialised"), *PAID) == [(30, 300)]
    (event,) = rows(engine, "socialised")
    assert rows(engine)[event["cause"]]["account"] == 29


# --- the rules -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({"adl_trigger": "never"}, "adl_trigger must be"),
        ({"adl_trigger": ("drawdown", 0.3)}, "adl_trigger must be"),
        ({"adl_trigger": ("drawdown", 2, 10)}, "outside 0 ... 1"),
        ({"adl_trigger": ("drawdown", 0, 10)}, "outside 1e-9 ... 1"),
        ({"adl_trigger": ("drawdown", 0.3, 0)}, "adl_trigger 0 s is outside"),
        ({"fund_limit": -1}, "fund_limit -1 is below 0"),
        ({"fund_block": 5}, "fund_block must be"),
        ({"fund_block": (-5, None)}, "fund_block amount -5 is below 0"),
        ({"fund_block": (5, 0)}, "fund_block 0 s is outside"),
        ({"socialised": "everybody"}, "socialised must be"),
    ],
)
def test_refusals(rules, message):
    cs = pytest.importorskip("cascade")
    with pytest.raises(ValueError, match=message):
        cs.Rules(**rules)


def test_haircut_is_a_bool():
    cs = pytest.importorskip("cascade")
    with pytest.raises(TypeError, match="haircut must be a bool"):
        cs.Rules(haircut=1)


def test_a_copy_and_a_file_go_on_alike(tmp_path):
    cs = pytest.importorskip("cascade")
    rules = cs.Rules(
        tiers=((0, "0.01"),), feed="index", absorb=1, adl="size", adl_price="previous_mark",
        adl_trigger=("drawdown", "0.25", 40), fund_limit=70, fund_block=(60, 25),
        socialised="contracts", haircut=True,
    )  # fmt: skip
    engine = cs.Engine(asset_decimals=2)
    market = engine.add_market("X", tick_size=1, lot_size=1, rules=rules)
    market.set_index(100)
    engine.fund_deposit(300)
    engine.accounts.open(market, side="long", size=10, entry=100, margin=[100, 180, 240, 300])
    engine.accounts.open(market, side="short", size=[8, 30], entry=100, margin=900)
    engine.step(index={"X": 85})
    engine.save(tmp_path / "engine.npz")
    others = [engine.copy(), cs.Engine.load(tmp_path / "engine.npz")]
    for one in others:
        assert one["X"].rules.stage_table(100) == rules.stage_table(100)
        assert one.state_hash() == engine.state_hash()
    for price, dt in ((78, 3), (72, 30), (60, 1)):
        hashes = set()
        for one in (engine, *others):
            one.step(index={"X": price}, dt=dt)
            hashes.add(one.state_hash())
        assert len(hashes) == 1
    kinds = engine.events["kind"]
    assert (kinds == cs.EventKind.SOCIALISED).any()
    for one in others:
        assert one.events.tobytes() == engine.events.tobytes()


def test_forced_sale_into_a_book_shares_its_deficit(kit):
    # the sale itself makes the deficit: 10 at 85 are 50 less than 90, where margin ends
    engine = kit.engine()
    rules = {"tiers": [(0, 0.05)], "feed": "last", "socialised": "gains"}
    market = kit.market(engine, rules=rules)
    market.set_index(100)
    market.book.load_depth([(94, 1), (85, 30)], [])
    engine.accounts.open(market, side="long", size=10, entry=100, margin=100)
    engine.accounts.open(market, side="short", size=20, entry=100, margin=900)
    kit.trade(engine, market, SELL, 1)
    engine.step()
    assert pick(rows(engine, "socialised"), *PAID) == [(1, 50)]
    engine.validate()


@pytest.mark.parametrize(("fund", "kind"), [(20, "adl"), (21, "takeover")])
def test_an_inverse_short_of_the_house_is_worth_what_a_position_is(kit, fund, kind):
    engine = kit.engine()
    inverse = kit.market(
        engine, "I", rules={"feed": "index"}, contract="inverse", multiplier=10_000
    )
    rules = {"feed": "index", "adl": "size", "adl_trigger": "spent"}
    market = kit.market(engine, "L", rules=rules)
    for one, price in ((inverse, 98), (market, 105)):
        one.set_index(price)
    engine.fund_deposit(fund)
    engine.accounts.open_ladder(inverse, side="short", size=[3], trigger=[99], bankruptcy=[100])
    inverse.set_index(99)
    engine.step()
    # taken over for 300; floor(30,000 / 107) is 280, a loss of 20
    inverse.set_index(107)
    engine.accounts.open(market, side="short", size=1, entry=110, margin=50)
    engine.accounts.open_ladder(market, side="long", size=[1], trigger=[101], bankruptcy=[100])
    start = len(engine.events)
    market.set_index(101)
    engine.step()
    assert [row["market"] for row in rows(engine, kind, start)] == [1]
    engine.validate()

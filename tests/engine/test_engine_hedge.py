"""The other leg of an arbitrageur, on the wider market: what it is paid, and what both legs gain."""

from engine_kit import SELL, pick, rows


def populated(kit, kind, *, index=100, rules=None, seed=0, market=None, **terms):
    """A market with one resident, its index given; nothing has happened yet."""
    engine = kit.engine(seed=seed)
    made = kit.market(engine, rules={"feed": "index", **(rules or {})}, **(market or {}))
    if index:
        made.set_index(index)
    account = engine.residents.add(getattr(kit.residents, kind)(market="X", **terms))
    return engine, made, account


def test_the_other_leg_leaves_it_the_distance_alone(kit):
    terms = {"deposit": 9000, "size": 20, "threshold": "0.02", "hedged": True}
    engine, market, account = populated(kit, "Arbitrageur", **terms)
    market.book.load_depth([], [(96, 4), (97, 5)])
    engine.step()
    # nine lots bought, nine sold on the wider market at 100
    assert engine.accounts.balance[account] == 9000
    market.book.load_depth([(98, 50)], [(99, 50)], replace=True)
    engine.step(index={"X": 90}, dt=1)
    # both markets fall by ten: the leg outside gains 90 and pays it in
    assert pick(rows(engine, "deposit"), "account", "money")[-1] == (account, 90)
    # at 98 the venue is above 90: it sells its nine at 98 and buys the other leg back at 90
    fills = pick(rows(engine, "fill"), "price", "quantity", "side")[-1]
    assert fills == (98, 20, SELL)
    engine.step(index={"X": 95}, dt=1)
    # short eleven here and long eleven outside, which gain 55
    assert pick(rows(engine, "deposit"), "account", "money")[-1] == (account, 55)
    engine.validate()


def test_both_legs_together_gain_the_distance(kit):
    """Bought 4 lots 10 below the index and sold at it: 40, wherever the index went meanwhile."""
    for there in (60, 140):
        terms = {"deposit": 9000, "size": 4, "threshold": "0.05", "hedged": True}
        engine, market, account = populated(kit, "Arbitrageur", **terms)
        market.book.load_depth([], [(90, 4)])
        engine.step()
        market.book.load_depth([(there, 50)], [], replace=True)
        engine.step(index={"X": there}, dt=1)
        assert engine.accounts.size(market)[account] == 0
        assert engine.accounts.equity[account] == 9040
        market.book.load_depth([], [], replace=True)
        engine.step(index={"X": 100}, dt=1)
        assert engine.accounts.equity[account] == 9040
        lost = pick(rows(engine, "withdrawal"), "account", "money")
        assert lost == ([(account, 160)] if there == 140 else [])
        engine.validate()


def test_the_other_leg_is_settled_in_a_halt_and_may_ask_for_more_than_there_is(kit):
    breaker = {"close": 100, "lower": "0.5", "upper": "0.5", "pause": 10}
    engine = kit.engine()
    rules = {"feed": "index", "tiers": ((0, "0.01"),), "breaker": breaker}
    market = kit.market(engine, rules=rules)
    market.set_index(100)
    arbitrageur = kit.residents.Arbitrageur(
        market="X", deposit=50, size=5, threshold="0.02", leverage=10, hedged=True
    )
    account = engine.residents.add(arbitrageur)
    market.book.load_depth([], [(95, 5)])
    engine.step()
    market.halt(50)
    engine.step(index={"X": 120}, dt=1)
    # five lots lose 20 each outside, and gain it here at the mark
    assert engine.accounts.balance[account] == -50
    assert engine.accounts.equity[account] == 75
    engine.validate()


def test_a_copy_has_the_other_leg(fast_kit):
    terms = {"deposit": 9000, "size": 20, "threshold": "0.02", "hedged": True}
    engine, market, account = populated(fast_kit, "Arbitrageur", **terms)
    market.book.load_depth([], [(96, 4), (97, 5)])
    engine.step()
    other = engine.copy()
    assert other.state_hash() == engine.state_hash()
    for each in (engine, other):
        each.step(index={"X": 90}, dt=1)
        assert each.accounts.balance[account] == 9090
    assert other.state_hash() == engine.state_hash()

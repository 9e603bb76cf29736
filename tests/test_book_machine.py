"""The compiled book against the slow twin: the same history on both, compared after every action.

A hypothesis state machine searches for short histories that tell the two apart and shrinks them;
the seeded driver of `random_actions.py` runs long ones. Prices come from nine ticks and orders from
four accounts, so that equal prices, self-trades and chains of stops are common.
"""

import pytest
from book_reading import batch
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from random_actions import Action, compare_books, differences, run_action, saved_and_loaded
from reference.book import OrderBook as TwinBook

sides = st.sampled_from(["buy", "sell"])
prices = st.integers(96, 104)
any_prices = st.integers(0, 104).filter(lambda price: price == 0 or price >= 96)
sizes = st.integers(0, 12)
accounts = st.sampled_from([-1, 1, 2])
policies = st.sampled_from(["allow", "newest", "oldest", "both", "decrement"])
# An order is named by its place among those that are there; beyond them, by an id.
orders = st.integers(0, 30)

raw_messages = st.fixed_dictionaries(
    {
        "kind": st.integers(0, 7),
        "side": st.sampled_from([0, 1, 0, 1, 2]),
        "time_in_force": st.sampled_from([0, 0, 0, 1, 2, 3]),
        "self_trade": st.integers(0, 5),
        "flags": st.one_of(st.sampled_from([0, 1, 2, 8, 16]), st.integers(0, 255)),
        "account": st.sampled_from([-3, -2, -1, 1, 2]),
        "price": any_prices,
        "extra": st.one_of(any_prices, st.integers(0, 5)),
        "size": sizes,
        "order": orders,
    }
)


class BookMachine(RuleBasedStateMachine):
    """Runs every drawn action on both books; `core_class` is set by the test."""

    core_class: type

    @initialize(
        bounds=st.sampled_from(
            [{}, {"min_price": 98, "max_price": 102}, {"min_size": 2, "max_size": 9}]
        )
    )
    def start(self, bounds):
        self.twin = TwinBook(**bounds)
        self.core = self.core_class(**bounds)

    def both(self, name, *positional, **keywords):
        action = Action(name, positional, tuple(keywords.items()))
        expected, found = run_action(self.twin, action), run_action(self.core, action)
        assert differences(self.twin, self.core, expected, found) == []

    def order_id(self, place: int) -> int:
        """Id of one of the orders that are there, or an id as it comes."""
        there = self.twin.resting + self.twin.waiting
        return there[place].id if place < len(there) else place

    @rule(
        side=sides,
        price=any_prices,
        size=sizes,
        account=accounts,
        time_in_force=st.sampled_from(["gtc", "gtc", "gtc", "ioc", "fok"]),
        self_trade=policies,
    )
    def limit(self, side, price, size, **keywords):
        self.both("limit", side, price, size, **keywords)

    @rule(
        side=sides,
        price=prices,
        size=sizes,
        display=st.one_of(st.none(), st.integers(0, 5)),
        post_only=st.sampled_from([None, "reject", "slide"]),
        account=accounts,
        self_trade=policies,
    )
    def resting_limit(self, side, price, size, **keywords):
        self.both("limit", side, price, size, **keywords)

    @rule(side=sides, size=sizes, account=accounts, self_trade=policies)
    def market(self, side, size, **keywords):
        self.both("market", side, size, **keywords)

    @rule(
        side=sides,
        trigger=prices,
        size=sizes,
        price=st.one_of(st.none(), any_prices),
        on=st.sampled_from(["last", "last", "mark"]),
        account=accounts,
        self_trade=policies,
    )
    def stop(self, side, trigger, size, **keywords):
        self.both("stop", side, trigger, size, **keywords)

    @rule(place=orders)
    def cancel(self, place):
        self.both("cancel", self.order_id(place))

    @rule(account=st.sampled_from([1, 2]))
    def cancel_all(self, account):
        self.both("cancel_all", account)

    @rule(
        place=orders,
        price=st.one_of(st.none(), any_prices),
        size=st.one_of(st.none(), sizes),
    )
    def modify(self, place, price, size):
        self.both("modify", self.order_id(place), price=price, size=size)

    @rule(mark=prices)
    def set_mark(self, mark):
        self.both("mark", mark)

    @precondition(lambda self: not self.twin.auction)
    @rule()
    def open_auction(self):
        self.both("open_auction")

    @rule()
    def indicative(self):
        self.both("indicative")

    @precondition(lambda self: self.twin.auction)
    @rule()
    def uncross(self):
        self.both("uncross")

    @rule(
        bids=st.lists(st.tuples(prices, sizes), max_size=2),
        asks=st.lists(st.tuples(prices, sizes), max_size=2),
        replace=st.booleans(),
    )
    def load_depth(self, bids, asks, replace):
        self.both("load_depth", bids, asks, replace=replace)

    @rule(messages=st.lists(raw_messages, max_size=4))
    def apply(self, messages):
        for message in messages:
            message["order"] = self.order_id(message["order"])
        self.both("apply", tuple(row.item() for row in batch(*messages)))

    @rule()
    def go_on_with_copies(self):
        self.twin, self.core = self.twin.copy(), self.core.copy()

    @rule()
    def go_on_with_files(self):
        self.twin, self.core = self.twin.copy(), saved_and_loaded(self.core)

    @invariant()
    def twin_is_sound(self):
        self.twin.validate()


@pytest.fixture(params=["twin", "core"])
def machine(request):
    """The machine; against a second twin it tests that the machine itself holds together."""
    found = TwinBook if request.param == "twin" else request.getfixturevalue("core_book")
    return type("Machine", (BookMachine,), {"core_class": found})


def test_state_machine(machine):
    case = machine.TestCase
    case.settings = settings(
        max_examples=100,
        stateful_step_count=40,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    case().runTest()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_random_histories(core_book, seed):
    assert compare_books(core_book, 5_000, seed) == []


class ForgetfulBook(TwinBook):
    """A twin whose refreshed icebergs keep their place: a wrong book the driver must find."""

    def _match(self, *arguments):
        places = {order.id: place for place, order in enumerate(self.resting)}
        answer = super()._match(*arguments)
        self.resting.sort(key=lambda order: places[order.id])
        return answer


def test_driver_finds_and_shortens_a_difference():
    report = compare_books(ForgetfulBook, 5_000, 1)
    assert report and report[0].startswith("first difference after")
    history = [line for line in report if line.startswith("book.")]
    # An iceberg, an order behind it, a trade that uses up the display: no more is needed, and a
    # history of thousands must come down to about that.
    assert 3 <= len(history) <= 8

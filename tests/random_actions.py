"""Random histories that run on the slow twin and on the compiled module side by side.

    python tests/random_actions.py --what book --actions 1000000 --seed 1

Actions are drawn from a handful of prices, sizes and accounts, so that equal prices, self-trades,
refreshes and chains of stops are the rule. After every action codes, fills, orders, best prices and
the state hash must agree. The first difference ends the run and prints the history, shortened to
the actions that are needed to show it, as lines that can be pasted into a test.
"""

import argparse
import random
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from reference.book import OrderBook as TwinBook
from reference.records import FILL_FIELDS, MESSAGE_DTYPE, ORDER_DTYPE

PRICES = range(96, 105)
ACCOUNTS = (-1, 1, 2, 3)
SIDES = ("buy", "sell")
BOUNDS = ({}, {}, {"min_price": 99, "max_price": 101}, {"min_size": 2, "max_size": 9})
POLICIES = ("allow", "newest", "oldest", "both", "decrement")


@dataclass(frozen=True)
class Action:
    """One call: the name of a method and its arguments."""

    name: str
    positional: tuple = ()
    keywords: tuple = ()

    def __str__(self) -> str:
        if self.name == "mark":
            return f"book.mark = {self.positional[0]}"
        if self.name in ("copy", "save"):
            return f"book = {'book.copy()' if self.name == 'copy' else 'saved_and_loaded(book)'}"
        if self.name == "apply":
            return f"book.apply(np.array({list(self.positional[0])}, dtype=MESSAGE_DTYPE))"
        arguments = [repr(value) for value in self.positional]
        arguments += [f"{name}={value!r}" for name, value in self.keywords]
        return f"book.{self.name}({', '.join(arguments)})"


def messages_of(rows) -> np.ndarray:
    return np.array(list(rows), dtype=MESSAGE_DTYPE)


def run_action(book, action: Action) -> tuple:
    """What the call answers, in plain numbers; an exception is an answer too."""
    try:
        if action.name == "mark":
            book.mark = action.positional[0]
            return (0,)
        if action.name == "apply":
            result = book.apply(messages_of(action.positional[0]))
            return (
                [int(code) for code in result.codes],
                [int(lots) for lots in result.filled],
                [int(order) for order in result.orders],
                plain_fills(result.fills),
            )
        answer = getattr(book, action.name)(*action.positional, **dict(action.keywords))
    except (ValueError, TypeError, OverflowError) as error:
        return (type(error).__name__,)
    if action.name == "indicative":
        return (None if answer is None else tuple(int(value) for value in answer),)
    if action.name in ("limit", "market", "stop", "cancel", "modify"):
        filled, resting = int(answer.filled), int(answer.resting)
        price = int(answer.price) if action.name != "cancel" and answer.code < 10 else 0
        return int(answer.order), int(answer.code), filled, resting, price
    return (0,)


def plain_fills(fills) -> list[tuple]:
    return [tuple(int(fill[name]) for name, _ in FILL_FIELDS) for fill in fills]


def plain_rows(found) -> list[tuple]:
    return [tuple(int(value) for value in row) for row in found]


def plain_orders(orders) -> list[tuple]:
    return [tuple(int(row[name]) for name in ORDER_DTYPE.names) for row in orders]


def differences(twin, core, expected: tuple, found: tuple) -> list[str]:
    """Lines on everything in which the two books differ."""
    core.validate()
    pairs = [
        ("answer", expected, found),
        ("best bid", twin.best_bid, int(core.best_bid)),
        ("best ask", twin.best_ask, int(core.best_ask)),
        ("last", twin.last, int(core.last)),
        ("mark", twin.mark, int(core.mark)),
        ("bids", twin.bids(3), plain_rows(core.bids(3))),
        ("asks", twin.asks(3), plain_rows(core.asks(3))),
    ]
    # A copy has no last call, and a call that raised is none.
    if expected and not isinstance(expected[0], str):
        pairs.append(("fills", plain_fills(twin.fills), plain_fills(core.fills)))
    if twin.state_hash() != core.state_hash():
        pairs.append(("orders", plain_orders(twin.orders), plain_orders(core.orders)))
        pairs.append(("state hash", twin.state_hash(), core.state_hash()))
    return [
        f"{name}: twin {mine!r}, core {theirs!r}" for name, mine, theirs in pairs if mine != theirs
    ]


class Generator:
    """Draws actions; knows of the book only its next id and whether it collects for an auction."""

    def __init__(self, seed: int):
        self.random = random.Random(seed)
        self.patience = self.random.choice((0.0, 0.5, 0.9))
        self.bounds = self.random.choice(BOUNDS)
        self.accounts = ACCOUNTS
        self.unit = 1
        self.crowd = 40
        # One tick beyond the bounds on both sides.
        narrow = range(self.bounds.get("min_price", 1) - 1, self.bounds.get("max_price", 10**9) + 2)
        self.prices = [price for price in PRICES if price in narrow]
        # A few histories make pools and tables grow: far prices, large sizes, many accounts.
        style = self.random.random()
        if style < 0.1:
            self.bounds = {}
            self.prices = sorted(self.random.sample(range(1, 300_000), 12))
            self.accounts = (-1, 0, 1, 70, 1_000, 100_000)
            self.crowd = 300
            self.patience = 0.97
        elif style < 0.2:
            self.bounds = {}
            self.unit = 2**28

    def order_id(self, book) -> int:
        """Mostly an order that is there, sometimes any id, sometimes one never given."""
        orders = book.resting + book.waiting
        if orders and self.random.random() < 0.85:
            return self.random.choice(orders).id
        return self.random.randint(-1, book.next_id + 2)

    def price(self, side: int | None = None) -> int:
        """Any price; given a side mostly one at which it waits, so that queues build up."""
        if self.random.random() < 0.005:
            return 0
        if side is None or self.random.random() > self.patience:
            return self.random.choice(self.prices)
        middle = len(self.prices) // 2
        return self.random.choice(self.prices[:middle] if side == 0 else self.prices[middle:])

    def size(self) -> int:
        if self.random.random() < 0.005:
            return 0
        return self.random.randint(1, 12) * self.unit + self.random.randrange(min(4, self.unit))

    def display(self, most: int) -> int:
        """Never tiny beside the size: each refresh is a fill."""
        return self.random.randint(1, min(7, max(1, most // self.unit))) * self.unit

    def message(self, book) -> tuple:
        """One MESSAGE_DTYPE row, well formed nine times in ten."""
        draw = self.random
        kind = draw.choices(range(8), (30, 12, 8, 8, 5, 5, 1, 0.3))[0]
        time_in_force = draw.choices((0, 1, 2, 3), (10, 1, 1, 0.05))[0] if kind in (0, 2) else 0
        flags = 0
        if kind == 0 and time_in_force == 0:
            flags = draw.choice((0, 0, 0, 1, 2, 16, 16, 17, 18))
        elif kind in (4, 5):
            flags = draw.choice((0, 8))
            if kind == 5:
                flags |= draw.choice((0, 0, 1, 2))
        if draw.random() < 0.02:
            flags = draw.randrange(256)
        policy = draw.choices(range(6), (4, 2, 2, 2, 2, 0.05))[0]
        extra = self.price() if kind in (4, 5) else draw.randint(0, 5) * self.unit
        side = 2 if draw.random() < 0.005 else draw.randrange(2)
        return (
            kind,
            side,
            time_in_force | policy << 4,
            flags,
            -3 if draw.random() < 0.005 else draw.choice((*self.accounts, -2)),
            self.price(side % 2),
            extra,
            self.size(),
            self.order_id(book),
        )

    def limit(self) -> Action:
        draw = self.random
        keywords = {"account": draw.choice(self.accounts), "self_trade": draw.choice(POLICIES)}
        style = draw.random()
        if style < 0.1:
            keywords["time_in_force"] = draw.choice(("ioc", "fok"))
        elif style < 0.25:
            keywords["post_only"] = draw.choice(("reject", "slide"))
        size = self.size()
        if style >= 0.1 and draw.random() < 0.3:
            keywords["display"] = self.display(size)
        side = draw.randrange(2)
        arguments = (SIDES[side], self.price(side), size)
        return Action("limit", arguments, tuple(keywords.items()))

    def stop(self) -> Action:
        draw = self.random
        keywords = {
            "account": draw.choice(self.accounts),
            "self_trade": draw.choice(POLICIES),
            "on": draw.choice(("last", "last", "mark")),
        }
        if draw.random() < 0.5:
            keywords["price"] = self.price()
        arguments = (draw.choice(SIDES), self.price(), self.size())
        return Action("stop", arguments, tuple(keywords.items()))

    def depth(self) -> Action:
        draw = self.random
        sides = []
        for reverse, choice in ((True, self.prices[:3]), (False, self.prices[2:])):
            prices = sorted(draw.sample(choice, draw.randint(0, 2)), reverse=reverse)
            if draw.random() < 0.1:
                draw.shuffle(prices)
            sides.append([(price, self.size()) for price in prices])
        return Action("load_depth", tuple(sides), (("replace", draw.random() < 0.5),))

    def action(self, book) -> Action:
        draw = self.random
        # Orders leave a little faster than they come, so that the book stays small.
        pressure = len(book.resting) + len(book.waiting)
        if pressure > self.crowd and draw.random() < 0.3:
            return Action("cancel", (self.order_id(book),))
        if book.auction and draw.random() < 0.06:
            return draw.choice((Action("uncross"), Action("indicative")))
        kind = draw.choices(
            ("limit", "market", "stop", "cancel", "modify", "mark", "apply", "rare"),
            (40, 8, 10, 12, 14, 4, 8, 1),
        )[0]
        if kind == "limit":
            return self.limit()
        if kind == "market":
            keywords = (
                ("account", draw.choice(self.accounts)),
                ("self_trade", draw.choice(POLICIES)),
            )
            return Action("market", (draw.choice(SIDES), self.size()), keywords)
        if kind == "stop":
            return self.stop()
        if kind == "cancel":
            return Action("cancel", (self.order_id(book),))
        if kind == "modify":
            keywords = {}
            if draw.random() < 0.7:
                keywords["price"] = self.price()
            if draw.random() < 0.7:
                keywords["size"] = self.size()
            return Action("modify", (self.order_id(book),), tuple(keywords.items()))
        if kind == "mark":
            return Action("mark", (draw.choice(self.prices),))
        if kind == "apply":
            return Action("apply", (tuple(self.message(book) for _ in range(draw.randint(0, 4))),))
        rare = draw.choice(("open_auction", "load_depth", "cancel_all", "copy", "save"))
        if rare == "load_depth":
            return self.depth()
        if rare == "cancel_all":
            return Action("cancel_all", (draw.choice(self.accounts),))
        return Action(rare)


class Pair:
    """The two books of a history."""

    def __init__(self, core_class: Callable, bounds: dict):
        self.twin, self.core = TwinBook(**bounds), core_class(**bounds)

    def step(self, action: Action) -> list[str]:
        """Take an action on both books: the differences."""
        try:
            if action.name in ("copy", "save"):
                self.twin = self.twin.copy()
                self.core = (
                    saved_and_loaded(self.core) if action.name == "save" else self.core.copy()
                )
                expected = found = ()
            else:
                expected = run_action(self.twin, action)
                found = run_action(self.core, action)
            return differences(self.twin, self.core, expected, found)
        except Exception as error:
            return [f"{type(error).__name__}: {error}"]


def saved_and_loaded(book):
    """The book through a file, where it has files."""
    if not hasattr(book, "save"):
        return book.copy()
    with tempfile.TemporaryDirectory() as folder:
        book.save(Path(folder) / "book.npz")
        return type(book).load(Path(folder) / "book.npz")


def differs(core_class: Callable, bounds: dict, actions: list[Action]) -> list[str]:
    """First differences in a history that starts from two empty books."""
    pair = Pair(core_class, bounds)
    return next((found for action in actions if (found := pair.step(action))), [])


def shorten(actions: list[Action], still_differs: Callable[[list[Action]], bool]) -> list[Action]:
    """Leave out ever smaller blocks of actions as long as the difference stays."""
    block = len(actions) // 2
    while block >= 1:
        start = 0
        while start < len(actions):
            shorter = actions[:start] + actions[start + block :]
            if still_differs(shorter):
                actions = shorter
            else:
                start += block
        block //= 2
    for place, action in enumerate(actions):
        if action.name != "apply":
            continue
        for row in action.positional[0]:
            rows = tuple(other for other in action.positional[0] if other is not row)
            shorter = [*actions[:place], Action("apply", (rows,)), *actions[place + 1 :]]
            if still_differs(shorter):
                actions = shorter
    return actions


def minimal_replay(core_class: Callable, bounds: dict, actions: list[Action]) -> list[str]:
    """The differences and a short history that shows them."""
    short = shorten(actions, lambda some: bool(differs(core_class, bounds, some)))
    return [
        *differs(core_class, bounds, short),
        f"book = OrderBook(**{bounds!r})",
        *map(str, short),
    ]


def compare_books(core_class: Callable, actions: int, seed: int, history: int = 2_000) -> list[str]:
    """Run `actions` random actions in histories of `history`; the report of the first difference."""
    done = 0
    while done < actions:
        generator = Generator(seed * 1_000_003 + done)
        bounds = generator.bounds
        pair = Pair(core_class, bounds)
        taken: list[Action] = []
        for _ in range(min(history, actions - done)):
            taken.append(generator.action(pair.twin))
            if pair.step(taken[-1]):
                headline = f"first difference after {done + len(taken)} actions, seed {seed}"
                return [headline, *minimal_replay(core_class, bounds, taken)]
        done += len(taken)
    return []


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--what", choices=["book"], default="book")
    parser.add_argument("--actions", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--history", type=int, default=2_000, help="actions before a new book")
    options = parser.parse_args(arguments)
    from cascade import OrderBook

    report = compare_books(OrderBook, options.actions, options.seed, options.history)
    print("\n".join(report) or f"{options.actions} actions, seed {options.seed}: no difference")
    return 1 if report else 0


if __name__ == "__main__":
    sys.path.append(str(Path(__file__).resolve().parent.parent / "src"))
    sys.exit(main())

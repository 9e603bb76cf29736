"""`market.book`: the calls and readers of a book, sent through the engine."""

from dataclasses import replace

from .book import OrderBook
from .records import LONG_LEG, REDUCE_ONLY, SHORT_LEG, Message, Result

LEGS = {None: 0, "long": LONG_LEG, "short": SHORT_LEG}


class Gateway:
    """One market's venue as a person sees it; each call is one driver's message."""

    def __init__(self, engine, market) -> None:
        self.engine = engine
        self.market_entry = market
        # A book of the same grid, used only for turning arguments into messages.
        self.form = OrderBook(market.tick_size, market.lot_size)
        self.form._single = self.send
        self.flags = 0

    def send(self, message: Message) -> Result:
        message = replace(message, flags=message.flags | self.flags)
        return self.engine.process(self.market_entry, message)

    def call(self, name: str, *arguments, reduce_only=False, leg=None, **keywords) -> Result:
        self.flags = (REDUCE_ONLY if reduce_only else 0) | LEGS[leg]
        return getattr(self.form, name)(*arguments, **keywords)

    def limit(self, side, price, size, **keywords) -> Result:
        return self.call("limit", side, price, size, **keywords)

    def market(self, side, size, **keywords) -> Result:
        return self.call("market", side, size, **keywords)

    def stop(self, side, trigger, size, **keywords) -> Result:
        return self.call("stop", side, trigger, size, **keywords)

    def cancel(self, order) -> Result:
        return self.call("cancel", order)

    def cancel_all(self, account) -> Result:
        return self.call("cancel_all", account)

    def modify(self, order, price=None, size=None) -> Result:
        found = self.market_entry.venue.find(order)
        if found is not None:
            self.form.resting = [found]
        return self.call("modify", order, price, size)

    def apply(self, messages) -> None:
        for row in messages:
            self.engine.process(self.market_entry, message_of(row))

    def load_depth(self, bids, asks, replace=False) -> None:
        market = self.market_entry
        self.engine.load_depth(
            market,
            [(self.form._ticks("bids", p), self.form._lots("bids", s)) for p, s in bids],
            [(self.form._ticks("asks", p), self.form._lots("asks", s)) for p, s in asks],
            replace,
        )

    def open_auction(self) -> None:
        self.market_entry.refuse_halted()
        self.market_entry.venue.open_auction()

    def uncross(self) -> tuple[int, int, int] | None:
        found = self.market_entry.venue.indicative()
        self.engine.uncross(self.market_entry)
        return found

    def __getattr__(self, name):
        """Readers: best_bid, bids(n), queue(...), orders, last."""
        return getattr(self.market_entry.venue, name)


def message_of(row) -> Message:
    """A row of MESSAGE_DTYPE as a message."""
    fields = {name: int(row[name]) for name in row.dtype.names}
    fields["self_trade"] = fields["time_in_force"] >> 4
    fields["time_in_force"] &= 15
    return Message(**fields)

"""The engine: clock, phases of a step, event log; what drivers call.

Everything here takes and gives whole ticks, lots, atoms and nanoseconds; `cascade.engine` puts
quotes and names on top. A call either does all it was asked or raises and leaves the engine as it
was; the GIL is dropped once a call, and a second thread that calls meanwhile is refused.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memset

import numpy as np

from cascade._arithmetic cimport int128
from cascade._bandwatch cimport loans_due
from cascade._book cimport Message, Submitted
from cascade._cascade cimport run_cascade
from cascade._clearing cimport reserve_accounts, reserve_positions
from cascade._liquidator cimport slowest_latency
from cascade._log cimport (
    Event, EventBuffer, log_append, log_clear, log_free, log_reserve, log_touch, log_view,
)
from cascade._opening cimport (
    OPEN_MEMORY, OPEN_OK, OPEN_OVERFLOW, OpenRequest, create_accounts, open_check, open_commit,
)
from cascade._orders cimport fire_stops, submit_order
from cascade._phases cimport (
    DislocationRecord, StepRecord, begin_step, set_index, write_dislocation, write_step,
)
from cascade._promises cimport raise_broken
from cascade._queue cimport queue_pending
from cascade._residents cimport act_residents, free_residents
from cascade._settlement cimport admit_price, allow_reduce, order_removed
from cascade._signals cimport raise_signal, signal_waits
from cascade._state cimport (
    FAILURE_CONTRACTS, FAILURE_INTERRUPT, FAILURE_MEMORY, FAILURE_NONE, FAILURE_OVERFLOW, FAILURE_POLICY,
    NO_MARKET, RATE_DENOMINATOR, Asset, Market, State,
)
from cascade._userpolicy cimport raise_kept
from cascade._storage cimport free_lending, free_market, new_market, release_tables
from cascade._types cimport EVENT_OPEN, MAX_PRICE

from cascade._log import EVENT_DTYPE
from cascade.dislocation import DISLOCATION_DTYPE
from cascade.dtypes import MESSAGE_DTYPE

cdef extern from *:
    """
    #define CASCADE_TAKE(flag) __sync_lock_test_and_set((flag), 1)
    #define CASCADE_GIVE(flag) __sync_lock_release((flag))
    """
    int take_flag "CASCADE_TAKE"(bint* flag) noexcept nogil
    void give_flag "CASCADE_GIVE"(bint* flag) noexcept nogil

cdef tuple OPEN_REASONS = (
    "", "size is zero or beyond 2**48 lots", "price is outside 1 ... 2147483646 ticks",
    "leverage is below 0.01", "margin is negative", "a product does not fit in 64 bits: size, "
    "price and multiplier are too large together", "account id is unknown",
    "the account's money is not the market's asset", "the account holds the other side, another "
    "margin mode or open orders in this market", "no memory",
    "the bankruptcy price is not beyond the trigger", "hedge accounts need a leg, others have none",
)

STEP_DTYPE = np.dtype([
    ("time", "<i8"), ("liquidated", "<i8"), ("notional", "<i8"), ("fund_received", "<i8"),
    ("fund_paid", "<i8"), ("bad_debt", "<i8"), ("fills", "<i8"), ("volume", "<i8"),
    ("orders", "<i8"), ("resolved", "<i8"), ("waves", "<i8"), ("pending", "<i8"),
    ("adl_lots", "<i8"),
])

cdef int64_t LATEST = 1 << 62         # ns
cdef int64_t AWAY_THRESHOLD = RATE_DENOMINATOR // 100


cdef class StepResult:
    """What one step did. Amounts are whole atoms and lots; `cascade.engine` converts.

    The events of the step are a view into the log that stays true after later steps.
    """

    @property
    def events(self):
        """numpy.ndarray of EVENT_DTYPE: what happened in this step."""
        if self.held_events is None:
            if self.first_event < self.engine.state.log.first:
                raise ValueError("the events of this step were cleared before they were asked for")
            self.held_events = self.engine.events_between(self.first_event, self.end_event)
        return self.held_events


cdef class EngineCore:
    """State of a simulation and the calls that change it, in whole units."""

    def __cinit__(self, *args, **kwargs):
        memset(&self.state, 0, sizeof(State))
        self.state.budget_accounts = -1
        self.state.budget_notional = -1

    def __dealloc__(self):
        cdef uint32_t m
        for m in range(self.state.market_count):
            free_market(self.state.markets[m])
        free_residents(&self.state)
        free_lending(&self.state)
        free(self.state.markets)
        free(self.state.touched)
        free(self.state.moved)
        free(self.state.workings)
        release_tables(&self.state)
        free(self.state.assets)
        free(self.state.taken)
        free(self.state.deferred)
        free(self.state.deficits)
        log_free(&self.state.log)

    cdef int begin(self) except -1:
        if take_flag(&self.busy):
            raise RuntimeError("the engine is in use by another thread")
        return 0

    cdef int end(self) except -1:
        cdef uint8_t failed = self.state.failed
        if not self.state.log.shared:
            # the log moved to a buffer of its own; views keep the old one
            self.event_owner = None
        if self.state.log.failed:
            failed = FAILURE_MEMORY
        self.state.failed = FAILURE_NONE
        self.state.log.failed = False
        give_flag(&self.busy)
        if failed == FAILURE_INTERRUPT:
            return raise_signal()
        if failed == FAILURE_POLICY:
            return raise_kept(&self.state)
        if failed == FAILURE_MEMORY:
            raise MemoryError("no memory to grow; the step stopped at the last complete event")
        if failed == FAILURE_OVERFLOW:
            raise OverflowError("an amount does not fit in 64 bits; use fewer asset_decimals")
        if failed >= FAILURE_CONTRACTS:
            return raise_broken(&self.state, failed)
        return 0

    cdef void release(self) noexcept:
        give_flag(&self.busy)

    cdef Market* market_at(self, int64_t number) except NULL:
        if number < 0 or number >= self.state.market_count:
            raise ValueError(f"market {number} is outside 0 ... {self.state.market_count - 1}")
        return self.state.markets[number]

    # ---------------------------------------------------------------- set-up

    def _add_asset(self):
        """Add a kind of money; gives its number."""
        cdef Asset* grown
        cdef uint32_t m
        self.begin()
        grown = <Asset*>realloc(self.state.assets, (self.state.asset_count + 1) * sizeof(Asset))
        if grown == NULL:
            self.state.failed = FAILURE_MEMORY
        else:
            self.state.assets = grown
            for m in range(self.state.market_count):
                self.state.markets[m].money = &grown[self.state.markets[m].asset]
            memset(&grown[self.state.asset_count], 0, sizeof(Asset))
            self.state.asset_count += 1
        self.end()
        return self.state.asset_count - 1

    def _configure(self, *, bint batch, uint64_t seed=0, int64_t budget_accounts=-1, int64_t budget_notional=-1,
                   int64_t time_per_liquidation=0):
        self.begin()
        self.state.batch = batch
        self.state.seed = <int64_t>seed
        self.state.budget_accounts = budget_accounts
        self.state.budget_notional = budget_notional
        self.state.time_per_liquidation = time_per_liquidation
        self.end()

    def _add_market(self, *, int64_t asset, int64_t unit, bint inverse, tiers, int64_t denominator,
                    bint whole, bint on_entry, int64_t maker_fee, int64_t taker_fee,
                    int64_t liquidation_fee, int64_t absorb, int partial,
                    int64_t partial_rate, int64_t partial_notional, int64_t partial_cooldown,
                    int32_t partial_tiers, int64_t partial_chance, int64_t backstop,
                    int64_t backstop_denominator, int feed,
                    bint inclusive, bint limit_at_bankruptcy, bint surplus_to_trader,
                    int average_of, int64_t average_time, int64_t premium_cap,
                    int64_t stale_after, int64_t funding_interval, int64_t interest,
                    bint funding_clamped, int64_t funding_clamp, int64_t funding_cap,
                    bint funding_on_index, int64_t price_band, bint band_on_last,
                    int adl, int adl_at, int64_t adl_unit,
                    int64_t min_size, int64_t max_size, int32_t min_price, int32_t max_price,
                    bint impact_venue):
        """Add a market from checked whole numbers; gives its number. `tiers` are rows of (floor,
        rate, initial rate, deduction) over `denominator`, ascending from floor 0."""
        cdef Market* market
        cdef int64_t number = self.state.market_count
        if number >= NO_MARKET - 1:
            raise ValueError(f"an engine has at most {NO_MARKET - 1} markets")
        self.begin()
        try:
            market = new_market(&self.state, min_size, max_size, min_price, max_price, tiers)
            market.rules.table.denominator = denominator
            market.rules.table.whole = whole
            market.rules.table.on_entry = on_entry
            market.rules.table.inverse = inverse
            market.rules.table.unit = unit
            market.rules.maker_fee = maker_fee
            market.rules.taker_fee = taker_fee
            market.rules.liquidation_fee = liquidation_fee
            market.rules.absorb = absorb
            market.rules.partial = partial
            self.state.partials |= partial != 0
            market.rules.partial_rate = partial_rate
            market.rules.partial_notional = partial_notional
            market.rules.partial_cooldown = partial_cooldown
            market.rules.partial_tiers = partial_tiers
            market.rules.partial_chance = partial_chance
            market.rules.backstop = backstop
            self.state.backstops |= backstop != 0
            market.rules.backstop_denominator = backstop_denominator
            market.rules.feed = feed
            market.rules.inclusive = inclusive
            market.rules.limit_at_bankruptcy = limit_at_bankruptcy
            market.rules.surplus_to_trader = surplus_to_trader
            market.rules.average_of = average_of
            market.rules.average_time = average_time
            market.rules.premium_cap = premium_cap
            market.rules.stale_after = stale_after
            market.rules.funding_interval = funding_interval
            market.rules.interest = interest
            market.rules.funding_clamped = funding_clamped
            market.rules.funding_clamp = funding_clamp
            market.rules.funding_cap = funding_cap
            market.rules.funding_on_index = funding_on_index
            market.rules.price_band = price_band
            market.rules.band_on_last = band_on_last
            market.rules.adl = adl
            market.rules.adl_at = adl_at
            market.rules.adl_unit = adl_unit
            market.asset = asset
            market.money = &self.state.assets[asset]
            market.impact_venue = impact_venue
            market.number = number
            market.state = &self.state
            market.away_threshold = AWAY_THRESHOLD
            market.last_liquidation = -1
            market.last_source = -1
            market.book.allow = allow_reduce
            market.book.removed = order_removed
            market.book.context = market
            self.state.markets[number] = market
            self.state.market_count += 1
        finally:
            self.end()
        return number

    def _set_impact(self, int64_t number, *, int kind, int64_t numerator, int64_t denominator, double a,
                    double b, double permanent, double decay_rate, int fill_price, distances, depths):
        cdef Market* market = self.market_at(number)
        cdef int64_t k
        self.begin()
        market.impact.kind = kind
        market.impact.numerator = numerator
        market.impact.denominator = denominator
        market.impact.a = a
        market.impact.b = b
        market.impact.permanent = permanent
        market.impact.decay_rate = decay_rate
        market.impact.fill_price = fill_price
        if len(distances):
            market.impact.distances = <double*>malloc(len(distances) * sizeof(double))
            market.impact.depths = <double*>malloc(len(distances) * sizeof(double))
            if market.impact.distances == NULL or market.impact.depths == NULL:
                self.state.failed = FAILURE_MEMORY
            else:
                market.impact.table_count = len(distances)
                for k in range(len(distances)):
                    market.impact.distances[k] = distances[k]
                    market.impact.depths[k] = depths[k]
        self.end()

    def _reserve(self, *, int64_t accounts=0, int64_t positions=0, int64_t events=0):
        """Memory in advance, so that later calls allocate nothing and take no page faults to log."""
        self.begin()
        reserve_accounts(&self.state, accounts)
        reserve_positions(&self.state, positions)
        if log_reserve(&self.state.log, self.state.log.count + events) == 0 and events:
            log_touch(&self.state.log)
        self.end()

    # ---------------------------------------------------------------- accounts

    def _create_accounts(self, int64_t count, int64_t asset, int64_t balance, bint hedge):
        cdef Event* event
        cdef int64_t first = self.state.account_count
        cdef int128 total
        if asset < 0 or asset >= self.state.asset_count:
            raise ValueError(f"asset {asset} is unknown")
        total = <int128>count * balance + self.state.assets[asset].net_deposits
        if count < 0 or first + count >= 2**31 - 1:
            raise ValueError(f"count {count} is outside 0 ... {2**31 - 2 - first}")
        if balance < 0:
            raise ValueError(f"balance {balance} atoms is negative")
        if total > <int128>1 << 61:
            raise OverflowError(f"{count} balances of {balance} atoms do not fit in 64 bits")
        self.begin()
        if create_accounts(&self.state, count, asset, balance, hedge) == 0:
            self.state.assets[asset].net_deposits = <int64_t>total
            event = log_append(&self.state.log, EVENT_OPEN, NO_MARKET, -1, 0)
            event.quantity = count
            event.money = count * balance
            event.account = <int32_t>first if count else -1
        self.end()
        return first

    def _open_accounts(self, int64_t number, accounts, sizes, prices, margins, leverages, triggers,
                       bint isolated, bint hedge):
        """Open positions from int64 columns; gives the first new account id."""
        cdef Market* market = self.market_at(number)
        cdef OpenRequest request
        cdef int64_t row = -1, first = self.state.account_count
        cdef int code
        cdef const int64_t[::1] size_view = sizes, price_view = prices
        cdef const int64_t[::1] account_view, margin_view, leverage_view, trigger_view
        if accounts is None and first + len(sizes) >= 2**31 - 1:
            raise ValueError(f"an engine has at most {2**31 - 2} accounts")
        if len(sizes) == 0:
            return first
        memset(&request, 0, sizeof(OpenRequest))
        request.count = len(sizes)
        request.sizes = &size_view[0]
        request.prices = &price_view[0]
        request.isolated = isolated
        request.hedge = hedge
        if accounts is not None:
            account_view = accounts
            request.accounts = &account_view[0]
        if margins is not None:
            margin_view = margins
            request.margins = &margin_view[0]
        if leverages is not None:
            leverage_view = leverages
            request.leverages = &leverage_view[0]
        if triggers is not None:
            trigger_view = triggers
            request.triggers = &trigger_view[0]
        self.begin()
        with nogil:
            code = open_check(&self.state, market, &request, &row)
            if code == OPEN_OK:
                code = open_commit(&self.state, market, &request)
        self.end()
        if code == OPEN_MEMORY:
            raise MemoryError("no memory for the accounts")
        if code != OPEN_OK:
            where = f"row {row}: " if row < request.count else "all rows together: "
            raise (OverflowError if code == OPEN_OVERFLOW else ValueError)(
                where + OPEN_REASONS[code])
        return first

    # ---------------------------------------------------------------- orders and steps

    cdef int submit_message(self, Market* market, const Message* message, Submitted* out) except -1:
        self.begin()
        memset(&self.state.counters, 0, sizeof(self.state.counters))
        submit_order(&self.state, market, message, out)
        return self.end()

    def _step(self, const int32_t[::1] index, list orders, int64_t elapsed):
        """One step: index ticks by market (0: unchanged), [(market number, messages), ...], ns."""
        cdef StepResult result = StepResult.__new__(StepResult)
        cdef const Message[::1] view
        cdef const int32_t* prices = &index[0] if index is not None and index.shape[0] else NULL
        cdef int64_t k
        cdef Submitted out
        cdef Market* market
        self.check_step(index, orders, elapsed)
        self.check_index(prices)
        self.begin()
        result.first_event = self.state.log.first + self.state.log.count
        if orders:
            begin_step(&self.state, elapsed, prices)
            for number, messages in orders:
                market = self.state.markets[<int64_t>number]
                view = messages
                with nogil:
                    for k in range(view.shape[0]):
                        if not self.state.failed:
                            submit_order(&self.state, market, &view[k], &out)
            with nogil:
                act_residents(&self.state, elapsed)
                run_cascade(&self.state, elapsed)
        else:
            with nogil:
                begin_step(&self.state, elapsed, prices)
                act_residents(&self.state, elapsed)
                run_cascade(&self.state, elapsed)
        return self.finish_step(result)

    def check_step(self, index, orders, int64_t elapsed, int64_t steps=1):
        """Refuse before anything changes: the clock's range, unknown markets, wrong messages."""
        if elapsed < 0 or <int128>elapsed * steps > LATEST - self.state.clock:
            raise OverflowError(f"{steps} steps of {elapsed} ns pass the end of the clock, 2**62 ns")
        if index is not None and len(index) != self.state.market_count:
            raise ValueError(f"index has {len(index)} entries, the engine {self.state.market_count} markets")
        for number, messages in orders:
            self.market_at(number)
            if not isinstance(messages, np.ndarray) or messages.dtype != MESSAGE_DTYPE:
                raise TypeError("messages must be an array of MESSAGE_DTYPE")
            if messages.ndim != 1 or not messages.flags.c_contiguous:
                raise ValueError("messages must be contiguous and have one dimension")

    cdef int check_index(self, const int32_t* prices) except -1:
        cdef uint32_t m
        if prices == NULL:
            return 0
        for m in range(self.state.market_count):
            if prices[m] < 0 or prices[m] > MAX_PRICE:
                raise ValueError(f"index {prices[m]} is outside 1 ... {MAX_PRICE} ticks")
            if prices[m] and admit_price(&self.state, self.state.markets[m], prices[m]):
                raise OverflowError(
                    f"index {prices[m]} ticks: open positions there do not fit in 64 bits")
        return 0

    cdef StepResult finish_step(self, StepResult result):
        cdef uint32_t m
        cdef int32_t* marks
        cdef DislocationRecord* away
        result.engine = self
        result.mark_bytes = PyBytes_FromStringAndSize(NULL, self.state.market_count * sizeof(int32_t))
        marks = <int32_t*>PyBytes_AS_STRING(result.mark_bytes)
        result.dislocation_bytes = PyBytes_FromStringAndSize(
            NULL, self.state.market_count * sizeof(DislocationRecord))
        away = <DislocationRecord*>PyBytes_AS_STRING(result.dislocation_bytes)
        for m in range(self.state.market_count):
            marks[m] = self.state.markets[m].mark
            write_dislocation(self.state.markets[m], &away[m])
        result.time_ns = self.state.clock
        result.liquidated = self.state.counters.liquidated
        result.notional_atoms = self.state.counters.notional
        result.fund_received_atoms = self.state.counters.fund_received
        result.fund_paid_atoms = self.state.counters.fund_paid
        result.bad_debt_atoms = self.state.counters.bad_debt
        result.fills = self.state.counters.fills
        result.volume_lots = self.state.counters.volume
        result.orders = self.state.counters.orders
        result.resolved = self.state.counters.resolved
        result.waves = self.state.counters.waves
        result.adl_lots = self.state.counters.adl_lots
        result.end_event = self.state.log.first + self.state.log.count
        self.end()
        return result

    def _set_index(self, int64_t number, int64_t ticks):
        """Outside price of one market between steps."""
        cdef Market* market = self.market_at(number)
        if not 1 <= ticks <= MAX_PRICE:
            raise ValueError(f"index {ticks} is outside 1 ... {MAX_PRICE} ticks")
        if admit_price(&self.state, market, <int32_t>ticks):
            raise OverflowError(f"index {ticks} ticks: open positions there do not fit in 64 bits")
        self.begin()
        set_index(&self.state, market, <int32_t>ticks)
        fire_stops(&self.state, market)
        self.end()

    @property
    def account_count(self):
        """Accounts there are."""
        return self.state.account_count

    def _run(self, const int32_t[:, ::1] path, int64_t elapsed):
        """Many steps without coming back; gives arrays by step: STEP_DTYPE, and by market marks and
        DISLOCATION_DTYPE."""
        cdef int64_t steps = path.shape[0], k, done = 0
        cdef uint32_t m, markets = self.state.market_count
        cdef StepRecord[::1] records
        cdef int32_t[:, ::1] marks
        cdef DislocationRecord[:, ::1] away
        record_array = np.zeros(steps, STEP_DTYPE)
        mark_array = np.zeros((steps, markets), np.int32)
        away_array = np.zeros((steps, markets), DISLOCATION_DTYPE)
        if steps == 0:
            return record_array, mark_array, away_array
        if path.shape[1] != markets:
            raise ValueError(f"path has {path.shape[1]} columns, the engine {markets} markets")
        highest = np.ascontiguousarray(np.asarray(path).max(axis=0), dtype=np.int32)
        if np.asarray(path).min() < 0:
            raise ValueError("path has a negative price")
        cdef const int32_t[::1] highest_view = highest
        if markets:
            self.check_index(&highest_view[0])
        self.check_step(None, [], elapsed, steps)
        records = record_array
        marks = mark_array
        away = away_array
        self.begin()
        with nogil:
            for k in range(steps):
                begin_step(&self.state, elapsed, &path[k, 0] if markets else NULL)
                act_residents(&self.state, elapsed)
                run_cascade(&self.state, elapsed)
                write_step(&self.state, &records[k])
                for m in range(markets):
                    marks[k, m] = self.state.markets[m].mark
                    write_dislocation(self.state.markets[m], &away[k, m])
                done = k + 1
                if k % 4096 == 4095 and signal_waits():
                    self.state.failed = FAILURE_INTERRUPT
                if self.state.failed:
                    break
        self.end()
        return record_array[:done], mark_array[:done], away_array[:done]

    # ---------------------------------------------------------------- the log

    def events_between(self, int64_t start, int64_t stop):
        """View of the events with indices start <= i < stop that were not cleared."""
        self.begin()
        try:
            return self.view_events(start, stop)
        finally:
            self.release()

    cdef object view_events(self, int64_t start, int64_t stop):
        cdef int64_t first = self.state.log.first
        cdef EventBuffer owner
        if self.state.log.count == 0:
            return np.empty(0, EVENT_DTYPE)
        if self.event_owner is None:
            owner = EventBuffer.__new__(EventBuffer)
            owner.events = self.state.log.events
            self.event_owner = owner
            self.state.log.shared = True
        start = max(start - first, 0)
        stop = max(min(stop - first, self.state.log.count), start)
        return log_view(&self.state.log, self.event_owner, start, stop)

    def clear_events(self):
        """Forget the events so far; indices go on counting."""
        cdef bint failed
        self.begin()
        failed = log_clear(&self.state.log, self.state.clock - slowest_latency(&self.state)) != 0
        if self.state.log.shared and not failed:
            # what was handed out stays with its views
            self.state.log.events = NULL
            self.state.log.capacity = 0
            self.state.log.shared = False
        self.end()
        if failed:
            raise MemoryError("no memory for the times of events")

    @property
    def event_count(self):
        """Events since the engine began, cleared ones included."""
        return self.state.log.first + self.state.log.count

    @property
    def time_ns(self):
        """Clock in nanoseconds."""
        return self.state.clock

    @property
    def pending(self):
        """Entries, and loans in bands, that are due and wait for the next step."""
        cdef int64_t count
        self.begin()
        count = queue_pending(&self.state) + loans_due(&self.state)
        self.release()
        return count

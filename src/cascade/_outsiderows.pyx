"""Prices on their way, samples of the basis and observations of a window as rows: setting them up, storing
and restoring them."""

from libc.stdint cimport int32_t, int64_t, uint32_t
from libc.stdlib cimport calloc

import numpy as np

from cascade._accrual cimport accrual_reserve
from cascade._clearing cimport reserve_positions, share_places
from cascade._core cimport EngineCore
from cascade._outside cimport average_samples, delayed_append, delayed_reserve, keep_sample
from cascade._state cimport Market, Observation
from cascade._types cimport MAX_PRICE
from cascade._window_mean cimport mean_price, observation_at, observe_price

DELAYED_DTYPE = np.dtype([("market", "<i8"), ("due", "<i8"), ("price", "<i8")])
SAMPLE_DTYPE = np.dtype([("market", "<i8"), ("basis", "<i8")])
OBSERVATION_DTYPE = np.dtype([("market", "<i8"), ("time", "<i8"), ("price", "<i8")])


def set_outside(EngineCore core, int64_t number, *, int64_t index_delay, int64_t impact_notional,
                int64_t sample_every, int64_t sample_count, int64_t funding_payments, bint accrues,
                int64_t observations):
    """Rules of a market about prices from outside, once, before its first step."""
    cdef Market* market = core.market_at(number)
    cdef uint32_t k
    cdef int d
    core.begin()
    try:
        if sample_count:
            market.samples = <int32_t*>calloc(sample_count, sizeof(int32_t))
            if market.samples == NULL:
                raise MemoryError("no memory for the samples of a market")
        if observations:
            market.observations.entries = <Observation*>calloc(observations, sizeof(Observation))
            if market.observations.entries == NULL:
                raise MemoryError("no memory for the observations of a market")
            market.observations.capacity = observations
        market.rules.index_delay = index_delay
        market.rules.impact_notional = impact_notional
        market.rules.sample_every = sample_every
        market.rules.funding_payments = funding_payments
        market.rules.sample_count = sample_count
        core.state.delays |= index_delay != 0
        if accrues:
            # one position at least, so that the places have an address
            if core.state.position_capacity == 0 and reserve_positions(&core.state, 1):
                raise MemoryError("no memory for positions")
            if accrual_reserve(&core.state, core.state.position_capacity):
                raise MemoryError("no memory for funding")
            core.state.accrues = True
            market.rules.accrues = True
            for k in range(core.state.market_count):
                for d in range(2):
                    share_places(&core.state, core.state.markets[k], d)
    finally:
        core.release()


def set_disposal(EngineCore core, int64_t number, *, int64_t disposal_every,
                 int64_t disposal_fraction, int64_t disposal_full, int64_t disposal_share):
    """How the house of a market sells what it took over."""
    cdef Market* market = core.market_at(number)
    core.begin()
    market.rules.disposal_every = disposal_every
    market.rules.disposal_fraction = disposal_fraction
    market.rules.disposal_full = disposal_full
    market.rules.disposal_share = disposal_share
    core.state.disposals |= disposal_every != 0
    core.release()


def delayed_rows(EngineCore core):
    """Prices on their way, DELAYED_DTYPE, by market, oldest first."""
    cdef uint32_t m
    cdef int64_t k, at
    cdef Market* market
    core.begin()
    try:
        rows = []
        for m in range(core.state.market_count):
            market = core.state.markets[m]
            for k in range(market.delayed_count):
                at = (market.delayed_first + k) % market.delayed_capacity
                rows.append((m, market.delayed[at].due, market.delayed[at].price))
        return np.array(rows, dtype=DELAYED_DTYPE)
    finally:
        core.release()


def sample_rows(EngineCore core):
    """Samples of the basis, SAMPLE_DTYPE, by market, oldest first."""
    cdef uint32_t m
    cdef int64_t k, at
    cdef Market* market
    core.begin()
    try:
        rows = []
        for m in range(core.state.market_count):
            market = core.state.markets[m]
            for k in range(market.samples_held):
                at = (market.samples_next - market.samples_held + k) % market.rules.sample_count
                if at < 0:
                    at += market.rules.sample_count
                rows.append((m, market.samples[at]))
        return np.array(rows, dtype=SAMPLE_DTYPE)
    finally:
        core.release()


def observation_rows(EngineCore core):
    """Prices and the times from which they count, OBSERVATION_DTYPE, by market, oldest first."""
    cdef uint32_t m
    cdef int64_t k
    cdef const Observation* one
    core.begin()
    try:
        rows = []
        for m in range(core.state.market_count):
            for k in range(core.state.markets[m].observations.count):
                one = observation_at(&core.state.markets[m].observations, k)
                rows.append((m, one.time, one.price))
        return np.array(rows, dtype=OBSERVATION_DTYPE)
    finally:
        core.release()


cdef int require(bint good, str what) except -1:
    if not good:
        raise ValueError(what)
    return 0


def restore_outside(EngineCore core, delayed, samples):
    """Put stored rows into an engine without any."""
    cdef Market* market
    cdef int64_t last
    for row in delayed:
        require(0 <= row["market"] < core.state.market_count, "delayed index: unknown market")
        market = core.state.markets[<int64_t>row["market"]]
        last = core.state.clock
        if market.delayed_count:
            last = market.delayed[(market.delayed_first + market.delayed_count - 1)
                                  % market.delayed_capacity].due
        require(last < row["due"] <= core.state.clock + market.rules.index_delay,
                "delayed index: time")
        require(1 <= row["price"] <= market.ceiling, "delayed index: price")
        if delayed_reserve(market):
            raise MemoryError("no memory for the index")
        delayed_append(market, row["due"], row["price"])
    for row in samples:
        require(0 <= row["market"] < core.state.market_count, "sample: unknown market")
        market = core.state.markets[<int64_t>row["market"]]
        require(market.samples_held < market.rules.sample_count, "sample: more than the rules keep")
        require(abs(int(row["basis"])) <= MAX_PRICE, "sample: basis")
        keep_sample(market, row["basis"])
    for m in range(core.state.market_count):
        average_samples(core.state.markets[<int64_t>m])


def restore_observations(EngineCore core, rows):
    """Put stored observations into an engine in place of those that new markets made."""
    cdef Market* market
    cdef int64_t last
    cdef uint32_t m
    for m in range(core.state.market_count):
        core.state.markets[m].observations.count = 0
    for row in rows:
        require(0 <= row["market"] < core.state.market_count, "observation: unknown market")
        market = core.state.markets[<int64_t>row["market"]]
        require(market.observations.count < market.observations.capacity, "observation: more than the rules keep")
        last = -1
        if market.observations.count:
            last = observation_at(&market.observations, market.observations.count - 1).time
        require(last < row["time"] <= core.state.clock, "observation: time")
        require(1 <= row["price"] <= MAX_PRICE, "observation: price")
        observe_price(&market.observations, row["price"], row["time"])
    for m in range(core.state.market_count):
        market = core.state.markets[m]
        if market.observations.count:
            market.observations.mean = mean_price(&market.observations, market.rules.average_time,
                                                  core.state.clock)

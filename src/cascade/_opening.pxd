"""Interface of bulk opening: columns in, dense ids out, everything checked before anything changes."""

from libc.stdint cimport int32_t, int64_t, uint32_t

from cascade._state cimport Market, State

cdef enum OpenError:
    OPEN_OK = 0
    OPEN_SIZE = 1             # zero or beyond 2**48 lots
    OPEN_PRICE = 2
    OPEN_LEVERAGE = 3
    OPEN_MARGIN = 4           # negative
    OPEN_OVERFLOW = 5
    OPEN_ACCOUNT = 6          # unknown id
    OPEN_ASSET = 7
    OPEN_OPPOSITE = 8         # the account holds the other side, or the other mode
    OPEN_MEMORY = 9
    OPEN_BANKRUPTCY = 10      # ladder: bankruptcy price not beyond the trigger
    OPEN_LEG = 11

cdef struct OpenRequest:
    const int64_t* accounts   # NULL: new accounts
    const int64_t* sizes      # signed lots
    const int64_t* prices     # entry; ladder: bankruptcy price, ticks
    const int64_t* margins    # atoms, or NULL: from leverage
    const int64_t* leverages  # hundredths, or NULL: keep
    const int64_t* triggers   # ladder, or NULL
    int64_t count
    bint isolated
    bint hedge                # legs follow the side

# OPEN_OK, or the reason with the row that is wrong in *row. Nothing changes unless OPEN_OK.
cdef int open_check(State* state, Market* market, const OpenRequest* request, int64_t* row) noexcept nogil
cdef int open_commit(State* state, Market* market, const OpenRequest* request) noexcept nogil
cdef int create_accounts(State* state, int64_t count, uint32_t asset, int64_t balance, bint hedge) noexcept nogil

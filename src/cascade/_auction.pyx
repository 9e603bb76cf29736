"""Call auction: one price for all that was collected (docs/book.md, "Call auction").

Demand falls and supply rises with the price, both in steps at the occupied ticks. One walk from
the lowest occupied tick up keeps both sums and the best price seen; a walk costs the
occupied levels (orders only where hidden size exists). Sums are 128 bits wide, because two
full levels of 2**62 lots do not fit in 64; results saturate.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t

from cascade._bitmap cimport bitmap_up
from cascade._book cimport Book, Iceberg, Order, book_reduce
from cascade._levels cimport (
    fill_write, fills_grow, hidden_lots, level_at, order_remove, side_of_slot,
)
from cascade._types cimport BUY, FLAG_REDUCE_ONLY, SELL

cdef extern from *:
    """
    typedef __int128 cascade_int128;
    """
    ctypedef long long int128 "cascade_int128"
    const int64_t INT64_MAX

cdef struct Candidate:
    int32_t low               # lowest and highest price with the best volume and imbalance
    int32_t high
    int32_t closest           # to the reference price
    int32_t reference         # 0: none
    bint buys_left            # at every such price
    bint sells_left
    int128 volume
    int128 imbalance          # absolute


cdef int128 level_lots(const Book* book, uint8_t side, int32_t price) noexcept nogil:
    cdef int128 lots = level_at(book, side, price).size
    cdef uint32_t slot
    if book.iceberg_top > 1:
        slot = level_at(book, side, price).head
        while slot != 0:
            lots += hidden_lots(book, slot)
            slot = book.orders[slot].next
    return lots


cdef int128 side_lots(const Book* book, uint8_t side) noexcept nogil:
    cdef int128 lots = 0
    cdef int32_t tick = bitmap_up(&book.occupied[side], 0)
    while tick >= 0:
        lots += level_lots(book, side, tick + book.base)
        tick = bitmap_up(&book.occupied[side], tick + 1)
    return lots


cdef inline int32_t distance(int32_t price, int32_t reference) noexcept nogil:
    return price - reference if price > reference else reference - price


cdef void consider(Candidate* best, int32_t price, int128 demand, int128 supply) noexcept nogil:
    cdef int128 volume = demand if demand < supply else supply
    cdef int128 difference = demand - supply
    cdef int128 imbalance = difference if difference > 0 else -difference
    if volume < best.volume or (volume == best.volume and imbalance > best.imbalance):
        return
    if volume > best.volume or imbalance < best.imbalance:
        best.volume = volume
        best.imbalance = imbalance
        best.low = price
        best.closest = price
        best.buys_left = True
        best.sells_left = True
    best.high = price
    best.buys_left = best.buys_left and difference > 0
    best.sells_left = best.sells_left and difference < 0
    if distance(price, best.reference) < distance(best.closest, best.reference):
        best.closest = price


cdef void walk(const Book* book, Candidate* best) noexcept nogil:
    """Offer every limit price, lowest first, to `consider`."""
    cdef int128 demand = side_lots(book, BUY), supply = 0
    cdef int32_t buy = bitmap_up(&book.occupied[<int>BUY], 0)
    cdef int32_t sell = bitmap_up(&book.occupied[<int>SELL], 0)
    cdef int32_t tick
    while buy >= 0 or sell >= 0:
        tick = buy if sell < 0 or (buy >= 0 and buy < sell) else sell
        if tick == sell:
            supply += level_lots(book, SELL, tick + book.base)
            sell = bitmap_up(&book.occupied[<int>SELL], tick + 1)
        consider(best, tick + book.base, demand, supply)
        if tick == buy:
            demand -= level_lots(book, BUY, tick + book.base)
            buy = bitmap_up(&book.occupied[<int>BUY], tick + 1)


cdef inline int64_t saturated(int128 lots) noexcept nogil:
    return INT64_MAX if lots > INT64_MAX else <int64_t>lots


cdef void auction_open(Book* book) noexcept nogil:
    book.auction = 1


cdef void auction_indicative(const Book* book, Indicative* out) noexcept nogil:
    cdef Candidate best
    out.price = 0
    out.volume = 0
    out.imbalance = 0
    if book.best_bid == 0 or book.best_ask == 0 or book.best_bid < book.best_ask:
        return
    best.reference = book.last
    best.volume = 0
    best.imbalance = 0
    best.low = 0
    best.high = 0
    best.closest = 0
    best.buys_left = False
    best.sells_left = False
    walk(book, &best)
    if best.buys_left:
        out.price = best.high
    elif best.sells_left:
        out.price = best.low
    else:
        if book.last == 0:
            # the middle of the candidates is known only now: walk again towards it
            best.reference = best.low + (best.high - best.low) // 2
            best.volume = 0
            best.imbalance = 0
            walk(book, &best)
        out.price = best.closest
    out.volume = saturated(best.volume)
    out.imbalance = saturated(best.imbalance)
    if not best.buys_left and signed_imbalance(book, out.price) < 0:
        out.imbalance = -out.imbalance


cdef int signed_imbalance(const Book* book, int32_t price) noexcept nogil:
    """Sign of demand minus supply at one price."""
    cdef int128 difference = 0
    cdef int32_t tick = bitmap_up(&book.occupied[<int>BUY], price - book.base)
    while tick >= 0:
        difference += level_lots(book, BUY, tick + book.base)
        tick = bitmap_up(&book.occupied[<int>BUY], tick + 1)
    tick = bitmap_up(&book.occupied[<int>SELL], 0)
    while tick >= 0 and tick + book.base <= price:
        difference -= level_lots(book, SELL, tick + book.base)
        tick = bitmap_up(&book.occupied[<int>SELL], tick + 1)
    return 1 if difference > 0 else -1 if difference < 0 else 0


cdef int64_t allowed_lots(Book* book, uint32_t slot) noexcept nogil:
    """Open lots of the order in turn, cut to what it may trade; 0: it is gone."""
    cdef int64_t open_lots = book.orders[slot].size + hidden_lots(book, slot), lots = open_lots
    if book.extras[slot].flags & FLAG_REDUCE_ONLY and book.allow != NULL:
        lots = book.allow(book.context, &book.orders[slot], &book.extras[slot])
        lots = 0 if lots < 0 else lots
        if lots < open_lots:
            book_reduce(book, slot, open_lots - lots)
        else:
            lots = open_lots
    return lots


cdef void take_in_place(Book* book, uint32_t slot, int64_t lots) noexcept nogil:
    """Displayed lots first; an order that is left with something keeps its place."""
    cdef Order* order = &book.orders[slot]
    cdef Iceberg* iceberg = &book.icebergs[book.extras[slot].iceberg]
    cdef int64_t before = order.size, hidden = hidden_lots(book, slot)
    if lots == before + hidden:
        order_remove(book, slot)
        return
    if lots < before:
        order.size -= lots
    else:
        hidden -= lots - before
        order.size = iceberg.display if iceberg.display < hidden else hidden
        iceberg.hidden = hidden - order.size
    level_at(book, side_of_slot(book, slot), order.price).size -= before - order.size


cdef void trade(Book* book, uint32_t bid, uint32_t ask, int64_t lots,
                int32_t price) noexcept nogil:
    cdef uint32_t maker = bid, taker = ask
    if book.orders[ask].id < book.orders[bid].id:
        maker = ask
        taker = bid
    fill_write(&book.fills[book.fill_count], &book.orders[maker], book.orders[taker].id,
               book.orders[taker].account, lots, price, 0, SELL if taker == ask else BUY,
               book.extras[maker].flags)
    book.fills[book.fill_count].taker_flags = book.extras[taker].flags
    book.fill_count += 1
    take_in_place(book, bid, lots)
    take_in_place(book, ask, lots)


cdef int uncross_at(Book* book, int32_t price) noexcept nogil:
    """Trade all that can trade at one price; -1 without memory."""
    cdef int64_t bid_lots, ask_lots
    cdef uint32_t bid, ask
    while book.best_bid >= price and book.best_ask != 0 and book.best_ask <= price:
        if book.fill_count >= book.fill_capacity and fills_grow(book):
            return -1
        bid = level_at(book, BUY, book.best_bid).head
        ask = level_at(book, SELL, book.best_ask).head
        bid_lots = allowed_lots(book, bid)
        ask_lots = allowed_lots(book, ask) if bid_lots > 0 else 0
        if ask_lots == 0:
            continue
        trade(book, bid, ask, bid_lots if bid_lots < ask_lots else ask_lots, price)
        book.last = price
    return 0


cdef void auction_uncross(Book* book, Indicative* out) noexcept nogil:
    cdef Indicative again
    auction_indicative(book, out)
    again = out[0]
    while again.volume > 0:
        # without memory the book stays in its auction, between two trades
        if uncross_at(book, again.price):
            return
        # only reduce-only orders that were cut can leave anything crossed
        auction_indicative(book, &again)
    book.auction = 0

"""Lots one at a time to whoever has the smallest share with one more: a heap of a ranking's rows.

`over / under` of a row is the share of its position that is closed with one lot more; the first rows of
`order` name the heap's members. docs/adl.md.
"""

from libc.stdint cimport int64_t, uint32_t

from cascade._state cimport Ranked, Ranking


cdef inline bint sooner(const Ranked* a, const Ranked* b) noexcept nogil:
    # the smaller share, then the lower account; lots are below 2**61
    if a.over * b.under != b.over * a.under:
        return a.over * b.under < b.over * a.under
    return a.account < b.account


cdef inline void sink_row(Ranking* ranking, int64_t count, int64_t at) noexcept nogil:
    cdef int64_t child
    cdef uint32_t row = ranking.order[at].row
    while True:
        child = 2 * at + 1
        if child >= count:
            break
        if child + 1 < count and sooner(&ranking.rows[ranking.order[child + 1].row],
                                        &ranking.rows[ranking.order[child].row]):
            child += 1
        if not sooner(&ranking.rows[ranking.order[child].row], &ranking.rows[row]):
            break
        ranking.order[at].row = ranking.order[child].row
        at = child
    ranking.order[at].row = row


cdef inline void spread_lots(Ranking* ranking, int64_t count, int64_t lots) noexcept nogil:
    cdef int64_t k
    if lots == 0:
        return
    for k in range(count // 2 - 1, -1, -1):
        sink_row(ranking, count, k)
    while lots:
        ranking.rows[ranking.order[0].row].over += 1
        sink_row(ranking, count, 0)
        lots -= 1

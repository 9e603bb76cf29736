"""Fetching the memory of units before they are looked at, for the queue.

A unit lies in several places that lead to each other: its position, its account, the account's
first position, the next ones, and the guards of all. Read one after the other they cost a wait for
memory each, which is most of what looking at a unit costs among a million. Inline, because it runs once a mark.
"""

from libc.stdint cimport uint8_t, uint16_t, uint32_t

from cascade._arithmetic cimport prefetch
from cascade._heap cimport NOT_QUEUED, Heap, HeapNode
from cascade._state cimport NO_POSITION, Position, State
from cascade._triggers cimport Triggers, node_at

cdef enum:
    GROUP = 16                # units fetched together at most
    FETCHED_LEGS = 4          # positions of a unit that are fetched with it

cdef struct Crossed:          # a guard that the mark has reached
    uint32_t position
    uint16_t market
    uint8_t direction

cdef enum:                    # HeapNode.note: what of the node's unit was asked for
    NOTHING_FETCHED = 0
    POSITION_FETCHED = 1
    NEIGHBOURS_FETCHED = 2
    UNIT_FETCHED = 3


cdef inline void fetch_link(State* state, uint8_t direction, HeapNode* node) noexcept nogil:
    # Asks for one more part of the node's unit: its position; then its account and the position after it;
    # then the account's first position and the one after that, which makes a unit of up to four. Each
    # is read when it has arrived, one turn later.
    cdef const Position* p = &state.positions[node.item]
    cdef uint32_t i
    if node.note == UNIT_FETCHED:
        return
    if node.note == NOTHING_FETCHED:
        prefetch(p)
        prefetch(&state.guard_place[direction][node.item])
        node.note = POSITION_FETCHED
        return
    if node.note == POSITION_FETCHED:
        prefetch(&state.accounts[p.account])
        _fetch_position(state, direction, p.next)
        node.note = NEIGHBOURS_FETCHED
        return
    i = state.accounts[p.account].first
    if i != node.item:
        _fetch_position(state, direction, i)
    if p.next != NO_POSITION:
        _fetch_position(state, direction, state.positions[p.next].next)
    node.note = UNIT_FETCHED


cdef inline void _fetch_position(State* state, uint8_t direction, uint32_t i) noexcept nogil:
    if i != NO_POSITION:
        prefetch(&state.positions[i])
        prefetch(&state.guard_place[direction][i])


cdef inline void fetch_next_units(State* state, Triggers* queue, uint8_t direction,
                                  uint32_t depth) noexcept nogil:
    # the units that will be looked at next stand in the first generations of their heap
    cdef Heap* near = &queue.near
    cdef uint32_t k, count = near.count if near.count < depth else depth
    for k in range(count):
        fetch_link(state, direction, &near.nodes[k])


cdef inline void fetch_units(State* state, const Crossed* group, uint32_t count) noexcept nogil:
    # What looking at the units of these positions will read, one link of all of them at a time
    cdef uint32_t[GROUP] at
    cdef uint32_t k, node
    cdef uint8_t direction
    cdef int _leg
    for k in range(count):
        prefetch(&state.positions[group[k].position])
    for k in range(count):
        prefetch(&state.accounts[state.positions[group[k].position].account])
    for k in range(count):
        at[k] = state.accounts[state.positions[group[k].position].account].first
        prefetch(&state.positions[at[k]])
        prefetch(&state.guard_place[group[k].direction][at[k]])
    for _leg in range(FETCHED_LEGS):
        for k in range(count):
            if at[k] == NO_POSITION:
                continue
            direction = group[k].direction
            node = state.guard_place[direction][at[k]]
            if node != NOT_QUEUED:
                prefetch(node_at(
                    &state.markets[state.positions[at[k]].market].guards[direction], node))
            at[k] = state.positions[at[k]].next
            if at[k] != NO_POSITION:
                prefetch(&state.positions[at[k]])
                prefetch(&state.guard_place[direction][at[k]])

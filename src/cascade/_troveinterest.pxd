"""Interface of interest that borrowers set, of fees, and of what closed loans leave their owners."""

from libc.stdint cimport int32_t, int64_t, uint32_t

from cascade._reserve cimport Lending, Owner
from cascade._state cimport State

# What is kept of an account, made when there is none yet; NULL without memory.
cdef Owner* owner_of(Lending* rules, int64_t account) noexcept nogil
# Parts of 10**9 a year that an account's debt bears.
cdef int64_t account_rate(const Lending* rules, int64_t account) noexcept nogil
# Atoms a year that a debt bears, rounded up.
cdef int64_t weight_of(int64_t debt, int64_t rate) noexcept nogil
# Interest of an account since it was settled; `rest` the parts that are no whole atom.
cdef int64_t pending_interest(const State* state, const Lending* rules, int32_t account,
                              int64_t* rest) noexcept nogil
# It becomes the account's own debt; and its debt bears interest from now on.
cdef void settle_interest(State* state, Lending* rules, int32_t account) noexcept nogil
cdef void weigh_debt(State* state, Lending* rules, int32_t account) noexcept nogil
# Interest and fees: the pool's share and the treasury's.
cdef void share_income(State* state, Lending* rules, int64_t atoms, int32_t account) noexcept nogil
# What time does: interest of all accounts at once, and the marks that follow.
cdef void accrue_troves(State* state, uint32_t lending) noexcept nogil
# Atoms that are added to what is borrowed; `debt` is the account's, `assigned` of it not settled yet.
cdef int64_t borrowing_fee_of(const State* state, const Lending* rules, int32_t account, int64_t debt,
                              int64_t assigned, int64_t atoms) noexcept nogil

"""Interface of collateral and debts that are shared out among all accounts of a lending market."""

from libc.stdint cimport int32_t, int64_t, uint32_t

from cascade._arithmetic cimport int128
from cascade._reserve cimport Lending, Reserve
from cascade._state cimport State

# A reserve just made becomes the collateral of troves, or what they borrow.
cdef void join_troves(State* state, Reserve* reserve) noexcept nogil
# Value of all collateral and all debts, atoms.
cdef void system_of(const State* state, const Lending* rules, int128* value, int128* debt) noexcept nogil
# Are all troves together below a ratio, parts of 10**9?
cdef bint system_below(const State* state, const Lending* rules, int64_t ratio) noexcept nogil
# The supplied side's mark: lower in recovery mode, so that loans below the system's ratio are due.
cdef int128 recovery_mark(const State* state, uint32_t number, int128 mark) noexcept nogil
# After a new price: below the ratio of shutdown nothing is lent any more.
cdef void watch_shutdown(State* state, uint32_t number) noexcept nogil
# Atoms assigned to an account since it was settled; `rest` the parts that are no whole atom.
cdef int64_t pending_debt(const State* state, uint32_t assigned, int64_t* rest) noexcept nogil
# Lots of collateral and atoms of debt of an account, what is assigned included.
cdef void trove_of(State* state, const Lending* rules, int32_t account, int64_t* lots,
                   int64_t* debt) noexcept nogil
# An account's part in what a side's mark measures, against the outside; its trigger is the mark it joined at.
cdef void weigh(State* state, uint32_t position, int64_t weight, int32_t mark) noexcept nogil
# What was assigned to an account becomes its own debt, and its stake that of its collateral.
cdef void settle_trove(State* state, int64_t lending, int64_t account) noexcept nogil
# Do index, mark and what waits stay within their ranges when so much goes onto so many stakes?
cdef bint shares_fit(const State* state, const Lending* rules, int64_t stakes, int64_t atoms,
                     int64_t lots) noexcept nogil
# Debt and collateral onto all accounts with collateral.
cdef void share_out(State* state, Lending* rules, int64_t atoms, int64_t lots) noexcept nogil
# The marks that follow from all of it, and who is due by them; nothing without troves.
cdef void form_troves(State* state, int64_t lending, int64_t cause, int32_t wave) noexcept nogil

"""Interface of interruption: asking for signals from inside a long computation without the GIL."""

# 1 when a signal handler raised: stop at the next consistent point and call raise_signal.
cdef int signal_waits() noexcept with gil
cdef int raise_signal() except -1

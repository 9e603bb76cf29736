"""Interruption of long computations: Ctrl-C stops between two units or steps, never inside one.

Python runs signal handlers in the main thread only, so one slot for what a handler raised is enough.
"""

from cpython.exc cimport PyErr_CheckSignals

cdef object raised = None


cdef int signal_waits() noexcept with gil:
    global raised
    try:
        PyErr_CheckSignals()
    except BaseException as error:
        raised = error
        return 1
    return 0


cdef int raise_signal() except -1:
    global raised
    cdef object error = raised
    raised = None
    if error is None:
        raise KeyboardInterrupt
    raise error

"""Interface of the grid of a price or a quantity: numbers to whole steps and back."""

from libc.stdint cimport int32_t, int64_t


cdef class Grid:
    cdef int64_t numerator        # a step is numerator / denominator, in lowest terms
    cdef int64_t denominator
    cdef double step_float
    cdef readonly object step     # as a Fraction

    # Whole steps of a number; raises TypeError or ValueError that names the field and the value.
    cdef int64_t to_steps(self, object value, str field) except? -1
    cdef int64_t to_steps_exactly(self, object value, str field) except? -1
    # As to_steps, refused outside 32 bits.
    cdef int32_t to_steps32(self, object value, str field) except? -1

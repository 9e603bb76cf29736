"""Accounts and order ids as callers pass them: integers of Python that must fit their field."""

from cpython.long cimport PyLong_AsLongLongAndOverflow
from libc.stdint cimport int32_t, int64_t


cdef inline int64_t int64_of(object value, str message, int* overflow) except? -77:
    # an exact int, which nearly every caller gives, is not asked for its __index__
    cdef object number = value
    if type(value) is not int:
        try:
            number = value.__index__()
        except AttributeError:
            raise TypeError(f"{message}, got {value!r}") from None
    return PyLong_AsLongLongAndOverflow(number, overflow)


cdef inline int32_t account_of(object account) except? -77:
    cdef int overflow = 0
    cdef int64_t number = int64_of(account, "account must be an integer", &overflow)
    if overflow or not -2147483648 <= number <= 2147483647:
        raise ValueError(f"account {account!r} is outside -2 ... {2**31 - 1}")
    return <int32_t>number


cdef inline int64_t id_of(object order) except? -77:
    cdef int overflow = 0
    cdef int64_t number = int64_of(order, "order must be an integer id", &overflow)
    if overflow:
        raise ValueError(f"order {order!r} is outside 1 ... {2**63 - 1}")
    return number

"""Grid of prices or quantities: which numbers are on it, and how many whole steps they are.

A step is a rational number. `int`, `Decimal` and `Fraction` are converted exactly and must be on the grid;
a `float` stands for the grid point within one part in 10**9 of it (docs/book.md, "Grid"), because
0.1 + 0.2 is a price of 0.3 to the person who typed it. A `float` step means the decimal
number that is printed for it.
"""

import numbers
from decimal import Decimal
from fractions import Fraction

import numpy as np

from cpython.float cimport PyFloat_AS_DOUBLE, PyFloat_Check
from cpython.long cimport PyLong_CheckExact
from libc.math cimport fabs, isfinite, rint
from libc.stdint cimport int32_t, int64_t

cdef double TOLERANCE = 1e-9                 # relative, floats only
cdef double LARGEST_FLOAT = 4.0e18           # steps; below 2**62
cdef int64_t SMALL = 1 << 31
cdef object INT64_LIMIT = 2**63
cdef object INT32_LIMIT = 2**31

cdef extern from *:
    """
    #if PY_VERSION_HEX < 0x030C0000
    static inline int cascade_small_int(PyObject *number, long long *value) {
        Py_ssize_t size = Py_SIZE(number);
        if (size < -1 || size > 1) return 0;
        *value = size * (long long)((PyLongObject *)number)->ob_digit[0];
        return 1;
    }
    #else
    static inline int cascade_small_int(PyObject *number, long long *value) {
        if (!PyUnstable_Long_IsCompact((PyLongObject *)number)) return 0;
        *value = PyUnstable_Long_CompactValue((PyLongObject *)number);
        return 1;
    }
    #endif
    """
    # the value of an int of one digit, without a call
    bint small_int "cascade_small_int"(object number, long long* value) noexcept


cdef object exact_number(object value, str field):
    """Fraction that a number is; bools, text and complex numbers are no numbers here."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, (numbers.Real, Decimal)):
        raise TypeError(f"{field} must be a number, got {value!r}")
    try:
        return Fraction(value)
    except (ValueError, OverflowError):
        raise ValueError(f"{field} must be finite, got {value!r}") from None


cdef class Grid:
    """Grid of all whole multiples of a step.

    Parameters
    ----------
    step : int, float, str, Decimal or Fraction
        Distance of two grid points, above zero. A float is taken as the decimal number
        that is printed for it: ``0.1`` is one tenth.
    field : str, optional
        Name that errors give to the step.

    Raises
    ------
    TypeError
        The step is no number.
    ValueError
        The step is not above zero and finite, or its terms do not fit in 63 bits.

    Examples
    --------
    >>> from cascade._grid import Grid
    >>> grid = Grid("0.05")
    >>> grid.steps(1.15), grid.number(23)
    (23, 1.15)

    """

    def __cinit__(self, *args, **kwargs):
        self.numerator = self.denominator = 1
        self.step_float = 1.0
        self.step = Fraction(1)

    def __init__(self, step, field="step"):
        if isinstance(step, str):
            try:
                fraction = Fraction(step)
            except (ValueError, ZeroDivisionError):
                raise ValueError(f"{field} must be a number above 0, got {step!r}") from None
        elif isinstance(step, float) and isfinite(<double>step):
            fraction = Fraction(repr(float(step)))
        else:
            fraction = exact_number(step, field)
        if not 0 < fraction:
            raise ValueError(f"{field} must be above 0, got {step!r}")
        if fraction.numerator >= INT64_LIMIT or fraction.denominator >= INT64_LIMIT:
            raise ValueError(f"{field} {step!r} has terms of more than 63 bits")
        self.step = fraction
        self.numerator = fraction.numerator
        self.denominator = fraction.denominator
        self.step_float = float(fraction)
        if self.step_float == 0.0:
            raise ValueError(f"{field} {step!r} is too small for a float")

    cdef int64_t to_steps(self, object value, str field) except? -1:
        cdef double steps, whole
        cdef long long number
        if PyLong_CheckExact(value):
            if small_int(value, &number):
                if self.numerator == 1:
                    if self.denominator == 1:
                        return number
                    if self.denominator < SMALL:
                        return number * self.denominator
                elif self.denominator < SMALL and number * self.denominator % self.numerator == 0:
                    return number * self.denominator // self.numerator
        elif PyFloat_Check(value):
            steps = PyFloat_AS_DOUBLE(value) / self.step_float
            whole = rint(steps)
            if fabs(whole) < LARGEST_FLOAT and fabs(steps - whole) <= TOLERANCE * fabs(whole):
                return <int64_t>whole
        return self.to_steps_exactly(value, field)

    def _steps_exactly(self, value, str field):
        """Whole steps by rational arithmetic: every type, and every refusal."""
        exact = exact_number(value, field)
        steps = round(exact / self.step)
        allowed = 0
        if isinstance(value, (float, np.floating)):
            allowed = abs(steps * self.step) / 10**9
        if abs(exact - steps * self.step) > allowed:
            raise ValueError(f"{field} {value!r} is not a multiple of {self}")
        if not -INT64_LIMIT <= steps < INT64_LIMIT:
            raise ValueError(f"{field} {value!r} is outside +-2**63 steps of {self}")
        return steps

    cdef int64_t to_steps_exactly(self, object value, str field) except? -1:
        return self._steps_exactly(value, field)

    cdef int32_t to_steps32(self, object value, str field) except? -1:
        cdef int64_t steps = self.to_steps(value, field)
        if steps != <int32_t>steps:
            raise ValueError(
                f"{field} {value!r} is outside the range of {self} ... {self.step * (2**31 - 2)}")
        return <int32_t>steps

    def steps(self, value, field="value"):
        """Whole steps of one number.

        Parameters
        ----------
        value : int, float, Decimal, Fraction or NumPy scalar
        field : str, optional
            Name that errors give to the value.

        Returns
        -------
        int

        Raises
        ------
        TypeError
            The value is no number.
        ValueError
            The value is not finite or not on the grid.
        """
        return self.to_steps(value, field)

    def steps_of(self, values, field="values"):
        """Whole steps of a column of numbers.

        Parameters
        ----------
        values : array_like
            Integers or floats of any shape; other types are converted one by one.
        field : str, optional
            Name that errors give to the values.

        Returns
        -------
        numpy.ndarray of int64
            Same shape.

        Raises
        ------
        TypeError
            A value is no number.
        ValueError
            A value is not finite or not on the grid; the first such value is named.
        """
        array = np.asarray(values)
        if array.dtype.kind == "f":
            with np.errstate(all="ignore"):
                steps = array.astype(np.float64, copy=False) / self.step_float
                whole = np.rint(steps)
                good = (np.abs(whole) < LARGEST_FLOAT) & (
                    np.abs(steps - whole) <= TOLERANCE * np.abs(whole))
            if good.all():
                return whole.astype(np.int64)
            # the exact rule decides what the quick one doubts
        elif array.dtype.kind in "iu" and self.denominator == 1:
            if array.dtype.itemsize < 8 or array.dtype.kind == "i" or not (array >> 63).any():
                signed = array.astype(np.int64)
                if self.numerator == 1:
                    return signed
                if not (signed % self.numerator).any():
                    return signed // self.numerator
        flat = [self.to_steps(value, field) for value in array.ravel().tolist()]
        return np.array(flat, dtype=np.int64).reshape(array.shape)

    def number(self, steps):
        """Float nearest to a number of steps.

        Parameters
        ----------
        steps : int

        Returns
        -------
        float
        """
        return int(steps) * self.numerator / self.denominator

    def numbers_of(self, steps):
        """Floats of a column of steps.

        Parameters
        ----------
        steps : array_like of int

        Returns
        -------
        numpy.ndarray of float64
        """
        array = np.asarray(steps, dtype=np.float64)
        return array * <double>self.numerator / <double>self.denominator

    def __str__(self):
        return str(self.step.numerator) if self.denominator == 1 else repr(self.step_float)

    def __repr__(self):
        return f"Grid({str(self.step)!r})"

    def __eq__(self, other):
        return isinstance(other, Grid) and self.step == other.step

    def __hash__(self):
        return hash(self.step)

    def __reduce__(self):
        return Grid, (self.step,)

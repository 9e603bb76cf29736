"""Fixed-point arithmetic of lending protocols: published values, and every direction against exact fractions."""

from fractions import Fraction
from math import ceil, floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cascade.lending import fixed_point as fp

SCALES = {"percent": 10**4, "wad": 10**18, "ray": 10**27}


def test_products_and_quotients_of_the_protocols_own_tests():
    # aave-v3-origin, PercentageMath.t.sol and WadRayMath.t.sol
    assert fp.percent_mul_half_up(10**18, 5000) == 5 * 10**17
    assert fp.percent_div_half_up(9087312 * 10**27, 1333) == 68171882970742685671417854463615904
    assert fp.wad_div_half_up(8745 * 10**15, 67 * 10**16) == 13052238805970149254
    assert (fp.ray_mul_floor(3, 5), fp.ray_mul_ceil(3, 5)) == (0, 1)
    assert fp.ray_div_ceil(5, 3) == fp.ray_div_floor(5, 3) + 1 == 1666666666666666666666666667


@pytest.mark.parametrize("scale", SCALES)
@given(first=st.integers(0, 10**60), second=st.integers(1, 10**40))
def test_every_direction_is_that_of_the_exact_fraction(scale, first, second):
    whole = SCALES[scale]
    exact = {"mul": Fraction(first * second, whole), "div": Fraction(first * whole, second)}
    divisor = {"mul": whole, "div": second}
    for what, value in exact.items():
        found = {
            way: getattr(fp, f"{scale}_{what}_{way}")(first, second)
            for way in ("half_up", "floor", "ceil")
        }
        assert found["floor"] == floor(value)
        assert found["ceil"] == ceil(value)
        # half of an odd divisor is cut off before it is added
        assert found["half_up"] == floor(value + Fraction(divisor[what] // 2, divisor[what]))


def test_half_a_unit_goes_up():
    assert fp.percent_mul_half_up(1, 5000) == 1
    assert fp.percent_mul_half_up(1, 4999) == 0
    assert fp.percent_div_half_up(1, 20000) == 1
    assert fp.wad_mul_half_up(1, 5 * 10**17) == 1
    assert fp.wad_mul_half_up(1, 5 * 10**17 - 1) == 0
    # an odd divisor: half of 3 is 1, so 10**4 / 30000 + 1 / 3 stays below one
    assert fp.percent_div_half_up(1, 30000) == 0


def test_what_no_unsigned_number_is_is_refused():
    with pytest.raises(ValueError, match="-1"):
        fp.wad_mul_floor(-1, 2)
    with pytest.raises(ValueError, match="-2"):
        fp.percent_mul_ceil(1, -2)
    with pytest.raises(ZeroDivisionError, match="0"):
        fp.wad_div_half_up(1, 0)
    with pytest.raises(ZeroDivisionError, match="-3"):
        fp.mul_div_floor(1, 1, -3)

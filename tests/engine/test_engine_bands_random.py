"""Random histories of soft liquidation on twin and core side by side, with copies on the way."""

import pytest
from engine_kit import core_kit
from random_bands import draw_history, first_difference


@pytest.mark.skipif(core_kit() is None, reason="the compiled engine is not built")
@pytest.mark.parametrize("seed", range(40))
def test_random_histories_agree(seed):
    assert first_difference(core_kit(), *draw_history(seed)) is None

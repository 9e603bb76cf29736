"""Random histories of soft liquidation in bands, drawn and shortened by Hypothesis.

The twin keeps its books, the compiled engine agrees with it after every action, and a copy or a file of the
engine goes on as the engine would have.
"""

import pytest
from engine_kit import TWIN, core_kit
from engine_machines import SETTINGS, TwinAndCore
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule
from random_bands import PRICE, Actor, compare, draw_action, draw_open, draw_setup

CORE = core_kit()
LOANS = 8


class BandMachine(TwinAndCore):
    compare = staticmethod(compare)

    @initialize(draw=st.randoms(use_true_random=False))
    def begin(self, draw) -> None:
        self.setup = draw_setup(draw)
        self.price = [PRICE]
        self.twin, self.core = Actor(TWIN, self.setup), Actor(CORE, self.setup)
        for _ in range(3):
            self.do("open", draw_open(draw, PRICE))

    @rule(draw=st.randoms(use_true_random=False))
    def act(self, draw) -> None:
        self.do(*draw_action(draw, self.price, LOANS))


BandMachine.TestCase.settings = SETTINGS


@pytest.mark.skipif(CORE is None, reason="the compiled engine is not built")
class TestBandMachine(BandMachine.TestCase):
    pass

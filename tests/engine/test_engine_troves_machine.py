"""Random histories of loans that are closed whole, drawn and shortened by Hypothesis.

The twin keeps its books, the compiled engine agrees with it after every action, and a copy or a file of the
engine goes on as the engine would have.
"""

import pytest
from engine_kit import TWIN, core_kit
from engine_machines import SETTINGS, TwinAndCore
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule
from random_lending import PRICES, compare
from random_troves import PROVIDERS, TroveActor, draw_action, draw_open, draw_setup

CORE = core_kit()


class TroveMachine(TwinAndCore):
    compare = staticmethod(compare)

    @initialize(draw=st.randoms(use_true_random=False))
    def begin(self, draw) -> None:
        self.setup = draw_setup(draw)
        self.prices = dict(PRICES)
        self.accounts = 0
        self.twin, self.core = TroveActor(TWIN, self.setup), TroveActor(CORE, self.setup)
        for lending in range(len(self.setup.lendings)):
            self.do("open", draw_open(draw, self.setup, lending, 4, self.prices))
            self.accounts += 4
            amount = draw.choice((500, 20_000, 10**6))
            self.do("provide", (lending, draw.choice(PROVIDERS), amount))

    @rule(draw=st.randoms(use_true_random=False))
    def act(self, draw) -> None:
        self.do(*draw_action(draw, self.setup, self.prices, self.accounts))


TroveMachine.TestCase.settings = SETTINGS


@pytest.mark.skipif(CORE is None, reason="the compiled engine is not built")
class TestTroveMachine(TroveMachine.TestCase):
    pass

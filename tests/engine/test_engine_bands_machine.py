"""Random histories of soft liquidation in bands, drawn and shortened by Hypothesis.

The twin keeps its books, the compiled engine agrees with it after every action, and a copy or a file of the
engine goes on as the engine would have.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from engine_kit import TWIN, core_kit
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from random_bands import PRICE, Actor, compare, draw_action, draw_open, draw_setup

import cascade as cs

CORE = core_kit()
LOANS = 8


class BandMachine(RuleBasedStateMachine):
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

    @rule(through_a_file=st.booleans())
    def go_on_with_a_copy(self, through_a_file) -> None:
        before = self.core.engine
        if through_a_file:
            with TemporaryDirectory() as folder:
                before.save(Path(folder) / "engine.npz")
                engine = cs.Engine.load(Path(folder) / "engine.npz")
        else:
            engine = before.copy()
        assert engine.state_hash() == before.state_hash()
        assert engine.totals() == before.totals()
        self.core.goes_on(engine)

    def do(self, name: str, arguments: tuple) -> None:
        found = compare(self.twin, self.core, name, arguments)
        assert not found, f"{name}{arguments}: {found}"


BandMachine.TestCase.settings = settings(
    max_examples=30, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)


@pytest.mark.skipif(CORE is None, reason="the compiled engine is not built")
class TestBandMachine(BandMachine.TestCase):
    pass

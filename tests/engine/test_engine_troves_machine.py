"""Random histories of loans that are closed whole, drawn and shortened by Hypothesis.

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
from random_lending import PRICES, compare
from random_troves import PROVIDERS, TroveActor, draw_action, draw_open, draw_setup

import cascade as cs

CORE = core_kit()


class TroveMachine(RuleBasedStateMachine):
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
        self.core.engine = engine
        self.core.markets = {name: engine.market(name) for name in self.core.markets}
        self.core.lendings = [engine.lending[each.name] for each in self.core.lendings]

    def do(self, name: str, arguments: tuple) -> None:
        found = compare(self.twin, self.core, name, arguments)
        assert not found, f"{name}{arguments}: {found}"


TroveMachine.TestCase.settings = settings(
    max_examples=30, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)


@pytest.mark.skipif(CORE is None, reason="the compiled engine is not built")
class TestTroveMachine(TroveMachine.TestCase):
    pass

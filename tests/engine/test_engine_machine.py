"""Random histories: the twin keeps its books, and the compiled engine agrees with it throughout."""

import pytest
from engine_kit import TWIN, core_kit
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from random_engine_actions import (
    Actor,
    compare,
    draw_action,
    draw_history,
    draw_setup,
    new_accounts,
)

CORE = core_kit()


class EngineMachine(RuleBasedStateMachine):
    """Draws actions, compares twin and core after each; without a core, checks the twin's sums."""

    def __init__(self) -> None:
        super().__init__()
        self.hedged: list[bool] = []

    @initialize(draw=st.randoms(use_true_random=False))
    def begin(self, draw) -> None:
        setup = draw_setup(draw)
        self.twin = Actor(TWIN, setup)
        self.core = Actor(CORE, setup) if CORE else None
        for balance, hedge in ((400, False), (3000, False), (3000, True)):
            self.do("create", (1, balance, hedge))
        for market in range(4):
            self.do("set_index", (market, 100))
        for market in (0, 1, 3):
            bids = tuple((99 - k, 3) for k in range(5))
            asks = tuple((101 + k, 3) for k in range(5))
            self.do("load_depth", (market, bids, asks))

    @rule(draw=st.randoms(use_true_random=False))
    def act(self, draw) -> None:
        self.do(*draw_action(draw, self.hedged))

    def do(self, name: str, arguments: tuple) -> None:
        self.hedged += new_accounts(name, arguments)
        if self.core is None:
            self.twin.act(name, arguments)
            self.twin.engine.validate()
        else:
            found = compare(self.twin, self.core, name, arguments)
            assert not found, f"{name}{arguments}: {found}"


EngineMachine.TestCase.settings = settings(
    max_examples=40, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
TestEngineMachine = EngineMachine.TestCase


@pytest.mark.parametrize("seed", range(20))
def test_drawn_history(kit, seed):
    """A longer history from a seed, the same as tests/random_engine_actions.py plays."""
    setup, actions = draw_history(seed)
    twin, other = Actor(TWIN, setup), Actor(kit, setup)
    for k, (name, arguments) in enumerate(actions):
        found = compare(twin, other, name, arguments)
        assert not found, f"seed {seed}, action {k}, {name}{arguments}: {found}"

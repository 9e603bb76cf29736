"""What the state machines of twin and core share: compared actions, and copies and files that go on."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

import cascade as cs

SETTINGS = settings(
    max_examples=30, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)


class TwinAndCore(RuleBasedStateMachine):
    """Of a driver of random histories: `compare` is its own, `initialize` makes its actors `twin` and `core`."""

    compare: Callable[..., str]

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
        found = self.compare(self.twin, self.core, name, arguments)
        assert not found, f"{name}{arguments}: {found}"

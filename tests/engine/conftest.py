"""The fixture `kit`: every engine test runs on the slow twin and on the compiled engine."""

import pytest
from engine_kit import TWIN, Kit, core_kit


@pytest.fixture(params=["twin", "core"])
def kit(request) -> Kit:
    if request.param == "twin":
        return TWIN
    found = core_kit()
    if found is None:
        pytest.skip("cascade.Engine cannot be imported: the compiled engine is not built")
    return found


@pytest.fixture
def fast_kit() -> Kit:
    """The compiled engine where there is one, else the twin: for tests of properties."""
    return core_kit() or TWIN

"""Scripts of `examples/` as modules: a fixture that loads one for the tests of a file."""

import importlib.util
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def example_fixture(name: str):
    """Fixture of a module's scope with ``examples/NAME.py`` loaded; give it a name by assigning it."""

    @pytest.fixture(scope="module")
    def example():
        loaded_as = f"example_{name}"
        spec = importlib.util.spec_from_file_location(loaded_as, ROOT / "examples" / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        # dataclasses look their module up
        sys.modules[loaded_as] = module
        spec.loader.exec_module(module)
        yield module
        del sys.modules[loaded_as]

    return example

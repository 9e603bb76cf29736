"""The package as it is installed: files, version, public names, command, and what an import loads.

The tests on the distribution's own record (files, command, version) need an installed package and
skip where `cascade` is imported from its sources.
"""

import importlib
import inspect
import re
import shutil
import subprocess
import sys
import sysconfig
from importlib import metadata
from pathlib import Path

import pytest

import cascade

DISTRIBUTION = "cascade-engine"


@pytest.fixture(scope="module")
def distribution():
    """The installed distribution that `cascade` was imported from."""
    try:
        found = metadata.distribution(DISTRIBUTION)
    except metadata.PackageNotFoundError:
        pytest.skip(f"{DISTRIBUTION} is not installed: cascade is imported from its sources")
    return found


@pytest.fixture(scope="module")
def installed_files(distribution):
    """Paths of the package's files below site-packages, as the installer recorded them."""
    names = {str(path) for path in distribution.files if path.parts[0] == "cascade"}
    if not names:
        pytest.skip(f"{DISTRIBUTION} is installed in editable mode: its files are the sources")
    return names


def test_version_is_the_distributions(distribution):
    assert cascade.__version__ == distribution.version


def test_command_is_the_documented_one(distribution):
    commands = {
        entry.name: entry.value
        for entry in distribution.entry_points
        if entry.group == "console_scripts"
    }
    assert commands == {"cascade": "cascade.cli:main"}


def test_command_starts(distribution):
    (entry,) = distribution.entry_points.select(group="console_scripts", name="cascade")
    assert callable(entry.load())


def test_types_are_shipped(installed_files):
    assert "cascade/py.typed" in installed_files
    for name in installed_files:
        if name.endswith(".pyi"):
            # A stub describes a module that is there, compiled or in Python.
            module = name.removesuffix(".pyi").replace("/", ".")
            assert importlib.import_module(module) is not None


def test_each_compiled_interface_that_is_imported_is_shipped(installed_files, distribution):
    sources = [
        Path(distribution.locate_file(name)).read_text(encoding="utf-8")
        for name in installed_files
        if name.endswith((".pyx", ".pxd"))
    ]
    imported = {
        module.replace(".", "/")
        for source in sources
        for module in re.findall(r"^from (cascade\.\w+) cimport\b", source, flags=re.MULTILINE)
    }
    assert "cascade/_book" in imported
    assert {f"{module}.pxd" for module in imported} <= installed_files


def test_generated_files_are_not_shipped(installed_files):
    left_over = {name for name in installed_files if name.endswith((".c", ".cpp", ".html"))}
    assert left_over == set()


def test_the_utility_code_of_compiled_modules_is_shared(installed_files):
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    compiled = {
        Path(name).name.removesuffix(suffix) for name in installed_files if name.endswith(suffix)
    }
    sources = {Path(name).stem for name in installed_files if name.endswith(".pyx")}
    assert compiled == sources | {"_cyutility"}


@pytest.mark.parametrize(
    ("record", "dtype"),
    [
        ("cascade_message", cascade.MESSAGE_DTYPE),
        ("cascade_fill", cascade.FILL_DTYPE),
        ("cascade_order", cascade.ORDER_DTYPE),
        ("cascade_event", cascade.EVENT_DTYPE),
    ],
)
def test_header_declares_the_records_of_the_arrays(record, dtype, tmp_path):
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        pytest.skip("no C compiler to read the header with")
    checks = [f'_Static_assert(sizeof({record}) == {dtype.itemsize}, "size");']
    for name, (field, offset) in dtype.fields.items():
        checks += [
            f'_Static_assert(offsetof({record}, {name}) == {offset}, "offset of {name}");',
            f"_Static_assert(sizeof((({record} *)0)->{name}) == {field.itemsize}, "
            f'"size of {name}");',
        ]
    source = tmp_path / "records.c"
    source.write_text('#include <stddef.h>\n#include "cascade.h"\n' + "\n".join(checks) + "\n")
    command = [compiler, "-std=c11", "-Wall", "-Wextra", "-Werror", "-fsyntax-only"]
    run = subprocess.run(
        [*command, f"-I{cascade.get_include()}", str(source)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr


def test_public_names_exist_and_are_documented():
    assert sorted(set(cascade.__all__)) == sorted(cascade.__all__)
    for name in cascade.__all__:
        value = getattr(cascade, name)
        if inspect.isclass(value) or inspect.isroutine(value) or inspect.ismodule(value):
            assert inspect.getdoc(value), f"cascade.{name} has no docstring"


def test_own_public_names_are_listed():
    own = {
        name
        for name, value in vars(cascade).items()
        if not name.startswith("_") and getattr(value, "__module__", "").startswith("cascade")
    }
    assert own <= set(cascade.__all__)


def test_import_loads_no_optional_library():
    optional = ["matplotlib", "msgspec", "tqdm", "plotly", "pytest", "hypothesis"]
    program = (
        f"import sys, cascade\nprint(*[name for name in {optional!r} if name in sys.modules])\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert run.stdout.split() == []

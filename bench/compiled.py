"""Small compiled things that measurements need, built into a folder of the caller's."""

import ctypes
import gc
import importlib.util
import resource
import subprocess
import sys
import sysconfig
from pathlib import Path
from types import ModuleType

import cascade

HERE = Path(__file__).parent


def heap_module(folder: Path) -> ModuleType:
    """`heap_pop.pyx` against the interfaces of the package that is imported."""
    package = Path(cascade.__file__).parent
    source = folder / "heap_pop.c"
    target = folder / ("heap_pop" + sysconfig.get_config_var("EXT_SUFFIX"))
    subprocess.run(
        [sys.executable, "-m", "cython", "-3", "-I", str(package.parent),
         str(HERE / "heap_pop.pyx"), "-o", str(source)],
        check=True,
    )  # fmt: skip
    subprocess.run(
        ["gcc", "-O3", "-shared", "-fPIC", "-w", f"-I{sysconfig.get_paths()['include']}",
         str(source), "-o", str(target)],
        check=True,
    )  # fmt: skip
    specification = importlib.util.spec_from_file_location("heap_pop", target)
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def resident_bytes() -> int:
    """Resident memory of this process, once what was freed is given back (glibc)."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()

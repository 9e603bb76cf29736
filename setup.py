"""Extension modules and their build flavours; everything else is in pyproject.toml.

The environment variable ``CASCADE_BUILD`` picks the flavour: ``release`` (default, what users
get), ``debug`` (fast to compile), ``sanitize`` (address and undefined-behaviour sanitizers) and
``trace`` (line tracing for coverage of the compiled files). Each flavour keeps its generated C in
its own directory, because a changed directive alone does not make Cython compile again.
"""

import os
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

FLAVOURS = {
    "release": (["-O3", "-fno-semantic-interposition"], ["-Wl,-s"]),
    "debug": (["-O1", "-g"], []),
    "sanitize": (
        [
            "-O1",
            "-g",
            "-fno-omit-frame-pointer",
            "-fno-wrapv",
            "-fsanitize=address,undefined",
            "-fno-sanitize-recover=undefined",
        ],
        ["-fsanitize=address,undefined"],
    ),
    "trace": (["-O0", "-g"], []),
}
flavour = os.environ.get("CASCADE_BUILD", "release")
if flavour not in FLAVOURS:
    raise SystemExit(f"CASCADE_BUILD={flavour!r} is not one of {', '.join(FLAVOURS)}")
compile_args, link_args = FLAVOURS[flavour]
macros = [("NPY_NO_DEPRECATED_API", "NPY_2_0_API_VERSION")]
directives = {
    "language_level": 3,
    "boundscheck": False,
    "wraparound": False,
    "initializedcheck": False,
    "nonecheck": False,
    "cdivision": True,
    "binding": True,
    "embedsignature": True,
    "embedsignature.format": "python",
    "freethreading_compatible": True,
}
if flavour == "trace":
    directives["linetrace"] = True
    macros += [("CYTHON_TRACE", "1"), ("CYTHON_TRACE_NOGIL", "1")]

source = Path("src/cascade")
extensions = [
    Extension(
        f"cascade.{path.stem}",
        [str(path)],
        define_macros=macros,
        extra_compile_args=["-std=gnu11", "-Wextra", "-Wno-unused-parameter", *compile_args],
        extra_link_args=link_args,
    )
    for path in sorted(source.glob("_*.pyx"))
]

setup(
    ext_modules=cythonize(
        extensions,
        build_dir=f"build/cython-{flavour}",
        compiler_directives=directives,
        annotate=bool(os.environ.get("CASCADE_ANNOTATE")),
        nthreads=0,
    )
)

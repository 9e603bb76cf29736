"""Extension modules and their build flavours; everything else is in pyproject.toml.

The environment variable ``CASCADE_BUILD`` picks the flavour: ``release`` (default, what users
get), ``debug`` (quick to compile), ``sanitize`` (address and undefined-behaviour sanitizers),
``trace`` (line tracing, for coverage of the compiled files) and ``profile`` (as ``release``, with
symbols for ``perf``). Each flavour keeps its generated C, objects and libraries under
``build/<flavour>``, because neither Cython nor setuptools builds again when only a directive or a
compiler flag has changed.

What all modules need of Cython's own code (memory views, function objects) is compiled once, into
``cascade._cyutility``; without it every module would carry and compile a copy.
"""

import os
import sys
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

# Generated code compares signed with unsigned, leaves parameters unused and lists the first fields
# of type objects only; with these off, a warning points at something written by hand.
STRICT = [
    "-Wextra",
    "-Werror",
    "-Wno-unused-parameter",
    "-Wno-unused-function",
    "-Wno-sign-compare",
    "-Wno-missing-field-initializers",
    "-Wno-cast-function-type",
]
SANITIZERS = ["-fsanitize=address,undefined"]

RELEASE = ["-O3", "-fno-semantic-interposition", "-fno-strict-aliasing"]

# Compiler and linker arguments. Users' builds must not fail on a warning of a newer compiler.
FLAVOURS = {
    "release": (
        RELEASE,
        ["-Wl,-s"] if sys.platform == "linux" else [],
    ),
    "debug": (["-O1", "-g", *STRICT], []),
    # Python's own flags contain -fwrapv, which would define the overflow we look for.
    "sanitize": (
        [
            "-O1",
            "-g",
            "-fno-omit-frame-pointer",
            "-fno-wrapv",
            "-fno-sanitize-recover=undefined",
            *SANITIZERS,
            *STRICT,
        ],
        SANITIZERS,
    ),
    "profile": ([*RELEASE, "-g"], []),
    "trace": (["-O0", "-g"], []),
}
DIRECTIVES = {
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
SHARED_UTILITY = "cascade._cyutility"

flavour = os.environ.get("CASCADE_BUILD", "release")
if flavour not in FLAVOURS:
    raise SystemExit(f"CASCADE_BUILD={flavour!r} is not one of {', '.join(FLAVOURS)}")
compile_args, link_args = FLAVOURS[flavour]
directives = dict(DIRECTIVES)
macros = [("NPY_NO_DEPRECATED_API", "NPY_2_0_API_VERSION")]
if flavour == "trace":
    directives["linetrace"] = True
    macros += [("CYTHON_TRACE", "1"), ("CYTHON_TRACE_NOGIL", "1")]


def extension(name, source):
    return Extension(
        name,
        [source],
        define_macros=macros,
        extra_compile_args=["-std=gnu11", *compile_args],
        extra_link_args=link_args,
    )


class CythonBuild(build_ext):
    """Translates to C only when compiling, so that metadata and source archives need no C."""

    def run(self):
        from Cython.Build import cythonize

        translated = cythonize(
            self.extensions,
            build_dir=f"build/{flavour}/cython",
            compiler_directives=directives,
            shared_utility_qualified_name=SHARED_UTILITY,
            annotate=bool(os.environ.get("CASCADE_ANNOTATE")),
            force=self.force or None,
        )
        for module, compiled in zip(self.extensions, translated, strict=True):
            module.sources, module.depends = compiled.sources, compiled.depends
        super().run()

    def copy_extensions_to_source(self):
        # The libraries in place may be a newer build of another flavour.
        self.force = True
        super().copy_extensions_to_source()


modules = [
    extension(f"cascade.{path.stem}", path.as_posix())
    for path in sorted(Path("src/cascade").glob("_*.pyx"))
]
# Cython writes this one's C itself, into the build directory.
modules.append(extension(SHARED_UTILITY, f"src/{SHARED_UTILITY.replace('.', '/')}.c"))

setup(
    ext_modules=modules,
    cmdclass={"build_ext": CythonBuild},
    options={"build": {"build_base": f"build/{flavour}"}},
)

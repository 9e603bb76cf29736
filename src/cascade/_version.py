"""The version, in a file of its own that a build can read without compiled modules."""

__version__ = "0.1.0"

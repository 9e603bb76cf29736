"""Slow, obvious models in plain Python that the compiled modules are compared with."""

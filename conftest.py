"""Hypothesis profiles for every test under this directory: tests, benches and document examples.

``default`` is quick and different on each run; ``ci`` is the same on each run, and Hypothesis picks
it by itself where ``CI`` is set; ``deep`` is for a night: ``pytest --hypothesis-profile=deep``.
"""

from hypothesis import HealthCheck, settings

SLOW_IS_FINE = [HealthCheck.too_slow, HealthCheck.data_too_large]

settings.register_profile("default", max_examples=50, deadline=None)
settings.register_profile(
    "ci",
    max_examples=100,
    deadline=None,
    derandomize=True,
    database=None,
    print_blob=True,
    suppress_health_check=SLOW_IS_FINE,
)
settings.register_profile(
    "deep", max_examples=5000, deadline=None, suppress_health_check=SLOW_IS_FINE
)

"""Options of the benchmarks under pytest."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("cascade")
    group.addoption("--accounts", type=int, default=1_000_000, help="accounts of the large engines")
    group.addoption(
        "--peer-accounts", type=int, default=200_000, help="accounts of the peer's workload"
    )

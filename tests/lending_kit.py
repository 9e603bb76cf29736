"""Rules of lending markets, twin or compiled, for tests that run on both."""

from types import SimpleNamespace

from reference import engine as twin

import cascade as cs

NAMES = (
    *("CollateralAuction", "LendingRules", "Oracle", "Liquidator", "Troves"),
    *("KinkRate", "JumpRate", "AdaptiveRate", "FixedRate"),
)


def lending_of(kit) -> SimpleNamespace:
    """The classes of lending of one implementation."""
    module = twin if kit.name == "twin" else cs
    return SimpleNamespace(**{name: getattr(module, name) for name in NAMES})

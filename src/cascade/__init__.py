"""Liquidation cascades on real mechanics: matching engine, margin accounts, liquidation queue."""

from pathlib import Path as _Path

from cascade._bookview import BookView
from cascade._grid import Grid
from cascade._log import EVENT_DTYPE
from cascade._orderbook import OrderBook
from cascade._results import BatchResult, OrderResult
from cascade._version import __version__ as __version__
from cascade.adlcompare import PolicyOutcome, compare_adl
from cascade.band_market import BandMarket
from cascade.band_rules import BandRules
from cascade.breakers import Breaker, HaltState
from cascade.codes import Code, EventKind, MessageFlag, MessageKind, SelfTrade, Side, TimeInForce
from cascade.collateral_auction import CollateralAuction, OpenAuctions
from cascade.contagion import Contagion
from cascade.dislocation import DISLOCATION_DTYPE, Dislocation
from cascade.dtypes import FILL_DTYPE, MESSAGE_DTYPE, ORDER_DTYPE
from cascade.engine import Engine
from cascade.errors import (
    CascadeError,
    ClosedAccountOrderError,
    ConservationError,
    ContractConservationError,
    CrossedBookError,
    InvariantError,
    MoneyConservationError,
    ReserveError,
    ScenarioError,
)
from cascade.impact import Impact
from cascade.index_sources import IndexSources
from cascade.interest_models import AdaptiveRate, FixedRate, JumpRate, KinkRate
from cascade.lending_market import LendingMarket
from cascade.lending_rules import LendingRules, Liquidator, Oracle
from cascade.losses import PAID_DTYPE, Losses
from cascade.market import Market
from cascade.reserve import LendingSide, Reserve
from cascade.residents import Arbitrageur, MarginCalls, MarketMaker, MomentumFlow, NoiseFlow
from cascade.results import Run, StepResult
from cascade.ruleset import Rules
from cascade.stability import LendingStabilityPool
from cascade.tree import CascadeTree
from cascade.trove_terms import Troves
from cascade.venues import Concentrated, ConstantProduct, LiquidityChange, MarketPool, Stableswap

# these use the names above
from cascade import (  # isort: skip
    adl,
    clearing,
    insurance,
    lending,
    losses,
    pools,
    routing,
    rules,
    scenarios,
    socialised,
)

__all__ = [
    "DISLOCATION_DTYPE",
    "EVENT_DTYPE",
    "FILL_DTYPE",
    "MESSAGE_DTYPE",
    "ORDER_DTYPE",
    "PAID_DTYPE",
    "AdaptiveRate",
    "Arbitrageur",
    "BandMarket",
    "BandRules",
    "BatchResult",
    "BookView",
    "Breaker",
    "CascadeError",
    "CascadeTree",
    "ClosedAccountOrderError",
    "Code",
    "CollateralAuction",
    "Concentrated",
    "ConservationError",
    "ConstantProduct",
    "Contagion",
    "ContractConservationError",
    "CrossedBookError",
    "Dislocation",
    "Engine",
    "EventKind",
    "FixedRate",
    "Grid",
    "HaltState",
    "Impact",
    "IndexSources",
    "InvariantError",
    "JumpRate",
    "KinkRate",
    "LendingMarket",
    "LendingRules",
    "LendingSide",
    "LendingStabilityPool",
    "Liquidator",
    "LiquidityChange",
    "Losses",
    "MarginCalls",
    "Market",
    "MarketMaker",
    "MarketPool",
    "MessageFlag",
    "MessageKind",
    "MomentumFlow",
    "MoneyConservationError",
    "NoiseFlow",
    "OpenAuctions",
    "Oracle",
    "OrderBook",
    "OrderResult",
    "PolicyOutcome",
    "Reserve",
    "ReserveError",
    "Rules",
    "Run",
    "ScenarioError",
    "SelfTrade",
    "Side",
    "Stableswap",
    "StepResult",
    "TimeInForce",
    "Troves",
    "adl",
    "clearing",
    "compare_adl",
    "get_include",
    "insurance",
    "lending",
    "losses",
    "pools",
    "routing",
    "rules",
    "scenarios",
    "socialised",
]


def get_include() -> str:
    """Directory of the C header `cascade.h`, which declares the records of the arrays.

    Returns
    -------
    str
        An absolute path, to be given to a C compiler's ``-I``.
    """
    return str(_Path(__file__).resolve().parent / "include")

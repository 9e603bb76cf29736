"""Liquidation rules of lending protocols on their own integers, exact to the last digit.

Collateral auctions (`auctions`, `CollateralAuctions`), stability pools and redistribution
(`trove_liquidation`, `StabilityPool`, `Redistribution`, `TroveSystem`) and soft liquidation in bands
(`soft_liquidation`, `band_curve`, `BandPool`, `BandLoans`). Parameters of protocols are data files of
`cascade.rules`.
"""

from cascade.lending import (
    auction_prices,
    auctions,
    band_curve,
    soft_liquidation,
    trove_liquidation,
    wad,
)
from cascade.lending.auction_prices import (
    AuctionPrice,
    ExponentialDecrease,
    LinearDecrease,
    StairstepDecrease,
)
from cascade.lending.band_loans import BandLoans
from cascade.lending.band_pool import BandPool
from cascade.lending.collateral_auctions import AuctionTerms, CollateralAuctions
from cascade.lending.protocol_terms import auction_terms, branch_penalties, loan_terms
from cascade.lending.redistribution import Redistribution
from cascade.lending.stability_pool import StabilityPool
from cascade.lending.trove_liquidation import TroveLiquidation
from cascade.lending.trove_system import TroveSystem
from cascade.lending.wad import RAD, RAY, WAD, RefusalError

__all__ = [
    "RAD",
    "RAY",
    "WAD",
    "AuctionPrice",
    "AuctionTerms",
    "BandLoans",
    "BandPool",
    "CollateralAuctions",
    "ExponentialDecrease",
    "LinearDecrease",
    "Redistribution",
    "RefusalError",
    "StabilityPool",
    "StairstepDecrease",
    "TroveLiquidation",
    "TroveSystem",
    "auction_prices",
    "auction_terms",
    "auctions",
    "band_curve",
    "branch_penalties",
    "loan_terms",
    "soft_liquidation",
    "trove_liquidation",
    "wad",
]

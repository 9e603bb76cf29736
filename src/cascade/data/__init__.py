"""Market data, leverage tiers, price paths and accounts from files, with exact numbers.

`load_depth`, `load_tiers`, `load_prices`, `load_accounts` and `load_account_state` are the front
door. The modules below hold one format each, with its records and, where the format is a feed, its
replay onto an order book: `lobster`, `order_by_order`, `binance`, `okx`, `bybit`, `leverage_tiers`,
`depth_csv`, `prices_csv`, `accounts_csv`, `hyperliquid`. No number passes through a binary float, and
content that a format does not allow raises `DataFormatError` with file, line and field.
"""

from cascade.data.accounts_csv import Accounts, load_accounts
from cascade.data.depth import Depth
from cascade.data.hyperliquid import AccountState, load_account_state
from cascade.data.level_book import LevelBook
from cascade.data.leverage_tiers import Tiers, exact_deductions, load_tiers
from cascade.data.lines import DataFormatError
from cascade.data.prices_csv import PricePath, load_prices
from cascade.data.recognition import load_depth

__all__ = [
    "AccountState",
    "Accounts",
    "DataFormatError",
    "Depth",
    "LevelBook",
    "PricePath",
    "Tiers",
    "exact_deductions",
    "load_account_state",
    "load_accounts",
    "load_depth",
    "load_prices",
    "load_tiers",
]

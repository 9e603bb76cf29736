from collections.abc import Sequence
from os import PathLike
from typing import Any, Literal, SupportsIndex, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cascade._bookview import BookView, Number, SideName
from cascade._results import BatchResult, OrderResult

SelfTradeName: TypeAlias = Literal["allow", "newest", "oldest", "both", "decrement"]
PostOnly: TypeAlias = Literal["reject", "slide"] | None
Depth: TypeAlias = Sequence[tuple[Number, Number]] | NDArray[Any]

class OrderBook(BookView):
    tick_size: Number | str
    lot_size: Number | str
    def __init__(
        self,
        tick_size: Number | str = 1,
        lot_size: Number | str = 1,
        *,
        min_size: Number | None = None,
        max_size: Number | None = None,
        min_price: Number | None = None,
        max_price: Number | None = None,
    ) -> None: ...
    @property
    def mark(self) -> int: ...
    @mark.setter
    def mark(self, price: Number) -> None: ...
    @property
    def fills(self) -> NDArray[np.void]: ...
    def limit(
        self,
        side: SideName,
        price: Number,
        size: Number,
        *,
        account: SupportsIndex = -1,
        time_in_force: Literal["gtc", "ioc", "fok"] = "gtc",
        post_only: PostOnly = None,
        display: Number | None = None,
        self_trade: SelfTradeName = "allow",
    ) -> OrderResult: ...
    def market(
        self,
        side: SideName,
        size: Number,
        *,
        account: SupportsIndex = -1,
        time_in_force: Literal["ioc", "fok"] = "ioc",
        self_trade: SelfTradeName = "allow",
    ) -> OrderResult: ...
    def stop(
        self,
        side: SideName,
        trigger: Number,
        size: Number,
        *,
        price: Number | None = None,
        on: Literal["last", "mark"] = "last",
        account: SupportsIndex = -1,
        post_only: PostOnly = None,
        self_trade: SelfTradeName = "allow",
    ) -> OrderResult: ...
    def cancel(self, order: SupportsIndex) -> OrderResult: ...
    def cancel_all(self, account: SupportsIndex) -> OrderResult: ...
    def modify(
        self,
        order: SupportsIndex,
        price: Number | None = None,
        size: Number | None = None,
    ) -> OrderResult: ...
    def apply(self, messages: NDArray[np.void]) -> BatchResult: ...
    def reserve(
        self,
        orders: int = 0,
        fills: int = 0,
        ids: int = 0,
        *,
        prices: tuple[Number, Number] | None = None,
    ) -> None: ...
    def open_auction(self) -> None: ...
    def indicative(self) -> tuple[int, int, int] | None: ...
    def uncross(self) -> tuple[int, int, int] | None: ...
    def load_depth(
        self, bids: Depth, asks: Depth, *, replace: bool = False
    ) -> None: ...
    def copy(self) -> OrderBook: ...
    def __copy__(self) -> OrderBook: ...
    def __deepcopy__(self, memo: dict[int, Any]) -> OrderBook: ...
    def save(self, path: str | PathLike[str]) -> None: ...
    @staticmethod
    def load(path: str | PathLike[str]) -> OrderBook: ...

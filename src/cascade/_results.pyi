from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from cascade.codes import Code

class OrderResult:
    """Answer to one message."""

    order: int
    filled: int
    resting: int
    price: int
    @property
    def code(self) -> Code:
        """What became of the message."""
    @property
    def ok(self) -> bool:
        """True when the message was not refused."""
    def __eq__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

class BatchResult:
    """Answers to a batch of messages, one entry a message."""

    codes: NDArray[np.uint8]
    filled: NDArray[np.int64]
    orders: NDArray[np.int64]
    fills: NDArray[Any]
    def __init__(self, *args: object, **kwargs: object) -> None: ...
    def __len__(self) -> int: ...

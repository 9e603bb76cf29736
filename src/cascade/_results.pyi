from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from cascade.codes import Code

class OrderResult:
    order: int
    filled: int
    resting: int
    price: int
    @property
    def code(self) -> Code: ...
    @property
    def ok(self) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

class BatchResult:
    codes: NDArray[np.uint8]
    filled: NDArray[np.int64]
    fills: NDArray[np.void]
    @property
    def orders(self) -> NDArray[np.int64]: ...
    def __len__(self) -> int: ...
    def __init__(self) -> None: ...

class FillBuffer: ...
class FillStore: ...

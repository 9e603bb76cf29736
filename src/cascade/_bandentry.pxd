"""Interface of soft liquidation markets as drivers call them."""

from libc.stdint cimport int64_t

from cascade._bands cimport BandMarket
from cascade._core cimport EngineCore

cdef BandMarket* band_market_at(EngineCore core, int64_t number) except NULL

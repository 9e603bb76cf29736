"""Parameters of real markets from files: Aave v3 reserve dumps and Comet's deployment configurations.

Plain or gzip JSON. A number that is missing, of the wrong kind or out of range is refused with the file and the
field.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from cascade.data.lines import DataFormatError, Path, parse_json, read_text
from cascade.lending.account import EMode, ReserveTerms
from cascade.lending.fixed_point import BASIS_POINTS, RAY, WAD
from cascade.lending.interest import KinkStrategy
from cascade.lending.storefront import CollateralAsset

__all__ = ["AaveMarket", "CometMarket", "ReserveSwitches", "load_aave_v3", "load_comet"]

LARGEST_DECIMALS = 36


@dataclass(frozen=True)
class ReserveSwitches:
    """What a reserve lets people do: borrow it at all, in isolation, alone; flash loans."""

    is_borrowable: bool
    is_borrowable_in_isolation: bool
    is_siloed: bool
    is_flash_loanable: bool


@dataclass(frozen=True)
class AaveMarket:
    """An Aave v3 market.

    Parameters
    ----------
    chain : int
        Chain id.
    reserves : mapping of str to ReserveTerms
        By symbol; prices are 8 decimals of a dollar, thresholds basis points, caps whole units, ceilings cents.
    e_modes : mapping of int to EMode
    strategies : mapping of str to KinkStrategy
        Rate strategy of each symbol.
    switches : mapping of str to ReserveSwitches
    """

    chain: int
    reserves: Mapping[str, ReserveTerms]
    e_modes: Mapping[int, EMode]
    strategies: Mapping[str, KinkStrategy]
    switches: Mapping[str, ReserveSwitches]


@dataclass(frozen=True)
class CometMarket:
    """A Comet (Compound v3) market.

    Parameters
    ----------
    name, base : str
        Of the market, and the base token's symbol.
    base_unit : int
        Atoms in one base token.
    least_borrow, target_reserves : int
        Base atoms.
    store_front_factor : int
        WAD.
    supply_curve, borrow_curve : tuple of int
        Base, low and high slope and kink of a year, WAD, as `comet_rates` takes them.
    assets : mapping of str to CollateralAsset
        Without prices, which the file does not have: see `priced`.
    """

    name: str
    base: str
    base_unit: int
    least_borrow: int
    target_reserves: int
    store_front_factor: int
    supply_curve: tuple[int, int, int, int]
    borrow_curve: tuple[int, int, int, int]
    assets: Mapping[str, CollateralAsset]

    def priced(self, prices: Mapping[str, int]) -> dict[str, CollateralAsset]:
        """Assets with prices (8 decimals); an asset without one keeps 0, which every use refuses."""
        return {
            name: replace(asset, price=prices.get(name, 0)) for name, asset in self.assets.items()
        }


class _Fields:
    # an object of the file, with the place that an error names
    def __init__(self, path: str, place: str, found: Any) -> None:
        if not isinstance(found, dict):
            raise DataFormatError(path, 0, place, f"must be an object, got {type(found).__name__}")
        self.path, self.place, self.found = path, place, found

    def error(self, name: str, reason: str) -> DataFormatError:
        return DataFormatError(self.path, 0, f"{self.place}.{name}".lstrip("."), reason)

    def get(self, name: str) -> Any:
        if name not in self.found:
            raise self.error(name, "is missing")
        return self.found[name]

    def inner(self, name: str) -> _Fields:
        return _Fields(self.path, f"{self.place}.{name}".lstrip("."), self.get(name))

    def names(self) -> list[str]:
        return list(self.found)

    def text(self, name: str) -> str:
        value = self.get(name)
        if not isinstance(value, str):
            raise self.error(name, f"{value!r} is no text")
        return value

    def flag(self, name: str) -> bool:
        value = self.get(name)
        if not isinstance(value, bool):
            raise self.error(name, f"{value!r} is neither true nor false")
        return value

    def scaled(self, name: str, scale: int, largest: int) -> int:
        """A number times a scale, which must come out whole."""
        value = self.get(name)
        if isinstance(value, str):
            try:
                value = Decimal(value.replace("_", ""))
            except ArithmeticError:
                raise self.error(name, f"{value!r} is no number") from None
        if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
            raise self.error(name, f"{value!r} is no number")
        exact = Decimal(value) * scale
        if not exact.is_finite() or exact != exact.to_integral_value():
            raise self.error(name, f"{value} is not a multiple of 1/{scale}")
        if not 0 <= exact <= largest:
            raise self.error(name, f"{value} is outside 0 ... {largest // scale}")
        return int(exact)

    def whole(self, name: str, largest: int = 10**40) -> int:
        return self.scaled(name, 1, largest)


def _reserve(fields: _Fields) -> ReserveTerms:
    symbol, decimals = fields.text("symbol"), fields.whole("decimals", LARGEST_DECIMALS)
    # an oracle that states no decimals has the market's eight
    named = "oracleDecimals" in fields.names()
    oracle = fields.whole("oracleDecimals", LARGEST_DECIMALS) if named else 8
    price = fields.whole("oracleLatestAnswer")
    price = price * 10 ** (8 - oracle) if oracle <= 8 else price // 10 ** (oracle - 8)
    return ReserveTerms(
        price=price, unit=10**decimals, symbol=symbol,
        liquidation_threshold=fields.whole("liquidationThreshold", BASIS_POINTS),
        ltv=fields.whole("ltv", BASIS_POINTS),
        bonus=fields.whole("liquidationBonus", 2 * BASIS_POINTS),
        protocol_fee=fields.whole("liquidationProtocolFee", BASIS_POINTS),
        reserve_factor=fields.whole("reserveFactor", BASIS_POINTS),
        supply_cap=fields.whole("supplyCap"), borrow_cap=fields.whole("borrowCap"),
        debt_ceiling=fields.whole("debtCeiling"), e_mode=fields.whole("eModeCategory", 255),
        is_active=fields.flag("isActive"), is_paused=fields.flag("isPaused"),
        is_frozen=fields.flag("isFrozen"),
    )  # fmt: skip


def _strategy(fields: _Fields) -> KinkStrategy:
    return KinkStrategy(
        optimal=fields.whole("optimalUsageRatio", RAY),
        base=fields.whole("baseVariableBorrowRate"),
        slope1=fields.whole("variableRateSlope1"), slope2=fields.whole("variableRateSlope2"),
    )  # fmt: skip


def load_aave_v3(path: Path) -> AaveMarket:
    """Reserves, e-modes and rate strategies of an Aave v3 market.

    Parameters
    ----------
    path : str or os.PathLike
        Plain or gzip JSON with ``reserves``, ``strategies`` and ``eModes``, as configuration snapshots of the
        protocol write them.

    Returns
    -------
    AaveMarket

    Raises
    ------
    cascade.data.DataFormatError
        A field is missing or cannot be used.
    OSError
        The file cannot be read.
    """
    name = str(path)
    root = _Fields(name, "", parse_json(read_text(path), name))
    listed, strategies = root.inner("reserves"), root.inner("strategies")
    reserves: dict[str, ReserveTerms] = {}
    rates: dict[str, KinkStrategy] = {}
    switches: dict[str, ReserveSwitches] = {}
    for address in listed.names():
        fields = listed.inner(address)
        reserve = _reserve(fields)
        if reserve.symbol in reserves:
            raise fields.error("symbol", f"{reserve.symbol!r} is there twice")
        reserves[reserve.symbol] = reserve
        rates[reserve.symbol] = _strategy(strategies.inner(fields.text("interestRateStrategy")))
        switches[reserve.symbol] = ReserveSwitches(
            fields.flag("borrowingEnabled"), fields.flag("isBorrowableInIsolation"),
            fields.flag("isSiloed"), fields.flag("isFlashloanable"),
        )  # fmt: skip
    categories = root.inner("eModes")
    e_modes = {}
    for key in categories.names():
        fields = categories.inner(key)
        category = fields.whole("eModeCategory", 255)
        e_modes[category] = EMode(
            category, fields.whole("liquidationThreshold", BASIS_POINTS),
            fields.whole("ltv", BASIS_POINTS), fields.whole("liquidationBonus", 2 * BASIS_POINTS),
            fields.text("label"),
        )  # fmt: skip
    return AaveMarket(root.whole("chainId"), reserves, e_modes, rates, switches)


def _curve(rates: _Fields, side: str) -> tuple[int, int, int, int]:
    base, low, high, kink = (
        rates.scaled(f"{side}{part}", WAD, 100 * WAD)
        for part in ("Base", "SlopeLow", "SlopeHigh", "Kink")
    )
    return base, low, high, kink


def _exponent(fields: _Fields, name: str) -> int:
    # amounts are written as a number and the token's decimals, "5000000e6"
    _, found, decimals = fields.text(name).partition("e")
    if not found or not decimals.isascii() or not decimals.isdigit() or int(decimals) > 36:
        raise fields.error(name, f"{fields.text(name)!r} does not end in e and decimals up to 36")
    return int(decimals)


def load_comet(path: Path) -> CometMarket:
    """A Comet market's configuration.

    Parameters
    ----------
    path : str or os.PathLike
        Plain or gzip JSON as compound-finance/comet has it in ``deployments/<chain>/<market>/configuration.json``.

    Returns
    -------
    CometMarket
        The base token's decimals are the exponent that ``targetReserves`` is written with.

    Raises
    ------
    cascade.data.DataFormatError
        A field is missing or cannot be used.
    OSError
        The file cannot be read.
    """
    name = str(path)
    root = _Fields(name, "", parse_json(read_text(path), name))
    rates, listed = root.inner("rates"), root.inner("assets")
    assets = {}
    for symbol in listed.names():
        fields = listed.inner(symbol)
        assets[symbol] = CollateralAsset(
            price=0, unit=10 ** fields.whole("decimals", LARGEST_DECIMALS), symbol=symbol,
            borrow_factor=fields.scaled("borrowCF", WAD, WAD),
            liquidate_factor=fields.scaled("liquidateCF", WAD, WAD),
            liquidation_factor=fields.scaled("liquidationFactor", WAD, WAD),
            supply_cap=fields.whole("supplyCap"),
        )  # fmt: skip
    return CometMarket(
        name=root.text("name"), base=root.text("baseToken"),
        base_unit=10 ** _exponent(root, "targetReserves"), least_borrow=root.whole("borrowMin"),
        target_reserves=root.whole("targetReserves"),
        store_front_factor=root.scaled("storeFrontPriceFactor", WAD, WAD),
        supply_curve=_curve(rates, "supply"), borrow_curve=_curve(rates, "borrow"), assets=assets,
    )  # fmt: skip

from typing import Any

import numpy as np
from numpy.typing import NDArray

class StepResult:
    """What one step did. Amounts are whole atoms and lots; `cascade.engine` converts."""

    @property
    def events(self) -> NDArray[Any]:
        """numpy.ndarray of EVENT_DTYPE: what happened in this step."""
    engine: EngineCore
    time_ns: int
    liquidated: int
    notional_atoms: int
    fund_received_atoms: int
    fund_paid_atoms: int
    bad_debt_atoms: int
    fills: int
    volume_lots: int
    orders: int
    resolved: int
    waves: int
    adl_lots: int
    first_event: int
    end_event: int
    mark_bytes: bytes
    dislocation_bytes: bytes

class EngineCore:
    """State of a simulation and the calls that change it, in whole units."""

    def _add_asset(self) -> int:
        """Add a kind of money."""
    def _configure(
        self,
        *,
        batch: bool,
        seed: int = 0,
        budget_accounts: int = -1,
        budget_notional: int = -1,
        time_per_liquidation: int = 0,
    ) -> None: ...
    def _add_market(
        self,
        *,
        asset: int,
        unit: int,
        inverse: bool,
        tiers: Any,
        denominator: int,
        whole: bool,
        on_entry: bool,
        maker_fee: int,
        taker_fee: int,
        liquidation_fee: int,
        absorb: int,
        partial: int,
        partial_rate: int,
        partial_notional: int,
        partial_cooldown: int,
        partial_tiers: int,
        partial_chance: int,
        backstop: int,
        backstop_denominator: int,
        feed: int,
        inclusive: bool,
        limit_at_bankruptcy: bool,
        surplus_to_trader: bool,
        average_of: int,
        average_time: int,
        premium_cap: int,
        stale_after: int,
        funding_interval: int,
        interest: int,
        funding_clamped: bool,
        funding_clamp: int,
        funding_cap: int,
        funding_on_index: bool,
        price_band: int,
        band_on_last: bool,
        adl: int,
        adl_at: int,
        adl_unit: int,
        min_size: int,
        max_size: int,
        min_price: int,
        max_price: int,
        impact_venue: bool,
    ) -> int:
        """Add a market from checked whole numbers."""
    def _set_impact(
        self,
        number: int,
        *,
        kind: int,
        numerator: int,
        denominator: int,
        a: float,
        b: float,
        permanent: float,
        decay_rate: float,
        fill_price: int,
        distances: NDArray[Any],
        depths: NDArray[Any],
    ) -> None: ...
    def _reserve(self, *, accounts: int = 0, positions: int = 0, events: int = 0) -> None:
        """Memory in advance, so that later calls allocate nothing."""
    def _create_accounts(self, count: int, asset: int, balance: int, hedge: bool) -> int: ...
    def _open_accounts(
        self,
        number: int,
        accounts: NDArray[Any] | None,
        sizes: NDArray[Any],
        prices: NDArray[Any],
        margins: NDArray[Any] | None,
        leverages: NDArray[Any] | None,
        triggers: NDArray[Any] | None,
        isolated: bool,
        hedge: bool,
    ) -> int:
        """Open positions from int64 columns."""
    def check_step(self, index: Any, orders: Any, elapsed: int, steps: int = 1) -> None:
        """Refuse before anything changes."""
    def _step(self, index: NDArray[np.int32] | None, orders: list[Any], elapsed: int) -> StepResult:
        """One step: index ticks by market (0: unchanged), [(market number, messages), ...], ns."""
    def _set_index(self, number: int, ticks: int) -> None:
        """Outside price of one market between steps."""
    def _run(
        self, path: NDArray[np.int32], elapsed: int
    ) -> tuple[NDArray[Any], NDArray[np.int32], NDArray[Any]]:
        """Many steps without coming back."""
    def events_between(self, start: int, stop: int) -> NDArray[Any]:
        """View of the events with indices start <= i < stop that were not cleared."""
    def clear_events(self) -> None:
        """Forget the events so far."""
    @property
    def account_count(self) -> int:
        """Accounts there are."""
    @property
    def event_count(self) -> int:
        """Events since the engine began, cleared ones included."""
    @property
    def time_ns(self) -> int:
        """Clock in nanoseconds."""
    @property
    def pending(self) -> int:
        """Entries, and loans in bands, that are due and wait for the next step."""

STEP_DTYPE: np.dtype[np.void]

"""Interest of the twin's troves at the rates that borrowers set, fees, and what closed loans leave their owners.

docs/troves.md. What a debt bears in a year, rounded up, is a position on the supplied side of the money, whose
mark is the time in seconds: an account owes its weight times what the mark has risen by since it was settled.
"""

from fractions import Fraction
from math import ceil, floor

from . import log as events
from .margin import rate_of

PARTS = 10**9
YEAR = 365 * 86_400
SECOND = 10**9
MEAN = 10**12


class TroveInterest:
    """Rates, weights and what was accrued; of a lending market whose debts bear none, nothing."""

    def __init__(self, troves) -> None:
        self.troves, self.lending, self.engine = troves, troves.lending, troves.engine
        self.terms = troves.terms
        self.rates: dict[int, int] = {}  # parts, of accounts that set one
        self.surplus: dict[int, int] = {}  # lots to be claimed
        self.carry = 0  # parts of an atom that no accrual has counted, below 0: counted too much
        self.unsettled = 0  # atoms accrued and not yet in the accounts' own debts
        self.mark = 0
        self.is_shut = False

    @property
    def bears(self) -> bool:
        return self.terms.interest is not None

    @property
    def side(self):
        return self.lending.debt_reserve.supplied_side

    def begin(self, money) -> None:
        """The money has come."""
        if self.bears:
            self.mark = 1 + self.engine.clock // SECOND
            money.interest_mark = self.mark

    # --- one account ---------------------------------------------------------------------------

    def rate(self, account: int) -> int:
        return self.rates.get(account) or self.troves.parts(self.terms.interest[0])

    def position(self, account: int):
        return self.engine.clearing.position(account, self.side.number, 0)

    def weight(self, account: int) -> int:
        found = None if self.lending.debt_reserve is None else self.position(account)
        return 0 if found is None else -found.size

    def pending(self, account: int) -> tuple[int, int]:
        """Atoms of interest since the account was settled, and what is left of a part."""
        if not self.bears or not self.weight(account):
            return 0, 0
        risen = self.mark - self.position(account).ladder_trigger
        return divmod(self.weight(account) * risen, YEAR)

    def settle(self, account: int) -> None:
        """Interest becomes the account's own debt."""
        if not self.bears or not self.weight(account):
            return
        atoms, rest = self.pending(account)
        debt = self.lending.debt_reserve
        self.position(account).ladder_trigger = self.mark
        self.carry -= rest
        self.unsettled -= atoms
        if atoms:
            self.lending.move_scaled(account, debt.borrowed_side, atoms)
            debt.borrowed -= atoms  # was counted when it accrued

    def weigh(self, account: int) -> None:
        """The account's own debt bears interest from now on."""
        if not self.bears:
            return
        own = self.troves.held(account, self.lending.debt_reserve, True)
        weight = ceil(Fraction(own * self.rate(account), PARTS))
        position = self.engine.clearing.create_position(account, self.side.number, 0)
        self.side.held -= weight + position.size
        self.side.outside_lots += weight + position.size
        position.size = -weight
        position.ladder_trigger = self.mark if weight else 0

    # --- all accounts --------------------------------------------------------------------------

    def all_weights(self) -> int:
        return -sum(p.size for p in self.engine.clearing.positions if p.market == self.side.number)

    def accrue(self) -> None:
        """Interest of all accounts up to the whole second of the clock, and the marks that follow."""
        mark = 1 + self.engine.clock // SECOND
        debt = self.lending.debt_reserve
        if not self.bears or debt is None or self.is_shut or mark == self.mark:
            return
        if mark > events.MAX_PRICE:
            raise OverflowError(f"{mark} seconds are beyond the highest mark")
        self.carry += self.all_weights() * (mark - self.mark)
        atoms = max(0, self.carry // YEAR)
        self.carry -= atoms * YEAR
        self.mark = debt.interest_mark = mark
        self.unsettled += atoms
        debt.borrowed += atoms
        debt.roundings += 1
        event = self.share(atoms, -1)
        debt.form_marks(event)
        if self.troves.collateral is not None:
            self.troves.believed()
            self.troves.collateral.form_marks(event)

    def share(self, atoms: int, account: int) -> int:
        """Interest and fees: the pool's share and the treasury's."""
        if not atoms:
            return -1
        debt, pool = self.lending.debt_reserve, self.lending.stability_pool
        to_pool = 0
        if pool.deposits >= pool.least:
            to_pool = min(debt.cash, atoms * self.troves.parts(self.terms.pool_share) // PARTS)
        debt.cash -= to_pool
        debt.flow("redeemed", to_pool)
        debt.treasury += atoms - to_pool
        if to_pool:
            pool.earn(to_pool)
        return self.engine.log.add(
            events.INTEREST, account=account, quantity=atoms, money=atoms - to_pool,
            market=debt.borrowed_side.number,
        )  # fmt: skip

    # --- fees ----------------------------------------------------------------------------------

    def fee(self, account: int, atoms: int) -> int:
        """What is added to the debt besides the atoms that are borrowed."""
        terms, debt = self.terms, self.lending.debt_reserve
        fee = atoms * self.troves.parts(terms.borrowing_fee) // PARTS
        time = rate_of(terms.upfront_time)
        if time and self.bears:
            own = self.troves.owed(account) + atoms
            weights = self.all_weights() - self.weight(account)
            weights += ceil(Fraction(own * self.rate(account), PARTS))
            # of debts that were shared out the account's alone
            debts = debt.borrowed - self.troves.unsettled + self.troves.pending(account)[0] + atoms
            mean = weights * MEAN // debts
            fee += floor(Fraction(atoms * mean * time, YEAR * MEAN))
        return fee

    # --- owners --------------------------------------------------------------------------------

    def check_rate(self, rate) -> None:
        if not self.bears:
            raise ValueError("debts bear no interest")
        low, high = map(rate_of, self.terms.interest)
        if not low <= rate_of(rate) <= high:
            raise ValueError(f"rate {rate!r} is outside {low} ... {high}")

    def set_rate(self, account: int, rate) -> None:
        self.check_rate(rate)
        self.lending.check_account(account)
        self.troves.settle(account)
        self.rates[account] = self.troves.parts(rate)
        self.troves.settle(account)

    def keep(self, account: int, lots: int) -> None:
        """What a closed loan leaves its owner stays in the reserve until it is claimed."""
        self.surplus[account] = self.surplus.get(account, 0) + lots
        self.troves.collateral.treasury += lots

    def claim(self, account: int) -> int:
        self.lending.check_account(account)
        lots, collateral = self.surplus.get(account, 0), self.troves.collateral
        if not lots:
            raise ValueError(f"account {account} has nothing to claim")
        collateral.check_open_for(False)
        del self.surplus[account]
        collateral.treasury -= lots
        collateral.cash -= lots
        collateral.flow("redeemed", lots)
        self.lending.note(events.REDEEM, collateral.supplied_side, account, lots)
        return lots

    # --- what adds up --------------------------------------------------------------------------

    def rows(self) -> list[list[int]]:
        rows = [
            [self.mark, self.carry, self.unsettled, sum(self.surplus.values()), int(self.is_shut)]
        ]
        for account in sorted({*self.rates, *self.surplus}):
            rows.append([account, self.rates.get(account, 0), self.surplus.get(account, 0)])
        return rows

    def check(self, accounts: list[int]) -> None:
        """What accrued is what accounts have coming, to the part of an atom."""
        coming = [self.pending(k) for k in accounts]
        parts = sum(atoms * YEAR + rest for atoms, rest in coming)
        assert parts == self.unsettled * YEAR + self.carry, (parts, self.unsettled, self.carry)
        kept = sum(self.surplus.values())
        assert kept == 0 or kept <= self.troves.collateral.treasury
        for account in accounts if self.bears else []:
            own = self.troves.held(account, self.lending.debt_reserve, True)
            assert self.weight(account) == ceil(Fraction(own * self.rate(account), PARTS))

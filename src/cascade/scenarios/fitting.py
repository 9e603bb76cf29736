"""A lending scenario under the rules of a protocol that its file was not written for.

Protocols differ in what they lend and against what: some have one asset that is borrowed, some one collateral,
some mint what they lend. `fitted` keeps of reserves and borrowers what the protocol can have, and says what it
changed.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from math import ceil

from cascade.exact_numbers import exact
from cascade.lending_rules import LendingRules
from cascade.rules.parameters.liquity_v1 import TROVES as LIQUITY_1
from cascade.rules.parameters.liquity_v2 import COMMON as LIQUITY_2
from cascade.scenarios.document import Document
from cascade.scenarios.lending_schema import (
    BorrowersSection,
    IncidentSection,
    LendingSection,
    LendingShockSection,
    LiquidatorSection,
    ReserveSection,
    Sections,
)
from cascade.scenarios.protocol import (
    ABSORB,
    AUCTION,
    BANDS,
    TROVES,
    kind_of,
    terms_of,
)

#: Share of all debts that providers put into a stability pool where the file states none.
POOL_SHARE = Decimal("0.1")
#: Least debt that the presets of loans closed whole leave to the crowd: with the reserve for the liquidator.
LEAST_DEBTS = {
    "liquity_v1": int(str(LIQUITY_1["least_net_debt"])) + int(str(LIQUITY_1["reserve"])),
    "liquity_v2": int(str(LIQUITY_2["least_debt"])),
}


@dataclass
class _Fit:
    """A section on its way, and what is said about it."""

    document: Document
    section: LendingSection
    notes: list[str]
    preset: str

    def error(self, field: str, reason: str) -> Exception:
        return self.document.error(field, f"{self.section.name}: {reason}")


def fitted(
    document: Document, sections: Sections, preset: str, variant: str | None, price: Fraction
) -> tuple[Sections, tuple[str, ...]]:
    """Sections under a preset's rules, fitted to its structure.

    Parameters
    ----------
    document : Document
        For errors.
    sections : Sections
    preset : str
    variant : str or None
    price : Fraction
        Of the collateral, before the shock.

    Returns
    -------
    (Sections, tuple of str)
        What was changed, a clause each; nothing where the file's reserves and borrowers are what the
        protocol has.

    Raises
    ------
    ScenarioError
        There is no such preset or variant, or no borrowers that it could have.
    """
    notes: list[str] = []
    lending = []
    shock = sections.shock
    for stated in sections.lending:
        section = replace(stated, rules=preset, variant=variant, fee=None)
        terms = terms_of(document, section)
        fit = _Fit(document, section, [], preset)
        kind = kind_of(terms)
        if kind in (ABSORB, AUCTION):
            _one_base(fit, kind)
        elif kind in (TROVES, BANDS):
            _one_pair(fit, kind)
        elif isinstance(terms, LendingRules):
            _reserves_of_calls(fit, terms)
        if kind == AUCTION:
            assert isinstance(terms, LendingRules)
            _tip(fit, sections.liquidators)
            shock = _until_auctions_end(fit, terms, shock)
        if preset == "liquity_v2":
            _put_by(fit, price)
        if kind != TROVES:
            fit.section = replace(fit.section, stability_pool=None, stability_share=None)
        elif fit.section.stability_pool is None and fit.section.stability_share is None:
            fit.section = replace(fit.section, stability_share=POOL_SHARE)
            fit.notes.append(f"a stability pool of {float(100 * POOL_SHARE):g} % of all debts")
        sentinel = isinstance(terms, LendingRules) and terms.sentinel is not None
        _keep_incidents(fit, kind, sentinel)
        lending.append(fit.section)
        notes += [note for note in fit.notes if note not in notes]
    return replace(sections, lending=tuple(lending), shock=shock), tuple(notes)


def _by_name(reserve: ReserveSection) -> str:
    return reserve.name


def _reserve(fit: _Fit, name: str) -> ReserveSection:
    return next(reserve for reserve in fit.section.reserves if reserve.name == name)


def _keep_groups(fit: _Fit, kept: list[BorrowersSection], who: str) -> None:
    if not kept:
        raise fit.error("lending.borrowers", f"no group of {who}, which {fit.preset} asks for")
    if len(kept) < len(fit.section.borrowers):
        fit.notes.append(f"of the borrowers only {who}")
    fit.section = replace(fit.section, borrowers=tuple(kept))


def _without_categories(fit: _Fit) -> None:
    if fit.section.categories:
        fit.notes.append("no categories")
    groups = tuple(replace(group, category=None) for group in fit.section.borrowers)
    fit.section = replace(fit.section, borrowers=groups, categories=())


def _reserves_of_calls(fit: _Fit, terms: LendingRules) -> None:
    # ceilings and fees of each collateral, where the protocol has them
    reserves = []
    for reserve in fit.section.reserves:
        made = reserve
        if not terms.isolation:
            made = replace(made, debt_ceiling=None)
        if terms.fee_on == "repay":
            made = replace(made, liquidation_fee=None)
        reserves.append(made)
    if any(r.debt_ceiling is not None for r in fit.section.reserves) and not terms.isolation:
        fit.notes.append("no debt ceilings")
    if tuple(r.liquidation_fee for r in reserves) != tuple(
        r.liquidation_fee for r in fit.section.reserves
    ):
        fit.notes.append("no fee of a collateral")
    fit.section = replace(fit.section, reserves=tuple(reserves))


def _one_base(fit: _Fit, kind: str) -> None:
    # one asset is borrowed, and it is no collateral
    counts: Counter[str] = Counter()
    for group in fit.section.borrowers:
        counts[group.debt] += group.count
    _without_categories(fit)
    base = max(counts, key=lambda name: counts[name], default="")
    kept = [g for g in fit.section.borrowers if g.debt == base != g.collateral]
    _keep_groups(fit, kept, f"those who owe {base}")
    reserves = []
    for reserve in fit.section.reserves:
        made = replace(reserve, debt_ceiling=None, borrowable_in_isolation=False, siloed=False)
        made = replace(made, liquidation_fee=None)
        if reserve.name == base:
            made = replace(made, collateral=False, borrowable=True)
        else:
            made = replace(made, borrowable=False, borrow_cap=None, interest=None)
            if kind == ABSORB and reserve.liquidation_factor is None:
                factor = 1 - Decimal(reserve.liquidation_bonus)
                made = replace(made, liquidation_factor=factor)
                fit.notes.append(
                    f"{reserve.name} is credited at {factor.normalize():f} of its value"
                )
        reserves.append(made)
    if tuple(reserves) != fit.section.reserves:
        fit.notes.append(f"{base} alone is lent, and no collateral")
    fit.section = replace(fit.section, reserves=tuple(reserves))


def _one_pair(fit: _Fit, kind: str) -> None:
    # one collateral with a price against money
    _without_categories(fit)
    priced = {reserve.name for reserve in fit.section.reserves if reserve.price is not None}
    pairs: Counter[tuple[str, str]] = Counter()
    for group in fit.section.borrowers:
        if group.collateral in priced and group.debt not in priced:
            pairs[group.collateral, group.debt] += group.count
    collateral, debt = max(pairs, key=lambda pair: pairs[pair], default=("", ""))
    kept = [g for g in fit.section.borrowers if (g.collateral, g.debt) == (collateral, debt)]
    _keep_groups(fit, kept, f"those who owe {debt or 'money'} against {collateral or 'a price'}")
    old = _reserve(fit, collateral)
    held = ReserveSection(
        name=collateral, price=old.price, venue=old.venue, oracle=old.oracle,
        supply_cap=old.supply_cap, account_cap=old.account_cap, account_share=old.account_share,
    )  # fmt: skip
    owed = ReserveSection(name=debt, borrow_cap=_reserve(fit, debt).borrow_cap)
    if kind == BANDS:
        held, owed = (
            replace(held, supply_cap=None, account_cap=None, account_share=None),
            ReserveSection(name=debt),
        )
    if sorted((held, owed), key=_by_name) != sorted(fit.section.reserves, key=_by_name):
        fit.notes.append(f"borrowers of {debt} hold {collateral} only, and what they owe is minted")
    fit.section = replace(fit.section, reserves=(held, owed))
    if kind == BANDS:
        return
    least = LEAST_DEBTS[fit.preset]
    groups = tuple(
        replace(group, debt_least=max(group.debt_least, least)) if group.file is None else group
        for group in fit.section.borrowers
    )
    fit.notes.append(f"nobody owes less than {least:,}")
    fit.section = replace(fit.section, borrowers=groups)


def _tip(fit: _Fit, liquidators: tuple[LiquidatorSection, ...]) -> None:
    # whoever starts an auction is to have its gas back, or nobody starts a small one
    gas = min((liquidator.gas for liquidator in liquidators), default=0)
    if gas:
        fit.section = replace(fit.section, rules={"preset": fit.preset, "tip": gas})
        fit.notes.append(f"whoever starts an auction gets a tip of {gas}, its gas")


def _put_by(fit: _Fit, price: Fraction) -> None:
    # the protocol's is ether, the engine's is money
    ether = str(LIQUITY_2["gas_reserve"])
    money = round(Fraction(ether) * price)
    fit.section = replace(fit.section, rules={"preset": fit.preset, "gas_reserve": money})
    fit.notes.append(f"borrowers put by {money:,} for liquidators, {ether} of collateral")


def _until_auctions_end(
    fit: _Fit, terms: LendingRules, shock: LendingShockSection
) -> LendingShockSection:
    assert terms.auction is not None
    hold = ceil(exact(terms.auction.tail, "tail") / Fraction(shock.dt))
    if hold <= shock.hold:
        return shock
    note = f"the run goes on for {terms.auction.tail:,} s, an auction's longest"
    fit.notes.append(note)
    return replace(shock, hold=hold)


def _keep_incidents(fit: _Fit, kind: str, sentinel: bool) -> None:
    names = {reserve.name for reserve in fit.section.reserves}

    def possible(incident: IncidentSection) -> bool:
        if incident.kind == "sequencer":
            return sentinel
        if incident.kind == "auctions":
            return kind == AUCTION
        if incident.reserve not in names:
            return False
        return kind != TROVES or incident.failure in (None, "stale")

    kept = tuple(incident for incident in fit.section.incidents if possible(incident))
    if len(kept) < len(fit.section.incidents):
        fit.notes.append("without incidents that it cannot have")
    fit.section = replace(fit.section, incidents=kept)

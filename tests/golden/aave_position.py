"""One collateral against one debt under Aave's rules: everything that a case may ask about such an account.

Which names a case gives its amounts is read from a list of synonyms; what it asks is looked up among all that
`cascade.lending` says about the account before a call, about the call, and about the account after it.
"""

from fractions import Fraction
from typing import Any

from case import Inputs, UnsupportedError
from lending_units import PRICE, WAD, multiplier, share, whole

from cascade import lending
from cascade.lending import Account, DustLeftError, LendingRefusedError, ReserveTerms

BPS = 10**4
NAMES = {
    "collateral": ("collateral_units", "collateral_usd", "collateral_value", "collateral"),
    "debt": ("debt_units", "debt_usd", "debt_value", "debt"),
    "threshold": ("liquidation_threshold", "liq_threshold", "lt", "threshold"),
    "bonus": ("bonus", "liquidation_bonus", "penalty"),
    "asked": ("requested", "repay", "repay_usd"),
    "left": ("min_leftover", "min_leftover_usd"),
}


def _number(i: Inputs, what: str) -> Fraction | None:
    found = next((i.given[name] for name in NAMES[what] if name in i), None)
    if found is None:
        return None
    if isinstance(found, str) and what == "asked" and not any(c.isdigit() for c in found):
        # "more than allowed": the largest
        return None
    return i.exact(found)


def is_pair(i: Inputs, text: str) -> bool:
    """Whether a case gives numbers that describe one collateral and one debt, or the bonus's terms."""
    scalar = (int, float, str)
    told = {
        what: [i.given[name] for name in names if name in i]
        for what, names in NAMES.items()
    }  # fmt: skip
    return all(isinstance(one, scalar) for what in ("collateral", "debt", "threshold", "bonus", "asked")
               for one in told[what]) and bool(told["threshold"])  # fmt: skip


def _terms(i: Inputs) -> dict[str, Any]:
    """What threshold and bonus alone say."""
    limit, bonus = _number(i, "threshold"), _number(i, "bonus")
    if limit is None or bonus is None:
        return {}
    edge = lending.toxic_threshold(limit, multiplier(bonus) - 1)
    names = ("toxic_below", "toxic_hf", "toxic_threshold", "lt_times_bonus", "hf_upper",
             "deadlock_below", "edge")  # fmt: skip
    return dict.fromkeys(names, edge)


def _leftovers(i: Inputs, reserves: dict[str, ReserveTerms], account: Account, repay: int,
               rule: lending.LiquidationRule) -> dict[str, Any]:  # fmt: skip
    held, owed = account.collateral["collateral"], account.debts["debt"]
    taken = lending.seize_at_base(
        rule, repay, reserves["debt"], reserves["collateral"], held, reserves["collateral"].bonus
    )
    left, debt = held - taken.seized, owed - taken.repaid
    worth = lending.value_of(left, reserves["collateral"])
    return {
        "seized": share(taken.seized), "repaid": share(taken.repaid),
        "collateral_left": share(left), "collateral_after": share(left),
        "collateral_left_usd": share(worth, PRICE), "collateral_after_usd": share(worth, PRICE),
        "debt_left": share(debt), "debt_after": share(debt),
        "debt_left_usd": share(lending.value_of(debt, reserves["debt"]), PRICE),
    }  # fmt: skip


def answers(i: Inputs, rule: lending.LiquidationRule) -> dict[str, Any]:
    """All that is known of the account, by the names that cases use."""
    found = _terms(i)
    held, owed = _number(i, "collateral"), _number(i, "debt")
    if held is None or owed is None:
        return found
    least = _number(i, "left")
    if least is not None:
        rule = rule.changed(least_left=whole(least, PRICE))
    limit, bonus = _number(i, "threshold"), _number(i, "bonus")
    reserves = {
        "collateral": ReserveTerms(
            price=whole(i.get("price_collateral", Fraction(1)), PRICE), unit=WAD,
            liquidation_threshold=whole(limit or Fraction(0), BPS),
            bonus=whole(multiplier(bonus or Fraction(1)), BPS),
        ),
        "debt": ReserveTerms(price=whole(i.get("price_debt", Fraction(1)), PRICE), unit=WAD),
    }  # fmt: skip
    account = Account({"collateral": whole(held, WAD)}, {"debt": whole(owed, WAD)})
    worth = lending.values(rule, reserves, account)
    health = lending.health_factor(rule, reserves, account)
    due = lending.is_liquidatable(rule, reserves, account)
    found |= {"liquidatable": due, "insolvent": lending.is_insolvent(reserves, account)}
    if health is not None:
        found |= dict.fromkeys(("hf", "hf0", "hf_before", "health", "health_factor"), share(health))
    most = lending.max_repay(
        rule, health, account.debts["debt"], debt_value=worth.debt,
        collateral_value=worth.collateral, total_debt_value=worth.debt,
        price=reserves["debt"].price, unit=WAD,
    )  # fmt: skip
    if due:
        found |= dict.fromkeys(("max_repay", "max_liquidatable"), share(most))
        found["max_repay_usd"] = share(lending.value_of(most, reserves["debt"]), PRICE)
        found["close_factor"] = Fraction(most, account.debts["debt"])
    return found | _call(i, rule, reserves, account, most)


def _call(i: Inputs, rule: lending.LiquidationRule, reserves: dict[str, ReserveTerms],
          account: Account, most: int) -> dict[str, Any]:  # fmt: skip
    asked = _number(i, "asked")
    repay = most if asked is None else min(whole(asked, WAD), most)
    found: dict[str, Any] = {}
    try:
        done = lending.liquidate(
            rule, reserves, account, debt="debt", collateral="collateral", repay=repay
        )
    except DustLeftError:
        found = _leftovers(i, reserves, account, repay, rule)
        return found | {"revert": True, "reverts": True, "allowed": False}
    except LendingRefusedError:
        return {"revert": True, "reverts": True, "allowed": False}
    found |= _leftovers(i, reserves, account, repay, rule)
    found |= {"revert": False, "reverts": False, "allowed": True, "lowered": done.lowered,
              "insolvent_after": lending.is_insolvent(reserves, done.account)}  # fmt: skip
    written_off = share(sum(done.bad_debt.values()))
    found |= {"deficit": written_off, "written_off": written_off}
    if done.health_after is not None:
        names = ("hf1", "hf_after", "health_after")
        found |= dict.fromkeys(names, share(done.health_after))
    return found


def _bad_debt(known: dict[str, Any], asked: Any) -> Any:
    # whether the account owes more than it has, or what it owes without collateral or was written off
    if isinstance(asked, bool):
        return known.get("insolvent_after", known["insolvent"])
    alone = known["collateral_left"] == 0
    return known["debt_left"] if alone else Fraction(0)


def position(i: Inputs, text: str, rule: lending.LiquidationRule) -> Any:
    """Answers of a case about one account, in the integers of health where it asks for them."""
    known = answers(i, rule)
    if not isinstance(i.asked, dict):
        if isinstance(i.asked, bool) and "liquidatable" in known:
            return known["liquidatable"]
        said = text.lower()
        if "health factor" in said and "hf" in known and not isinstance(i.asked, (bool, list)):
            return known["hf"]
        raise UnsupportedError("one value is asked, and nothing says which")
    if "debt_left" in known and "bad_debt" in i.asked:
        known["bad_debt"] = _bad_debt(known, i.asked["bad_debt"])
    for name, one in i.asked.items():
        # health is asked in units, or in the contract's integers
        if ("hf" in name or "health" in name) and isinstance(known.get(name), Fraction):
            own = not isinstance(one, bool) and i.exact(one) >= 10**12
            known[name] = int(known[name] * WAD) if own else known[name]
    return known

from cascade._core import EngineCore

def move_balance(core: EngineCore, account: int, amount: int) -> None:
    """Deposit (positive atoms) or withdraw (negative), refused below initial margin."""

def deposit_into_fund(core: EngineCore, asset: int, amount: int) -> None: ...
def free_collateral_atoms(core: EngineCore, account: int) -> int:
    """What an account could withdraw or put at risk, atoms."""

def set_leverage(
    core: EngineCore, account: int, market: int, hundredths: int, isolated: bool | None
) -> None:
    """Leverage and, unless None, margin mode of an account's position(s) in a market."""

def transfer(
    core: EngineCore, account: int, market: int, amount: int, leg: str | None = None
) -> None:
    """Move atoms from the balance to an isolated position's margin, or back (negative)."""

def pay_funding(core: EngineCore, number: int, rate: int) -> None:
    """Every position of a market pays `rate` (parts in 10**9) of its value."""

def set_funding(core: EngineCore, number: int, rate: int | None) -> None:
    """Rate (parts in 10**9) of the settlements to come, None: from the premium."""

def set_dislocation_threshold(core: EngineCore, number: int, parts: int) -> None:
    """Distance from the index, parts in 10**9 of it, beyond which time counts."""

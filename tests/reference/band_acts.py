"""Turns of the twin's band markets in a cascade: arbitrage, liquidations, and the marks that follow."""


def act_on_bands(cascade) -> None:
    """Arbitrage and liquidations of all band markets until nothing happens."""
    moved = True
    while moved:
        moved = False
        for market in cascade.engine.band_markets:
            moved |= trade_bands(cascade, market)
            while not cascade.exhausted() and (number := market.next_due()) is not None:
                if market.liquidate(cascade, number):
                    moved = True
                    refresh(cascade)
                    trade_bands(cascade, market)


def trade_bands(cascade, market) -> bool:
    if not market.arbitrage(cascade):
        return False
    refresh(cascade)
    return True


def refresh(cascade) -> None:
    cascade.refresh_touched()
    cascade.touched = {}

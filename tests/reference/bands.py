"""Bands of soft liquidation with sixty digits and no rounding, from docs/protocols/crvusd.md.

Every owner has an amount of every band, changed in proportion by every trade. There are no dead shares, no
limit on the distance from the oracle and no dust.
"""

from decimal import Decimal, getcontext

getcontext().prec = 60


class FairBands:
    """x stablecoin and y collateral by band; oracle and fee are given with every trade."""

    def __init__(self, amplification, base_price):
        self.a = Decimal(amplification)
        self.base = Decimal(base_price)
        self.x = {}
        self.y = {}
        self.active = 0
        self.owners = {}
        self.shares = {}

    def upper(self, n):
        return self.base * ((self.a - 1) / self.a) ** n

    def deposit(self, name, amount, first, last):
        each = Decimal(amount) / (last - first + 1)
        own = self.owners[name] = {}
        for n in range(first, last + 1):
            there, shares = self.y.get(n, Decimal(0)), self.shares.get(n, Decimal(0))
            # a share is worth its part of what the band has now
            own[n] = each * shares / there if shares else each
            self.shares[n] = shares + own[n]
            self.y[n] = there + each
        self.active = min(self.active, first - 1)

    def holding(self, name):
        parts = [(n, share / self.shares[n]) for n, share in self.owners[name].items()]
        return (
            sum(self.x.get(n, Decimal(0)) * part for n, part in parts),
            sum(self.y.get(n, Decimal(0)) * part for n, part in parts),
        )

    def curve(self, n, oracle):
        x, y, p, up, a = (
            self.x.get(n, Decimal(0)),
            self.y.get(n, Decimal(0)),
            oracle,
            self.upper(n),
            self.a,
        )
        b = up / p * (a - 1) * x + p**2 / up * a * y
        y0 = (b + (b**2 + 4 * p * a * x * y).sqrt()) / (2 * p * a)
        f, g = a * y0 * p**2 / up, (a - 1) * y0 * up / p
        return x, y, f, g, (f + x) * (g + y)

    def fee(self, n, oracle, least):
        down = oracle**3 / self.upper(n) ** 2
        up = oracle**3 / self.upper(n + 1) ** 2
        far = (down - oracle) / down if oracle < down else (oracle - up) / oracle
        return max(least, far / 4)

    def trade(self, is_buy, amount, oracle, fee):
        left, got = Decimal(amount), Decimal(0)
        edge = max(self.y) if is_buy else min(self.y)
        while left > 0:
            n = self.active
            if self.x.get(n) or self.y.get(n):
                x, y, f, g, constant = self.curve(n, oracle)
                kept = 1 - self.fee(n, oracle, fee)
                if is_buy:
                    whole = (constant / g - f - x) / kept
                    paid = min(left, whole)
                    rest = Decimal(0) if paid == whole else constant / (f + x + paid * kept) - g
                    self.x[n], self.y[n], got = x + paid, rest, got + y - rest
                else:
                    whole = (constant / f - g - y) / kept
                    paid = min(left, whole)
                    rest = Decimal(0) if paid == whole else constant / (g + y + paid * kept) - f
                    self.x[n], self.y[n], got = rest, y + paid, got + x - rest
                left -= paid
                if left == 0 and paid < whole:
                    break
            if n == edge:
                break
            self.active += 1 if is_buy else -1
        return Decimal(amount) - left, got

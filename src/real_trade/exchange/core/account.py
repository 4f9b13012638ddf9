"""Accounts: what they hold of each coin, and their positions. Changes only by what the exchange books."""

from __future__ import annotations

from dataclasses import dataclass, field

from real_trade.exchange.core.contract import Contract, Kind, divide


@dataclass(slots=True)
class Position:
    """A position in a contract: one way, or one side of a hedged pair.

    Attributes:
        contract: what is held.
        side: 0 one way; +1 or -1 the long or short side of a hedged pair.
        lots: signed.
        cost: worth acquired that is still open, units of the settlement coin; 0 when flat.
        realised: profit of what was closed, before fees and funding.
        leverage: as chosen.
        extra: margin that was added to an isolated position.
        refills: isolated, it takes more of its account's coin before it is liquidated.
    """

    contract: Contract
    side: int = 0
    lots: int = 0
    cost: int = 0
    realised: int = 0
    leverage: int = 10
    extra: int = 0
    refills: bool = False

    def profit(self, mark: int) -> int:
        """Return the unrealised profit at a mark price, units."""
        return self.contract.worth(self.lots, mark) - self.cost if self.lots else 0

    def initial_margin(self, mark: int) -> int:
        """Return the margin that the position binds, units, rounded up."""
        return -(-self.contract.value(self.lots, mark) // self.leverage) if self.lots else 0

    def maintenance(self, mark: int) -> int:
        """Return the margin below which it is liquidated."""
        return self.contract.maintenance(self.contract.value(self.lots, mark)) if self.lots else 0

    @property
    def backing(self) -> int:
        """Return the margin set aside for it when it was opened, and what was added: all that it may lose, isolated."""
        return -(-abs(self.cost) // self.leverage) + self.extra if self.lots else 0

    def fill(self, lots: int, ticks: int) -> int:
        """Take signed lots at a price; return the profit that this realised, units.

        What reduces the position releases its share of the cost, rounded once.
        """
        worth = self.contract.worth(lots, ticks)
        before, after = self.lots, self.lots + lots
        self.lots = after
        if before == 0 or (before > 0) == (lots > 0):
            self.cost += worth
            return 0
        if abs(lots) <= abs(before):
            released = divide(self.cost * abs(lots), abs(before))
            profit = -worth - released
            self.cost -= released
        else:
            # It turns: what closes it is its share of the fill.
            closing = divide(worth * abs(before), abs(lots))
            profit = -closing - self.cost
            self.cost = worth - closing
        if after == 0:
            self.extra = 0
        self.realised += profit
        return profit


@dataclass(slots=True)
class Account:
    """One account.

    Attributes:
        number: names it inside the core.
        wallet: units of each coin.
        positions: by symbol and side.
        hedged: symbols whose long and short side are kept apart.
        isolated: each position is backed by its own margin; else by all of its settlement coin.
        bound: what open orders hold back, units of each coin.
        fees: paid so far, units of each coin.
        funding: paid so far (negative: received), units of each coin.
        realised: profit booked so far, units of each coin.
        rates: its own maker and taker fee of a kind of contract, 1e-9; without one, the contract's.
    """

    number: int
    wallet: dict[str, int] = field(default_factory=dict)
    positions: dict[tuple[str, int], Position] = field(default_factory=dict)
    hedged: set[str] = field(default_factory=set)
    isolated: bool = False
    bound: dict[str, int] = field(default_factory=dict)
    fees: dict[str, int] = field(default_factory=dict)
    funding: dict[str, int] = field(default_factory=dict)
    realised: dict[str, int] = field(default_factory=dict)
    rates: dict[Kind, tuple[int, int]] = field(default_factory=dict)

    def rate(self, contract: Contract, *, maker: bool) -> int:
        """Return the fee that it pays for a fill, 1e-9 of its value."""
        own = self.rates.get(contract.kind, (contract.maker_rate, contract.taker_rate))
        return own[0] if maker else own[1]

    def position(self, contract: Contract, side: int = 0) -> Position:
        """Return a position, flat if there was none."""
        key = contract.symbol, side
        if key not in self.positions:
            self.positions[key] = Position(contract, side)
        return self.positions[key]

    def change(self, coin: str, units: int) -> None:
        """Add to a wallet, or take from it."""
        self.wallet[coin] = self.wallet.get(coin, 0) + units

    def pay_fee(self, coin: str, units: int) -> None:
        """Take a fee (negative: a rebate)."""
        self.change(coin, -units)
        self.fees[coin] = self.fees.get(coin, 0) + units

    def pay_funding(self, coin: str, units: int) -> None:
        """Take a payment of funding (negative: give)."""
        self.change(coin, -units)
        self.funding[coin] = self.funding.get(coin, 0) + units

    def realise(self, coin: str, units: int) -> None:
        """Book the profit of what was closed."""
        self.change(coin, units)
        self.realised[coin] = self.realised.get(coin, 0) + units

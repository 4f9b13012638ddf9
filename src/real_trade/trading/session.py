"""The path of one strategy: closed bar -> decision -> intents, the same in reference backtest, paper and live."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from real_trade.kernels.tables import AMEND, CANCEL, CANCEL_ALL, MAX_REQUESTS, REQUEST_COLUMNS, REQUEST_ROWS
from real_trade.model.order import Flag, OrderIntent, OrderType, Side
from real_trade.trading.desk import Desk

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from real_trade.kernels.accounting import Ledger, Terms
    from real_trade.model.bars import Bar
    from real_trade.model.tape import Trade
    from real_trade.trading.strategy import Strategy


class TooManyRequests(Exception):
    """A strategy asked for more than `MAX_REQUESTS` things on one bar."""


class CancelAll(NamedTuple):
    """Take back every open order."""


class CancelOrder(NamedTuple):
    """Take back one order."""

    order_id: int


class AmendOrder(NamedTuple):
    """Give an open order another quantity, limit or trigger; 0 leaves it as it is."""

    order_id: int
    lots: int
    price_ticks: int
    trigger_ticks: int


Request = OrderIntent | CancelAll | CancelOrder | AmendOrder


class AccountView(NamedTuple):
    """What a strategy may know of its account in one symbol."""

    ledger: Ledger
    open_orders: int
    next_order_id: int


class StrategySession:
    """A strategy, its parameters and its state.

    Args:
        strategy: its class.
        params: as ``strategy.resolve_params`` gives them.
        terms: of the account in each of its symbols.
    """

    def __init__(self, strategy: type[Strategy], params: Any, terms: Sequence[Terms]) -> None:
        self._strategy = strategy
        self._params = params
        self._terms = terms
        self._requests = [np.zeros((REQUEST_ROWS, REQUEST_COLUMNS), np.int64) for _ in terms]
        self.state = strategy.State()

    def decide(self, bars: Sequence[Bar], x: Any, accounts: Sequence[AccountView]) -> list[list[Request]]:
        """Show the strategy closed bars, one of each symbol, and return what it asks for in each, in order.

        Args:
            bars: in the order of its symbols.
            x: its row of features.
            accounts: of each symbol.

        Raises:
            TooManyRequests: it asked for too much.
        """
        desks = self._desks(accounts)
        if self._strategy.symbols == 1:
            self.state = self._strategy.on_bar(bars[0], x, self.state, self._params, desks[0])
        else:
            self.state = self._strategy.on_bars(tuple(bars), x, self.state, self._params, tuple(desks))
        return [_taken(rows) for rows in self._requests]

    def decide_on_trade(self, trade: Trade, x: Any, account: AccountView) -> list[Request]:
        """Show the strategy, which has one symbol, a trade; as `decide`."""
        self.state = self._strategy.on_trade(trade, x, self.state, self._params, self._desks([account])[0])
        return _taken(self._requests[0])

    def _desks(self, accounts: Sequence[AccountView]) -> list[Desk]:
        cash = sum(account.ledger.cash for account in accounts) * 1e-8
        return [
            Desk(
                account.ledger.position,
                account.open_orders,
                account.ledger.entry_ticks,
                cash,
                point_value_of(terms),
                terms.inverse,
                account.next_order_id,
                rows,
            )
            for account, terms, rows in zip(accounts, self._terms, self._requests, strict=True)
        ]


def point_value_of(terms: Terms) -> float:
    """Return settlement currency per tick and lot; inverse: base times ticks per lot."""
    return terms.value_numerator / terms.value_denominator * 1e-8


def _taken(rows: NDArray[np.int64]) -> list[Request]:
    number = int(rows[MAX_REQUESTS, 0])
    rows[MAX_REQUESTS] = 0
    if number > MAX_REQUESTS:
        raise TooManyRequests
    return [_request(*row) for row in rows[:number].tolist()]


def _request(
    action: int, side: int, lots: int, price: int, trigger: int, flags: int, expire_ms: int, order_id: int
) -> Request:
    if action == CANCEL_ALL:
        return CancelAll()
    if action == CANCEL:
        return CancelOrder(order_id)
    if action == AMEND:
        return AmendOrder(order_id, lots, price, trigger)
    # An exit's side follows from its entry.
    return OrderIntent(
        Side(side or 1), OrderType(action), lots, price, trigger, Flag(flags), expire_ms, entry_id=order_id
    )

"""The path of one strategy: closed bar -> decision -> intents, the same in reference backtest, paper and live."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from real_trade.kernels.book import CANCEL, CANCEL_ALL, MAX_REQUESTS, REQUEST_COLUMNS, REQUEST_ROWS
from real_trade.model.order import OrderIntent, OrderType, Side
from real_trade.trading.desk import Desk

if TYPE_CHECKING:
    from real_trade.kernels.accounting import Ledger
    from real_trade.model.bars import Bar
    from real_trade.trading.strategy import Strategy


class TooManyRequests(Exception):
    """A strategy asked for more than `MAX_REQUESTS` things on one bar."""


class StrategySession:
    """A strategy, its parameters and its state.

    Args:
        strategy: its class.
        params: as ``strategy.resolve_params`` gives them.
        point_value: settlement currency per tick and lot.
    """

    def __init__(self, strategy: type[Strategy], params: Any, point_value: float) -> None:
        self._on_bar = strategy.on_bar
        self._params = params
        self._point_value = point_value
        self._requests = np.zeros((REQUEST_ROWS, REQUEST_COLUMNS), np.int64)
        self.state = strategy.State()

    def decide(
        self, bar: Bar, x: Any, ledger: Ledger, open_orders: int, next_order_id: int
    ) -> list[OrderIntent | tuple[int, int]]:
        """Show the strategy a closed bar and return what it asks for, in order.

        A cancellation is a pair ``(CANCEL, order id)`` or ``(CANCEL_ALL, 0)``.

        Raises:
            TooManyRequests: it asked for too much.
        """
        desk = Desk(
            ledger.position,
            open_orders,
            ledger.entry_ticks,
            ledger.cash * 1e-8,
            self._point_value,
            next_order_id,
            self._requests,
        )
        self.state = self._on_bar(bar, x, self.state, self._params, desk)
        number = int(self._requests[MAX_REQUESTS, 0])
        self._requests[MAX_REQUESTS] = 0
        if number > MAX_REQUESTS:
            raise TooManyRequests
        return [_intent(*row) for row in self._requests[:number].tolist()]


def _intent(action: int, side: int, lots: int, price: int) -> OrderIntent | tuple[int, int]:
    if action == CANCEL_ALL:
        return CANCEL_ALL, 0
    if action == CANCEL:
        return CANCEL, lots
    return OrderIntent(Side(side), OrderType(action), lots, price)

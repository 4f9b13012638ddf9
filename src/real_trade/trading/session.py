"""The path of one strategy: closed bar -> decision -> intents, the same in reference backtest, paper and live."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from real_trade.kernels.book import AMEND, CANCEL, CANCEL_ALL, MAX_REQUESTS, REQUEST_COLUMNS, REQUEST_ROWS
from real_trade.model.order import Flag, OrderIntent, OrderType, Side
from real_trade.trading.desk import Desk

if TYPE_CHECKING:
    from real_trade.kernels.accounting import Ledger
    from real_trade.model.bars import Bar
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

    def decide(self, bar: Bar, x: Any, ledger: Ledger, open_orders: int, next_order_id: int) -> list[Request]:
        """Show the strategy a closed bar and return what it asks for, in order.

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
        return [_request(*row) for row in self._requests[:number].tolist()]


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

"""The readable driver: bar by bar through `SimulatedVenue`. Slow, and the judge of the compiled loop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from real_trade.backtest.codegen import row_type
from real_trade.backtest.diagnosis import explain_failure
from real_trade.kernels.book import CASH_LIMIT, MAX_REQUESTS
from real_trade.model.bars import Bar
from real_trade.model.errors import StrategyError
from real_trade.model.instrument import MONEY_UNIT
from real_trade.model.order import OrderIntent
from real_trade.portfolio.account import Account
from real_trade.sim.venue import SimulatedVenue
from real_trade.trading.session import AmendOrder, CancelOrder, Request, StrategySession, TooManyRequests

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from real_trade.kernels.accounting import Terms
    from real_trade.model.bars import Bars
    from real_trade.model.order import Fill, Order
    from real_trade.trading.strategy import Strategy


def run_reference(
    strategy: type[Strategy], bars: Bars, features: dict[str, NDArray[Any]], params: Any, terms: Terms, cash_units: int
) -> tuple[list[tuple[int, ...]], list[tuple[int, ...]], NDArray[np.int64]]:
    """Return order rows, fill rows (as in ``backtest.result``) and the equity at each close."""
    account = Account(cash_units, terms)
    venue = SimulatedVenue(account)
    session = StrategySession(strategy, params, terms.value_numerator / terms.value_denominator * float(MONEY_UNIT))
    row = row_type(tuple(features))
    equity = np.zeros(len(bars.close), np.int64)
    for index in range(len(bars.close)):
        bar = Bar(*(column[index].item() for column in bars))
        x = row(*([column[index].item() for column in features.values()] or [0]))
        venue.on_bar(bar)
        if abs(account.ledger.cash) > CASH_LIMIT:
            raise too_much_money(strategy, index)
        equity[index] = account.equity(bar.close)
        try:
            asked = session.decide(bar, x, account.ledger, venue.open_orders, venue.next_order_id)
        except TooManyRequests:
            raise too_many_orders(strategy, index) from None
        except Exception as error:  # border: a strategy's own code may raise anything
            raise explain_failure(strategy, "on_bar", error) from error
        for request in asked:
            _carry_out(venue, request, bar.time_ms)
    bar_of = {time_ms: index for index, time_ms in enumerate(bars.time_ms.tolist())}
    return (
        [_order_row(order, bar_of) for order in venue.orders],
        [_fill_row(fill, bar_of) for fill in venue.fills],
        equity,
    )


def _carry_out(venue: SimulatedVenue, request: Request, time_ms: int) -> None:
    if isinstance(request, OrderIntent):
        venue.submit(request, time_ms)
    elif isinstance(request, CancelOrder):
        venue.cancel(request.order_id, time_ms)
    elif isinstance(request, AmendOrder):
        venue.amend(*request)
    else:
        venue.cancel_all(time_ms)


def too_many_orders(strategy: type[Strategy], bar: int) -> StrategyError:
    """Return the error for a strategy that floods the book."""
    return StrategyError(
        f"{strategy.__name__} gave more than {MAX_REQUESTS} orders on bar {bar}.",
        code="too_many_orders",
        field="on_bar",
        value=bar,
        fix="Keep one order working instead of adding one on every bar.",
    )


def too_much_money(strategy: type[Strategy], bar: int) -> StrategyError:
    """Return the error for amounts that leave 64 bits."""
    return StrategyError(
        f"{strategy.__name__} moved more money than 64-bit integers hold, on bar {bar}.",
        code="would_overflow",
        field="size",
        value=bar,
        fix="Trade a smaller size.",
    )


def _order_row(order: Order, bar_of: dict[int, int]) -> tuple[int, ...]:
    intent = order.intent
    return (
        order.order_id,
        bar_of[order.submitted_ms],
        order.submitted_ms,
        int(intent.side),
        int(intent.type),
        intent.lots,
        intent.price_ticks,
        int(order.status),
        int(order.reason),
        order.filled_lots,
        bar_of[order.updated_ms],
        intent.trigger_ticks,
        int(intent.flags),
        intent.expire_ms,
        intent.entry_id,
    )


def _fill_row(fill: Fill, bar_of: dict[int, int]) -> tuple[int, ...]:
    return (
        fill.order_id,
        bar_of[fill.time_ms],
        fill.time_ms,
        int(fill.side),
        fill.price_ticks,
        fill.lots,
        fill.fee,
        int(fill.maker),
        int(fill.ambiguous),
        fill.slippage,
    )

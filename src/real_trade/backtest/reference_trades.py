"""The readable driver over single trades: trade by trade through `SimulatedVenue`, with bars that close in between."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from real_trade.backtest.codegen import row_type
from real_trade.backtest.diagnosis import explain_failure
from real_trade.backtest.plan import closes_at, only_mandate
from real_trade.backtest.reference import bar_at, carry_out, tables_of, too_many_orders, too_much_money
from real_trade.kernels.tables import CASH_LIMIT
from real_trade.model.bars import Bar
from real_trade.model.tape import Tape, Trade
from real_trade.portfolio.account import Account
from real_trade.sim.venue import Moment, SimulatedVenue
from real_trade.trading.session import AccountView, StrategySession, TooManyRequests

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from real_trade.backtest.plan import Plan
    from real_trade.backtest.reference import LegRows, Rows
    from real_trade.trading.session import Request


def run_reference_trades(plan: Plan) -> tuple[list[LegRows], list[NDArray[np.int64]]]:
    """Return the tables of the one leg, and its equity at each close."""
    run = _Run(plan)
    for bar in range(len(plan.time_ms)):
        run.live_through(bar)
    return [tables_of(run.venue, run.payments, plan.time_ms)], [run.equity]


class _Run:
    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.mandate, self.feed = only_mandate(plan)
        assert self.feed.tape is not None
        self.tape: Tape = self.feed.tape
        leg = self.mandate.legs[0]
        self.account = Account(self.mandate.cash_units, leg.terms)
        self.venue = SimulatedVenue(self.account, leg.tiers)
        self.session = StrategySession(self.mandate.strategy, self.mandate.params, [leg.terms])
        self.payments: Rows = []
        self.equity = np.zeros(len(plan.time_ms), np.int64)
        self.closes = closes_at(plan, self.tape)

    def live_through(self, bar: int) -> None:
        """Live through a bar, in the order that `trade_loop.render` tells."""
        self._settle(bar)
        if bar:
            for row in range(int(self.closes[bar - 1]), int(self.closes[bar])):
                self._meet(bar, row)
        closed = bar_at(self.feed, bar)
        self.equity[bar] = self.account.equity(closed.close)
        self.venue.closed(closed.close)
        if self.mandate.strategy.decides_on_bars():
            self._decide(closed, bar, bar, closed.time_ms + self.plan.span_ms)

    def _settle(self, bar: int) -> None:
        due = self.feed.settlements
        for row in np.flatnonzero(due.bar == bar).tolist():
            lots = self.account.ledger.position
            if lots:
                price, rate = int(due.price_ticks[row]), int(due.rate[row])
                amount = self.account.settle(price, rate)
                self.payments.append((bar, int(self.plan.time_ms[bar]), lots, price, rate, amount))

    def _meet(self, bar: int, row: int) -> None:
        time_ms, price, size, side = (column[row].item() for column in self.tape)
        before = int(self.feed.bars.high[bar - 1]) - int(self.feed.bars.low[bar - 1])
        shown = Bar(time_ms, price, price, price, price, size, synthetic=False)
        self.venue.on_bar(Moment(shown, time_ms + 1, before, row, is_trade=True), price, price)
        if abs(self.account.ledger.cash) > CASH_LIMIT:
            raise too_much_money(self.mandate.strategy, bar)
        self.venue.closed(price)
        if self.mandate.strategy.decides_on_trades():
            self._decide(Trade(time_ms, price, size, side), bar, bar - 1, time_ms)

    def _decide(self, event: Bar | Trade, bar: int, row: int, now_ms: int) -> None:
        features = self.mandate.features
        x = row_type(tuple(features))(*([column[row].item() for column in features.values()] or [0]))
        for request in self._asked(event, x, bar):
            carry_out(self.venue, request, event.time_ms, now_ms)

    def _asked(self, event: Bar | Trade, x: Any, bar: int) -> list[Request]:
        account = AccountView(self.account.ledger, self.venue.open_orders, self.venue.next_order_id)
        try:
            if isinstance(event, Trade):
                return self.session.decide_on_trade(event, x, account)
            return self.session.decide([event], x, [account])[0]
        except TooManyRequests:
            raise too_many_orders(self.mandate.strategy, bar) from None
        except Exception as error:  # border: a strategy's own code may raise anything
            where = "on_bar" if isinstance(event, Bar) else "on_trade"
            raise explain_failure(self.mandate.strategy, where, error) from error

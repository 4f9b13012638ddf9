"""The readable driver: bar by bar through `SimulatedVenue`. Slow, and the judge of the compiled loop."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from real_trade.backtest.codegen import row_type
from real_trade.backtest.diagnosis import explain_failure
from real_trade.kernels.accounting import free_of, lots_in_bar
from real_trade.kernels.liquidation import adverse, maintenance_of
from real_trade.kernels.slippage import true_range
from real_trade.kernels.tables import CASH_LIMIT, MAX_REQUESTS
from real_trade.model.bars import Bar
from real_trade.model.errors import StrategyError
from real_trade.model.order import OrderIntent
from real_trade.portfolio.account import Account
from real_trade.sim.venue import Moment, SimulatedVenue
from real_trade.trading.session import AccountView, AmendOrder, CancelOrder, Request, StrategySession, TooManyRequests

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from real_trade.backtest.plan import Feed, Leg, Mandate, Plan
    from real_trade.kernels.accounting import Ledger
    from real_trade.model.order import Fill, Order
    from real_trade.trading.strategy import Strategy

Rows = list[tuple[int, ...]]
# Order rows, fill rows, payment rows (as in ``backtest.result``) and the ledger at the end.
LegRows = tuple[Rows, Rows, Rows, "Ledger"]


class _Seat:
    """A leg in the run: its venue, and what it paid."""

    def __init__(self, leg: Leg, feed: Feed, mandate: int, cash_units: int, *, alone: bool) -> None:
        self.leg, self.feed, self.mandate = leg, feed, mandate
        self.account = Account(cash_units, leg.terms)
        self.venue = SimulatedVenue(self.account, leg.tiers, alone=alone)
        self.payments: Rows = []
        self.marks = feed.marks

    def adverse(self, index: int) -> int:
        """Return the worst mark price of a bar for the position."""
        low, high = (int(column[index]) for column in self.marks)
        return adverse(self.account.ledger.position, high, low)

    def is_here(self, index: int) -> bool:
        """Tell whether the bar was there."""
        return self.feed.present is None or bool(self.feed.present[index])


class _Sum(NamedTuple):
    equity: int
    needed: int


def run_reference(plan: Plan) -> tuple[list[LegRows], list[NDArray[np.int64]]]:
    """Return the tables of each leg and the equity of each mandate at each close."""
    run = _Run(plan)
    for index in range(len(plan.time_ms)):
        run.step(index)
    return [tables_of(seat.venue, seat.payments, plan.time_ms) for seat in run.seats], run.equity


class _Run:
    def __init__(self, plan: Plan) -> None:
        self.plan, self.joint = plan, plan.joint
        self.seats: list[_Seat] = []
        for number, mandate in enumerate(plan.mandates):
            for place, leg in enumerate(mandate.legs):
                cash = 0 if place else mandate.cash_units
                self.seats.append(_Seat(leg, plan.feeds[leg.feed], number, cash, alone=not self.joint))
        self.sessions = [
            StrategySession(mandate.strategy, mandate.params, [seat.leg.terms for seat in self.own(number)])
            for number, mandate in enumerate(plan.mandates)
        ]
        self.equity = [np.zeros(len(plan.time_ms), np.int64) for _ in plan.mandates]

    def own(self, mandate: int) -> list[_Seat]:
        return [seat for seat in self.seats if seat.mandate == mandate]

    def step(self, index: int) -> None:
        """Live through one bar, in the order that `bar_loop.render` tells."""
        self._settle(index)
        left: dict[int, int] = {}
        for seat in self.seats:
            if seat.is_here(index):
                self._meet(seat, index, left)
                if abs(seat.account.ledger.cash) > CASH_LIMIT:
                    raise too_much_money(self.plan.mandates[seat.mandate].strategy, index)
        if self.joint:
            self._liquidate_jointly(index)
        for seat in self.seats:
            close = int(seat.feed.bars.close[index])
            self.equity[seat.mandate][index] += seat.account.equity(close)
            seat.venue.closed(close)
        asked = [self._decide(number, mandate, index) for number, mandate in enumerate(self.plan.mandates)]
        for seat, requests in zip(self.seats, (r for group in asked for r in group), strict=True):
            time_ms = int(self.plan.time_ms[index])
            for request in requests:
                carry_out(seat.venue, request, time_ms, time_ms + self.plan.span_ms)

    def _settle(self, index: int) -> None:
        time_ms = int(self.plan.time_ms[index])
        for seat in self.seats:
            due = seat.feed.settlements
            for row in np.flatnonzero(due.bar == index).tolist():
                lots = seat.account.ledger.position
                if lots:
                    price, rate = int(due.price_ticks[row]), int(due.rate[row])
                    amount = seat.account.settle(price, rate)
                    seat.payments.append((index, time_ms, lots, price, rate, amount))

    def _meet(self, seat: _Seat, index: int, left: dict[int, int]) -> None:
        feed, venue = seat.feed, seat.venue
        bars = feed.bars
        before = 0
        if index:
            before = true_range(int(bars.high[index - 1]), int(bars.low[index - 1]), int(bars.close[max(index - 2, 0)]))
        backing = self._backing(seat, index)
        moments = list(_pieces(feed, index, before))
        for now in moments:
            venue.on_bar(now, now.bar.low, now.bar.high, None, backing)
        if not moments:
            bar = bar_at(feed, index)
            now = Moment(bar, bar.time_ms + self.plan.span_ms, before, index)
            number = seat.leg.feed
            if number not in left:
                left[number] = lots_in_bar(bar.volume, seat.leg.terms)
            low, high = (int(column[index]) for column in seat.marks)
            left[number] = venue.on_bar(now, low, high, left[number], backing)

    def _backing(self, seat: _Seat, index: int) -> int:
        """Return what the rest of the account has free: all of the strategy's own, no more of the others'."""

        def free(other: _Seat) -> int:
            close = int(other.feed.bars.close[max(index - 1, 0)])
            return free_of(other.account.ledger, close, other.leg.terms)

        rest = [other for other in self.seats if other is not seat]
        own = sum(free(other) for other in rest if other.mandate == seat.mandate)
        return own + min(0, sum(free(other) for other in rest if other.mandate != seat.mandate))

    def _liquidate_jointly(self, index: int) -> None:
        held = [seat for seat in self.seats if seat.account.ledger.position and seat.leg.terms.short_allowed]
        if not held:
            return
        sums = {id(seat): self._sum_of(seat, index) for seat in self.seats}
        for seat in held:
            total = list(sums.values())
            if sum(each.equity for each in total) > sum(each.needed for each in total):
                return
            others = [each for key, each in sums.items() if key != id(seat)]
            backing = sum(each.equity for each in others)
            price = seat.venue.liquidation_price(backing - sum(each.needed for each in others))
            bar = bar_at(seat.feed, index)
            seat.venue.liquidate(Moment(bar, bar.time_ms + self.plan.span_ms, 0, index), price, backing)
            sums[id(seat)] = _Sum(seat.account.ledger.cash, 0)

    def _sum_of(self, seat: _Seat, index: int) -> _Sum:
        price, ledger, terms = seat.adverse(index), seat.account.ledger, seat.leg.terms
        return _Sum(seat.account.equity(price), maintenance_of(ledger, price, terms, seat.leg.tiers))

    def _decide(self, number: int, mandate: Mandate, index: int) -> list[list[Request]]:
        seats = self.own(number)
        if mandate.strategy.symbols == 1 and not seats[0].is_here(index):
            return [[]]
        row = row_type(tuple(mandate.features))
        x = row(*([column[index].item() for column in mandate.features.values()] or [0]))
        accounts = [
            AccountView(seat.account.ledger, seat.venue.open_orders, seat.venue.next_order_id) for seat in seats
        ]
        try:
            return self.sessions[number].decide([bar_at(seat.feed, index) for seat in seats], x, accounts)
        except TooManyRequests:
            raise too_many_orders(mandate.strategy, index) from None
        except Exception as error:  # border: a strategy's own code may raise anything
            where = "on_bar" if mandate.strategy.symbols == 1 else "on_bars"
            raise explain_failure(mandate.strategy, where, error) from error


def carry_out(venue: SimulatedVenue, request: Request, time_ms: int, now_ms: int) -> None:
    """Pass a request on: it carries the time of its bar, and is sent now."""
    if isinstance(request, OrderIntent):
        venue.submit(request, time_ms, now_ms)
    elif isinstance(request, CancelOrder):
        venue.cancel(request.order_id, time_ms, now_ms)
    elif isinstance(request, AmendOrder):
        venue.amend(*request, now_ms=now_ms)
    else:
        venue.cancel_all(time_ms, now_ms)


def tables_of(venue: SimulatedVenue, payments: Rows, times: NDArray[np.int64]) -> LegRows:
    """Return the tables of one leg, with bars counted on a timeline."""

    def bar_of(time_ms: int) -> int:
        return int(np.searchsorted(times, time_ms, side="right")) - 1

    return (
        [_order_row(order, bar_of(order.submitted_ms), bar_of(order.updated_ms)) for order in venue.orders],
        [_fill_row(fill, bar_of(fill.time_ms)) for fill in venue.fills],
        payments,
        venue.account.ledger,
    )


def bar_at(feed: Feed, index: int) -> Bar:
    """Return a bar as Python numbers."""
    return Bar(*(column[index].item() for column in feed.bars))


def _pieces(feed: Feed, index: int, before: int) -> Iterator[Moment]:
    """Yield the finer bars of a bar."""
    fine = feed.finer
    if fine is None:
        return
    for row in range(int(fine.first[index]), int(fine.first[index + 1])):
        time_ms, open_, high, low, close = (int(column[row]) for column in fine[:5])
        yield Moment(
            Bar(time_ms, open_, high, low, close, float(fine.volume[row]), synthetic=False),
            time_ms + fine.span_ms,
            before,
            -2 - row,
            is_trade=fine.span_ms == 1,
        )


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


def _order_row(order: Order, bar: int, final_bar: int) -> tuple[int, ...]:
    intent = order.intent
    return (
        order.order_id,
        bar,
        order.submitted_ms,
        int(intent.side),
        int(intent.type),
        intent.lots,
        intent.price_ticks,
        int(order.status),
        int(order.reason),
        order.filled_lots,
        final_bar,
        intent.trigger_ticks,
        int(intent.flags),
        intent.expire_ms,
        intent.entry_id,
    )


def _fill_row(fill: Fill, bar: int) -> tuple[int, ...]:
    return (
        fill.order_id,
        bar,
        fill.time_ms,
        int(fill.side),
        fill.price_ticks,
        fill.lots,
        fill.fee,
        int(fill.maker),
        int(fill.ambiguous),
        fill.slippage,
    )

"""A venue made of the kernels: takes orders, matches them against bars, liquidates, books into the account."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from real_trade.kernels.accounting import lots_in_bar, refuse_order, volume_in_lots
from real_trade.kernels.liquidation import closing_price, liquidation_band, liquidation_fee_of, liquidation_price
from real_trade.kernels.matching import (
    FILL,
    PESSIMISTIC,
    REST,
    Ask,
    Outcome,
    Part,
    high_comes_first,
    is_protective,
    judge,
    judge_after_entry,
    judge_trade,
    split_bar,
    wins,
)
from real_trade.kernels.slippage import taken_price
from real_trade.model.order import (
    TERMINAL,
    Fill,
    Flag,
    Order,
    OrderEvent,
    OrderIntent,
    OrderStatus,
    OrderType,
    RejectReason,
    Side,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from real_trade.model.bars import Bar
    from real_trade.portfolio.account import Account

_REDUCES = Flag.REDUCE_ONLY | Flag.CLOSE


class Moment(NamedTuple):
    """A bar as the venue sees it.

    Attributes:
        bar: its prices and its opening time.
        end_ms: when it is over.
        range_before: true range of the bar before it, ticks.
        step: a number that no other bar has.
        is_trade: it is a single trade.
    """

    bar: Bar
    end_ms: int
    range_before: int
    step: int
    is_trade: bool = False


class _Pending(NamedTuple):
    """A cancellation (no ``change``) or amendment (lots, price, trigger) on its way to the venue."""

    arrive_ms: int
    change: tuple[int, int, int] | None


@dataclass(slots=True)
class _Resting:
    """What the venue remembers of an open order beside the order itself.

    Attributes:
        order: the order.
        trigger: its trigger as it stands now; 0 once it was triggered.
        arriving: the next bar is the first in which it is active.
        arrive_ms: when it reaches the venue; 0 at once.
        pending: what is on its way to it.
    """

    order: Order
    trigger: int
    arriving: bool = True
    arrive_ms: int = 0
    pending: _Pending | None = None


@dataclass(frozen=True, slots=True)
class _LastFill:
    """Where and when in its bar an order filled last."""

    step: int
    price: int
    at_open: bool


class SimulatedVenue:
    """A `Gateway` that executes against closed bars.

    Orders submitted after one bar are matched from the next `on_bar` on, in order of submission; with latency, from
    when they have arrived.

    Args:
        account: where fills are booked and funds are checked; its terms say how orders are filled.
        tiers: table of margin tiers, ended by a row of negative cap.
        alone: nothing else backs the account's position: the venue watches its liquidation price itself.
    """

    def __init__(self, account: Account, tiers: NDArray[np.int64], *, alone: bool = True) -> None:
        self.account = account
        self.orders: list[Order] = []
        self.fills: list[Fill] = []
        self._tiers, self._alone = tiers, alone
        self._open: list[_Resting] = []
        self._last_fill: dict[int, _LastFill] = {}
        self._last_close = 0
        self._lots_left = 0
        self._backing = 0
        self._marks = (0, 0)

    @property
    def open_orders(self) -> int:
        """Return the number of orders still working or waiting for their entry."""
        return len(self._open)

    @property
    def next_order_id(self) -> int:
        """Return the id that the next order will get."""
        return len(self.orders) + 1

    def submit(self, intent: OrderIntent, time_ms: int, now_ms: int = 0) -> Order:
        """Accept or reject an order; an exit waits for its entry to fill.

        Args:
            intent: what is asked for.
            time_ms: time that the order carries.
            now_ms: when it is sent, if latency matters.
        """
        if intent.entry_id:
            intent, reason = self._as_exit(intent)
        else:
            reason = self._refuse(intent)
        order = Order(self.next_order_id, intent, time_ms, updated_ms=time_ms)
        self.orders.append(order)
        if reason:
            order.apply(OrderEvent.REJECT, time_ms, reason=reason)
            return order
        if not intent.entry_id:
            order.apply(OrderEvent.ACCEPT, time_ms)
        trigger = intent.trigger_ticks
        if intent.type == OrderType.TRAILING_STOP:
            trigger = self._last_close + int(intent.side) * intent.trigger_ticks
        self._open.append(_Resting(order, trigger, arrive_ms=self._arrival(now_ms)))
        return order

    def amend(self, order_id: int, lots: int, price_ticks: int, trigger_ticks: int, now_ms: int = 0) -> None:
        """Give an open order another quantity, limit or trigger; what could not be an order changes nothing."""
        arrive_ms, change = self._arrival(now_ms), (lots, price_ticks, trigger_ticks)
        for resting in self._open:
            if resting.order.order_id != order_id:
                continue
            if not arrive_ms:
                self._amend(resting, *change)
            elif resting.pending is None:
                resting.pending = _Pending(arrive_ms, change)

    def cancel(self, order_id: int, time_ms: int, now_ms: int = 0) -> None:
        """Take back one order if it is open."""
        self._cancel(time_ms, now_ms, order_id)

    def cancel_all(self, time_ms: int, now_ms: int = 0) -> None:
        """Take back every open order."""
        self._cancel(time_ms, now_ms, None)

    def on_bar(self, now: Moment, mark_low: int, mark_high: int, lots_left: int | None = None, backing: int = 0) -> int:
        """Let every open order, and the position, meet a closed bar; return the lots that may still be filled in it.

        Args:
            now: the bar.
            mark_low, mark_high: extremes of the mark price in it.
            lots_left: lots that may be filled; None for all that the terms allow.
            backing: what the rest of the account has free.
        """
        bar, account = now.bar, self.account
        self._lots_left = lots_in_bar(bar.volume, account.terms) if lots_left is None else lots_left
        self._backing = backing
        self._marks = mark_low, mark_high
        # First what executes at the open, then what executes inside the bar.
        for inside in (False, True):
            for resting in list(self._open):
                self._deliver(resting, now, inside=inside)
                if self._wakes(resting, now):
                    self._match(resting, now, inside=inside)
        self._open = [resting for resting in self._open if resting.order.is_open]
        for resting in self._open:
            arrived = resting.arrive_ms < now.end_ms and resting.order.status != OrderStatus.INITIALIZED
            resting.arriving = resting.arriving and not arrived
        price = self._reached()
        if price is not None:
            self.liquidate(now, price, 0)
        return self._lots_left

    def closed(self, close: int) -> None:
        """Take note of a closing price: it tells the sides of a trigger apart."""
        self._last_close = close

    def liquidate(self, now: Moment, price: int, backing: int) -> None:
        """Cancel every order and close the position at a liquidation price.

        Args:
            now: the bar in which it happens.
            price: the liquidation price, ticks.
            backing: equity of the rest of the account, where that backs the position.
        """
        account, bar = self.account, now.bar
        self._end(OrderEvent.CANCEL, bar.time_ms, RejectReason.LIQUIDATION)
        ledger, terms = account.ledger, account.terms
        side = Side.SELL if ledger.position > 0 else Side.BUY
        lots = abs(ledger.position)
        at = closing_price(bar.open, bar.high, bar.low, price, ledger, terms, backing)
        fee = liquidation_fee_of(at, ledger, terms, backing)
        order = Order(self.next_order_id, OrderIntent(side, OrderType.MARKET, lots), bar.time_ms)
        self.orders.append(order)
        order.apply(OrderEvent.FILL, bar.time_ms, lots=lots, reason=RejectReason.LIQUIDATION)
        fill = Fill(order.order_id, bar.time_ms, side, at, lots, fee, maker=False)
        account.apply(fill)
        self.fills.append(fill)

    def liquidation_price(self, backing: int) -> int:
        """Return the price that liquidates the open position, given what backs it beside its own ledger."""
        return liquidation_price(self.account.ledger, self.account.terms, self._tiers, backing)

    def _reached(self) -> int | None:
        """Return the liquidation price of the position if the bar reaches it."""
        if not self._alone:
            return None
        below, above = liquidation_band(self.account.ledger, self.account.terms, self._tiers)
        mark_low, mark_high = self._marks
        if mark_low <= below:
            return below
        return above if mark_high >= above else None

    def _liquidates_first(self, resting: _Resting, now: Moment) -> int | None:
        """Return the liquidation price if it is taken to be reached before an order executes inside the bar.

        See `kernels.liquidation.liquidates_first`.
        """
        position, price = self.account.ledger.position, self._reached()
        reduces = int(resting.order.intent.side) * position < 0
        if price is None or not reduces or self.account.terms.policy != PESSIMISTIC:
            return None
        for other in self._open:
            side, trigger = int(other.order.intent.side), other.trigger
            if not other.order.is_open or other.arrive_ms >= now.end_ms or side * position >= 0:
                continue
            if is_protective(int(other.order.intent.type)) and trigger and side * (trigger - price) < 0:
                return None
        return price

    def _arrival(self, now_ms: int) -> int:
        latency = self.account.terms.latency_ms
        return now_ms + latency if latency else 0

    def _cancel(self, time_ms: int, now_ms: int, order_id: int | None) -> None:
        arrive_ms = self._arrival(now_ms)
        if not arrive_ms:
            self._end(OrderEvent.CANCEL, time_ms, RejectReason.BY_STRATEGY, order_id)
            return
        for resting in self._open:
            named = order_id in (None, resting.order.order_id)
            if named and (resting.pending is None or resting.pending.change is not None):
                resting.pending = _Pending(arrive_ms, None)

    def _deliver(self, resting: _Resting, now: Moment, *, inside: bool) -> None:
        """Let what is asked of an order take effect if it arrives now; before that, the order meets a part of a bar."""
        pending = resting.pending
        if pending is None or not resting.order.is_open or pending.arrive_ms >= now.end_ms:
            return
        if not inside and pending.arrive_ms > now.bar.time_ms:
            return
        if pending.arrive_ms > now.bar.time_ms and self._wakes(resting, now):
            part = self._part(resting, now, pending.arrive_ms, after=False)
            terms = self.account.terms
            found = judge(_ask(resting), part.open, part.high, part.low, part.close, terms.queue, terms.policy)
            self._carry_out(resting, found, now, ambiguous=False)
        resting.pending = None
        if resting.order.status in TERMINAL:
            return
        if pending.change is None:
            resting.order.apply(OrderEvent.CANCEL, now.bar.time_ms, reason=RejectReason.BY_STRATEGY)
        else:
            self._amend(resting, *pending.change)
            resting.arrive_ms = pending.arrive_ms

    def _part(self, resting: _Resting, now: Moment, time_ms: int, *, after: bool) -> Part:
        bar = now.bar
        high_first = high_comes_first(_ask(resting), bar.open, bar.high, bar.low, self.account.terms.policy)
        elapsed, span = time_ms - bar.time_ms, now.end_ms - bar.time_ms
        return split_bar(bar.open, bar.high, bar.low, bar.close, high_first, elapsed, span, after)

    def _refuse(self, intent: OrderIntent) -> RejectReason:
        account = self.account
        return RejectReason(
            refuse_order(
                int(intent.type),
                int(intent.side),
                intent.lots,
                intent.price_ticks,
                intent.trigger_ticks,
                int(intent.flags),
                self._last_close,
                account.ledger.position,
                account.terms,
            )
        )

    def _as_exit(self, intent: OrderIntent) -> tuple[OrderIntent, RejectReason]:
        """Return an exit with the side and quantity of its entry."""
        flags = intent.flags | Flag.REDUCE_ONLY
        if not 0 < intent.entry_id <= len(self.orders):
            return replace(intent, lots=0, flags=flags), RejectReason.ENTRY_GONE
        entry = self.orders[intent.entry_id - 1]
        intent = replace(intent, side=Side(-entry.intent.side), lots=entry.intent.lots, flags=flags)
        priced = intent.price_ticks > 0 or intent.trigger_ticks > 0
        gone = entry.status == OrderStatus.REJECTED or not priced
        return intent, RejectReason.ENTRY_GONE if gone else RejectReason.NONE

    def _amend(self, resting: _Resting, lots: int, price: int, trigger: int) -> None:
        order, terms = resting.order, self.account.terms
        intent = order.intent
        if lots > order.filled_lots and terms.min_lots <= lots <= terms.max_lots:
            intent = replace(intent, lots=lots)
        if intent.price_ticks > 0 and 0 < price <= terms.max_price_ticks:
            intent = replace(intent, price_ticks=price)
            resting.arriving = True
        trails = intent.type == OrderType.TRAILING_STOP
        if resting.trigger > 0 and not trails and 0 < trigger <= terms.max_price_ticks:
            intent = replace(intent, trigger_ticks=trigger)
            resting.trigger = trigger
            resting.arriving = True
        order.intent = intent

    def _end(self, event: OrderEvent, time_ms: int, reason: RejectReason, order_id: int | None = None) -> None:
        for resting in self._open:
            if order_id in (None, resting.order.order_id) and resting.order.is_open:
                resting.order.apply(event, time_ms, reason=reason)
        self._open = [resting for resting in self._open if resting.order.is_open]

    def _wakes(self, resting: _Resting, now: Moment) -> bool:
        """Tell whether an order is active in this bar; end it if its time or entry is gone, wake it if that filled."""
        order, time_ms = resting.order, now.bar.time_ms
        if not order.is_open or resting.arrive_ms >= now.end_ms:
            return False
        if 0 < order.intent.expire_ms <= time_ms:
            order.apply(OrderEvent.EXPIRE, time_ms, reason=RejectReason.TIME_UP)
            return False
        if order.status != OrderStatus.INITIALIZED:
            return True
        entry = self.orders[order.intent.entry_id - 1]
        if entry.status not in TERMINAL:
            return False
        if not entry.filled_lots:
            order.apply(OrderEvent.CANCEL, time_ms, reason=RejectReason.ENTRY_GONE)
            return False
        order.intent = replace(order.intent, lots=entry.filled_lots)
        order.apply(OrderEvent.ACCEPT, order.updated_ms)
        if order.intent.type == OrderType.TRAILING_STOP:
            price = self._last_fill[entry.order_id].price
            resting.trigger = price + int(order.intent.side) * order.intent.trigger_ticks
        return True

    def _match(self, resting: _Resting, now: Moment, *, inside: bool) -> None:
        found, ambiguous = self._judge(resting, now), False
        if not inside and not found.at_open:
            return
        if found.event == FILL and not found.at_open and resting.order.intent.entry_id:
            found, ambiguous = self._against_rivals(resting, found, now)
        if found.event == FILL and not found.at_open:
            price = self._liquidates_first(resting, now)
            if price is not None:
                self.liquidate(now, price, 0)
                return
        self._carry_out(resting, found, now, ambiguous=ambiguous)

    def _carry_out(self, resting: _Resting, found: Outcome, now: Moment, *, ambiguous: bool) -> None:
        resting.trigger = found.trigger
        if found.event == FILL:
            self._fill(resting.order, found, now, ambiguous=ambiguous)
        elif found.event != REST:
            resting.order.apply(OrderEvent.CANCEL, now.bar.time_ms, reason=RejectReason(found.reason))

    def _judge(self, resting: _Resting, now: Moment) -> Outcome:
        bar, terms = now.bar, self.account.terms
        if now.is_trade:
            return judge_trade(_ask(resting), bar.close, terms.queue)
        entry_fill = self._last_fill.get(resting.order.intent.entry_id)
        if entry_fill is not None and entry_fill.step == now.step and not entry_fill.at_open:
            return judge_after_entry(
                _ask(resting), entry_fill.price, bar.open, bar.high, bar.low, bar.close, terms.queue, terms.policy
            )
        if resting.arrive_ms > bar.time_ms:
            part = self._part(resting, now, resting.arrive_ms, after=True)
            return judge(_ask(resting), part.open, part.high, part.low, part.close, terms.queue, terms.policy)
        return judge(_ask(resting), bar.open, bar.high, bar.low, bar.close, terms.queue, terms.policy)

    def _against_rivals(self, resting: _Resting, found: Outcome, now: Moment) -> tuple[Outcome, bool]:
        """Return what becomes of an exit when another exit of its entry could execute in the bar too."""
        bar, stays = now.bar, Outcome(REST, 0, False, False, resting.trigger, 0)
        for other in self._open:
            if other is resting or other.order.intent.entry_id != resting.order.intent.entry_id:
                continue
            if not self._wakes(other, now):
                continue
            rival = self._judge(other, now)
            if rival.event == FILL:
                if rival.at_open:
                    return stays, False
                policy = self.account.terms.policy
                won = wins(_ask(resting), _ask(other), policy, bar.open, bar.high, bar.low, bar.close)
                return (found if won else stays), True
        return found, False

    def _fill(self, order: Order, found: Outcome, now: Moment, *, ambiguous: bool) -> None:
        bar = now.bar
        lots = self._fillable(order, bar)
        if lots <= 0:
            return
        account, side = self.account, order.intent.side
        price = self._slipped(order, found, lots, now)
        fee = account.fee(lots, price, maker=found.maker)
        reason = account.refuse(int(side), lots, price, fee, self._backing)
        if reason:
            event = OrderEvent.CANCEL if order.filled_lots else OrderEvent.REJECT
            order.apply(event, bar.time_ms, reason=reason)
            return
        self._lots_left -= lots
        slippage = int(side) * (account.worth(lots, price) - account.worth(lots, found.price))
        fill = Fill(order.order_id, bar.time_ms, side, price, lots, fee, found.maker, ambiguous, slippage)
        account.apply(fill)
        self.fills.append(fill)
        self._last_fill[order.order_id] = _LastFill(now.step, price, found.at_open)
        whole = order.filled_lots + lots == order.intent.lots
        order.apply(OrderEvent.FILL if whole else OrderEvent.PARTIAL_FILL, bar.time_ms, lots=lots)
        if not whole and Flag.IOC in order.intent.flags:
            order.apply(OrderEvent.CANCEL, bar.time_ms, reason=RejectReason.NOT_FILLED_AT_ONCE)
        if whole and order.intent.entry_id:
            self._end_siblings(order, bar.time_ms)

    def _slipped(self, order: Order, found: Outcome, lots: int, now: Moment) -> int:
        """Return the price of an execution; a taker's is worse by what the slippage model says."""
        if found.maker:
            return found.price
        bar, terms = now.bar, self.account.terms
        return taken_price(
            int(order.intent.side),
            found.price,
            order.intent.price_ticks,
            lots,
            bar.high,
            bar.low,
            volume_in_lots(bar.volume, terms),
            now.range_before,
            terms.slippage_model,
            terms.slippage_parameter,
        )

    def _fillable(self, order: Order, bar: Bar) -> int:
        """Return how many lots execute now; end an order that may not or need not execute any more."""
        intent, left = order.intent, self._lots_left
        remaining = intent.lots - order.filled_lots
        if intent.flags & _REDUCES:
            held = -int(intent.side) * self.account.ledger.position
            if held <= 0:
                order.apply(OrderEvent.CANCEL, bar.time_ms, reason=RejectReason.REDUCE_ONLY)
                return 0
            if Flag.CLOSE in intent.flags or remaining > held:
                remaining = held
                order.intent = replace(intent, lots=order.filled_lots + held)
        lacking = left <= 0 or (Flag.FOK in intent.flags and remaining > left)
        if lacking and intent.flags & (Flag.IOC | Flag.FOK):
            order.apply(OrderEvent.CANCEL, bar.time_ms, reason=RejectReason.NOT_FILLED_AT_ONCE)
            return 0
        return min(remaining, left)

    def _end_siblings(self, order: Order, time_ms: int) -> None:
        for other in self._open:
            if other.order.intent.entry_id == order.intent.entry_id and other.order.is_open:
                other.order.apply(OrderEvent.CANCEL, time_ms, reason=RejectReason.SIBLING_FILLED)


def _ask(resting: _Resting) -> Ask:
    intent = resting.order.intent
    trail = intent.trigger_ticks if intent.type == OrderType.TRAILING_STOP else 0
    return Ask(
        int(intent.type),
        int(intent.side),
        intent.price_ticks,
        resting.trigger,
        trail,
        int(intent.flags),
        resting.arriving,
    )

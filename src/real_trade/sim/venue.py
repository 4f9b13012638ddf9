"""A venue made of the kernels: takes orders, matches them against bars, books fills into the account."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from real_trade.kernels.accounting import lots_in_bar, refuse_order, volume_in_lots
from real_trade.kernels.matching import FILL, REST, Ask, Outcome, judge, judge_after_entry, wins
from real_trade.kernels.slippage import taken_price, true_range
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
    from real_trade.model.bars import Bar
    from real_trade.portfolio.account import Account

_REDUCES = Flag.REDUCE_ONLY | Flag.CLOSE


@dataclass(slots=True)
class _Resting:
    """What the venue remembers of an open order beside the order itself.

    Attributes:
        order: the order.
        trigger: its trigger as it stands now; 0 once it was triggered.
        arriving: the next bar is the first in which it is active.
    """

    order: Order
    trigger: int
    arriving: bool = True


@dataclass(frozen=True, slots=True)
class _LastFill:
    """Where and when in its bar an order filled last."""

    time_ms: int
    price: int
    at_open: bool


class SimulatedVenue:
    """A `Gateway` that executes against closed bars.

    Orders submitted after one bar are matched from the next `on_bar` on, in order of submission.

    Args:
        account: where fills are booked and funds are checked; its terms say how orders are filled.
    """

    def __init__(self, account: Account) -> None:
        self.account = account
        self.orders: list[Order] = []
        self.fills: list[Fill] = []
        self._open: list[_Resting] = []
        self._last_fill: dict[int, _LastFill] = {}
        self._last_close = 0
        self._lots_left = 0
        self._range_before = 0

    @property
    def open_orders(self) -> int:
        """Return the number of orders still working or waiting for their entry."""
        return len(self._open)

    @property
    def next_order_id(self) -> int:
        """Return the id that the next order will get."""
        return len(self.orders) + 1

    def submit(self, intent: OrderIntent, time_ms: int) -> Order:
        """Accept or reject an order; an exit waits for its entry to fill."""
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
        self._open.append(_Resting(order, trigger))
        return order

    def amend(self, order_id: int, lots: int, price_ticks: int, trigger_ticks: int) -> None:
        """Give an open order another quantity, limit or trigger; what could not be an order changes nothing."""
        for resting in self._open:
            if resting.order.order_id == order_id:
                self._amend(resting, lots, price_ticks, trigger_ticks)

    def cancel(self, order_id: int, time_ms: int) -> None:
        """Take back one order if it is open."""
        self._end(OrderEvent.CANCEL, time_ms, RejectReason.BY_STRATEGY, order_id)

    def cancel_all(self, time_ms: int) -> None:
        """Take back every open order."""
        self._end(OrderEvent.CANCEL, time_ms, RejectReason.BY_STRATEGY)

    def on_bar(self, bar: Bar) -> list[Fill]:
        """Match every open order against a closed bar and return the fills."""
        before = len(self.fills)
        self._lots_left = lots_in_bar(bar.volume, self.account.terms)
        for resting in list(self._open):
            if self._wakes(resting, bar):
                self._match(resting, bar)
        self._open = [resting for resting in self._open if resting.order.is_open]
        for resting in self._open:
            resting.arriving = resting.arriving and resting.order.status == OrderStatus.INITIALIZED
        # What the next bar's orders may know of: this bar's true range.
        self._range_before = true_range(bar.high, bar.low, self._last_close or bar.close)
        self._last_close = bar.close
        return self.fills[before:]

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
            if order_id in (None, resting.order.order_id):
                resting.order.apply(event, time_ms, reason=reason)
        self._open = [resting for resting in self._open if resting.order.is_open]

    def _wakes(self, resting: _Resting, bar: Bar) -> bool:
        """Tell whether an order is active in this bar; end it if its time or entry is gone, wake it if that filled."""
        order = resting.order
        if not order.is_open:
            return False
        if 0 < order.intent.expire_ms <= bar.time_ms:
            order.apply(OrderEvent.EXPIRE, bar.time_ms, reason=RejectReason.TIME_UP)
            return False
        if order.status != OrderStatus.INITIALIZED:
            return True
        entry = self.orders[order.intent.entry_id - 1]
        if entry.status not in TERMINAL:
            return False
        if not entry.filled_lots:
            order.apply(OrderEvent.CANCEL, bar.time_ms, reason=RejectReason.ENTRY_GONE)
            return False
        order.intent = replace(order.intent, lots=entry.filled_lots)
        order.apply(OrderEvent.ACCEPT, order.updated_ms)
        if order.intent.type == OrderType.TRAILING_STOP:
            price = self._last_fill[entry.order_id].price
            resting.trigger = price + int(order.intent.side) * order.intent.trigger_ticks
        return True

    def _match(self, resting: _Resting, bar: Bar) -> None:
        found, ambiguous = self._judge(resting, bar), False
        if found.event == FILL and not found.at_open and resting.order.intent.entry_id:
            found, ambiguous = self._against_rivals(resting, found, bar)
        resting.trigger = found.trigger
        if found.event == FILL:
            self._fill(resting.order, found, bar, ambiguous=ambiguous)
        elif found.event != REST:
            resting.order.apply(OrderEvent.CANCEL, bar.time_ms, reason=RejectReason(found.reason))

    def _judge(self, resting: _Resting, bar: Bar) -> Outcome:
        terms, entry_fill = self.account.terms, self._last_fill.get(resting.order.intent.entry_id)
        if entry_fill is not None and entry_fill.time_ms == bar.time_ms and not entry_fill.at_open:
            return judge_after_entry(
                _ask(resting), entry_fill.price, bar.open, bar.high, bar.low, bar.close, terms.queue, terms.policy
            )
        return judge(_ask(resting), bar.open, bar.high, bar.low, bar.close, terms.queue)

    def _against_rivals(self, resting: _Resting, found: Outcome, bar: Bar) -> tuple[Outcome, bool]:
        """Return what becomes of an exit when another exit of its entry could execute in the bar too."""
        stays = Outcome(REST, 0, False, False, resting.trigger, 0)
        for other in self._open:
            if other is resting or other.order.intent.entry_id != resting.order.intent.entry_id:
                continue
            if not self._wakes(other, bar):
                continue
            rival = self._judge(other, bar)
            if rival.event == FILL:
                if rival.at_open:
                    return stays, False
                policy = self.account.terms.policy
                won = wins(_ask(resting), _ask(other), policy, bar.open, bar.high, bar.low, bar.close)
                return (found if won else stays), True
        return found, False

    def _fill(self, order: Order, found: Outcome, bar: Bar, *, ambiguous: bool) -> None:
        lots = self._fillable(order, bar)
        if lots <= 0:
            return
        account, side = self.account, order.intent.side
        price = self._slipped(order, found, lots, bar)
        fee = account.fee(lots, price, maker=found.maker)
        reason = account.refuse(int(side), lots, price, fee)
        if reason:
            event = OrderEvent.CANCEL if order.filled_lots else OrderEvent.REJECT
            order.apply(event, bar.time_ms, reason=reason)
            return
        self._lots_left -= lots
        slippage = int(side) * (account.value(lots, price) - account.value(lots, found.price))
        fill = Fill(order.order_id, bar.time_ms, side, price, lots, fee, found.maker, ambiguous, slippage)
        account.apply(fill)
        self.fills.append(fill)
        self._last_fill[order.order_id] = _LastFill(bar.time_ms, price, found.at_open)
        whole = order.filled_lots + lots == order.intent.lots
        order.apply(OrderEvent.FILL if whole else OrderEvent.PARTIAL_FILL, bar.time_ms, lots=lots)
        if not whole and Flag.IOC in order.intent.flags:
            order.apply(OrderEvent.CANCEL, bar.time_ms, reason=RejectReason.NOT_FILLED_AT_ONCE)
        if whole and order.intent.entry_id:
            self._end_siblings(order, bar.time_ms)

    def _slipped(self, order: Order, found: Outcome, lots: int, bar: Bar) -> int:
        """Return the price of an execution; a taker's is worse by what the slippage model says."""
        if found.maker:
            return found.price
        terms = self.account.terms
        return taken_price(
            int(order.intent.side),
            found.price,
            order.intent.price_ticks,
            lots,
            bar.high,
            bar.low,
            volume_in_lots(bar.volume, terms),
            self._range_before,
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

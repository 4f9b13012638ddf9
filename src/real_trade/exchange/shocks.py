"""What happens to the market and to everybody in it: gaps of the price, forced ends of orders and positions."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from real_trade.exchange.core.contract import Kind
from real_trade.exchange.core.orders import Price, Status, Why

if TYPE_CHECKING:
    from collections.abc import Callable

    from real_trade.exchange.core.orders import Order
    from real_trade.exchange.faults import FaultPlan
    from real_trade.exchange.world import Listing, World


class Shocks:
    """Carries out faults of the market on a world.

    Args:
        world: whom they meet.
    """

    def __init__(self, world: World) -> None:
        self._world, self._exchange = world, world.exchange
        self._calls: dict[str, Callable[[Listing, float], None]] = {
            "price_gap": self._price_gap,
            "partial_then_cancel": self._partial_then_cancel,
            "self_trade": self._self_trade,
            "lot_change": self._lot_change,
            "tick_change": self._tick_change,
            "delisting": self._delisting,
            "funding_interval": self._funding_interval,
            "liquidation": lambda listing, _: self._take_positions(listing, "liquidation", Decimal(1)),
            "adl": lambda listing, share: self._take_positions(listing, "adl", Decimal(str(share))),
        }

    @property
    def kinds(self) -> frozenset[str]:
        """Return the faults that are carried out here."""
        return frozenset(self._calls)

    def happen(self, plan: FaultPlan) -> None:
        """Let a fault happen to its symbol, or to all."""
        self._world.wake()
        for listing in list(self._world.listings.values()):
            if plan.symbol in ("", listing.instrument.symbol):
                self._calls[plan.name](listing, plan.argument)
        self._world.tell()

    def fill(self, number: int, share: Decimal = Decimal(1)) -> None:
        """Let the crowd come to a resting order and fill a share of what is left of it."""
        order = self._exchange.orders[number]
        if order.status not in (Status.NEW, Status.PARTIALLY_FILLED) or order.request.ticks is None:
            return
        self._come_to(order, max(1, int(order.left * share)))
        self._world.tell()

    def _come_to(self, order: Order, lots: int) -> None:
        symbol, sign, ticks = order.request.symbol, order.request.sign, order.request.ticks
        book = self._exchange.books[symbol].side(sign)
        before = [p for p in book.prices() if (p - (ticks or 0)) * sign > 0]
        ahead = sum(book.levels[price].lots for price in before)
        level = book.levels.get(ticks or 0)
        if level is not None:
            for entry in level.queue:
                if entry.order_id == order.number:
                    break
                ahead += entry.lots
        self._exchange.crowd_takes(symbol, -sign, ahead + lots, ticks, self._world.now_ms)

    def _price_gap(self, listing: Listing, share: float) -> None:
        """Trade through to a price apart; the crowd then stands there until the next trade of the market's own."""
        last = self._exchange.prices[listing.name, Price.LAST]
        target = max(1, int(last * (1 + Decimal(str(share)))))
        sign = 1 if target > last else -1
        side = self._exchange.books[listing.name].side(-sign)
        offered = sum(level.lots for price, level in side.levels.items() if (price - target) * sign <= 0)
        if offered:
            self._exchange.crowd_takes(listing.name, sign, offered, target, self._world.now_ms)
        listing.crowd.stand_around(target, self._world.now_ms)
        self._exchange.set_price(listing.name, Price.LAST, target, self._world.now_ms)
        if listing.contract.kind is not Kind.SPOT:
            self._exchange.set_price(listing.name, Price.MARK, target, self._world.now_ms)

    def _partial_then_cancel(self, listing: Listing, share: float) -> None:
        del share
        for account in list(self._exchange.accounts):
            for order in self._exchange.open_orders(account):
                rests = order.status in (Status.NEW, Status.PARTIALLY_FILLED)
                if order.contract is listing.contract and rests and order.left > 1:
                    self._come_to(order, order.left // 2)
                    if order.is_open:
                        self._exchange.cancel(account, order.number, self._world.now_ms, Why.BY_VENUE)

    def _self_trade(self, listing: Listing, nothing: float) -> None:
        del nothing
        for account in list(self._exchange.accounts):
            resting = [
                order
                for order in self._exchange.open_orders(account)
                if order.contract is listing.contract and order.status in (Status.NEW, Status.PARTIALLY_FILLED)
            ]
            if resting:
                newest = max(resting, key=lambda order: order.number)
                # Told as having met the oldest of its owner's orders.
                newest.met = min(order.number for order in resting)
                self._exchange.cancel(account, newest.number, self._world.now_ms, Why.SELF_TRADE)

    def _lot_change(self, listing: Listing, times: float) -> None:
        # As with ticks: the core keeps its finer grid.
        instrument, factor = listing.instrument, int(times)
        step = instrument.quantity_step * factor
        listing.instrument = replace(
            instrument, quantity_step=step, min_quantity=max(step, -(-instrument.min_quantity // step) * step)
        )

    def _tick_change(self, listing: Listing, times: float) -> None:
        # The core keeps its finer grid; what is not on the coarser one is refused at the door.
        instrument = listing.instrument
        listing.instrument = replace(instrument, tick_size=instrument.tick_size * int(times))

    def _delisting(self, listing: Listing, nothing: float) -> None:
        del nothing
        listing.is_trading = False
        for account in list(self._exchange.accounts):
            for order in self._exchange.open_orders(account):
                if order.contract is listing.contract:
                    self._exchange.cancel(account, order.number, self._world.now_ms, Why.DELISTED)
        self._take_positions(listing, "delivery", Decimal(1))

    def _funding_interval(self, listing: Listing, minutes: float) -> None:
        if listing.contract.kind is not Kind.SPOT:
            listing.instrument = replace(listing.instrument, funding_interval_minutes=int(minutes))
            self._world.reschedule_funding(listing)

    def _take_positions(self, listing: Listing, kind: str, share: Decimal) -> None:
        if listing.contract.kind is Kind.SPOT:
            return
        for account in list(self._exchange.accounts.values()):
            for position in list(account.positions.values()):
                if position.contract is listing.contract and position.lots:
                    lots = max(1, int(abs(position.lots) * share))
                    self._exchange.take_over(account.number, position, lots, kind, self._world.now_ms)

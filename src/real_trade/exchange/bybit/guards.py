"""What guards a position, or what spot bought: take profit, stop loss and trailing stop, as orders of the venue."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from real_trade.exchange.bybit.parameters import PRICES
from real_trade.exchange.bybit.records import Protection, Records, Ticket
from real_trade.exchange.bybit.refusals import Refusal, refusal_of
from real_trade.exchange.core.contract import Kind
from real_trade.exchange.core.orders import Force, Price, Refused, Request, SelfTrade, Status, Trigger, Why

if TYPE_CHECKING:
    from real_trade.exchange.core.account import Position
    from real_trade.exchange.core.orders import Order
    from real_trade.exchange.world import World


class Guards:
    """Places, changes and clears the orders that guard positions.

    Args:
        world: the exchange.
        records: names and history.
    """

    def __init__(self, world: World, records: Records) -> None:
        self._world, self._records, self._exchange = world, records, world.exchange
        self._protected: dict[tuple[int, str, int], Protection] = defaultdict(Protection)

    def protection(self, account: int, position: Position) -> tuple[Protection, int]:
        """Return a position's protection, and the distance of its trailing stop in ticks."""
        key = account, position.contract.symbol, position.side
        kept = self._protected[key]
        trail = next(
            (o.request.trigger.trail for o in self.of(account, position, "TrailingStop") if o.request.trigger), 0
        )
        return kept, trail

    def of(self, account: int, position: Position, stop_type: str) -> list[Order]:
        """Return the orders that guard a position in one way, or in any (empty)."""
        found = []
        for order in self._exchange.open_orders(account):
            ticket = self._records.tickets.get(order.number)
            if ticket is None or ticket.created_by == "CreateByUser" or order.contract is not position.contract:
                continue
            if order.request.side == position.side and stop_type in ("", ticket.stop_type):
                found.append(order)
        return found

    def protect(
        self, account: int, position: Position, stop_type: str, ticks: int, by: str, lots: int, limit: int,
        *, partial: bool,
    ) -> Ticket | None:  # fmt: skip
        """Guard a position: all of it, or so many lots; 0 ticks takes the guard away. Return the new guard."""
        name = f"Partial{stop_type}" if partial else stop_type
        sign = -1 if position.lots > 0 else 1
        if not partial:
            for order in self.of(account, position, name):
                trigger = order.request.trigger
                if trigger is not None and (trigger.ticks, trigger.by) == (ticks, PRICES[by]):
                    return None
                self._exchange.cancel(account, order.number, self._world.now_ms)
            kept = self._protected[account, position.contract.symbol, position.side]
            if stop_type == "TakeProfit":
                kept.take_profit, kept.tp_by = ticks, by
            else:
                kept.stop_loss, kept.sl_by = ticks, by
        if ticks == 0:
            return None
        # A profit is taken where the price goes the position's way.
        rises = (stop_type == "TakeProfit") == (sign < 0)
        request = Request(
            position.contract.symbol, sign, lots if partial else 0, limit or None, Force.GTC if limit else Force.IOC,
            position.side, reduce_only=True, trigger=Trigger(ticks, rises, PRICES[by]), whole=not (partial and lots),
        )  # fmt: skip
        return self._place(account, request, name, f"CreateBy{name}")

    def trail(self, account: int, position: Position, distance: int, begins: int) -> None:
        """Let a stop follow a position at a distance, from a price on (0: at once); 0 distance takes it away."""
        for order in self.of(account, position, "TrailingStop"):
            self._exchange.cancel(account, order.number, self._world.now_ms)
        if distance == 0:
            return
        sign = -1 if position.lots > 0 else 1
        trigger = Trigger(0, sign > 0, Price.LAST, distance, begins)
        request = Request(
            position.contract.symbol, sign, 0, None, Force.IOC, position.side, reduce_only=True, trigger=trigger,
            whole=True,
        )  # fmt: skip
        self._place(account, request, "TrailingStop", "CreateByTrailingStop")

    def _place(self, account: int, request: Request, stop_type: str, created_by: str) -> Ticket:
        request = replace(request, self_trade=SelfTrade.NONE)
        try:
            order = self._exchange.place(account, request, self._world.now_ms)
        except Refused as refused:
            raise refusal_of(refused.why, self._exchange.contracts[request.symbol].kind) from None
        listing = self._world.listing(request.symbol)
        ticket = Ticket(
            order,
            self._records.new_id(order.number, spot=listing.contract.kind is Kind.SPOT),
            str(listing.instrument.market),
            listing.instrument.symbol,
            "Market" if request.ticks is None else "Limit",
            "IOC" if request.ticks is None else "GTC",
            stop_type,
            created_by,
            closes=listing.contract.kind is not Kind.SPOT,
            last_on_created=self._exchange.prices[request.symbol, Price.LAST],
        )
        self._records.add(ticket)
        return ticket

    def bring_along(self, account: int, ticket: Ticket, lots: int) -> None:
        """Give a position the protection that an order brought along, for so many lots more."""
        kept, contract = ticket.protection, ticket.order.contract
        if contract.kind is Kind.SPOT:
            self._bring_along_on_spot(account, ticket)
            return
        position = self._exchange.accounts[account].position(contract, ticket.order.request.side)
        if position.lots * ticket.order.request.sign <= 0:
            return
        partial = kept.mode == "Partial"
        for stop_type, ticks, by, limit in _guarded(kept):
            guard = self._exchange.orders.get(ticket.guards.get(stop_type, 0))
            try:
                if partial and guard is not None and guard.status is Status.UNTRIGGERED:
                    self._exchange.amend(account, guard.number, self._world.now_ms, guard.request.lots + lots)
                    continue
                made = self.protect(account, position, stop_type, ticks, by, lots, limit, partial=partial)
            except (Refusal, Refused):
                # The price has passed it while the order waited: the venue lets the position stand unguarded.
                continue
            if made is not None:
                ticket.guards[stop_type] = made.order.number

    def _bring_along_on_spot(self, account: int, ticket: Ticket) -> None:
        """Once an order has ended, let what it bought or sold be given back at either of two prices."""
        order, contract, kept = ticket.order, ticket.order.contract, ticket.protection
        if order.is_open or ticket.guards:
            return
        sign = -order.request.sign
        received = contract.base_units(order.filled) - (order.fee if sign < 0 else 0)
        lots = received // contract.base_units(1)
        made = []
        for stop_type, ticks, _, limit in _guarded(kept):
            rises = (stop_type == "TakeProfit") == (sign < 0)
            force = Force.GTC if limit else Force.IOC
            request = Request(contract.symbol, sign, lots, limit or None, force, trigger=Trigger(ticks, rises))
            try:
                made.append(self._place(account, request, "tpslOrder", f"CreateBy{stop_type}"))
            except Refusal:
                continue
            ticket.guards[stop_type] = made[-1].order.number
        if len(made) == 2:
            made[0].partner, made[1].partner = made[1].order.number, made[0].order.number

    def leave_to_partner(self, account: int, ticket: Ticket) -> None:
        """Take back the other one of two orders of which one was set off."""
        partner = self._exchange.orders.get(ticket.partner)
        if partner is not None and partner.is_open:
            self._exchange.cancel(account, partner.number, self._world.now_ms, Why.POSITION_CLOSED)

    def clear(self, account: int, position: Position) -> None:
        """Take back what guards a position that is closed."""
        if position.lots:
            return
        for order in self.of(account, position, ""):
            self._exchange.cancel(account, order.number, self._world.now_ms, Why.POSITION_CLOSED)
        self._protected.pop((account, position.contract.symbol, position.side), None)


def _guarded(kept: Protection) -> list[tuple[str, int, str, int]]:
    """Return kind, price, which price is watched, and limit of what protects."""
    both = (
        ("TakeProfit", kept.take_profit, kept.tp_by, kept.tp_limit),
        ("StopLoss", kept.stop_loss, kept.sl_by, kept.sl_limit),
    )
    return [row for row in both if row[1]]

"""Orders at Bybit: placed, amended, cancelled; protection of positions; and what the private streams say of it all."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from real_trade.exchange.bybit.bounds import (
    MOST_CONDITIONAL,
    MOST_CONDITIONAL_SPOT,
    MOST_ORDERS,
)
from real_trade.exchange.bybit.guards import Guards
from real_trade.exchange.bybit.holdings import position_row, wallet_row
from real_trade.exchange.bybit.parameters import PRICES, SELF_TRADES, category_of, choice, flag, given, sign_of
from real_trade.exchange.bybit.price_limits import PriceLimits
from real_trade.exchange.bybit.reading import Reading
from real_trade.exchange.bybit.records import Fill, Protection, Records, Story, Ticket
from real_trade.exchange.bybit.refusals import BAD_PARAMETER, Refusal, bad, refusal_of
from real_trade.exchange.bybit.spelling import Row, pushed_fill, pushed_order
from real_trade.exchange.core.contract import Contract, Kind
from real_trade.exchange.core.events import Executed, OrderChanged
from real_trade.exchange.core.orders import Force, Price, Refused, Request, Status, Trigger, Why
from real_trade.model import Market

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from real_trade.exchange.bybit.dated import Dated
    from real_trade.exchange.core.account import Account, Position
    from real_trade.exchange.core.events import Event
    from real_trade.exchange.core.orders import Order
    from real_trade.exchange.world import BarClosed, Listing, World

    # Takes the account, the topic and its row.
    Listener = Callable[[int, str, Row], None]

_FORCES: Final = {"GTC": Force.GTC, "IOC": Force.IOC, "FOK": Force.FOK, "PostOnly": Force.POST_ONLY}


class Trading:
    """The order desk.

    Args:
        world: the exchange.
        records: names and history.
        dated: what is quoted, and not traded.
    """

    def __init__(self, world: World, records: Records, dated: Dated) -> None:
        self.world, self.records, self.dated = world, records, dated
        self.exchange, self._reading = world.exchange, Reading(world)
        self._listeners: list[Listener] = []
        self.guards, self.limits = Guards(world, records), PriceLimits(world.exchange)
        self._stories: dict[tuple[int, str, int], Story] = defaultdict(Story)
        world.listen(self._hear)

    def listen(self, listener: Listener) -> None:
        """Have orders, executions, positions and wallets told to a listener as they change."""
        self._listeners.append(listener)

    def forget(self, listener: Listener) -> None:
        """Tell a listener no more."""
        if listener in self._listeners:
            self._listeners.remove(listener)

    # Commands

    def create(self, account: int, params: Mapping[str, Any]) -> dict[str, str]:
        """Place an order.

        Raises:
            Refusal: with the venue's code.
        """
        listing = self.listing(params)
        contract = listing.contract
        link = self._reading.link(params)
        sign = sign_of(params)
        is_market = choice(params, "orderType", ("Market", "Limit")) == "Market"
        side = self._reading.position_side(contract, params)
        ticks = None if is_market else self._reading.ticks(contract, params, "price")
        force = Force.IOC if is_market else _FORCES[choice(params, "timeInForce", tuple(_FORCES), "GTC")]
        trigger = self._reading.trigger(listing, params)
        if ticks is not None and trigger is None:
            ticks = self.limits.near(account, contract, sign, ticks)
        self._check_counts(account, contract, trigger, params.get("orderFilter"))
        reduce_only = flag(params, "reduceOnly") and contract.kind is not Kind.SPOT
        closes = flag(params, "closeOnTrigger") and contract.kind is not Kind.SPOT
        base = ticks or (trigger.ticks if trigger else self.exchange.prices[contract.symbol, Price.LAST])
        protection = self._reading.protection(contract, params, sign, base, Protection())
        if reduce_only and not protection.is_empty:
            raise Refusal(BAD_PARAMETER, "reduce-only order cannot set tp/sl")
        reduces = closes or reduce_only
        lots, quote_units, unit = self._reading.size(contract, params, sign, is_market=is_market, closes=reduces)
        request = Request(
            contract.symbol, sign, lots, ticks, force, side, reduces, link, trigger,
            whole=reduces and lots == 0, self_trade=SELF_TRADES[choice(params, "smpType", tuple(SELF_TRADES), "None")],
        )  # fmt: skip
        order = self._place(account, request)
        ticket = Ticket(
            order,
            self.records.new_id(order.number, spot=contract.kind is Kind.SPOT),
            str(listing.instrument.market),
            listing.instrument.symbol,
            "Market" if is_market else "Limit",
            "IOC" if is_market else choice(params, "timeInForce", tuple(_FORCES), "GTC"),
            stop_type=self._stop_type(params, contract, trigger),
            closes=closes,
            last_on_created=self.exchange.prices[contract.symbol, Price.LAST],
            protection=protection,
            quote_units=quote_units,
            market_unit=unit,
        )
        self.records.add(ticket)
        self.world.tell()
        return {"orderId": ticket.order_id, "orderLinkId": link}

    def amend(self, account: int, params: Mapping[str, Any]) -> dict[str, str]:
        """Change an open order.

        Raises:
            Refusal: with the venue's code.
        """
        listing = self.listing(params)
        ticket = self._ticket(account, listing, params)
        contract, request = listing.contract, ticket.order.request
        lots = self._reading.lots(contract, params, "qty") if given(params, "qty") else None
        ticks = self._reading.ticks(contract, params, "price") if given(params, "price") else None
        if ticks is not None and request.trigger is None:
            ticks = self.limits.near(account, contract, request.sign, ticks)
        trigger = None
        if given(params, "triggerPrice") and request.trigger is not None:
            trigger = request.trigger._replace(ticks=self._reading.ticks(contract, params, "triggerPrice"))
        base = ticks or request.ticks or (trigger or request.trigger or Trigger(0, rises=True)).ticks
        base = base or self.exchange.prices[contract.symbol, Price.LAST]
        protection = self._reading.protection(contract, params, request.sign, base, ticket.protection)
        only_protection = (lots, ticks, trigger) == (None, None, None) and protection != ticket.protection
        if not only_protection:
            try:
                self.exchange.amend(account, ticket.order.number, self.world.now_ms, lots, ticks, trigger)
            except Refused as refused:
                raise refusal_of(refused.why, contract.kind) from None
        ticket.protection = protection
        if only_protection:
            self._push(account, "order", pushed_order(ticket))
        self.world.tell()
        return {"orderId": ticket.order_id, "orderLinkId": request.link}

    def cancel(self, account: int, params: Mapping[str, Any]) -> dict[str, str]:
        """Take back an order.

        Raises:
            Refusal: with the venue's code.
        """
        listing = self.listing(params)
        ticket = self._ticket(account, listing, params)
        try:
            self.exchange.cancel(account, ticket.order.number, self.world.now_ms)
        except Refused as refused:
            raise refusal_of(refused.why, listing.contract.kind) from None
        self.world.tell()
        return {"orderId": ticket.order_id, "orderLinkId": ticket.order.request.link}

    def withdraw(self, account: int, category: str, why: Why) -> None:
        """Take back every open order of a category, as the venue does."""
        for ticket in self.open_tickets(account, {"category": category}):
            self.exchange.cancel(account, ticket.order.number, self.world.now_ms, why)
        self.world.tell()

    def cancel_all(self, account: int, params: Mapping[str, Any]) -> dict[str, Any]:
        """Take back every open order of a category, symbol, base coin or settlement coin."""
        category = category_of(params)
        wanted = params.get("orderFilter")
        if category != "spot" and not any(params.get(name) for name in ("symbol", "baseCoin", "settleCoin")):
            raise bad("symbol, settleCoin or baseCoin is required")
        found = []
        for ticket in self.open_tickets(account, params):
            if wanted and wanted != filter_of(ticket):
                continue
            self.exchange.cancel(account, ticket.order.number, self.world.now_ms)
            found.append({"orderId": ticket.order_id, "orderLinkId": ticket.order.request.link})
        self.world.tell()
        return {"list": found, "success": "1"}

    def trading_stop(self, account: int, params: Mapping[str, Any]) -> dict[str, Any]:
        """Set, change or take back take profit, stop loss and trailing stop of a position.

        Raises:
            Refusal: there is no position, or nothing would change.
        """
        listing = self.listing(params)
        contract, side = listing.contract, self._reading.position_side(listing.contract, params)
        position = self.exchange.accounts[account].position(contract, side)
        if position.lots == 0:
            raise Refusal(BAD_PARAMETER, "can not set tp/sl/ts for zero position")
        names = ("takeProfit", "stopLoss", "trailingStop")
        if not any(params.get(name) not in (None, "") for name in names):
            raise Refusal(34040, "not modified")
        mode = choice(params, "tpslMode", ("Full", "Partial"), "Full")
        for name, stop_type in (("takeProfit", "TakeProfit"), ("stopLoss", "StopLoss")):
            if params.get(name) in (None, ""):
                continue
            ticks = self._reading.ticks_or_zero(contract, params, name)
            word = "tp" if name == "takeProfit" else "sl"
            size = self._reading.lots(contract, params, f"{word}Size") if given(params, f"{word}Size") else 0
            limit = self._reading.ticks_or_zero(contract, params, f"{word}LimitPrice")
            by = choice(params, f"{word}TriggerBy", tuple(PRICES), "LastPrice")
            self.guards.protect(
                account, position, stop_type, ticks, by, size if mode == "Partial" else 0, limit,
                partial=mode == "Partial",
            )  # fmt: skip
        if params.get("trailingStop") not in (None, ""):
            distance = self._reading.ticks_or_zero(contract, params, "trailingStop")
            begins = self._reading.ticks_or_zero(contract, params, "activePrice")
            self.guards.trail(account, position, distance, begins)
        self._push_position(account, position)
        self.world.tell()
        return {}

    # What others ask for

    def listing(self, params: Mapping[str, Any]) -> Listing:
        """Return the instrument that parameters name.

        Raises:
            Refusal: there is none.
        """
        category, symbol = category_of(params), params.get("symbol")
        market = Market(category) if category != "option" else None
        found = self.world.listings.get((market, symbol)) if market is not None and isinstance(symbol, str) else None
        if found is None and isinstance(symbol, str) and self.dated.lists(category, symbol):
            raise Refusal(10029, "The requested symbol is not whitelisted.")
        if found is None:
            raise Refusal(170121, "Invalid symbol.") if category == "spot" else bad("symbol invalid")
        if not found.is_trading:
            raise Refusal(110074, "This contract is not live")
        return found

    def open_tickets(self, account: int, params: Mapping[str, Any]) -> list[Ticket]:
        """Return an account's open orders that fit category, symbol, base and settlement coin, oldest first."""
        category = category_of(params)
        found = []
        for order in self.exchange.open_orders(account):
            ticket = self.records.tickets[order.number]
            if ticket.category == category and _fits(ticket.order.contract, ticket.symbol, params):
                found.append(ticket)
        return found

    def row_of_position(self, account: int, position: Position) -> Row:
        """Return a position as the venue writes it."""
        kept, trail = self.guards.protection(account, position)
        owner = self.exchange.accounts[account]
        symbol = self.world.listing(position.contract.symbol).instrument.symbol
        story = self._stories[account, position.contract.symbol, position.side]
        return position_row(
            self.exchange, owner, position, symbol, kept, trail, story, self.world.now_ms, self.records.fill_count
        )

    def wallet(self, account: int) -> Row:
        """Return a wallet as the venue writes it."""
        return wallet_row(self.exchange, self.exchange.accounts[account], self.dollars())

    def dollars(self) -> dict[str, Decimal]:
        """Return the price of each coin in dollars, from spot and inverse contracts."""
        found = {"USDT": Decimal(1), "USDC": Decimal(1), "USD": Decimal(1)}
        for listing in self.world.listings.values():
            contract = listing.contract
            if contract.kind is not Kind.LINEAR or contract.base not in found:
                found.setdefault(contract.base, self.exchange.prices[contract.symbol, Price.LAST] * contract.tick)
        return found

    # Inside

    @staticmethod
    def _stop_type(params: Mapping[str, Any], contract: Contract, trigger: Trigger | None) -> str:
        if trigger is None:
            return ""
        return "tpslOrder" if contract.kind is Kind.SPOT and params.get("orderFilter") == "tpslOrder" else "Stop"

    def _check_counts(self, account: int, contract: Contract, trigger: Trigger | None, wanted: object) -> None:
        spot = contract.kind is Kind.SPOT
        tickets = (self.records.tickets.get(order.number) for order in self.exchange.open_orders(account))
        mine = [t for t in tickets if t is not None and (t.order.contract.kind is Kind.SPOT) == spot]
        here = [t for t in mine if t.order.contract is contract and t.created_by == "CreateByUser"]
        name = "tpslOrder" if wanted == "tpslOrder" else "StopOrder"
        if trigger is not None:
            waiting = sum(filter_of(ticket) == name for ticket in here)
            if waiting >= (MOST_CONDITIONAL_SPOT if spot else MOST_CONDITIONAL):
                code = 170811 if spot else 110009
                raise Refusal(code, "The number of stop orders exceeds the maximum allowable limit")
        elif spot and len(mine) >= MOST_ORDERS:
            raise Refusal(170810, f"Cannot exceed maximum of {MOST_ORDERS} conditional, TP/SL and active orders.")
        elif not spot and sum(filter_of(ticket) == "Order" for ticket in here) >= MOST_ORDERS:
            raise Refusal(110020, f"Not allowed to have more than {MOST_ORDERS} active orders")

    def _ticket(self, account: int, listing: Listing, params: Mapping[str, Any]) -> Ticket:
        order_id, link = str(params.get("orderId") or ""), str(params.get("orderLinkId") or "")
        if not order_id and not link:
            raise bad("orderId or orderLinkId is required")
        ticket = self.records.find(account, order_id, link)
        if ticket is None or ticket.order.contract is not listing.contract or not ticket.order.is_open:
            raise refusal_of(Why.UNKNOWN_ORDER, listing.contract.kind)
        return ticket

    def _place(self, account: int, request: Request) -> Order:
        try:
            return self.exchange.place(account, request, self.world.now_ms)
        except Refused as refused:
            kind = self.exchange.contracts[request.symbol].kind
            raise refusal_of(refused.why, kind) from None

    # What happens

    def _hear(self, events: list[Event | BarClosed]) -> None:
        for event in events:
            if isinstance(event, OrderChanged):
                self._order_changed(event)
            elif isinstance(event, Executed):
                self._executed(event)

    def _order_changed(self, event: OrderChanged) -> None:
        ticket = self.records.tickets.get(event.order)
        if ticket is None:
            return
        if not ticket.order.is_open and event.status is ticket.order.status:
            self.records.close(ticket)
        if event.why is Why.SELF_TRADE:
            ticket.met = self.records.tickets[ticket.order.met].order_id
        if event.status is Status.TRIGGERED and ticket.partner:
            self.world.later(lambda: self.guards.leave_to_partner(event.account, ticket))
        if self._listeners:
            self._push(event.account, "order", pushed_order(ticket, event))
            contract = ticket.order.contract
            if contract.kind is Kind.SPOT:
                self._push(event.account, "wallet", self.wallet(event.account))
            elif event.filled == 0:
                owner = self.exchange.accounts[event.account]
                self._push_position(event.account, owner.position(contract, ticket.order.request.side))

    def _executed(self, event: Executed) -> None:
        ticket = self.records.tickets.get(event.order) if event.order else None
        owner, contract = self.exchange.accounts[event.account], self.exchange.contracts[event.symbol]
        self.records.fill_count += 1
        closed, held, position = 0, 0, None
        if contract.kind is not Kind.SPOT:
            side = ticket.order.request.side if ticket else self._side_of(owner, contract, event)
            position = owner.position(contract, side)
            story = self._stories[event.account, event.symbol, side]
            closed, held = story.tell(event), story.lots
        left, order_id = 0, self.records.uuid("venue", self.records.fill_count)
        if ticket is not None:
            ticket.heard += event.lots
            left, order_id = ticket.order.request.lots - ticket.heard, ticket.order_id
        mark = 0 if contract.kind is Kind.SPOT else self.exchange.mark(contract)
        fill = Fill(self.records.fill_count, order_id, event, ticket, closed, held, mark, left)
        self.records.fills[event.account].append(fill)
        if ticket is not None:
            ticket.closed_profit += event.profit
        if ticket is not None and not ticket.protection.is_empty:
            self.world.later(lambda: self.guards.bring_along(event.account, ticket, event.lots))
        if position is not None and position.lots == 0 and event.kind != "funding":
            self.world.later(lambda: self.guards.clear(event.account, position))
        if self._listeners:
            listing = self.world.listing(event.symbol)
            symbol, category = listing.instrument.symbol, str(listing.instrument.market)
            row = pushed_fill(fill, contract, symbol, self.records.uuid("fill", fill.number), category)
            self._push(event.account, "execution", row)
            if position is not None:
                self._push_position(event.account, position)
            self._push(event.account, "wallet", self.wallet(event.account))

    @staticmethod
    def _side_of(owner: Account, contract: Contract, event: Executed) -> int:
        if contract.symbol not in owner.hedged:
            return 0
        # A liquidation trades against the side that it closes; funding names the side itself.
        return event.sign if event.kind == "funding" else -event.sign

    def _push(self, account: int, topic: str, row: Row) -> None:
        for listener in self._listeners:
            listener(account, topic, row)

    def _push_position(self, account: int, position: Position) -> None:
        if self._listeners:
            row = self.row_of_position(account, position)
            category = str(self.world.listing(position.contract.symbol).instrument.market)
            row["entryPrice"] = row.pop("avgPrice")
            self._push(account, "position", row | {"category": category})


def filter_of(ticket: Ticket) -> str:
    """Return which of the venue's three kinds an order is."""
    if ticket.stop_type == "tpslOrder":
        return "tpslOrder"
    return "StopOrder" if ticket.stop_type else "Order"


def _fits(contract: Contract, symbol: str, params: Mapping[str, Any]) -> bool:
    wanted = params.get("symbol"), params.get("baseCoin"), params.get("settleCoin")
    have = symbol, contract.base, contract.settle
    return all(not want or want == has for want, has in zip(wanted, have, strict=True))

"""Orders at Binance's spot market: placed, replaced, amended, cancelled, asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from real_trade.exchange.binance.calls import Call, choice, flag, given, number, page_size, span_of, whole
from real_trade.exchange.binance.desk import Desk, decimals, whole_steps
from real_trade.exchange.binance.listing import MOST_LOTS, MOST_MARKET_LOTS, MOST_TICKS
from real_trade.exchange.binance.records import PREVENTIONS, Records, Ticket
from real_trade.exchange.binance.refusals import NO_SUCH_ORDER, Refusal, filtered, missing, refusal_of
from real_trade.exchange.binance.spot_rows import (
    amended_row,
    amendment_row,
    cancelled_row,
    commission_row,
    fill_row,
    order_row,
    placed_row,
    prevented_row,
)
from real_trade.exchange.binance.spot_types import CONDITIONAL, LIMITS, TYPES, check_sent
from real_trade.exchange.binance.tickers import mean_price
from real_trade.exchange.core.contract import UNIT
from real_trade.exchange.core.margin import available, spot_needs
from real_trade.exchange.core.orders import Force, Price, Request, Trigger, Why

if TYPE_CHECKING:
    from real_trade.exchange.binance.directory import Directory
    from real_trade.exchange.binance.limits import OrderCounts
    from real_trade.exchange.core.contract import Contract
    from real_trade.exchange.core.orders import Order
    from real_trade.exchange.pages import History
    from real_trade.exchange.world import Listing, World

_FORCES: Final = {"GTC": Force.GTC, "IOC": Force.IOC, "FOK": Force.FOK}
# Open orders of a symbol, and conditional ones among them.
MOST_ORDERS: Final = 200
MOST_CONDITIONAL: Final = 5
# A limit price lies between these parts of the mean price.
HIGHEST: Final = 5
LOWEST: Final = 0.2
_BIPS: Final = (10, 2_000)
_PLACES: Final = 8


@dataclass(frozen=True, slots=True)
class Draft:
    """An order that was read and not placed yet.

    Attributes:
        call: where it was read.
        listing, request: what the core is asked for.
        kind, link: its type, and the account's own name for it.
        quote_units: of a market order in quote, how much is asked for.
    """

    call: Call
    listing: Listing
    request: Request
    kind: str
    link: str
    quote_units: int = 0


class SpotDesk(Desk):
    """The spot market's order desk.

    Args:
        directory: what is listed.
        world: the exchange.
        records: names and history.
        history: bars, for the mean price.
        counts: how many orders were placed.
    """

    def __init__(
        self, directory: Directory, world: World, records: Records, history: History, counts: OrderCounts
    ) -> None:
        super().__init__(directory, world, records)
        self._history, self._counts = history, counts

    def place(self, call: Call) -> dict[str, Any]:
        """Place an order.

        Raises:
            Refusal: with the venue's code.
        """
        fallback = "FULL" if call.params.get("type") in {"MARKET", "LIMIT"} else "ACK"
        wanted = choice(call, "newOrderRespType", ("ACK", "RESULT", "FULL"), fallback)
        draft = self.draft(call)
        self.count(call)
        ticket = self.enter(draft)
        self.world.tell()
        return placed_row(ticket, wanted, self.records.fills_of(ticket), self.records.prevented_by(ticket))

    def draft(self, call: Call, *, later: bool = False) -> Draft:
        """Read an order.

        Args:
            call: its request.
            later: it is not to be placed now, so that it does not matter yet whether it could be.

        Raises:
            Refusal: with the venue's code.
        """
        kind = choice(call, "type", TYPES)
        listing, request, quote_units = self._read(call, kind, later=later)
        return Draft(call, listing, request, kind, self.link(call.account, call), quote_units)

    def count(self, call: Call) -> None:
        """Count an order.

        Raises:
            Refusal: it is one too many.
        """
        self._counts.take(call.market, call.account)

    def enter(self, draft: Draft) -> Ticket:
        """Place an order; nobody is told yet.

        Raises:
            Refusal: with the venue's code.
        """
        order = self.submit(draft.call.account, draft.request, draft.listing)
        ticket = self.ticket_of(draft, order)
        ticket.working_ms = 0 if draft.request.trigger else self.world.now_ms
        self.records.add(ticket)
        return ticket

    @staticmethod
    def ticket_of(draft: Draft, order: Order) -> Ticket:
        """Return what is remembered of an order."""
        call, kind = draft.call, draft.kind
        return Ticket(
            order,
            call.market,
            draft.listing.instrument.symbol,
            draft.link,
            kind,
            "GTC" if kind in {"MARKET", "LIMIT_MAKER", "STOP_LOSS", "TAKE_PROFIT"} else call.params["timeInForce"],
            quote_units=draft.quote_units,
            rate=call.params.get("trailingDelta", ""),
            prevention=Desk.prevention(call),
        )

    def test(self, call: Call) -> dict[str, Any]:
        """Check an order without placing it."""
        kind = choice(call, "type", TYPES)
        listing, request, _ = self._read(call, kind)
        self.check_maker(listing, request)
        if not flag(call, "computeCommissionRates"):
            return {}
        return commission_row(self.exchange.accounts[call.account], listing.contract, "ForOrder")

    def query(self, call: Call) -> dict[str, Any]:
        """Return an order."""
        ticket = self.ticket(call)
        if ticket is None:
            raise Refusal(NO_SUCH_ORDER, "Order does not exist.")
        return order_row(ticket)

    def open(self, call: Call) -> list[dict[str, Any]]:
        """Return open orders."""
        pending = self.records.pending(call.account)
        if given(call, "symbol"):
            contract = self.directory.contract(call)
            pending = [ticket for ticket in pending if ticket.order.contract is contract]
        return [order_row(ticket) for ticket in self.open_tickets(call) + pending]

    def prevented(self, call: Call) -> list[dict[str, Any]]:
        """Return the matches of the account's orders with each other that did not take place, oldest first."""
        symbol = self.directory.listing(call).instrument.symbol
        number, order = whole(call.params, "preventedMatchId"), whole(call.params, "orderId")
        if number is None and order is None:
            raise Refusal(-1102, "Param 'preventedMatchId' or 'orderId' must be sent, but both were empty/null!")
        limit, first = page_size(call, 500, 1_000), whole(call.params, "fromPreventedMatchId") or 0
        found = [m for m in self.records.prevented[call.account] if m.taker.symbol == symbol and m.number >= first]
        if number is not None:
            found = [m for m in found if m.number == number]
        if order is not None:
            found = [m for m in found if order in {m.taker.order_id, m.maker.order_id}]
        return [prevented_row(match) for match in found[:limit]]

    def all(self, call: Call) -> list[dict[str, Any]]:
        """Return orders of a symbol, open and ended, oldest first."""
        return [order_row(ticket) for ticket in chosen(call, self.mine(call), 500, 1_000)]

    def trades(self, call: Call) -> list[dict[str, Any]]:
        """Return fills of a symbol, oldest first."""
        listing = self.directory.listing(call)
        limit, first, order = page_size(call, 500, 1_000), whole(call.params, "fromId"), whole(call.params, "orderId")
        start, end = span_of(call)
        found = []
        for fill in self.records.fills[call.account]:
            fits = fill.event.symbol == listing.name and start <= fill.event.time_ms <= end
            if not fits or (first is not None and fill.trade < first):
                continue
            if fill.ticket is not None and order in (None, fill.ticket.order_id):
                found.append(fill_row(fill, listing.contract))
        ahead = first is not None or "startTime" in call.params
        return found[:limit] if ahead else found[-limit:]

    def take_back(self, call: Call) -> dict[str, Any]:
        """Cancel an order."""
        ticket = self._cancellable(call, self.ticket(call))
        self.cancel(ticket, self.link(call.account, call))
        self.world.tell()
        return cancelled_row(ticket, self.world.now_ms)

    def replace(self, call: Call) -> dict[str, Any]:
        """Cancel an order and place another.

        Raises:
            Refusal: one of the two failed; it tells of both.
        """
        mode = choice(call, "cancelReplaceMode", ("STOP_ON_FAILURE", "ALLOW_FAILURE"))
        kind = choice(call, "type", TYPES)
        cancelled: dict[str, Any]
        named = self.ticket(call, "cancelOrigClientOrderId", "cancelOrderId")
        try:
            ticket = self._cancellable(call, named)
            self.cancel(ticket, self.link(call.account, call, "cancelNewClientOrderId"))
            self.world.tell()
            cancelled, cancel_result = cancelled_row(ticket, self.world.now_ms), "SUCCESS"
        except Refusal as refused:
            cancelled, cancel_result = {"code": refused.code, "msg": refused.message}, "FAILURE"
        placed: dict[str, Any] | None = None
        place_result = "NOT_ATTEMPTED"
        if cancel_result == "SUCCESS" or mode == "ALLOW_FAILURE":
            wanted = {"newOrderRespType": "FULL" if kind in {"MARKET", "LIMIT"} else "RESULT"}
            try:
                placed, place_result = self.place(replace(call, params={**wanted, **call.params})), "SUCCESS"
            except Refusal as refused:
                placed, place_result = {"code": refused.code, "msg": refused.message}, "FAILURE"
        both = {
            "cancelResult": cancel_result,
            "newOrderResult": place_result,
            "cancelResponse": cancelled,
            "newOrderResponse": placed,
        }
        if cancel_result == place_result == "SUCCESS":
            return both
        if "SUCCESS" in {cancel_result, place_result}:
            raise Refusal(-2021, "Order cancel-replace partially failed.", 409, both)
        raise Refusal(-2022, "Order cancel-replace failed.", 400, both)

    def amend(self, call: Call) -> dict[str, Any]:
        """Make an order smaller without its losing its place."""
        ticket = self._cancellable(call, self.ticket(call))
        listing = self.directory.listing(call)
        lots, order = self._lots(listing.contract, call, "newQty", MOST_LOTS[call.market], "LOT_SIZE"), ticket.order
        if lots > order.request.lots:
            raise Refusal(-2038, "Order amend (quantity increase) is not supported.")
        if lots == order.request.lots:
            raise refusal_of(Why.NO_CHANGE, call.market)
        # An order may keep its name, but has to be told so.
        keeps = call.params.get("newClientOrderId") == ticket.link
        link, before = ticket.link if keeps else self.link(call.account, call), (0, order.request.lots)
        self.attempt(listing, lambda: self.exchange.amend(call.account, order.number, self.world.now_ms, lots))
        change = self.records.amend(ticket, before, self.world.now_ms, link)
        self.world.tell()
        return amended_row(change)

    def amendments(self, call: Call) -> list[dict[str, Any]]:
        """Return how an order was amended, oldest first."""
        contract, order = self.directory.contract(call), whole(call.params, "orderId")
        if order is None:
            raise missing("orderId")
        limit, first = page_size(call, 500, 1_000), whole(call.params, "fromExecutionId") or 0
        found = [
            change
            for change in self.records.amendments[call.account]
            if change.ticket.order.contract is contract and change.ticket.order_id == order and change.number >= first
        ]
        return [amendment_row(change) for change in found[:limit]]

    # Reading a request

    def _cancellable(self, call: Call, ticket: Ticket | None) -> Ticket:
        if ticket is None or not ticket.order.is_open:
            raise refusal_of(Why.UNKNOWN_ORDER, call.market)
        only = call.params.get("cancelRestrictions", "")
        if only not in {"", "ONLY_NEW", "ONLY_PARTIALLY_FILLED"}:
            raise Refusal(-1145, "`cancelRestrictions` has to be either `ONLY_NEW` or `ONLY_PARTIALLY_FILLED`.")
        status = "PARTIALLY_FILLED" if ticket.order.filled else "NEW"
        if only and only != f"ONLY_{status}":
            raise Refusal(-2011, "Order was not canceled due to cancel restrictions.")
        return ticket

    def _read(self, call: Call, kind: str, *, later: bool = False) -> tuple[Listing, Request, int]:
        """Return instrument, request, and the quote that a market order is for."""
        listing = self.trading(call)
        contract = listing.contract
        sign = 1 if choice(call, "side", ("BUY", "SELL")) == "BUY" else -1
        check_sent(call, kind)
        force = Force.IOC if kind in {"MARKET", "STOP_LOSS", "TAKE_PROFIT"} else Force.POST_ONLY
        if kind in LIMITS and kind != "LIMIT_MAKER":
            force = _FORCES[choice(call, "timeInForce", tuple(_FORCES))]
        ticks = self._ticks(listing, call, "price") if kind in LIMITS else None
        if ticks is not None:
            self._check_distance(listing, ticks)
        trigger = self._trigger(listing, call, kind, sign) if kind in CONDITIONAL else None
        if not later:
            self._check_counts(call, contract, conditional=trigger is not None)
        quote_units = 0
        if given(call, "quoteOrderQty"):
            quote_units = int(number(call, "quoteOrderQty") / UNIT)
            if quote_units * UNIT < contract.min_value:
                raise filtered("NOTIONAL")
            lots = self.exchange.affordable(contract.symbol, sign, quote_units)
        else:
            most = MOST_MARKET_LOTS if ticks is None else MOST_LOTS
            name = "MARKET_LOT_SIZE" if ticks is None else "LOT_SIZE"
            lots = self._lots(contract, call, "quantity", most[call.market], name)
        self_trade = PREVENTIONS[self.prevention(call)]
        request = Request(contract.symbol, sign, lots, ticks, force, trigger=trigger, self_trade=self_trade)
        if trigger is not None and not later:
            self.check_value(call, contract, request, ticks or trigger.ticks or self.last(contract))
        return listing, request, quote_units

    def _ticks(self, listing: Listing, call: Call, name: str) -> int:
        value = number(call, name)
        if decimals(call, name) > _PLACES:
            raise Refusal(-1111, f"Parameter '{name}' has too much precision.")
        if value == 0:
            raise Refusal(-1013, "Invalid price.")
        ticks = whole_steps(value, listing.contract.tick)
        # The grid that is listed may be coarser than the core's.
        if ticks is None or ticks > MOST_TICKS or value % listing.instrument.tick_size:
            raise filtered("PRICE_FILTER")
        return ticks

    def _lots(self, contract: Contract, call: Call, name: str, most: int, name_of_filter: str) -> int:
        value = number(call, name)
        if decimals(call, name) > _PLACES:
            raise Refusal(-1111, f"Parameter '{name}' has too much precision.")
        if value == 0:
            raise Refusal(-1013, "Invalid quantity.")
        lots = whole_steps(value, contract.step)
        grid = self.world.listing(contract.symbol).instrument.quantity_step
        if lots is None or lots < contract.min_lots or value % grid:
            raise filtered("LOT_SIZE")
        if lots > most:
            raise filtered(name_of_filter)
        return lots

    def _trigger(self, listing: Listing, call: Call, kind: str, sign: int) -> Trigger:
        stop = self._ticks(listing, call, "stopPrice") if given(call, "stopPrice") else 0
        delta = whole(call.params, "trailingDelta")
        if delta is not None:
            if not _BIPS[0] <= delta <= _BIPS[1]:
                raise filtered("TRAILING_DELTA")
            # One hundredth of a percent is 1e-4.
            return Trigger(0, sign > 0, Price.LAST, begins=stop, rate=delta * 100_000)
        rises = (sign > 0) == kind.startswith("STOP_LOSS")
        return Trigger(stop, rises, Price.LAST)

    def last(self, contract: Contract) -> int:
        """Return the last price in ticks."""
        return self.exchange.prices[contract.symbol, Price.LAST]

    def _check_distance(self, listing: Listing, ticks: int) -> None:
        mean, value = float(mean_price(self._history, self.world, listing)), float(ticks * listing.contract.tick)
        if not LOWEST * mean <= value <= HIGHEST * mean:
            raise filtered("PERCENT_PRICE_BY_SIDE")

    def _check_counts(self, call: Call, contract: Contract, *, conditional: bool) -> None:
        mine = [o for o in self.exchange.open_orders(call.account) if o.contract is contract]
        if len(mine) >= MOST_ORDERS:
            raise filtered("MAX_NUM_ORDERS")
        if conditional and sum(o.request.trigger is not None for o in mine) >= MOST_CONDITIONAL:
            raise filtered("MAX_NUM_ALGO_ORDERS")

    def check_value(self, call: Call, contract: Contract, request: Request, ticks: int) -> None:
        """Refuse an order that is too small at a price, or could not be paid for now."""
        if contract.value(request.lots, ticks) * UNIT < contract.min_value:
            raise filtered("NOTIONAL")
        coin, units = spot_needs(contract, request.sign, request.lots, ticks)
        if available(self.exchange.accounts[call.account], coin, self.exchange.mark) < units:
            raise refusal_of(Why.NO_FUNDS, call.market)


def chosen(call: Call, tickets: list[Ticket], default: int, most: int) -> list[Ticket]:
    """Return orders from a number or a time on, else the newest; oldest first."""
    limit, first = page_size(call, default, most), whole(call.params, "orderId")
    start, end = span_of(call)
    found = [t for t in tickets if start <= t.order.created_ms <= end and (first is None or t.order_id >= first)]
    ahead = first is not None or "startTime" in call.params
    return found[:limit] if ahead else found[-limit:]

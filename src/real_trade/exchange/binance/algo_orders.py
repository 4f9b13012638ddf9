"""Conditional orders at Binance's futures: they have endpoints, numbers and names of their own."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from real_trade.exchange.binance.calls import Call, choice, flag, given, number, page_size, span_of, whole
from real_trade.exchange.binance.futures_orders import CONDITIONAL, FORCES, FuturesDesk
from real_trade.exchange.binance.futures_rows import algo_order_row, algo_row
from real_trade.exchange.binance.listing import MOST_LOTS, MOST_MARKET_LOTS
from real_trade.exchange.binance.records import PREVENTIONS
from real_trade.exchange.binance.refusals import NO_SUCH_ORDER, Refusal, missing, refusal_of
from real_trade.exchange.core.contract import RATE_SCALE
from real_trade.exchange.core.orders import Force, Price, Request, Trigger, Why
from real_trade.model import Market

if TYPE_CHECKING:
    from real_trade.exchange.binance.records import Ticket
    from real_trade.exchange.world import Listing

_PRICES: Final = {"CONTRACT_PRICE": Price.LAST, "MARK_PRICE": Price.MARK}
_DONE: Final = {"code": 200, "msg": "The operation of cancel all open order is done."}
# Open ones of a symbol.
_MOST: Final = {Market.LINEAR: 10, Market.INVERSE: 20}
_RATES: Final = (Decimal("0.1"), Decimal(10))


class AlgoDesk:
    """The desk for conditional orders.

    Args:
        desk: the futures' order desk.
    """

    def __init__(self, desk: FuturesDesk) -> None:
        self._desk = desk

    def place(self, call: Call) -> dict[str, Any]:
        """Place a conditional order.

        Raises:
            Refusal: with the venue's code.
        """
        desk = self._desk
        choice(call, "algoType", ("CONDITIONAL",))
        kind = choice(call, "type", CONDITIONAL)
        listing = desk.trading(call)
        contract, sign = listing.contract, desk.sign(call)
        working_type = choice(call, "workingType", tuple(_PRICES), "CONTRACT_PRICE")
        closes = flag(call, "closePosition")
        which = desk.position_side(call)
        trigger = self._trigger(call, listing, kind, sign, _PRICES[working_type])
        ticks = desk.ticks(listing, call, "price") if kind in {"STOP", "TAKE_PROFIT"} else None
        lots = self._lots(call, listing, kind, closes=closes)
        force = choice(call, "timeInForce", tuple(FORCES), "GTC")
        self._check_count(call, listing)
        only_reduces = flag(call, "reduceOnly")
        request = Request(
            contract.symbol, sign, lots, ticks, Force.IOC if ticks is None else FORCES[force], which,
            only_reduces or closes, trigger=trigger, whole=closes, self_trade=PREVENTIONS[desk.prevention(call)],
        )  # fmt: skip
        facts = {
            "force": force,
            "working_type": working_type,
            "protects": flag(call, "priceProtect"),
            "closes": closes,
            "rate": call.params.get("callbackRate", "") if kind == "TRAILING_STOP_MARKET" else "",
            "activates": trigger.begins,
            "only_reduces": only_reduces or closes,
            "prevention": desk.prevention(call),
        }
        link = desk.link(call.account, call, "clientAlgoId")
        return algo_row(desk.place_conditional(call, listing, request, kind, link, facts))

    def query(self, call: Call) -> dict[str, Any]:
        """Return a conditional order."""
        return algo_order_row(self._ticket(call))

    def open(self, call: Call) -> list[dict[str, Any]]:
        """Return those that wait."""
        return [algo_order_row(ticket) for ticket in self._waiting(call)]

    def all(self, call: Call) -> list[dict[str, Any]]:
        """Return those of a symbol, oldest first."""
        contract = self._desk.directory.contract(call)
        limit, first = page_size(call, 500, 1_000), whole(call.params, "algoId")
        start, end = span_of(call)
        found = [
            ticket
            for ticket in self._desk.records.by_account[call.account]
            if ticket.is_algo and ticket.order.contract is contract and start <= ticket.order.created_ms <= end
        ]
        found = [ticket for ticket in found if first is None or ticket.algo_id >= first]
        ahead = first is not None or "startTime" in call.params
        return [algo_order_row(ticket) for ticket in (found[:limit] if ahead else found[-limit:])]

    def take_back(self, call: Call) -> dict[str, Any]:
        """Cancel one."""
        ticket = self._ticket(call)
        if not ticket.waits or not ticket.order.is_open:
            raise refusal_of(Why.UNKNOWN_ORDER, call.market)
        self._desk.cancel(ticket, ticket.link)
        self._desk.world.tell()
        return {"algoId": ticket.algo_id, "clientAlgoId": ticket.link, "code": "200", "msg": "success"}

    def take_back_all(self, call: Call) -> dict[str, Any]:
        """Cancel those of a symbol."""
        if not given(call, "symbol"):
            raise missing("symbol")
        for ticket in self._waiting(call):
            self._desk.cancel(ticket, ticket.link)
        self._desk.world.tell()
        return dict(_DONE)

    def _ticket(self, call: Call) -> Ticket:
        algo_id, link = whole(call.params, "algoId"), call.params.get("clientAlgoId", "")
        if algo_id is None and not link:
            raise Refusal(-1102, "Param 'clientAlgoId' or 'algoId' must be sent, but both were empty/null!")
        ticket = self._desk.records.find_algo(call.account, algo_id, link)
        if ticket is None or ticket.market is not call.market:
            code = -2011 if call.method == "DELETE" else NO_SUCH_ORDER
            raise Refusal(code, "Unknown order sent." if call.method == "DELETE" else "Order does not exist.")
        return ticket

    def _waiting(self, call: Call) -> list[Ticket]:
        tickets = self._desk.records.tickets
        found = [tickets[order.number] for order in self._desk.exchange.open_orders(call.account)]
        waiting = [t for t in found if t.waits]
        if not given(call, "symbol"):
            return waiting
        contract = self._desk.directory.contract(call)
        return [t for t in waiting if t.order.contract is contract]

    def _trigger(self, call: Call, listing: Listing, kind: str, sign: int, by: Price) -> Trigger:
        contract, desk = listing.contract, self._desk
        if kind == "TRAILING_STOP_MARKET":
            rate = number(call, "callbackRate")
            if not _RATES[0] <= rate <= _RATES[1]:
                raise Refusal(-2007, "Invalid callBack rate.")
            name = "activatePrice" if given(call, "activatePrice") else "activationPrice"
            begins = desk.ticks(listing, call, name) if given(call, name) else 0
            now = desk.exchange.prices[contract.symbol, by]
            if begins and (begins >= now if sign > 0 else begins <= now):
                raise refusal_of(Why.TRIGGER_SIDE, call.market)
            return Trigger(0, sign > 0, by, begins=begins, rate=int(rate * RATE_SCALE / 100))
        if not given(call, "triggerPrice"):
            raise missing("triggerPrice")
        rises = (sign > 0) == kind.startswith("STOP")
        return Trigger(desk.ticks(listing, call, "triggerPrice"), rises, by)

    def _lots(self, call: Call, listing: Listing, kind: str, *, closes: bool) -> int:
        if not closes:
            most = MOST_LOTS if kind in {"STOP", "TAKE_PROFIT"} else MOST_MARKET_LOTS
            return self._desk.lots(listing.contract, call, most[call.market])
        if kind not in {"STOP_MARKET", "TAKE_PROFIT_MARKET"}:
            raise Refusal(-4136, "Target strategy invalid for orderType " + kind + ",closePosition true.")
        if given(call, "quantity"):
            raise Refusal(-4137, "Quantity must be zero with closePosition equals true.")
        if flag(call, "reduceOnly"):
            raise Refusal(-1106, "Parameter 'reduceonly' sent when not required.")
        return 0

    def _check_count(self, call: Call, listing: Listing) -> None:
        waiting = [o for o in self._desk.exchange.open_orders(call.account) if o.contract is listing.contract]
        if sum(self._desk.records.tickets[o.number].waits for o in waiting) >= _MOST[call.market]:
            raise Refusal(-4045, "Reach max stop order limit.")

"""Orders at Binance's futures: placed, modified, cancelled, asked for, one or many at a time."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from real_trade.exchange.binance.calls import Call, choice, flag, given, number, page_size, span_of, whole
from real_trade.exchange.binance.desk import Desk, decimals, whole_steps
from real_trade.exchange.binance.futures_rows import acknowledged_row, amendment_row, fill_row, order_row, placed_row
from real_trade.exchange.binance.listing import MOST_LOTS, MOST_MARKET_LOTS, MOST_TICKS
from real_trade.exchange.binance.records import PREVENTIONS, Records, Ticket
from real_trade.exchange.binance.refusals import NO_SUCH_ORDER, Refusal, missing, refusal_of
from real_trade.exchange.binance.signing import spell
from real_trade.exchange.core.orders import Force, Order, Request, Status, Why
from real_trade.exchange.words import read_json
from real_trade.model import Market

if TYPE_CHECKING:
    from collections.abc import Callable

    from real_trade.exchange.binance.directory import Directory
    from real_trade.exchange.binance.expiries import Expiries
    from real_trade.exchange.binance.limits import OrderCounts
    from real_trade.exchange.core.contract import Contract
    from real_trade.exchange.world import Listing, World

CONDITIONAL: Final = ("STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET")
FORCES: Final = {"GTC": Force.GTC, "IOC": Force.IOC, "FOK": Force.FOK, "GTX": Force.POST_ONLY}
# Orders with a date are among USD-margined ones only; they stay until then.
_DATED: Final = FORCES | {"GTD": Force.GTC}
_SIDES: Final = {"BOTH": 0, "LONG": 1, "SHORT": -1}
# Open orders of a symbol.
MOST_ORDERS: Final = 200
# Orders in one batch: placed, and cancelled.
_BATCH: Final = 5
# How often an order may be modified.
_MOST_CHANGES: Final = 10_000
_CANCELS: Final = 10
# How far a price may be beyond the mark price, percent.
_BEYOND: Final = 5
_DONE: Final = {"code": 200, "msg": "The operation of cancel all open order is done."}


class FuturesDesk(Desk):
    """The futures' order desk.

    Args:
        directory: what is listed.
        world: the exchange.
        records: names and history.
        counts: how many orders were placed.
        expiries: which are good until a date.
    """

    def __init__(
        self, directory: Directory, world: World, records: Records, counts: OrderCounts, expiries: Expiries
    ) -> None:
        super().__init__(directory, world, records)
        self._counts, self._expiries = counts, expiries

    def place(self, call: Call) -> dict[str, Any]:
        """Place an order.

        Raises:
            Refusal: with the venue's code.
        """
        kind = choice(call, "type", ("LIMIT", "MARKET", *CONDITIONAL))
        wanted = choice(call, "newOrderRespType", ("ACK", "RESULT"), "ACK")
        listing, request = self._read(call, kind)
        link, date = self.link(call.account, call), self._expiries.date_of(call)
        self._counts.take(call.market, call.account)
        order = self.submit(call.account, request, listing)
        ticket = Ticket(
            order,
            call.market,
            listing.instrument.symbol,
            link,
            kind,
            "GTC" if kind == "MARKET" else call.params["timeInForce"],
            only_reduces=flag(call, "reduceOnly"),
            good_till_ms=date,
            working_ms=self.world.now_ms,
            prevention=self.prevention(call),
        )
        self.records.add(ticket)
        self._expiries.add(ticket)
        self.world.tell()
        return placed_row(ticket) if wanted == "RESULT" else acknowledged_row(ticket)

    def expire(self) -> None:
        """End the orders whose date has come."""
        due = self._expiries.take_due()
        for ticket in due:
            self.exchange.cancel(ticket.order.account, ticket.order.number, self.world.now_ms, Why.NOT_FILLED)
        if due:
            self.world.tell()

    def test(self, call: Call) -> dict[str, Any]:
        """Check an order without placing it."""
        kind = choice(call, "type", ("LIMIT", "MARKET", *CONDITIONAL))
        listing, request = self._read(call, kind)
        link, now = self.link(call.account, call), self.world.now_ms
        order = Order(0, call.account, listing.contract, request, now, now, Status.NEW)
        force = "GTC" if kind == "MARKET" else call.params["timeInForce"]
        date = self._expiries.date_of(call)
        row = Ticket(order, call.market, listing.instrument.symbol, link, kind, force, good_till_ms=date)
        return acknowledged_row(row)

    def query(self, call: Call) -> dict[str, Any]:
        """Return an order."""
        ticket = self.ticket(call)
        if ticket is None or (call.name == "openOrder" and not ticket.order.is_open):
            raise Refusal(NO_SUCH_ORDER, "Order does not exist.")
        return order_row(ticket)

    def open(self, call: Call) -> list[dict[str, Any]]:
        """Return open orders."""
        found = self.open_tickets(call)
        return [order_row(ticket) for ticket in found if ticket.market is call.market]

    def all(self, call: Call) -> list[dict[str, Any]]:
        """Return orders of a symbol, open and ended, oldest first."""
        limit, first = page_size(call, 500, 1_000), whole(call.params, "orderId")
        start, end = span_of(call)
        found = [
            t for t in self.mine(call) if start <= t.order.created_ms <= end and (first is None or t.order_id >= first)
        ]
        ahead = first is not None or "startTime" in call.params
        return [order_row(ticket) for ticket in (found[:limit] if ahead else found[-limit:])]

    def trades(self, call: Call) -> list[dict[str, Any]]:
        """Return fills of a symbol, oldest first."""
        contract = self.directory.contract(call)
        if contract is None:
            return []
        limit, first, order = page_size(call, 500, 1_000), whole(call.params, "fromId"), whole(call.params, "orderId")
        start, end = span_of(call)
        found = []
        for fill in self.records.fills[call.account]:
            event = fill.event
            fits = event.symbol == contract.symbol and event.kind != "funding" and start <= event.time_ms <= end
            if not fits or (first is not None and fill.trade < first):
                continue
            if order is None or (fill.ticket is not None and fill.ticket.order_id == order):
                found.append(fill_row(fill, contract, call.params["symbol"]))
        ahead = first is not None or "startTime" in call.params
        return found[:limit] if ahead else found[-limit:]

    def modify(self, call: Call) -> dict[str, Any]:
        """Give an order another price or quantity."""
        ticket, listing = self._working(call), self.directory.listing(call)
        order = ticket.order
        if order.request.ticks is None:
            raise Refusal(-5025, "Only limit order is supported.")
        for name in ("quantity", "price"):
            if not given(call, name):
                raise missing(name)
        if choice(call, "side", ("BUY", "SELL")) != ("BUY" if order.request.sign > 0 else "SELL"):
            raise Refusal(-4191, "The modified order side does not match the original order.")
        lots = self.lots(listing.contract, call, MOST_LOTS[call.market])
        ticks = self.ticks(listing, call, "price")
        force, other = order.request.force, self.exchange.books[listing.name].side(-order.request.sign)
        if force is Force.POST_ONLY and other.reaches(ticks):
            raise refusal_of(Why.WOULD_TAKE, call.market)
        if ticket.changes >= _MOST_CHANGES:
            raise Refusal(-5026, "Exceed maximum modify order limit.")
        before = order.request.ticks, order.request.lots
        self.attempt(listing, lambda: self.exchange.amend(call.account, order.number, self.world.now_ms, lots, ticks))
        self.records.amend(ticket, before, self.world.now_ms, ticket.link)
        self.world.tell()
        return placed_row(ticket) | {"modifyId": ticket.changes, "pair": ticket.symbol.partition("_")[0]}

    def amendments(self, call: Call) -> list[dict[str, Any]]:
        """Return how orders of a symbol were modified, newest first."""
        contract = self.directory.contract(call)
        limit, (start, end) = page_size(call, 50, 100), span_of(call)
        order, link = whole(call.params, "orderId"), call.params.get("origClientOrderId", "")
        found = [
            change
            for change in reversed(self.records.amendments[call.account])
            if change.ticket.order.contract is contract
            and start <= change.time_ms <= end
            and order in {None, change.ticket.order_id}
            and link in {"", change.ticket.link}
        ]
        return [amendment_row(change) for change in found[:limit]]

    def order_counts(self, call: Call) -> list[dict[str, Any]]:
        """Return how many orders may be placed."""
        return [{n: v for n, v in row.items() if n != "count"} for row in self._counts.rows(call.market, call.account)]

    def take_back(self, call: Call) -> dict[str, Any]:
        """Cancel an order."""
        ticket = self._working(call)
        self.cancel(ticket, ticket.link)
        self.world.tell()
        return placed_row(ticket)

    def take_back_all(self, call: Call) -> dict[str, Any]:
        """Cancel every open order of a symbol; conditional ones stay."""
        if not given(call, "symbol"):
            raise missing("symbol")
        for ticket in self.open_tickets(call):
            self.cancel(ticket, ticket.link)
        self.world.tell()
        return dict(_DONE)

    def place_many(self, call: Call) -> list[dict[str, Any]]:
        """Place orders."""
        return self._each(call, self.place)

    def modify_many(self, call: Call) -> list[dict[str, Any]]:
        """Modify orders."""
        return self._each(call, self.modify)

    def take_back_many(self, call: Call) -> list[dict[str, Any]]:
        """Cancel orders of a symbol."""
        found = []
        for name, single in (("orderIdList", "orderId"), ("origClientOrderIdList", "origClientOrderId")):
            # The documents spell them so, clients in small letters.
            for spelled in (name, name.lower()):
                if given(call, spelled):
                    found = [{single: str(value)} for value in _list(call, spelled)]
        if not found:
            names = "Param 'origClientOrderIdList' or 'orderIdList'"
            raise Refusal(-1102, f"{names} must be sent, but both were empty/null!")
        if len(found) > _CANCELS:
            raise Refusal(-4032, "Exceed maximum cancel order size.")
        return [self._one(call, each, self.take_back) for each in found]

    def _each(self, call: Call, command: Callable[[Call], dict[str, Any]]) -> list[dict[str, Any]]:
        if not given(call, "batchOrders"):
            raise missing("batchOrders")
        wanted = _list(call, "batchOrders")
        if not 1 <= len(wanted) <= _BATCH:
            raise Refusal(-4082, "Invalid number of batch place orders.")
        found = []
        for each in wanted:
            if not isinstance(each, dict):
                raise Refusal(-1130, "Data sent for parameter 'batchOrders' is not valid.")
            found.append(self._one(call, {name: spell(value) for name, value in each.items()}, command))
        return found

    @staticmethod
    def _one(call: Call, params: dict[str, str], command: Callable[[Call], dict[str, Any]]) -> dict[str, Any]:
        head = {"symbol": call.params["symbol"]} if given(call, "symbol") else {}
        try:
            return command(replace(call, name="order", params=head | params))
        except Refusal as refused:
            return {"code": refused.code, "msg": refused.message}

    # Reading a request

    def _working(self, call: Call) -> Ticket:
        ticket = self.ticket(call)
        if ticket is None or not ticket.order.is_open:
            raise refusal_of(Why.UNKNOWN_ORDER, call.market)
        return ticket

    def _read(self, call: Call, kind: str) -> tuple[Listing, Request]:
        if kind in CONDITIONAL:
            raise Refusal(
                -4120, "Order type not supported for this endpoint. Please use the Algo Order API endpoints instead."
            )
        listing = self.trading(call)
        contract = listing.contract
        sign = self.sign(call)
        for name in ("quantity",) if kind == "MARKET" else ("timeInForce", "quantity", "price"):
            if not given(call, name):
                raise missing(name)
        for name in ("price", "timeInForce") if kind == "MARKET" else ():
            if given(call, name):
                raise Refusal(-1106, f"Parameter '{name}' sent when not required.")
        forces = _DATED if call.market is Market.LINEAR else FORCES
        force = Force.IOC if kind == "MARKET" else forces[choice(call, "timeInForce", tuple(forces))]
        which = self.position_side(call)
        ticks = None if kind == "MARKET" else self.ticks(listing, call, "price")
        lots = self.lots(contract, call, (MOST_MARKET_LOTS if ticks is None else MOST_LOTS)[call.market])
        if ticks is not None:
            self._check_distance(contract, sign, ticks)
        mine = [o for o in self.exchange.open_orders(call.account) if o.contract is contract and o.request.ticks]
        if len(mine) >= MOST_ORDERS:
            raise Refusal(-2025, "Reach max open order limit.")
        if force is Force.FOK and self.exchange.books[listing.name].side(-sign).available(ticks, lots) < lots:
            raise refusal_of(Why.NOT_FILLED, call.market)
        only_reduces = flag(call, "reduceOnly")
        self_trade = PREVENTIONS[self.prevention(call)]
        return listing, Request(contract.symbol, sign, lots, ticks, force, which, only_reduces, self_trade=self_trade)

    @staticmethod
    def sign(call: Call) -> int:
        """Return +1 for a buyer, -1 for a seller."""
        return 1 if choice(call, "side", ("BUY", "SELL")) == "BUY" else -1

    def position_side(self, call: Call) -> int:
        """Return which side of a hedged pair is meant; 0 for both.

        Raises:
            Refusal: it does not fit the account's mode.
        """
        which = _SIDES[choice(call, "positionSide", tuple(_SIDES), "BOTH")]
        hedged = bool(self.exchange.accounts[call.account].hedged)
        if (which != 0) != hedged:
            raise refusal_of(Why.BAD_SIDE, call.market)
        if hedged and flag(call, "reduceOnly"):
            raise Refusal(-1106, "Parameter 'reduceonly' sent when not required.")
        return which

    def ticks(self, listing: Listing, call: Call, name: str) -> int:
        """Return a price in ticks.

        Raises:
            Refusal: not a price of the grid.
        """
        value = number(call, name)
        if value == 0:
            raise refusal_of(Why.BAD_PRICE, call.market)
        contract = listing.contract
        if decimals(call, name) > -int(contract.tick.as_tuple().exponent):
            raise Refusal(-1111, "Precision is over the maximum defined for this asset.")
        ticks = whole_steps(value, contract.tick)
        # The grid that is listed may be coarser than the core's.
        if ticks is None or value % listing.instrument.tick_size:
            raise Refusal(-4014, "Price not increased by tick size.")
        if ticks > MOST_TICKS:
            raise Refusal(-4002, "Price greater than max price.")
        return ticks

    def lots(self, contract: Contract, call: Call, most: int, name: str = "quantity") -> int:
        """Return a quantity in lots.

        Raises:
            Refusal: not a quantity of the grid.
        """
        value = number(call, name)
        if value == 0:
            raise refusal_of(Why.TOO_SMALL, call.market)
        if decimals(call, name) > -int(contract.step.as_tuple().exponent):
            raise Refusal(-1111, "Precision is over the maximum defined for this asset.")
        lots = whole_steps(value, contract.step)
        if lots is None or value % self.world.listing(contract.symbol).instrument.quantity_step:
            raise Refusal(-4023, "Qty not increased by step size.")
        if lots < contract.min_lots:
            raise Refusal(-4004, "Quantity less than min quantity.")
        if lots > most:
            raise refusal_of(Why.TOO_LARGE, call.market)
        return lots

    def _check_distance(self, contract: Contract, sign: int, ticks: int) -> None:
        """Refuse to buy far above the mark price, or to sell far below it."""
        mark = self.exchange.mark(contract)
        if sign > 0 and ticks * 100 > mark * (100 + _BEYOND):
            highest = mark * (100 + _BEYOND) // 100 * contract.tick
            raise Refusal(-4016, f"Limit price can't be higher than {highest:f}.")
        if sign < 0 and ticks * 100 < mark * (100 - _BEYOND):
            lowest = mark * (100 - _BEYOND) // 100 * contract.tick
            raise Refusal(-4024, f"Limit price can't be lower than {lowest:f}.")

    def place_conditional(
        self, call: Call, listing: Listing, request: Request, kind: str, link: str, facts: dict[str, Any]
    ) -> Ticket:
        """Place an order that waits for a price."""
        self._counts.take(call.market, call.account)
        order = self.submit(call.account, request, listing)
        ticket = Ticket(order, call.market, listing.instrument.symbol, link, kind, is_algo=True, **facts)
        self.records.add(ticket)
        self.world.tell()
        return ticket


def _list(call: Call, name: str) -> list[Any]:
    try:
        found = read_json(call.params[name])
    except ValueError:
        found = None
    if not isinstance(found, list):
        raise Refusal(-1130, f"Data sent for parameter '{name}' is not valid.")
    return found

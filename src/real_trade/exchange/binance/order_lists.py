"""Order lists of Binance's spot market: two orders that exclude each other, and orders that follow on another."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from real_trade.exchange.binance.calls import Call, choice, given, page_size, span_of, whole
from real_trade.exchange.binance.list_legs import Wish, check_prices, oco, old_oco, oto, otoco
from real_trade.exchange.binance.records import KEPT
from real_trade.exchange.binance.refusals import NO_SUCH_ORDER, Refusal, filtered, illegal, missing, refusal_of
from real_trade.exchange.binance.spot_orders import SpotDesk
from real_trade.exchange.binance.spot_rows import cancelled_row, placed_row, report
from real_trade.exchange.core.events import OrderChanged
from real_trade.exchange.core.orders import Order, Refused, Status, Why
from real_trade.exchange.words import whole_number

if TYPE_CHECKING:
    from collections.abc import Callable

    from real_trade.exchange.binance.directory import Directory
    from real_trade.exchange.binance.limits import OrderCounts
    from real_trade.exchange.binance.records import Records, Ticket
    from real_trade.exchange.binance.spot_orders import Draft
    from real_trade.exchange.binance.users import Users
    from real_trade.exchange.core.events import Event
    from real_trade.exchange.pages import History
    from real_trade.exchange.world import BarClosed, World

_STARTED: Final = ("EXEC_STARTED", "EXECUTING")
_DONE: Final = ("ALL_DONE", "ALL_DONE")
# Open lists of a symbol.
MOST_LISTS: Final = 20


@dataclass(slots=True, eq=False)
class OrderList:
    """Orders that belong together.

    Attributes:
        number: 0, 1, ...
        account: whose.
        symbol, link: what it is for, and the account's own name for it.
        contingency: OCO or OTO.
        created_ms: when it was placed.
        tickets: its orders, in the order in which they are told.
        drafts: what is placed once the first order is filled.
        is_done: every order has ended.
    """

    number: int
    account: int
    symbol: str
    link: str
    contingency: str
    created_ms: int
    tickets: list[Ticket] = field(default_factory=list)
    drafts: list[Draft] = field(default_factory=list)
    is_done: bool = False


class ListDesk(SpotDesk):
    """The spot market's order desk, with order lists.

    Args:
        directory: what is listed.
        world: the exchange.
        records: names and history.
        history: bars, for the mean price.
        counts: how many orders were placed.
        users: the user streams.
    """

    def __init__(
        self,
        directory: Directory,
        world: World,
        records: Records,
        history: History,
        counts: OrderCounts,
        users: Users,
    ) -> None:
        super().__init__(directory, world, records, history, counts)
        self._users = users
        self._made = 0
        self._of: dict[int, deque[OrderList]] = defaultdict(lambda: deque(maxlen=KEPT))
        self._open: dict[int, OrderList] = {}
        world.listen(self._hear)

    # Requests

    def place_old(self, call: Call) -> dict[str, Any]:
        """Place two orders that exclude each other, named the older way."""
        return self._place(call, "OCO", old_oco)

    def place_oco(self, call: Call) -> dict[str, Any]:
        """Place two orders that exclude each other."""
        return self._place(call, "OCO", oco)

    def place_oto(self, call: Call) -> dict[str, Any]:
        """Place an order, and have another placed once it is filled."""
        return self._place(call, "OTO", oto)

    def place_otoco(self, call: Call) -> dict[str, Any]:
        """Place an order, and have two placed once it is filled that exclude each other."""
        return self._place(call, "OTO", otoco)

    def query_list(self, call: Call) -> dict[str, Any]:
        """Return a list."""
        return _row(self._named(call, "origClientOrderId", Refusal(NO_SUCH_ORDER, "Order list does not exist.")))

    def open_lists(self, call: Call) -> list[dict[str, Any]]:
        """Return the lists that are not done, oldest first."""
        return [_row(each) for each in self._open.values() if each.account == call.account]

    def all_lists(self, call: Call) -> list[dict[str, Any]]:
        """Return lists from a number or a time on, else the newest; oldest first."""
        limit, first = page_size(call, 500, 1_000), whole(call.params, "fromId")
        if first is not None and (given(call, "startTime") or given(call, "endTime")):
            raise Refusal(-1128, "Combination of optional parameters invalid.")
        start, end = span_of(call)
        found = [each for each in self._of[call.account] if start <= each.created_ms <= end]
        if first is not None:
            found = [each for each in found if each.number >= first]
        ahead = first is not None or "startTime" in call.params
        return [_row(each) for each in (found[:limit] if ahead else found[-limit:])]

    def take_back_list(self, call: Call) -> dict[str, Any]:
        """Cancel a list: all of its orders that are open."""
        found = self._named(call, "listClientOrderId", refusal_of(Why.UNKNOWN_ORDER, call.market))
        if found.is_done or self.directory.contract(call) is not found.tickets[0].order.contract:
            raise refusal_of(Why.UNKNOWN_ORDER, call.market)
        self._end(found, self.link(call.account, call))
        self.world.tell()
        return self._cancelled(found)

    # Single orders of lists

    def cancel(self, ticket: Ticket, by: str) -> None:
        """Take an order back, and with it the list that it is part of; whoever asked for it gave that a name."""
        found = self._open.get(ticket.list_id)
        if found is None:
            super().cancel(ticket, by)
        else:
            self._end(found, by)

    def take_back_all(self, call: Call) -> list[dict[str, Any]]:
        """Cancel every open order of a symbol; lists are told as a whole."""
        if not given(call, "symbol"):
            raise missing("symbol")
        tickets = self.open_tickets(call)
        if not tickets:
            raise refusal_of(Why.UNKNOWN_ORDER, call.market)
        lists = dict.fromkeys(self._open[t.list_id] for t in tickets if t.list_id in self._open)
        single = [ticket for ticket in tickets if ticket.list_id not in self._open]
        for ticket in single:
            self.cancel(ticket, self.records.new_name())
        for found in lists:
            self._end(found, self.records.new_name())
        self.world.tell()
        rows = [cancelled_row(ticket, self.world.now_ms) for ticket in single]
        return rows + [self._cancelled(found) for found in lists]

    def _end(self, found: OrderList, by: str) -> None:
        """Cancel what is open of a list."""
        for ticket in found.tickets:
            if ticket.pends:
                ticket.cancelled_by = by
                # The order that it was to follow on is told of first.
                self.world.later(lambda ticket=ticket: self._abandon(found, ticket, Why.BY_USER))  # type: ignore[misc]
            elif ticket.order.is_open:
                super().cancel(ticket, by)

    def _cancelled(self, found: OrderList) -> dict[str, Any]:
        reports = [cancelled_row(ticket, self.world.now_ms) for ticket in found.tickets]
        return _row(found) | {"transactionTime": self.world.now_ms, "orderReports": reports}

    # Inside

    def _place(self, call: Call, contingency: str, read: Callable[[Call], Wish]) -> dict[str, Any]:
        wanted = choice(call, "newOrderRespType", ("ACK", "RESULT", "FULL"), "RESULT")
        self.trading(call)
        wish = read(call)
        link = self.link(call.account, call, "listClientOrderId")
        if any(each.link == link for each in self._open.values() if each.account == call.account):
            raise refusal_of(Why.DUPLICATE_LINK, call.market)
        first = [self.draft(leg) for leg in wish.first]
        then = [self.draft(leg, later=True) for leg in wish.then]
        self._check(call, first, then)
        for _ in (*first, *then):
            self.count(call)
        symbol = first[0].listing.instrument.symbol
        found = OrderList(self._made, call.account, symbol, link, contingency, self.world.now_ms, drafts=then)
        self._made += 1
        found.tickets += [self.enter(draft) for draft in first]
        found.tickets += [self._park(draft) for draft in then]
        for ticket in found.tickets:
            ticket.list_id = found.number
        self._oppose(found.tickets if contingency == "OCO" else [])
        self._of[call.account].append(found)
        self._open[found.number] = found
        self._tell(found, _STARTED)
        self.world.tell()
        for ticket in found.tickets[len(first) :]:
            if ticket.pends:
                self._report(ticket, Status.UNTRIGGERED, None)
        reports = [placed_row(ticket, wanted) for ticket in found.tickets]
        if wanted != "ACK":
            for row, ticket in zip(reports, found.tickets, strict=True):
                row["workingTime"] = ticket.working_ms or -1
        return _row(found) | {"orderReports": reports}

    def _check(self, call: Call, first: list[Draft], then: list[Draft]) -> None:
        """Refuse what cannot be placed as a whole before any of it is."""
        links = [draft.link for draft in (*first, *then)]
        if len(set(links)) < len(links):
            raise refusal_of(Why.DUPLICATE_LINK, call.market)
        mine = (each for each in self._open.values() if each.account == call.account)
        if sum(each.symbol == call.params["symbol"] for each in mine) >= MOST_LISTS:
            raise filtered("MAX_NUM_ORDER_LISTS")
        if len(first) > 1:
            check_prices(first, self.last(first[0].listing.contract))
        for draft in first:
            request, listing = draft.request, draft.listing
            if request.trigger is None and request.ticks is not None:
                self.check_maker(listing, request)
                self.check_value(call, listing.contract, request, request.ticks)

    def _park(self, draft: Draft) -> Ticket:
        """Return an order that is to be placed later."""
        now = self.world.now_ms
        order = Order(0, draft.call.account, draft.listing.contract, draft.request, now, now, Status.UNTRIGGERED)
        ticket = self.ticket_of(draft, order)
        self.records.add_pending(ticket)
        return ticket

    def _oppose(self, tickets: list[Ticket]) -> None:
        if len(tickets) > 1:
            self.exchange.oppose(*(ticket.order.number for ticket in tickets))

    def _named(self, call: Call, name: str, unknown: Refusal) -> OrderList:
        text, link = call.params.get("orderListId", ""), call.params.get(name, "")
        if not text and not link:
            raise Refusal(-1102, f"Param '{name}' or 'orderListId' must be sent, but both were empty/null!")
        number = whole_number(text) if text else None
        if text and number is None:
            raise illegal("orderListId", "^[0-9]{1,20}$")
        for each in reversed(self._of[call.account]):
            if each.link == link if number is None else each.number == number:
                return each
        raise unknown

    def _hear(self, events: list[Event | BarClosed]) -> None:
        touched: dict[int, OrderList] = {}
        for event in events:
            if isinstance(event, OrderChanged):
                ticket = self.records.tickets.get(event.order)
                found = None if ticket is None else self._open.get(ticket.list_id)
                if found is not None:
                    touched[found.number] = found
        for found in touched.values():
            self._go_on(found)

    def _go_on(self, found: OrderList) -> None:
        """Do what follows on a change of one of a list's orders."""
        first = found.tickets[0]
        if found.drafts and first.order.status is Status.FILLED:
            drafts, found.drafts = found.drafts, []
            self.world.later(lambda: self._follow(found, drafts))
            return
        left = [ticket for ticket in found.tickets if ticket.pends or ticket.order.is_open]
        if not left:
            self._finish(found)
            return
        # What has ended unfilled takes the others along.
        ended = (ticket for ticket in found.tickets if ticket not in left)
        failed = next((t for t in ended if t.order.status is not Status.FILLED and t.order.why is not Why.RIVAL), None)
        if failed is not None:
            name = failed.cancelled_by or self.records.new_name()
            self.world.later(lambda: self._end(found, name))

    def _follow(self, found: OrderList, drafts: list[Draft]) -> None:
        """Place what was to follow on the first order."""
        for ticket, draft in zip(found.tickets[1:], drafts, strict=True):
            if not ticket.pends:
                continue
            try:
                ticket.order = self.exchange.place(found.account, draft.request, self.world.now_ms)
            except Refused as refused:
                self._abandon(found, ticket, refused.why)
                continue
            ticket.working_ms = 0 if draft.request.trigger else self.world.now_ms
            self.records.settle(ticket)
        self._oppose([ticket for ticket in found.tickets[1:] if ticket.order.is_open])
        # What was placed is told of first.
        self.world.later(lambda: self._go_on(found))

    def _abandon(self, found: OrderList, ticket: Ticket, why: Why) -> None:
        """Let an order that was not placed yet never be."""
        if not ticket.pends:
            return
        now, order = self.world.now_ms, ticket.order
        if why is Why.BY_USER:
            order.go(Status.DEACTIVATED, now, why)
        else:
            order.go(Status.TRIGGERED, now)
            order.go(Status.REJECTED, now, why)
        self.records.settle(ticket)
        self._report(ticket, order.status, why)
        if not any(each.pends or each.order.is_open for each in found.tickets):
            self._finish(found)

    def _finish(self, found: OrderList) -> None:
        if self._open.pop(found.number, None) is not None:
            found.is_done = True
            self._tell(found, _DONE)

    def _tell(self, found: OrderList, status: tuple[str, str]) -> None:
        now = self.world.now_ms
        event = {"e": "listStatus", "E": now, "s": found.symbol, "g": found.number, "c": found.contingency}
        event |= {"l": status[0], "L": status[1], "r": "NONE", "C": found.link, "T": now}
        orders = [{"s": found.symbol, "i": ticket.order_id, "c": ticket.link} for ticket in found.tickets]
        self._users.tell(found.account, event | {"O": orders})

    def _report(self, ticket: Ticket, status: Status, why: Why | None) -> None:
        """Tell of an order that the core does not have."""
        order, now = ticket.order, self.world.now_ms
        self.records.report_count += 1
        change = OrderChanged(now, order.account, order.number, order.request.symbol, status, 0, 0, 0, why)
        self._users.tell(order.account, report(ticket, change, None, self.records.report_count))


def _row(found: OrderList) -> dict[str, Any]:
    kind, status = _DONE if found.is_done else _STARTED
    return {
        "orderListId": found.number,
        "contingencyType": found.contingency,
        "listStatusType": kind,
        "listOrderStatus": status,
        "listClientOrderId": found.link,
        "transactionTime": found.created_ms,
        "symbol": found.symbol,
        "orders": [
            {"symbol": found.symbol, "orderId": ticket.order_id, "clientOrderId": ticket.link}
            for ticket in found.tickets
        ],
    }

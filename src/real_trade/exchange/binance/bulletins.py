"""What the core's events mean at Binance: fills in the records, and messages on the user streams."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from real_trade.exchange.binance.futures_rows import algo_event, order_event, takeover_event
from real_trade.exchange.binance.positions import account_event, margin_call
from real_trade.exchange.binance.records import Fill, Records, Ticket
from real_trade.exchange.binance.spot_rows import position_event, report
from real_trade.exchange.core.contract import Kind
from real_trade.exchange.core.events import Executed, OrderChanged
from real_trade.exchange.core.margin import totals
from real_trade.exchange.core.orders import Refused, Status, Why

if TYPE_CHECKING:
    from real_trade.exchange.binance.settings import Settings
    from real_trade.exchange.binance.tape import Tape
    from real_trade.exchange.binance.users import Users
    from real_trade.exchange.core.contract import Contract
    from real_trade.exchange.core.events import Event
    from real_trade.exchange.world import BarClosed, World

# A margin call comes where the margin is less than this many times what is needed.
_CALL_AT = 1.25


class Bulletins:
    """Hears what happens, remembers and tells it.

    Args:
        world: the exchange.
        records: names and history.
        tape: numbers trades.
        settings: margin types.
        users: the user streams.
    """

    def __init__(self, world: World, records: Records, tape: Tape, settings: Settings, users: Users) -> None:
        self._world, self._records, self._tape, self._settings, self._users = world, records, tape, settings, users
        self._exchange = world.exchange
        # The fill that the next change of an order tells of.
        self._fills: dict[int, Fill] = {}
        # Coins and positions of each account that changed since it was told.
        self._coins: dict[int, dict[str, int]] = {}
        self._positions: dict[int, dict[tuple[str, int], None]] = {}
        self._called: set[tuple[int, str]] = set()
        world.listen(self._hear)

    def pulse(self) -> None:
        """Call for margin where it runs short; once, until there is enough again."""
        for account in self._exchange.accounts.values():
            if not self._users.is_heard(account.number):
                continue
            for coin in {p.contract.settle for p in account.positions.values() if p.lots}:
                equity, needed = totals(account, coin, self._exchange.mark)
                key = account.number, coin
                if equity >= needed * _CALL_AT:
                    self._called.discard(key)
                elif key not in self._called:
                    self._called.add(key)
                    self._users.tell(account.number, margin_call(self._world, self._settings, account, coin, equity))

    def _hear(self, events: list[Event | BarClosed]) -> None:
        for event in events:
            if isinstance(event, OrderChanged):
                self._order_changed(event)
            elif isinstance(event, Executed):
                self._executed(event)
        self._tell_balances()

    def _order_changed(self, event: OrderChanged) -> None:
        ticket = self._records.tickets.get(event.order)
        if ticket is None:
            return
        fill = self._fills.pop(event.order, None)
        if event.status is Status.TRIGGERED:
            ticket.triggered_ms = event.time_ms
        elif event.status is Status.NEW and not ticket.working_ms:
            ticket.working_ms = event.time_ms
        ticket.filled = event.filled
        if event.why is Why.SELF_TRADE:
            self._records.prevent(ticket, event)
        if ticket.order.contract.kind is Kind.SPOT:
            self._touch(event.account, ticket.order.contract.base, 0)
            self._touch(event.account, ticket.order.contract.quote, 0)
        if self._users.is_heard(event.account):
            for message in self._messages(ticket, event, fill):
                self._users.tell(event.account, message)
        ticket.is_told = ticket.is_told or event.status is Status.NEW

    def _messages(self, ticket: Ticket, event: OrderChanged, fill: Fill | None) -> list[dict[str, Any]]:
        if ticket.order.contract.kind is Kind.SPOT:
            if event.status is Status.TRIGGERED:
                return []
            self._records.report_count += 1
            return [report(ticket, event, fill, self._records.report_count)]
        if not ticket.is_algo:
            return [order_event(ticket, event, fill)]
        waited = event.status in {Status.UNTRIGGERED, Status.TRIGGERED, Status.DEACTIVATED, Status.REJECTED}
        if waited:
            return [algo_event(ticket, event)]
        found = [order_event(ticket, event, fill)]
        if event.status is Status.NEW or not ticket.order.is_open:
            found.append(algo_event(ticket, event))
        return found

    def _executed(self, event: Executed) -> None:
        self._records.fill_count += 1
        account = self._exchange.accounts[event.account]
        contract = self._exchange.contracts[event.symbol]
        ticket = self._records.tickets.get(event.order)
        trade = 0 if event.kind == "funding" else self._tape.number(event.trade)
        fill = Fill(self._records.fill_count, event, ticket, trade)
        self._records.fills[event.account].append(fill)
        if event.kind == "trade":
            self._fills[event.order] = fill
        if contract.kind is Kind.SPOT:
            return
        self._touch(event.account, event.coin, event.profit - event.fee)
        if event.kind == "funding":
            if self._users.is_heard(event.account):
                changes = self._coins.pop(event.account)
                message = account_event(self._world, self._settings, account, "FUNDING_FEE", changes, ())
                self._users.tell(event.account, message)
            return
        which = self._side_of(contract, event, ticket)
        self._positions.setdefault(event.account, {})[event.symbol, which] = None
        if event.kind != "trade" and self._users.is_heard(event.account):
            symbol = self._world.listing(event.symbol).instrument.symbol
            self._users.tell(event.account, takeover_event(event, contract, symbol, trade, which))
        if account.position(contract, which).lots == 0:
            self._world.later(lambda: self._clear(event.account, contract, which))

    def _side_of(self, contract: Contract, event: Executed, ticket: Ticket | None) -> int:
        if ticket is not None:
            return ticket.order.request.side
        if contract.symbol not in self._exchange.accounts[event.account].hedged:
            return 0
        # What the venue closes it trades against.
        return -event.sign

    def _touch(self, account: int, coin: str, units: int) -> None:
        coins = self._coins.setdefault(account, {})
        coins[coin] = coins.get(coin, 0) + units

    def _clear(self, account: int, contract: Contract, which: int) -> None:
        """Take back what was to close a position that is closed."""
        if self._exchange.accounts[account].position(contract, which).lots:
            return
        for order in self._exchange.open_orders(account):
            ticket = self._records.tickets[order.number]
            if ticket.closes and ticket.waits and order.contract is contract and order.request.side == which:
                try:
                    self._exchange.cancel(account, order.number, self._world.now_ms, Why.POSITION_CLOSED)
                except Refused:
                    continue

    def _tell_balances(self) -> None:
        coins, self._coins = self._coins, {}
        positions, self._positions = self._positions, {}
        for number, changes in coins.items():
            if not self._users.is_heard(number):
                continue
            account = self._exchange.accounts[number]
            if number in positions:
                held = tuple(positions[number])
                self._users.tell(
                    number, account_event(self._world, self._settings, account, "ORDER", {}, held, changes)
                )
            else:
                self._users.tell(number, position_event(account, changes, self._world.now_ms))

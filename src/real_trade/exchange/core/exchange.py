"""The exchange: takes commands, matches, books, tells what happened. Deterministic, without a clock of its own."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from real_trade.exchange.core.account import Account
from real_trade.exchange.core.book import Book, Entry
from real_trade.exchange.core.checks import Checks
from real_trade.exchange.core.contract import Contract, Kind, share
from real_trade.exchange.core.events import EventLog, Executed, OrderChanged, Traded
from real_trade.exchange.core.margin import available, binds
from real_trade.exchange.core.orders import Force, Order, Price, Refused, Request, SelfTrade, Status, Why
from real_trade.exchange.core.settlement import Settlement

if TYPE_CHECKING:
    from collections.abc import Iterable

    from real_trade.exchange.core.account import Position
    from real_trade.exchange.core.book import Side
    from real_trade.exchange.core.orders import Trigger

# Ended orders that are remembered; a name is free again when its order is forgotten.
KEPT: Final = 100_000


class Exchange:
    """One venue's contracts, accounts and books.

    Args:
        contracts: what is traded.
    """

    def __init__(self, contracts: Iterable[Contract]) -> None:
        self.contracts = {contract.symbol: contract for contract in contracts}
        self.books = {symbol: Book() for symbol in self.contracts}
        self.accounts: dict[int, Account] = {}
        self.orders: dict[int, Order] = {}
        self.prices: dict[tuple[str, Price], int] = {}
        self._checks = Checks(self.books, self.prices, self.mark)
        self.log = EventLog()
        self.settlement = Settlement(self.accounts, self.mark, self.number_trade, self.log)
        self._links: dict[tuple[int, str], int] = {}
        # Open orders by account, and conditional orders by symbol, in order of acceptance.
        self._open: dict[int, dict[int, Order]] = {}
        self._waiting: dict[str, dict[int, Order]] = {symbol: {} for symbol in self.contracts}
        # Orders of which the first that is filled or set off ends the others, each by its number.
        self._rivals: dict[int, tuple[int, ...]] = {}
        self._numbered = self._trades = 0
        # Orders that have ended, the oldest first: of so many the core still knows.
        self._ended: deque[Order] = deque()
        # Symbols whose prices, and coins in which positions, have changed by the command that is being carried out.
        self._moved: dict[str, None] = {}
        self._changed: set[str] = set()

    def open_account(self, wallet: dict[str, int]) -> Account:
        """Return a new account that holds so many units of each coin."""
        account = Account(len(self.accounts) + 1, dict(wallet))
        self.accounts[account.number] = account
        self._open[account.number] = {}
        return account

    def open_orders(self, account: int) -> list[Order]:
        """Return an account's open orders, oldest first."""
        return list(self._open[account].values())

    def mark(self, contract: Contract) -> int:
        """Return the mark price in ticks: the last price where none was set."""
        found = self.prices.get((contract.symbol, Price.MARK)) or self.prices.get((contract.symbol, Price.LAST))
        assert found is not None, f"{contract.symbol} has no price yet"
        return found

    # Commands of accounts

    def place(self, account: int, request: Request, now_ms: int) -> Order:
        """Take an order.

        Raises:
            Refused: nothing was done.
        """
        owner, contract = self.accounts[account], self.contracts[request.symbol]
        request = self._checked(owner, contract, request)
        self._numbered += 1
        number = self._numbered
        status = Status.NEW
        if request.trigger is not None:
            status = Status.UNTRIGGERED
            price = self.prices.get((request.symbol, request.trigger.by))
            request = request if price is None else replace(request, trigger=request.trigger.after(price))
        order = Order(number, account, contract, request, now_ms, now_ms, status)
        self.orders[number] = order
        self._open[account][number] = order
        if request.link:
            self._links[account, request.link] = number
        self._tell(order, now_ms)
        if request.trigger is None:
            self._work(order, now_ms)
        else:
            self._waiting[request.symbol][number] = order
        self._follow_up(now_ms)
        return order

    def cancel(self, account: int, number: int, now_ms: int, why: Why = Why.BY_USER) -> Order:
        """Take back an order.

        Raises:
            Refused: the account has no such open order.
        """
        order = self._own(account, number)
        self._end(order, why, now_ms)
        return order

    def cancel_all(self, account: int, now_ms: int, symbol: str | None = None) -> list[Order]:
        """Take back every open order, or those in one symbol."""
        found = [order for order in self.open_orders(account) if symbol in (None, order.request.symbol)]
        for order in found:
            self._end(order, Why.BY_USER, now_ms)
        return found

    def amend(
        self,
        account: int,
        number: int,
        now_ms: int,
        lots: int | None = None,
        ticks: int | None = None,
        trigger: Trigger | None = None,
    ) -> Order:
        """Give an open order another quantity, limit or trigger; less at the same price keeps its place in the queue.

        Raises:
            Refused: no such order, nothing to change, or what it would be could not be an order.
        """
        order = self._own(account, number)
        request = order.request
        changed = replace(
            request,
            lots=request.lots if lots is None else lots,
            ticks=request.ticks if ticks is None else ticks,
            trigger=request.trigger if trigger is None else trigger,
        )
        if trigger is not None and order.status is not Status.UNTRIGGERED:
            raise Refused(Why.NO_TRIGGER)
        if changed == request:
            raise Refused(Why.NO_CHANGE)
        if (changed.lots <= order.filled and not changed.whole) or (request.ticks is None) != (changed.ticks is None):
            raise Refused(Why.TOO_SMALL if changed.lots <= order.filled else Why.BAD_PRICE)
        checked = self._checked(self.accounts[account], order.contract, replace(changed, link=""), amended=order)
        changed = replace(checked, link=request.link)
        rests = order.status in (Status.NEW, Status.PARTIALLY_FILLED)
        order.request = changed
        order.updated_ms = now_ms
        side = self.books[request.symbol].side(request.sign)
        if rests and request.ticks is not None:
            if changed.ticks == request.ticks and changed.lots < request.lots:
                side.reduce(request.ticks, number, order.left)
            else:
                side.remove(request.ticks, number)
                self._tell(order, now_ms)
                self._work(order, now_ms)
                self._follow_up(now_ms)
                return order
        self._tell(order, now_ms)
        return order

    def oppose(self, *numbers: int) -> None:
        """Let the first of some orders of an account that is filled or set off end the others."""
        self._rivals |= dict.fromkeys(numbers, numbers)

    def set_leverage(self, account: int, symbol: str, leverage: int, short: int | None = None) -> None:
        """Choose the leverage of a symbol's positions; ``short`` is another one for the short side of a hedged pair.

        Raises:
            Refused: no change, more than the ladder offers, or too much for what is held.
        """
        owner, contract = self.accounts[account], self.contracts[symbol]
        wanted = {1: leverage, -1: leverage if short is None else short} if symbol in owner.hedged else {0: leverage}
        positions = [owner.position(contract, side) for side in wanted]
        before = [position.leverage for position in positions]
        if before == list(wanted.values()):
            raise Refused(Why.NO_CHANGE)
        if not contract.tiers or not all(1 <= chosen <= contract.tiers[0].leverage for chosen in wanted.values()):
            raise Refused(Why.LEVERAGE)
        self._lever(owner, contract, wanted)
        doomed = owner.isolated and any(each.lots and self.settlement.is_bankrupt(each) for each in positions)
        if doomed or available(owner, contract.settle, self.mark) < 0:
            self._lever(owner, contract, dict(zip(wanted, before, strict=True)))
            raise Refused(Why.NO_FUNDS)

    def _lever(self, owner: Account, contract: Contract, leverages: dict[int, int]) -> None:
        for side, leverage in leverages.items():
            owner.position(contract, side).leverage = leverage
        for order in self.open_orders(owner.number):
            if order.contract is contract:
                self._bind(order)

    def set_fees(self, account: int, kind: Kind, maker: int, taker: int) -> None:
        """Let an account pay its own rates, 1e-9, in a kind of contract (negative: a rebate to who rests)."""
        owner = self.accounts[account]
        owner.rates[kind] = maker, taker
        for order in self.open_orders(account):
            self._bind(order)

    def add_margin(self, account: int, position: Position, units: int) -> None:
        """Set more of an account's coin aside for a position, or give some back (negative).

        Raises:
            Refused: nothing is held, or that much is not there.
        """
        owner, coin = self.accounts[account], position.contract.settle
        if position.lots == 0 or units == 0:
            raise Refused(Why.NO_CHANGE)
        if units > available(owner, coin, self.mark) or position.extra + units < 0:
            raise Refused(Why.NO_FUNDS)
        position.extra += units
        if owner.isolated and self.settlement.is_bankrupt(position):
            position.extra -= units
            raise Refused(Why.NO_FUNDS)

    def hedge(self, account: int, symbol: str, hedged: bool) -> None:
        """Keep long and short side of a symbol apart, or together.

        Raises:
            Refused: no change, or there is a position or an order.
        """
        owner, contract = self.accounts[account], self.contracts[symbol]
        if (symbol in owner.hedged) == hedged:
            raise Refused(Why.NO_CHANGE)
        if any(owner.position(contract, side).lots for side in (0, 1, -1)):
            raise Refused(Why.HAS_POSITION)
        if any(order.request.symbol == symbol for order in self.open_orders(account)):
            raise Refused(Why.HAS_ORDERS)
        leverage = owner.position(contract, 1 if symbol in owner.hedged else 0).leverage
        for side in (1, -1) if hedged else (0,):
            owner.position(contract, side).leverage = leverage
        owner.hedged ^= {symbol}

    def affordable(self, symbol: str, sign: int, units: int) -> int:
        """Return the lots that so many units of the quote coin buy, or must be sold for, at the market now."""
        contract, lots = self.contracts[symbol], 0
        side = self.books[symbol].side(-sign)
        for ticks in side.prices():
            offered = side.levels[ticks].lots
            value = contract.value(offered, ticks)
            if value >= units:
                return lots + units * offered // value
            lots += offered
            units -= value
        return lots

    # The market

    def quote(self, symbol: str, sign: int, ticks: int, lots: int, now_ms: int) -> None:
        """Let the crowd offer so many lots at a price; what crosses the orders of accounts takes them first."""
        book = self.books[symbol]
        if lots > 0:
            other = book.side(-sign)
            while lots > 0 and other.reaches(ticks):
                taken = self._match(None, symbol, sign, lots, ticks, now_ms)
                if taken == 0:
                    return
                lots -= taken
        book.side(sign).set_crowd(ticks, lots)
        self._follow_up(now_ms)

    def crowd_takes(self, symbol: str, sign: int, lots: int, limit: int | None, now_ms: int) -> int:
        """Let the crowd buy (+1) or sell (-1) at the market; return the lots that were traded."""
        traded = self._match(None, symbol, sign, lots, limit, now_ms)
        self._follow_up(now_ms)
        return traded

    def set_price(self, symbol: str, by: Price, ticks: int, now_ms: int) -> None:
        """Set a mark, index or last price; triggers are set off, and positions liquidated."""
        self.prices[symbol, by] = ticks
        self._moved[symbol] = None
        if by is Price.MARK:
            self._changed.add(self.contracts[symbol].settle)
        self._follow_up(now_ms)

    def settle_funding(self, symbol: str, rate: int, now_ms: int) -> None:
        """Charge funding on every position in a symbol: its value at the mark price times a rate of 1e-9."""
        contract = self.contracts[symbol]
        self.settlement.pay_funding(contract, rate, now_ms)
        self._changed.add(contract.settle)
        self._follow_up(now_ms)

    def number_trade(self) -> int:
        """Return the number of a new trade."""
        self._trades += 1
        return self._trades

    # Inside

    def _own(self, account: int, number: int) -> Order:
        order = self._open.get(account, {}).get(number)
        if order is None:
            raise Refused(Why.UNKNOWN_ORDER)
        return order

    def _tell(self, order: Order, now_ms: int) -> None:
        """Report an order as it is now, and hold back of its account what it binds now."""
        self._bind(order)
        self.log.add(
            OrderChanged(
                now_ms,
                order.account,
                order.number,
                order.request.symbol,
                order.status,
                order.filled,
                order.value,
                order.fee,
                order.why,
            )
        )

    def _bind(self, order: Order) -> None:
        owner = self.accounts[order.account]
        coin, units = binds(owner, order)
        owner.bound[coin] = owner.bound.get(coin, 0) + units - order.bound
        order.bound = units

    def _checked(self, owner: Account, contract: Contract, request: Request, amended: Order | None = None) -> Request:
        """Return the request as it is taken, or refuse it."""
        if request.link and (owner.number, request.link) in self._links:
            raise Refused(Why.DUPLICATE_LINK)
        return self._checks.taken(owner, contract, request, amended)

    def _work(self, order: Order, now_ms: int) -> None:
        """Match an order that has arrived, and let it rest if it may."""
        request = order.request
        book = self.books[request.symbol]
        other = book.side(-request.sign)
        if request.force is Force.POST_ONLY and request.ticks is not None and other.reaches(request.ticks):
            self._end(order, Why.WOULD_TAKE, now_ms)
            return
        if request.force is Force.FOK and self._takeable(order, other) < order.left:
            self._end(order, Why.NOT_FILLED, now_ms)
            return
        self._match(order, request.symbol, request.sign, order.left, request.ticks, now_ms)
        if not order.is_open:
            return
        if request.ticks is None or request.force in (Force.IOC, Force.FOK):
            self._end(order, Why.NOT_FILLED, now_ms)
        else:
            book.side(request.sign).add(request.ticks, Entry(order.number, order.left))

    def _match(self, taker: Order | None, symbol: str, sign: int, lots: int, limit: int | None, now_ms: int) -> int:
        """Take from the other side of the book; return the lots that were traded."""
        side, traded = self.books[symbol].side(-sign), 0
        while traded < lots and (taker is None or taker.is_open) and side.reaches(limit):
            resting = self.orders.get(side.first())
            if self._keep_apart(taker, resting, now_ms):
                continue
            match = side.take(lots - traded)
            self._trades += 1
            traded += match.lots
            if resting is not None:
                self._book_fill(resting, -sign, match.lots, match.ticks, now_ms, maker=True)
            if taker is not None:
                self._book_fill(taker, sign, match.lots, match.ticks, now_ms, maker=False)
            # Not before both are booked: of one account, neither may see the position of halfway.
            for order in (resting, taker):
                if order is not None and order.contract.kind is not Kind.SPOT:
                    position = self.accounts[order.account].position(order.contract, order.request.side)
                    self._cut_reducing(order.account, position, now_ms, working=taker)
            self.log.add(Traded(now_ms, symbol, self._trades, sign, match.lots, match.ticks))
            self.prices[symbol, Price.LAST] = match.ticks
        if traded:
            self._moved[symbol] = None
        return traded

    def _keep_apart(self, taker: Order | None, resting: Order | None, now_ms: int) -> bool:
        """Of two orders that meet, if an account has both, end what the taker asks; tell whether any was ended."""
        if taker is None or resting is None or taker.account != resting.account:
            return False
        mode = taker.request.self_trade
        if mode in (SelfTrade.CANCEL_MAKER, SelfTrade.CANCEL_BOTH):
            resting.met = taker.number
            self._end(resting, Why.SELF_TRADE, now_ms)
        if mode in (SelfTrade.CANCEL_TAKER, SelfTrade.CANCEL_BOTH):
            taker.met = resting.number
            self._end(taker, Why.SELF_TRADE, now_ms)
        return mode is not SelfTrade.NONE

    def _takeable(self, order: Order, other: Side) -> int:
        """Return how much of an order would be filled at once."""
        mode, found = order.request.self_trade, 0
        for entry in other.entries(order.request.ticks):
            resting = self.orders.get(entry.order_id)
            if mode is SelfTrade.NONE or resting is None or resting.account != order.account:
                found += entry.lots
            elif mode is not SelfTrade.CANCEL_MAKER:
                break
            if found >= order.left:
                return order.left
        return found

    def _book_fill(self, order: Order, sign: int, lots: int, ticks: int, now_ms: int, *, maker: bool) -> None:
        contract, owner = order.contract, self.accounts[order.account]
        rate = owner.rate(contract, maker=maker)
        value = contract.value(lots, ticks)
        coin, fee, profit = contract.settle, share(value, rate), 0
        if contract.kind is Kind.SPOT:
            # The fee is taken from what is received.
            base = contract.base_units(lots)
            if sign > 0:
                coin, fee = contract.base, share(base, rate)
            owner.change(contract.base, sign * base)
            owner.change(contract.quote, -sign * value)
        else:
            position = owner.position(contract, order.request.side)
            profit = position.fill(sign * lots, ticks)
            owner.realise(contract.settle, profit)
            self._changed.add(contract.settle)
        owner.pay_fee(coin, fee)
        order.filled += lots
        order.value += value
        order.fee += fee
        self.log.add(
            Executed(
                now_ms, order.account, order.number, contract.symbol, "trade", sign, lots, ticks, fee, coin, profit,
                maker=maker, trade=self._trades, balance=owner.wallet[coin],
            )
        )  # fmt: skip
        order.go(Status.FILLED if order.left == 0 else Status.PARTIALLY_FILLED, now_ms)
        if not order.is_open:
            self._leave(order)
        self._tell(order, now_ms)
        self._end_rivals(order, now_ms)

    def _cut_reducing(self, account: int, position: Position, now_ms: int, working: Order | None) -> None:
        """Cut, or cancel, resting orders that may only reduce a position that has become smaller."""
        for order in self.open_orders(account):
            request = order.request
            is_one = request.reduce_only and order.contract is position.contract and request.side == position.side
            if not is_one or order is working or order.status is Status.UNTRIGGERED:
                continue
            held = max(0, -request.sign * position.lots)
            if held == 0:
                self._end(order, Why.REDUCE_ONLY, now_ms)
            elif order.left > held:
                order.request = replace(request, lots=order.filled + held)
                if request.ticks is not None:
                    self.books[request.symbol].side(request.sign).reduce(request.ticks, order.number, held)
                self._tell(order, now_ms)

    def _end(self, order: Order, why: Why, now_ms: int) -> None:
        """End an open order unfilled, and take it out of the book."""
        request = order.request
        if order.status is Status.UNTRIGGERED:
            self._waiting[request.symbol].pop(order.number)
            order.go(Status.DEACTIVATED, now_ms, why)
        else:
            side = self.books[request.symbol].side(request.sign)
            level = None if request.ticks is None else side.levels.get(request.ticks)
            if level is not None and any(entry.order_id == order.number for entry in level.queue):
                side.remove(request.ticks, order.number)  # type: ignore[arg-type]
            order.go(Status.CANCELLED, now_ms, why)
        self._leave(order)
        self._rivals.pop(order.number, None)
        self._tell(order, now_ms)

    def _leave(self, order: Order) -> None:
        """Count an order as ended, and forget the one that ended longest ago."""
        self._open[order.account].pop(order.number)
        self._ended.append(order)
        if len(self._ended) > KEPT:
            oldest = self._ended.popleft()
            del self.orders[oldest.number]
            named = (oldest.account, oldest.request.link)
            if self._links.get(named) == oldest.number:
                del self._links[named]

    def _end_rivals(self, order: Order, now_ms: int) -> None:
        """End what an order that is filled or set off excludes."""
        for number in self._rivals.pop(order.number, ()):
            rival = self._open[order.account].get(number)
            if rival is not None and rival is not order:
                self._end(rival, Why.RIVAL, now_ms)

    def _set_off(self, symbol: str, now_ms: int) -> None:
        """Let loose what the prices of now set off."""
        for order in list(self._waiting[symbol].values()):
            trigger = order.request.trigger
            assert trigger is not None
            price = self.prices.get((symbol, trigger.by))
            if price is None or order.number not in self._waiting[symbol]:
                continue
            if not trigger.is_met(price):
                if trigger.trails:
                    order.request = replace(order.request, trigger=trigger.after(price))
                continue
            self._waiting[symbol].pop(order.number)
            order.go(Status.TRIGGERED, now_ms)
            self._tell(order, now_ms)
            self._end_rivals(order, now_ms)
            try:
                request = self._checked(
                    self.accounts[order.account], order.contract, replace(order.request, trigger=None, link="")
                )
            except Refused as refusal:
                order.go(Status.REJECTED, now_ms, refusal.why)
                self._open[order.account].pop(order.number)
                self._tell(order, now_ms)
                continue
            order.request = replace(request, link=order.request.link, trigger=trigger)
            order.go(Status.NEW, now_ms)
            self._tell(order, now_ms)
            self._work(order, now_ms)

    def _follow_up(self, now_ms: int) -> None:
        """Do what a command has led to, once it is carried out: set off triggers, then liquidate what is not backed.

        Not before: what is left of an order that trades must rest first, or what it sets off could rest across it.
        """
        while self._moved or self._changed:
            while self._moved:
                symbol = next(iter(self._moved))
                del self._moved[symbol]
                self._set_off(symbol, now_ms)
            for coin in sorted(self._changed):
                self._liquidate_all(coin, now_ms)
            self._changed.clear()

    def _liquidate_all(self, coin: str, now_ms: int) -> None:
        """Close what an account, or an isolated position by itself, cannot back any more."""
        for account in self.accounts.values():
            lost = self.settlement.lost(account, coin)
            if not lost:
                continue
            symbols = {position.contract.symbol for position in lost}
            for order in self.open_orders(account.number):
                in_way = order.request.symbol in symbols if account.isolated else order.contract.settle == coin
                if in_way and order.contract.kind is not Kind.SPOT:
                    self._end(order, Why.LIQUIDATION, now_ms)
            self.settlement.liquidate(account, coin, lost, now_ms)

    def take_over(self, account: int, position: Position, lots: int, kind: str, now_ms: int) -> None:
        """Close so many lots of a position at the mark price, as the venue does: liquidation, adl or delivery."""
        self.settlement.take_over(self.accounts[account], position, lots, kind, now_ms)
        self._cut_reducing(account, position, now_ms, working=None)
        self._changed.add(position.contract.settle)
        self._follow_up(now_ms)

"""What an account may ask for: sizes, prices, triggers, and what it must have for it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from real_trade.exchange.core.contract import Contract, Kind, share
from real_trade.exchange.core.margin import available, spot_needs
from real_trade.exchange.core.orders import Refused, Request, Status, Why

if TYPE_CHECKING:
    from real_trade.exchange.core.account import Account
    from real_trade.exchange.core.book import Book
    from real_trade.exchange.core.margin import Mark
    from real_trade.exchange.core.orders import Order, Price


class Checks:
    """Judges requests; changes nothing.

    Args:
        books: by symbol.
        prices: last, mark and index prices, ticks.
        mark: the mark price of a contract.
    """

    def __init__(self, books: dict[str, Book], prices: dict[tuple[str, Price], int], mark: Mark) -> None:
        self._books, self._prices, self._mark = books, prices, mark

    def taken(self, owner: Account, contract: Contract, request: Request, amended: Order | None = None) -> Request:
        """Return the request as it is taken, or refuse it.

        Raises:
            Refused: the account may not have it.
        """
        is_hedged = contract.symbol in owner.hedged
        if (request.side != 0) != is_hedged:
            raise Refused(Why.BAD_SIDE)
        held = owner.position(contract, request.side).lots if contract.kind is not Kind.SPOT else 0
        if is_hedged and request.sign != request.side:
            # What is against its own side can only take it back.
            request = replace(request, reduce_only=True)
        if request.reduce_only and not (request.whole and request.trigger is not None):
            if request.sign * held >= 0:
                raise Refused(Why.REDUCE_ONLY)
            if request.whole:
                request = replace(request, lots=abs(held), whole=False)
            done = 0 if amended is None else amended.filled
            request = replace(request, lots=min(request.lots or abs(held), done + abs(held)))
        if not request.whole:
            self._check_size(contract, request)
        if amended is None or amended.status is Status.UNTRIGGERED:
            self._check_trigger(contract, request)
        if request.trigger is None and not request.reduce_only:
            self._check_funds(owner, contract, request, amended)
        return request

    def _check_size(self, contract: Contract, request: Request) -> None:
        if request.lots < contract.min_lots or request.lots <= 0:
            raise Refused(Why.TOO_SMALL)
        if request.lots > contract.max_lots:
            raise Refused(Why.TOO_LARGE)
        if request.ticks is not None and request.ticks <= 0:
            raise Refused(Why.BAD_PRICE)

    def _check_trigger(self, contract: Contract, request: Request) -> None:
        trigger = request.trigger
        if trigger is None:
            return
        now = self._prices.get((contract.symbol, trigger.by))
        if (trigger.ticks <= 0 and not trigger.trails) or (now is not None and trigger.is_met(now)):
            raise Refused(Why.TRIGGER_SIDE)

    def _check_funds(self, owner: Account, contract: Contract, request: Request, amended: Order | None) -> None:
        ticks = request.ticks if request.ticks is not None else self._worst_price(contract, request)
        quote_value = request.lots * ticks * contract.step * contract.tick * contract.face
        if contract.kind is not Kind.INVERSE and quote_value < contract.min_value:
            raise Refused(Why.LOW_VALUE)
        # What an order that is amended holds back already counts as free, and what it has filled is paid for.
        own, left = (0, request.lots) if amended is None else (amended.bound, request.lots - amended.filled)
        if contract.kind is Kind.SPOT:
            coin, units = spot_needs(contract, request.sign, left, ticks)
            if available(owner, coin, self._mark) + own < units:
                raise Refused(Why.NO_FUNDS)
            return
        position = owner.position(contract, request.side)
        value = contract.value(position.lots + request.sign * left, ticks)
        if value > contract.tiers[-1].cap or contract.tier(value).leverage < position.leverage:
            raise Refused(Why.RISK_LIMIT)
        cost = contract.value(left, ticks)
        needed = -(-cost // position.leverage) + share(cost, owner.rate(contract, maker=False))
        closes = request.sign * position.lots < 0 and left <= abs(position.lots)
        if not closes and available(owner, contract.settle, self._mark) + own < needed:
            raise Refused(Why.NO_FUNDS)

    def _worst_price(self, contract: Contract, request: Request) -> int:
        """Return the price at which a market order would end, as far as the book goes."""
        side, left, worst = self._books[contract.symbol].side(-request.sign), request.lots, None
        for ticks in side.prices():
            worst = ticks
            left -= side.levels[ticks].lots
            if left <= 0:
                break
        return worst if worst is not None else self._mark(contract)

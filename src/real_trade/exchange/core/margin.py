"""What an account has free of a coin, and what its positions in it need."""

from __future__ import annotations

from typing import TYPE_CHECKING

from real_trade.exchange.core.contract import Contract, Kind, share
from real_trade.exchange.core.orders import Status

if TYPE_CHECKING:
    from real_trade.exchange.core.account import Account
    from real_trade.exchange.core.exchange import Exchange
    from real_trade.exchange.core.orders import Order


def spot_needs(contract: Contract, sign: int, lots: int, ticks: int) -> tuple[str, int]:
    """Return the coin that a spot order gives, and how many units of it."""
    if sign > 0:
        return contract.quote, contract.value(lots, ticks)
    return contract.base, contract.base_units(lots)


def available(exchange: Exchange, account: Account, coin: str, without: Order | None = None) -> int:
    """Return what an account may still put into orders, units of a coin; it may be negative.

    The wallet and the unrealised profit of positions, less what positions and open orders bind.
    """
    free = account.wallet.get(coin, 0)
    for position in account.positions.values():
        if position.lots and position.contract.settle == coin:
            mark = exchange.mark(position.contract)
            free += position.profit(mark) - position.initial_margin(mark) - position.extra
    for order in exchange.open_orders(account.number):
        if order is not without:
            free -= bound_by(account, order, coin)
    return free


def bound_by(account: Account, order: Order, coin: str) -> int:
    """Return what an open order binds of a coin; conditional orders and those that only reduce bind nothing."""
    request, contract = order.request, order.contract
    if order.status is Status.UNTRIGGERED or request.ticks is None or request.reduce_only:
        return 0
    if contract.kind is Kind.SPOT:
        needed, units = spot_needs(contract, request.sign, order.left, request.ticks)
        return units if needed == coin else 0
    if contract.settle != coin:
        return 0
    value = contract.value(order.left, request.ticks)
    leverage = account.position(contract, request.side).leverage
    return -(-value // leverage) + share(value, contract.taker_rate)


def totals(exchange: Exchange, account: Account, coin: str) -> tuple[int, int]:
    """Return equity and maintenance margin of an account in a coin: at or below it, positions are liquidated."""
    equity, needed = account.wallet.get(coin, 0), 0
    for position in account.positions.values():
        if position.lots and position.contract.settle == coin:
            mark = exchange.mark(position.contract)
            equity += position.profit(mark)
            needed += position.maintenance(mark)
    return equity, needed

"""What an account has free of a coin, and what its positions in it need."""

from __future__ import annotations

from typing import TYPE_CHECKING

from real_trade.exchange.core.contract import Contract, Kind, share
from real_trade.exchange.core.orders import Status

if TYPE_CHECKING:
    from collections.abc import Callable

    from real_trade.exchange.core.account import Account
    from real_trade.exchange.core.orders import Order

    # The mark price of a contract, ticks.
    Mark = Callable[[Contract], int]


def spot_needs(contract: Contract, sign: int, lots: int, ticks: int) -> tuple[str, int]:
    """Return the coin that a spot order gives, and how many units of it."""
    if sign > 0:
        return contract.quote, contract.value(lots, ticks)
    return contract.base, contract.base_units(lots)


def available(account: Account, coin: str, mark: Mark) -> int:
    """Return what an account may still put into orders, units of a coin; it may be negative.

    The wallet and the unrealised profit of positions, less what positions and open orders bind.
    """
    free = account.wallet.get(coin, 0) - account.bound.get(coin, 0)
    for position in account.positions.values():
        if position.lots and position.contract.settle == coin:
            at = mark(position.contract)
            free += position.profit(at) - position.initial_margin(at) - position.extra
    return free


def binds(account: Account, order: Order) -> tuple[str, int]:
    """Return the coin that an order draws on and what it binds of it now, units.

    Conditional orders, those that only reduce, and those that have ended bind nothing.
    """
    request, contract = order.request, order.contract
    idle = not order.is_open or order.status is Status.UNTRIGGERED or request.ticks is None or request.reduce_only
    if contract.kind is Kind.SPOT:
        coin, units = spot_needs(contract, request.sign, order.left, request.ticks or 1)
        return coin, 0 if idle else units
    if idle or request.ticks is None:
        return contract.settle, 0
    value = contract.value(order.left, request.ticks)
    leverage = account.position(contract, request.side).leverage
    return contract.settle, -(-value // leverage) + share(value, account.rate(contract, maker=False))


def totals(account: Account, coin: str, mark: Mark) -> tuple[int, int]:
    """Return equity and maintenance margin of an account in a coin: at or below it, positions are liquidated."""
    equity, needed = account.wallet.get(coin, 0), 0
    for position in account.positions.values():
        if position.lots and position.contract.settle == coin:
            at = mark(position.contract)
            equity += position.profit(at)
            needed += position.maintenance(at)
    return equity, needed

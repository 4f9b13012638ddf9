"""The keeper's door: advance market time, let things go wrong, read the truth. Loopback only, shut unless asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
from aiohttp import web

from real_trade.exchange.core.contract import UNIT
from real_trade.exchange.faults import FaultPlan
from real_trade.exchange.words import plain, read_json
from real_trade.model import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from real_trade.exchange.answers import VenueFace
    from real_trade.exchange.clock import MarketClock, SteppingClock
    from real_trade.exchange.core.account import Account
    from real_trade.exchange.core.orders import Order
    from real_trade.exchange.faults import FaultDice
    from real_trade.exchange.world import World

_LONGEST_STEP_MS: Final = 366 * 86_400_000


class Admin:
    """Answers the keeper.

    Args:
        face: the venue.
        world: the exchange behind it.
        dice: its faults.
        clock: market time.
        step: lets everything happen up to now.
    """

    def __init__(
        self,
        face: VenueFace,
        world: World,
        dice: FaultDice,
        clock: MarketClock | SteppingClock,
        step: Callable[[], None],
    ) -> None:
        self._face, self._world, self._dice, self._clock, self._step = face, world, dice, clock, step
        self._routes: dict[tuple[str, str], Callable[[Any], Any]] = {
            ("GET", "/state"): lambda _: self.state(),
            ("POST", "/advance"): self._advance,
            ("GET", "/faults"): lambda _: {"injected": dict(dice.counts)},
            ("POST", "/faults"): self._plan,
            ("DELETE", "/faults"): self._forget,
        }

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        route = self._routes.get((request.method, request.path))
        if route is None:
            known = ", ".join(f"{method} {path}" for method, path in self._routes)
            return _answer({"error": f"There is {known}."}, 404)
        try:
            body = read_json(await request.read() or b"null")
            return _answer(route(body))
        except (InputError, KeyError, TypeError, ValueError) as error:
            return _answer({"error": str(error)}, 400)

    def state(self) -> dict[str, Any]:
        """Return the truth: every account's coins, positions, orders and fills, and the hash of all that happened."""
        exchange = self._world.exchange
        return {
            "market_time_ms": self._world.now_ms,
            "log_hash": exchange.log.hash,
            "accounts": {
                key: [self._account(exchange.accounts[number]) for number in numbers]
                for key, numbers in self._face.holders().items()
            },
        }

    def _account(self, account: Account) -> dict[str, Any]:
        exchange = self._world.exchange
        mine = [order for order in exchange.orders.values() if order.account == account.number]
        return {
            "wallet": _amounts(account.wallet),
            "fees": _amounts(account.fees),
            "funding": _amounts(account.funding),
            "realised": _amounts(account.realised),
            "bound": _amounts(account.bound),
            "positions": [
                {
                    "symbol": position.contract.symbol,
                    "side": position.side,
                    "quantity": f"{position.lots * position.contract.step:f}",
                    "cost": plain(position.cost * UNIT),
                    "leverage": position.leverage,
                }
                for position in account.positions.values()
                if position.lots
            ],
            "orders": [_order(order) for order in mine],
        }

    def _advance(self, body: Any) -> dict[str, Any]:
        span = body["ms"]
        if not isinstance(span, int) or not 0 <= span <= _LONGEST_STEP_MS:
            raise ValueError(f"ms is a whole number from 0 to {_LONGEST_STEP_MS}")
        self._clock.step(span)
        self._step()
        return {"market_time_ms": self._world.now_ms}

    def _plan(self, body: Any) -> dict[str, Any]:
        entries = body if isinstance(body, list) else [body]
        plans = [FaultPlan.of(entry) for entry in entries]
        for plan in plans:
            self._dice.add(plan)
        return {"planned": len(plans)}

    def _forget(self, body: Any) -> dict[str, Any]:
        del body
        self._dice.clear()
        return {"planned": 0}


def _amounts(units: dict[str, int]) -> dict[str, str]:
    return {coin: plain(amount * UNIT) for coin, amount in units.items()}


def _order(order: Order) -> dict[str, Any]:
    contract, request = order.contract, order.request
    return {
        "number": order.number,
        "symbol": contract.symbol,
        "client_id": request.link,
        "side": "buy" if request.sign > 0 else "sell",
        "quantity": f"{request.lots * contract.step:f}",
        "price": None if request.ticks is None else f"{request.ticks * contract.tick:f}",
        "filled": f"{order.filled * contract.step:f}",
        "value": plain(order.value * UNIT),
        "fee": plain(order.fee * UNIT),
        "status": str(order.status),
        "why": None if order.why is None else str(order.why),
        "created_ms": order.created_ms,
        "updated_ms": order.updated_ms,
    }


def _answer(document: Any, status: int = 200) -> web.Response:
    return web.Response(status=status, body=msgspec.json.encode(document), content_type="application/json")

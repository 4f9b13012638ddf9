"""Binance's request sockets (ws-api): what REST does, asked for and answered in frames, and user streams."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from real_trade.exchange.binance.calls import Call
from real_trade.exchange.binance.refusals import Refusal, missing
from real_trade.exchange.binance.signing import spell
from real_trade.exchange.words import read_with_digits, whole_number
from real_trade.model import Market

if TYPE_CHECKING:
    from collections.abc import Callable

    from real_trade.exchange.binance.desks import Desks
    from real_trade.exchange.binance.limits import OrderCounts, Weights
    from real_trade.exchange.binance.patience import Patience
    from real_trade.exchange.binance.signing import Doorkeeper
    from real_trade.exchange.binance.users import Users

    Send = Callable[[bytes], None]

_COMMON: Final = {
    "ping": ("GET", "ping"),
    "time": ("GET", "time"),
    "exchangeInfo": ("GET", "exchangeInfo"),
    "depth": ("GET", "depth"),
    "klines": ("GET", "klines"),
    "ticker.price": ("GET", "ticker/price"),
    "ticker.book": ("GET", "ticker/bookTicker"),
    "order.place": ("POST", "order"),
    "order.status": ("GET", "order"),
    "order.cancel": ("DELETE", "order"),
}
_SPOT: Final = _COMMON | {
    "trades.recent": ("GET", "trades"),
    "trades.historical": ("GET", "historicalTrades"),
    "trades.aggregate": ("GET", "aggTrades"),
    "uiKlines": ("GET", "uiKlines"),
    "avgPrice": ("GET", "avgPrice"),
    "ticker": ("GET", "ticker"),
    "ticker.tradingDay": ("GET", "ticker/tradingDay"),
    "ticker.24hr": ("GET", "ticker/24hr"),
    "order.test": ("POST", "order/test"),
    "order.cancelReplace": ("POST", "order/cancelReplace"),
    "order.amend.keepPriority": ("PUT", "order/amend/keepPriority"),
    "order.amendments": ("GET", "order/amendments"),
    "openOrders.status": ("GET", "openOrders"),
    "openOrders.cancelAll": ("DELETE", "openOrders"),
    "orderList.place": ("POST", "order/oco"),
    "orderList.place.oco": ("POST", "orderList/oco"),
    "orderList.place.oto": ("POST", "orderList/oto"),
    "orderList.place.otoco": ("POST", "orderList/otoco"),
    "orderList.status": ("GET", "orderList"),
    "orderList.cancel": ("DELETE", "orderList"),
    "openOrderLists.status": ("GET", "openOrderList"),
    "allOrderLists": ("GET", "allOrderList"),
    "allOrders": ("GET", "allOrders"),
    "myPreventedMatches": ("GET", "myPreventedMatches"),
    "myTrades": ("GET", "myTrades"),
    "account.status": ("GET", "account"),
    "account.commission": ("GET", "account/commission"),
    "myFilters": ("GET", "myFilters"),
    "account.rateLimits.orders": ("GET", "rateLimit/order"),
    "userDataStream.start": ("POST", "userDataStream"),
    "userDataStream.ping": ("PUT", "userDataStream"),
    "userDataStream.stop": ("DELETE", "userDataStream"),
}
_FUTURES: Final = _COMMON | {
    "order.modify": ("PUT", "order"),
    "algoOrder.place": ("POST", "algoOrder"),
    "algoOrder.cancel": ("DELETE", "algoOrder"),
    "userDataStream.start": ("POST", "listenKey"),
    "userDataStream.ping": ("PUT", "listenKey"),
    "userDataStream.stop": ("DELETE", "listenKey"),
}
METHODS: Final = {
    Market.SPOT: _SPOT,
    Market.LINEAR: _FUTURES
    | {
        "account.balance": ("GET", "v2/balance"),
        "v2/account.balance": ("GET", "v3/balance"),
        "account.status": ("GET", "v2/account"),
        "v2/account.status": ("GET", "v3/account"),
        "account.position": ("GET", "v2/positionRisk"),
        "v2/account.position": ("GET", "v3/positionRisk"),
    },
    Market.INVERSE: _FUTURES
    | {
        "account.balance": ("GET", "balance"),
        "account.status": ("GET", "account"),
        "account.position": ("GET", "positionRisk"),
    },
}
_encode = msgspec.json.encode


class FrameSession:
    """A connection that takes requests.

    Args:
        send: takes a message to the client.
        market: what it is for.
        desks: what carries requests out.
        door: knows the keys.
        users: user streams.
        weights, counts: limits.
        now_ms: the venue's time.
        patience: what the venue bears.
    """

    def __init__(
        self,
        send: Send,
        market: Market,
        desks: Desks,
        door: Doorkeeper,
        users: Users,
        weights: Weights,
        counts: OrderCounts,
        now_ms: Callable[[], int],
        patience: Patience,
    ) -> None:
        self._send, self._market, self._desks, self._door, self._users = send, market, desks, door, users
        self._weights, self._counts, self._now_ms = weights, counts, now_ms
        self._since_ms = now_ms()
        self._patience = patience
        self.idle_s, self.ping_s = patience.idle_s, patience.ping_s
        self._subscriptions: dict[int, tuple[int, Callable[[dict[str, Any]], None]]] = {}
        self._next = 0
        # Whose session it is, and since when; requests that name no key are that one's.
        self._owner: tuple[str, int] | None = None
        self._own: dict[str, Callable[[dict[str, Any]], Any]] = {
            "session.logon": self._logon,
            "session.status": self._status,
            "session.logout": self._logout,
        }
        if market is Market.SPOT:
            self._own |= {
                "session.subscriptions": lambda _: [{"subscriptionId": number} for number in self._subscriptions],
                "userDataStream.subscribe": self._subscribe,
                "userDataStream.subscribe.signature": self._subscribe,
                "userDataStream.unsubscribe": self._unsubscribe,
            }

    @property
    def is_over(self) -> bool:
        """Tell whether the venue has had enough of the connection."""
        return self._patience.is_over

    def receive(self, text: str | bytes) -> None:
        """Take a frame of the client."""
        frame = read_with_digits(text)
        if frame is None:
            self._send(_encode({"id": None, "status": 400, **_error(Refusal(-1135, "Invalid JSON Request"))}))
            return
        params = frame.get("params") or {}
        answer: dict[str, Any] = {"id": frame.get("id")}
        call: Call | None = None
        try:
            if not frame.get("method"):
                raise missing("method")
            call, result = self._carry_out(str(frame["method"]), params)
            answer |= {"status": 200, "result": result}
        except Refusal as refused:
            answer |= {"status": refused.status, **_error(refused)}
        if not isinstance(params, dict) or params.get("returnRateLimits", True) not in (False, "false"):
            answer["rateLimits"] = self._limits(call)
        self._send(_encode(answer))

    def close(self) -> None:
        """Hear no more."""
        for subscription in self._subscriptions.values():
            self._users.forget(*subscription)
        self._subscriptions.clear()

    def _carry_out(self, method: str, params: Any) -> tuple[Call | None, Any]:
        if not isinstance(params, dict):
            raise Refusal(-1135, "Invalid JSON Request")
        if method in self._own:
            return None, self._own[method](params)
        route = METHODS[self._market].get(method)
        if route is None:
            raise Refusal(-1020, "This operation is not supported.")
        spelled = {
            name: _encode(value).decode() if isinstance(value, list) else spell(value) for name, value in params.items()
        }
        call = Call(self._market, *route, spelled)
        security = self._desks.security(call)
        if security is None:
            raise Refusal(-1020, "This operation is not supported.")
        if security == "signed":
            call = self._desks.owned(call, self._signer(params))
        elif security == "key":
            named = spelled.get("apiKey", "" if self._owner is None else self._owner[0])
            call = self._desks.owned(call, self._door.known(named))
        excess = self._weights.take(call)
        if excess is not None:
            body = msgspec.json.decode(excess.body)
            raise Refusal(body["code"], body["msg"], excess.status)
        result = self._desks.carry_out(call)
        return call, _raw(result)

    def _limits(self, call: Call | None) -> list[dict[str, Any]]:
        places = call is not None and call.method == "POST" and call.name.startswith(("order", "algoOrder"))
        rows = self._counts.rows(self._market, call.account) if call is not None and places else []
        return rows + self._weights.rows(self._market)

    # The session itself

    def _signer(self, params: dict[str, Any]) -> str:
        """Return whose request it is: who signed it, or whose session this is."""
        if self._owner is None or "apiKey" in params:
            return self._door.check_frame(params)
        self._door.check_time({name: spell(value) for name, value in params.items()})
        return self._owner[0]

    def _logon(self, params: dict[str, Any]) -> dict[str, Any]:
        key = self._door.known(spell(params.get("apiKey", "")))
        if not self._door.is_ed25519(key):
            raise Refusal(-4056, "HMAC_SHA256 API key is not supported.")
        self._door.check_frame(params)
        self._owner = key, self._now_ms()
        return self._status(params)

    def _logout(self, params: dict[str, Any]) -> dict[str, Any]:
        self._owner = None
        return self._status(params)

    def _status(self, params: dict[str, Any]) -> dict[str, Any]:
        del params
        key, since = (None, None) if self._owner is None else self._owner
        return {
            "apiKey": key,
            "authorizedSince": since,
            "connectedSince": self._since_ms,
            "returnRateLimits": True,
            "serverTime": self._now_ms(),
            "userDataStream": bool(self._subscriptions),
        }

    def _subscribe(self, params: dict[str, Any]) -> dict[str, int]:
        key = self._door.check_frame(params) if self._owner is None or "apiKey" in params else self._owner[0]
        number, self._next = self._next, self._next + 1

        def hear(event: dict[str, Any]) -> None:
            self._send(_encode({"subscriptionId": number, "event": event}))

        account = self._desks.owned(Call(self._market, "GET", "account", {}), key).account
        self._subscriptions[number] = account, hear
        self._users.listen(account, hear)
        return {"subscriptionId": number}

    def _unsubscribe(self, params: dict[str, Any]) -> dict[str, Any]:
        named = params.get("subscriptionId")
        number = None if named is None else whole_number(spell(named))
        if named is not None and number not in self._subscriptions:
            raise missing("subscriptionId")
        for each in list(self._subscriptions) if number is None else [number]:
            self._users.forget(*self._subscriptions.pop(each))
        return {}


def _raw(result: Any) -> Any:
    """Return what an answer carries, ready to be put into another."""
    body: bytes | None = getattr(result, "body", None)
    return result if body is None else msgspec.Raw(body)


def _error(refused: Refusal) -> dict[str, Any]:
    body: dict[str, Any] = {"code": refused.code, "msg": refused.message}
    return {"error": body if refused.data is None else body | {"data": refused.data}}

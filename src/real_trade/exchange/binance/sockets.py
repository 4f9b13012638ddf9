"""Binance's stream sockets, a session for each connection: public streams, and what happens to an account."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import msgspec

from real_trade.exchange.binance.calls import FOLDERS
from real_trade.exchange.words import read_object
from real_trade.model import Market

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from real_trade.exchange.binance.feed import Feed
    from real_trade.exchange.binance.users import Users

    Send = Callable[[bytes], None]

# Streams of one connection.
_MOST: Final = {Market.SPOT: 1_024, Market.LINEAR: 1_024, Market.INVERSE: 200}
_KEY_LENGTH: Final = 64
_encode = msgspec.json.encode


@dataclass(frozen=True, slots=True)
class Place:
    """What the address of a socket says.

    Attributes:
        market: whose streams.
        names: streams and listen keys that it asks for at once.
        combined: messages come with the name of their stream.
    """

    market: Market
    names: tuple[str, ...] = field(default=())
    combined: bool = False


def place_of(path: str, params: Mapping[str, str]) -> Place | None:
    """Read the address of a socket; None where there is none.

    Clients add the number of a connection, a listen key or streams at the end, and USD-margined ones the kind of
    their streams in front.

    >>> place_of("/usdm/market/ws/3", {}).market
    <Market.LINEAR: 'linear'>
    >>> place_of("/ws/btcusdt@trade", {}).names
    ('btcusdt@trade',)
    """
    market: Market | None = None
    for each, folder in FOLDERS.items():
        if path == folder or path.startswith(f"{folder}/"):
            market, path = each, path.removeprefix(folder)
    parts = [part for part in path.split("/") if part]
    if parts and parts[0] in {"market", "public", "private"}:
        market, parts = market or Market.LINEAR, parts[1:]
    if not parts or parts[0] not in {"ws", "stream"}:
        return None
    names = [name for name in params.get("streams", "").split("/") if name]
    if params.get("listenKey"):
        names.append(params["listenKey"])
    names += [part for part in parts[1:] if part not in {"ws", "stream"} and not part.isdigit()]
    combined = parts[0] == "stream" and "ws" not in parts
    if market is None and names and all(_is_coin(name) for name in names):
        market = Market.INVERSE
    return Place(market or Market.SPOT, tuple(names), combined)


def _is_coin(name: str) -> bool:
    return name.partition("@")[0].endswith("_perp")


class StreamSession:
    """A connection to streams.

    Args:
        send: takes a message to the client.
        place: what its address says.
        feeds: public streams of each market.
        users: user streams.
    """

    # The venue asks every twenty seconds, and leaves who has not answered for a minute.
    idle_s = 60.0
    ping_s = 20.0

    def __init__(self, send: Send, place: Place, feeds: Mapping[Market, Feed], users: Users) -> None:
        self._send, self._market, self._combined = send, place.market, place.combined
        self._feeds, self._users = feeds, users
        self._names: dict[str, None] = {}
        self._accounts: dict[str, tuple[int, Callable[[dict[str, Any]], None]]] = {}
        for name in place.names:
            self._open(name)

    def receive(self, text: str | bytes) -> None:
        """Take a frame of the client."""
        frame = read_object(text)
        if frame is None:
            self._refuse(None, 3, "Invalid JSON: expected value at line 1 column 1")
            return
        number, method, params = frame.get("id"), frame.get("method"), frame.get("params", [])
        if not isinstance(params, list):
            self._refuse(number, 2, "Invalid request: params must be an array")
        elif method == "SUBSCRIBE":
            self._subscribe(number, params)
        elif method == "UNSUBSCRIBE":
            for name in params:
                self._shut(str(name))
            self._answer(number, None)
        elif method == "LIST_SUBSCRIPTIONS":
            self._answer(number, list(self._names))
        elif method == "SET_PROPERTY" and params[:1] == ["combined"] and len(params) == 2:
            self._combined = bool(params[1])
            self._answer(number, None)
        elif method == "GET_PROPERTY" and params == ["combined"]:
            self._answer(number, self._combined)
        else:
            self._refuse(number, 2, f"Invalid request: unknown variant `{method}`")

    def close(self) -> None:
        """Take back every subscription."""
        for name in list(self._names):
            self._shut(name)

    def _subscribe(self, number: Any, names: list[Any]) -> None:
        if not names or not all(isinstance(name, str) for name in names):
            self._refuse(number, 2, "Invalid request: params must be an array of strings")
            return
        if len(self._names.keys() | set(names)) > _MOST[self._market]:
            self._refuse(number, 2, "Invalid request: too many streams")
            return
        self._answer(number, None)
        for name in names:
            self._open(name)

    def _open(self, name: str) -> None:
        if name in self._names:
            return
        self._names[name] = None
        if len(name) == _KEY_LENGTH and "@" not in name:

            def hear(event: dict[str, Any]) -> None:
                self._say(name, event)

            held = self._users.hold(name, hear)
            if held is not None:
                self._accounts[name] = held[1], hear
            return
        self._feed(name).subscribe(name, self._say)

    def _shut(self, name: str) -> None:
        if name not in self._names:
            return
        del self._names[name]
        if name in self._accounts:
            self._users.forget(*self._accounts.pop(name))
        else:
            self._feed(name).unsubscribe(name, self._say)

    def _feed(self, name: str) -> Feed:
        return self._feeds[Market.INVERSE if _is_coin(name) else self._market]

    def _say(self, name: str, message: Any) -> None:
        self._send(_encode({"stream": name, "data": message} if self._combined else message))

    def _answer(self, number: Any, result: Any) -> None:
        self._send(_encode({"result": result, "id": number}))

    def _refuse(self, number: Any, code: int, message: str) -> None:
        self._send(_encode({"error": {"code": code, "msg": message}, "id": number}))

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
    from real_trade.exchange.binance.patience import Patience
    from real_trade.exchange.binance.users import Users

    Send = Callable[[bytes], None]

# Streams of one connection.
MOST: Final = {Market.SPOT: 1_024, Market.LINEAR: 200, Market.INVERSE: 200}
_LONGEST_ID: Final = 36
_METHODS: Final = "`SUBSCRIBE`, `UNSUBSCRIBE`, `LIST_SUBSCRIPTIONS`, `SET_PROPERTY`, `GET_PROPERTY`"
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
        patience: what the venue bears.
    """

    def __init__(
        self, send: Send, place: Place, feeds: Mapping[Market, Feed], users: Users, patience: Patience
    ) -> None:
        self._send, self._market, self._combined = send, place.market, place.combined
        self._feeds, self._users, self._patience = feeds, users, patience
        self.idle_s, self.ping_s = patience.idle_s, patience.ping_s
        self._names: dict[str, None] = {}
        self._accounts: dict[str, tuple[int, Callable[[dict[str, Any]], None]]] = {}
        if len(place.names) > MOST[self._market]:
            patience.lose()
            return
        for name in place.names:
            self._open(name)

    @property
    def is_over(self) -> bool:
        """Tell whether the venue has had enough of the connection."""
        return self._patience.is_over

    def receive(self, text: str | bytes) -> None:
        """Take a frame of the client."""
        if not self._patience.take_message():
            return
        frame = read_object(text)
        if frame is None:
            self._refuse(None, 3, "Invalid JSON: expected value at line 1 column 1")
            return
        number, method, params = frame.get("id"), frame.get("method"), frame.get("params", [])
        if not _is_id(number):
            self._refuse(None, 2, "Invalid request: request ID must be an unsigned integer")
        elif method is None:
            self._refuse(number, 2, f"Invalid request: missing field `method` at line 1 column {len(text)}")
        elif not isinstance(params, list):
            self._refuse(number, 2, "Invalid request: params must be an array")
        else:
            self._carry_out(number, str(method), params, text)

    def _carry_out(self, number: Any, method: str, params: list[Any], text: str | bytes) -> None:
        if method == "SUBSCRIBE":
            self._subscribe(number, params)
        elif method == "UNSUBSCRIBE":
            for name in params:
                self._shut(str(name))
            self._answer(number, None)
        elif method == "LIST_SUBSCRIPTIONS":
            self._answer(number, list(self._names))
        elif method in {"SET_PROPERTY", "GET_PROPERTY"}:
            self._property(number, params, sets=method == "SET_PROPERTY")
        else:
            place = f"at line 1 column {_column(text, method)}"
            self._refuse(number, 2, f"Invalid request: unknown variant `{method}`, expected one of {_METHODS} {place}")

    def close(self) -> None:
        """Take back every subscription."""
        for name in list(self._names):
            self._shut(name)

    def _property(self, number: Any, params: list[Any], *, sets: bool) -> None:
        """Set, or tell, whether messages come with the name of their stream."""
        if not params or not isinstance(params[0], str):
            self._refuse(number, 2, "Invalid request: property name must be a string")
        elif len(params) > 1 + sets:
            self._refuse(number, 2, "Invalid request: too many parameters")
        elif params[0] != "combined":
            self._refuse(number, 0, "Unknown property")
        elif not sets:
            self._answer(number, self._combined)
        elif len(params) < 2 or not isinstance(params[1], bool):
            self._refuse(number, 1, "Invalid value type: expected Boolean")
        else:
            self._combined = params[1]
            self._answer(number, None)

    def _subscribe(self, number: Any, names: list[Any]) -> None:
        if not names or not all(isinstance(name, str) for name in names):
            self._refuse(number, 2, "Invalid request: params must be an array of strings")
            return
        if len(self._names.keys() | set(names)) > MOST[self._market]:
            # Who wants more is not told so, but cut.
            self._patience.lose()
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


def _is_id(number: Any) -> bool:
    """Tell whether something names a request: a whole number, a short text, or nothing."""
    if isinstance(number, str):
        return len(number) <= _LONGEST_ID
    return number is None or (isinstance(number, int) and not isinstance(number, bool))


def _column(text: str | bytes, word: str) -> int:
    """Return where a word of a request ends, with its quote."""
    plain = text if isinstance(text, str) else text.decode(errors="replace")
    return plain.rfind(word) + len(word) + 1

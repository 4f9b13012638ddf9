"""Bybit's sockets, a session for each connection: public streams, private streams, orders."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import msgspec

from real_trade.exchange.bybit.disconnection import TOPICS, Disconnection
from real_trade.exchange.bybit.parameters import plain_parameters
from real_trade.exchange.bybit.refusals import Refusal, TooFast
from real_trade.exchange.words import read_object, read_with_digits

if TYPE_CHECKING:
    from collections.abc import Callable

    from real_trade.exchange.bybit.commands import Commands
    from real_trade.exchange.bybit.feed import Feed
    from real_trade.exchange.bybit.option_feed import OptionFeed
    from real_trade.exchange.bybit.signing import Doorkeeper
    from real_trade.exchange.bybit.spelling import Row
    from real_trade.exchange.bybit.trading import Trading

    Send = Callable[[bytes], None]

_encode = msgspec.json.encode
# Topics of one request on spot, and characters of all topics of a connection.
_MOST_ARGS: Final = 10
# A connection on which the client says nothing is cut; private ones may ask for less, within bounds.
_IDLE_S: Final = 600.0
_IDLE_LEAST_S: Final = 30.0
_MOST_CHARACTERS: Final = 21_000
# Names of requests that may not come again.
_REQUESTS_KEPT: Final = 10_000
# Of the last one nothing is ever told: nobody holds options here.
PRIVATE: Final = ("order", "execution", "position", "wallet", "greeks")
# Those that are told of all categories together only.
_WHOLE: Final = ("wallet", "greeks")
_CATEGORIES: Final = ("spot", "linear", "inverse", "option")


class Session(ABC):
    """One connection.

    Args:
        send: takes a message to the client.
        now_ms: the machine's time.
    """

    idle_s = _IDLE_S
    ping_s = 0.0
    is_over = False

    def __init__(self, send: Send, now_ms: Callable[[], int]) -> None:
        self._send, self._now_ms = send, now_ms
        self.connection = str(uuid4())

    def receive(self, text: str | bytes) -> None:
        """Take a frame of the client."""
        frame = read_object(text)
        if frame is None:
            self._refuse(None, "", "Invalid JSON")
            return
        request, op, args = frame.get("req_id"), frame.get("op"), frame.get("args")
        self.handle(request, str(op), args if isinstance(args, list) else [], frame)

    def close(self) -> None:  # noqa: B027 - most have nothing to forget
        """Forget the connection."""

    @abstractmethod
    def handle(self, request: Any, op: str, args: list[Any], frame: dict[str, Any]) -> None:
        """Do what a frame asks for."""

    def _say(self, document: dict[str, Any]) -> None:
        self._send(_encode(document))

    def _refuse(self, request: Any, op: str, message: str) -> None:
        self._acknowledge(request, op, message, success=False)

    def _acknowledge(self, request: Any, op: str, message: str = "", *, success: bool = True) -> None:
        answer: dict[str, Any] = {"success": success, "ret_msg": message, "conn_id": self.connection}
        if request is not None:
            answer["req_id"] = request
        self._say(answer | {"op": op})


class PublicSession(Session):
    """A connection to the public streams of a category."""

    def __init__(self, send: Send, now_ms: Callable[[], int], feed: Feed | OptionFeed, category: str) -> None:
        super().__init__(send, now_ms)
        self._feed, self._category = feed, category
        self._topics: set[str] = set()

    def handle(self, request: Any, op: str, args: list[Any], frame: dict[str, Any]) -> None:
        """Ping, subscribe, unsubscribe."""
        del frame
        if op == "ping":
            self._pong(request)
        elif op == "subscribe":
            self._subscribe(request, [*dict.fromkeys(str(arg) for arg in args)])
        elif op == "unsubscribe":
            topics = [str(arg) for arg in args]
            for topic in topics:
                self._feed.unsubscribe(topic, self._send)
                self._topics.discard(topic)
            if self._category == "option":
                self._tell_outcome([], topics)
            else:
                self._acknowledge(request, op)
        else:
            self._refuse(request, op, f"error:unknown op {op}")

    def close(self) -> None:
        """Take back every subscription."""
        for topic in self._topics:
            self._feed.unsubscribe(topic, self._send)
        self._topics.clear()

    def _pong(self, request: Any) -> None:
        if self._category == "option":
            self._say({"args": [str(self._now_ms())], "op": "pong"})
        else:
            self._acknowledge(request, "ping", "pong")

    def _subscribe(self, request: Any, topics: list[str]) -> None:
        if self._category == "spot" and len(topics) > _MOST_ARGS:
            self._refuse(request, "subscribe", "args size >10")
            return
        if sum(map(len, self._topics | set(topics))) > _MOST_CHARACTERS:
            self._refuse(request, "subscribe", "args length exceeds 21000")
            return
        already = [topic for topic in topics if topic in self._topics]
        if already:
            self._refuse(request, "subscribe", f"error:handler not found,topic:{already[0]} already subscribed")
            return
        unknown = [topic for topic in topics if not self._feed.knows(topic)]
        if self._category == "option":
            # Here each topic is taken or refused by itself.
            topics = [topic for topic in topics if topic not in unknown]
        elif unknown or not topics:
            self._refuse(request, "subscribe", f"error:handler not found,topic:{''.join(unknown[:1])}")
            return
        # The acknowledgement comes before the first snapshot.
        self._topics.update(topics)
        if self._category == "option":
            self._tell_outcome(unknown, topics)
        else:
            self._acknowledge(request, "subscribe", "subscribe" if self._category == "spot" else "")
        for topic in topics:
            self._feed.subscribe(topic, self._send)

    def _tell_outcome(self, failed: list[str], taken: list[str]) -> None:
        data = {"failTopics": failed, "successTopics": taken}
        self._say({"success": bool(taken), "conn_id": self.connection, "data": data, "type": "COMMAND_RESP"})


class PrivateSession(Session):
    """A connection to what happens to an account."""

    def __init__(
        self,
        send: Send,
        now_ms: Callable[[], int],
        door: Doorkeeper,
        trading: Trading,
        watch: Disconnection,
        active_time: str = "",
    ) -> None:
        super().__init__(send, now_ms)
        self.idle_s = _seconds(active_time)
        self._door, self._trading, self._watch = door, trading, watch
        self.account = 0
        self._topics: set[str] = set()
        self._number = 0
        trading.listen(self._hear)

    def handle(self, request: Any, op: str, args: list[Any], frame: dict[str, Any]) -> None:
        """Ping, authenticate, subscribe, unsubscribe."""
        del frame
        if op == "ping":
            answer: dict[str, Any] = {} if request is None else {"req_id": request}
            self._say(answer | {"op": "pong", "args": [str(self._now_ms())], "conn_id": self.connection})
        elif op == "auth":
            self._authenticate(request, args)
        elif not self.account:
            self._refuse(request, op, "Request not authorized")
        elif op == "subscribe":
            self._subscribe(request, [str(arg) for arg in args])
        elif op == "unsubscribe":
            self._drop({str(arg) for arg in args})
            self._acknowledge(request, op)
        else:
            self._refuse(request, op, f"error:unknown op {op}")

    def close(self) -> None:
        """Hear no more."""
        self._trading.forget(self._hear)
        self._drop(self._topics.copy())

    def _drop(self, topics: set[str]) -> None:
        for topic in topics & self._topics & TOPICS.keys():
            self._watch.leave(self.account, topic)
        self._topics -= topics

    def _authenticate(self, request: Any, args: list[Any]) -> None:
        try:
            key, expires, signature = args
            _, account = self._door.account_on_socket(key, expires, signature)
        except ValueError:
            self._refuse(request, "auth", "Params Error")
        except Refusal as refused:
            self._refuse(request, "auth", refused.message)
        else:
            if account != self.account:
                # What it watched over was another's.
                self._drop(self._topics.copy())
                self.account = account
            self._acknowledge(request, "auth")

    def _subscribe(self, request: Any, topics: list[str]) -> None:
        for topic in topics:
            name, _, category = topic.partition(".")
            if topic in TOPICS:
                continue
            known = (*_CATEGORIES, "") if name != "execution" else (*_CATEGORIES, "", "fast")
            if name not in PRIVATE or (category.split(".")[0] not in known) or (name in _WHOLE and category):
                self._refuse(request, "subscribe", f"error:handler not found,topic:{topic}")
                return
        names = {(topic.partition(".")[0], "." in topic) for topic in [*topics]}
        if any((name, not categorised) in names for name, categorised in names):
            self._refuse(request, "subscribe", "all-in-one and categorised topics in one request")
            return
        for topic in (set(topics) - self._topics) & TOPICS.keys():
            self._watch.join(self.account, topic)
        self._topics |= set(topics)
        self._acknowledge(request, "subscribe")

    def _hear(self, account: int, topic: str, row: Row) -> None:
        if account != self.account:
            return
        category = row.get("category")
        for name in (topic, f"{topic}.{category}"):
            if name in self._topics:
                self._tell(name, row)
        if topic == "execution" and row["execType"] == "Trade":
            kept = ("category", "symbol", "execId", "execPrice", "execQty", "orderId", "isMaker", "orderLinkId", "side")
            for name in ("execution.fast", f"execution.fast.{category}"):
                if name in self._topics:
                    self._tell(name, {field: row[field] for field in (*kept, "execTime", "seq")})

    def _tell(self, topic: str, row: Row) -> None:
        self._number += 1
        head = {"id": f"{self.connection}-{self._number}", "topic": topic, "creationTime": self._trading.world.now_ms}
        self._say({**head, "data": [row]})


class TradeSession(Session):
    """A connection that takes orders."""

    def __init__(self, send: Send, now_ms: Callable[[], int], door: Doorkeeper, commands: Commands) -> None:
        super().__init__(send, now_ms)
        self._door, self._commands = door, commands
        self.account = 0
        # The names of the last requests; a dictionary keeps their order.
        self._requests: dict[str, None] = {}

    def receive(self, text: str | bytes) -> None:
        """Take a frame of the client."""
        frame = read_with_digits(text)
        if frame is None:
            self._answer({}, Refusal(10001, "Invalid JSON"))
            return
        args = frame.get("args")
        self.handle(frame.get("reqId"), str(frame.get("op")), args if isinstance(args, list) else [], frame)

    def handle(self, request: Any, op: str, args: list[Any], frame: dict[str, Any]) -> None:
        """Ping, authenticate, place, amend and cancel."""
        if op == "ping":
            head = {} if request is None else {"reqId": request}
            pong = {"retCode": 0, "retMsg": "OK", "op": "pong", "data": [str(self._now_ms())]}
            self._say({**head, **pong, "connId": self.connection})
        elif op == "auth":
            self._authenticate(args)
        else:
            self._command(request, op, args, frame)

    def _authenticate(self, args: list[Any]) -> None:
        code, message = 0, "OK"
        if self.account:
            code, message = 20001, "Repeat auth"
        else:
            try:
                key, expires, signature = args
                _, self.account = self._door.account_on_socket(key, expires, signature)
            except ValueError:
                code, message = 10001, "Params Error"
            except Refusal as refused:
                code, message = refused.code, refused.message
        self._say({"retCode": code, "retMsg": message, "op": "auth", "connId": self.connection})

    def _command(self, request: Any, op: str, args: list[Any], frame: dict[str, Any]) -> None:
        try:
            params = self._checked(request, op, args, frame)
            result, more, headers = self._carry_out(op, params)
        except TooFast as fast:
            self._answer(frame, fast, headers=fast.headers)
        except Refusal as refused:
            self._answer(frame, refused)
        else:
            self._answer(frame, None, result, more, headers)

    def _checked(self, request: Any, op: str, args: list[Any], frame: dict[str, Any]) -> dict[str, Any]:
        """Return what a command's parameters are, or refuse it."""
        if not self.account:
            raise Refusal(10005, "Request not authorized")
        if not op.startswith("order.") or _command_of(op) not in self._commands.calls:
            raise Refusal(10404, "op is not found")
        if request is not None and str(request) in self._requests:
            raise Refusal(20006, "reqId is duplicate")
        if len(args) != 1 or not isinstance(args[0], dict):
            raise Refusal(10001, "params error: args is invalid")
        sent = frame.get("header")
        sent = sent if isinstance(sent, dict) else {}
        self._door.check_time(str(sent.get("X-BAPI-TIMESTAMP", "")), str(sent.get("X-BAPI-RECV-WINDOW", "")))
        if request is not None:
            self._requests[str(request)] = None
            if len(self._requests) > _REQUESTS_KEPT:
                del self._requests[next(iter(self._requests))]
        params = plain_parameters(args[0])
        if params.get("category") not in _CATEGORIES:
            raise Refusal(10404, "category is not found")
        return params

    def _carry_out(self, op: str, params: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any], dict[str, str]]:
        name, category = _command_of(op), str(params["category"])
        if not op.endswith("-batch"):
            headers = self._commands.pace(self.account, name, category)
            return self._commands.calls[name](self.account, params), {}, headers
        many = params.get("request")
        headers = self._commands.pace(self.account, "batch", category, len(many) if isinstance(many, list) else 1)
        result, codes = self._commands.batch(self.account, name, params)
        return result, {"list": codes}, headers

    def _answer(
        self,
        frame: dict[str, Any],
        refused: Refusal | None,
        data: dict[str, Any] | None = None,
        more: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        head = {"Traceid": uuid4().hex, **(headers or {}), "Timenow": str(self._now_ms())}
        answer = {
            "reqId": frame.get("reqId", ""),
            "retCode": refused.code if refused else 0,
            "retMsg": refused.message if refused else "OK",
            "op": frame.get("op", ""),
            "data": data or {},
            "retExtInfo": more or {},
            "header": head,
            "connId": self.connection,
        }
        self._say(answer)


def _command_of(op: str) -> str:
    return op.removeprefix("order.").removesuffix("-batch")


def _seconds(active_time: str) -> float:
    """Return what a client asks for as ``max_active_time``, such as ``1m`` or ``45s``, within the venue's bounds."""
    number, unit = active_time[:-1], active_time[-1:]
    if not number.isascii() or not number.isdigit() or unit not in {"s", "m"} or len(number) > 4:
        return _IDLE_S
    return min(_IDLE_S, max(_IDLE_LEAST_S, int(number) * (60.0 if unit == "m" else 1.0)))

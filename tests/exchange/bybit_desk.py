"""A Bybit in this process, spoken to as by a client that signs, on a clock that is moved by hand."""

from __future__ import annotations

import hmac
import json
from copy import deepcopy
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import unquote_plus, urlencode

from real_trade.exchange.answers import Query
from real_trade.exchange.bybit.venue import BybitVenue
from real_trade.exchange.core.orders import Price
from real_trade.exchange.limits import BurstLimit, Pace, Rate
from real_trade.exchange.market import SeededMarket
from real_trade.exchange.members import Member
from real_trade.exchange.pages import History
from real_trade.exchange.world import World
from real_trade.model import HistoricalClock, parse_time

if TYPE_CHECKING:
    from collections.abc import Sequence

    from real_trade.exchange.bars import BarTable
    from real_trade.model import Instrument, SeriesKind

NOW_MS = parse_time("2024-01-15T10:20:30Z")
SYMBOLS = ("BTCUSDT", "ETHUSDT", "BTCUSD")
MEMBER = Member("key", "secret", {"USDT": Decimal(100_000), "BTC": Decimal(2)})
OTHER = Member("other", "hidden", {"USDT": Decimal(5_000)})
LINEAR = {"category": "linear", "symbol": "BTCUSDT"}
SPOT = {"category": "spot", "symbol": "BTCUSDT"}
INVERSE = {"category": "inverse", "symbol": "BTCUSD"}
SIZE = {"linear": "0.01", "spot": "0.01", "inverse": "1000"}
ALL = [SPOT, LINEAR, INVERSE]
CONTRACTS = [LINEAR, INVERSE]


class OnceMade(SeededMarket):
    """A market whose bars are made once for all tests; each gets a copy, since a venue corrects its bars."""

    _made: ClassVar[dict[tuple[str, str, str], BarTable]] = {}

    def bars(self, instrument: Instrument, kind: SeriesKind) -> BarTable:
        key = (instrument.market, instrument.symbol, kind)
        if key not in self._made:
            self._made[key] = super().bars(instrument, kind)
        return deepcopy(self._made[key])


class Desk:
    """A venue in this process, spoken to as by a client that signs."""

    def __init__(
        self, *, pace: bool = False, now_ms: int = NOW_MS, members: Sequence[Member] = (MEMBER, OTHER)
    ) -> None:
        market = OnceMade(5, "bybit", SYMBOLS, parse_time("2024-01-01"), parse_time("2024-02-01"))
        history = History(market, newest_first=True)
        self.clock = HistoricalClock(now_ms)
        self.world = World(market, history, now_ms, 5)
        limit = BurstLimit(Rate(None, 5.0), 600, self.clock)
        pacer = Pace(self.clock) if pace else None
        self.venue = BybitVenue(market, history, self.world, members, self.clock, limit, pace=pacer)
        self.world.wake()
        self.told: list[dict[str, Any]] = []

    def raw(self, method: str, path: str, text: str, member: Member = MEMBER, **header: str) -> Any:
        stamp, window = header.get("stamp", str(self.clock.now_ms())), header.get("window", "5000")
        signed = header.get("signed", text)
        sign = hmac.new(member.secret.encode(), f"{stamp}{member.key}{window}{signed}".encode(), "sha256").hexdigest()
        headers = {
            "x-bapi-api-key": header.get("key", member.key),
            "x-bapi-timestamp": stamp,
            "x-bapi-recv-window": window,
            "x-bapi-sign": sign,
        }
        body = text.encode() if method == "POST" else b""
        params = dict(pair.split("=", 1) for pair in text.split("&") if pair) if method == "GET" else {}
        params = {name: unquote_plus(value) for name, value in params.items()}
        raw = text if method == "GET" else ""
        answer = self.venue.answer(Query(method, path, params, raw=raw, headers=headers, body=body))
        found = json.loads(answer.body)
        found["headers"] = answer.headers
        return found

    def post(self, path: str, member: Member = MEMBER, **params: Any) -> Any:
        return self.raw("POST", f"/v5/{path}", json.dumps(params), member)

    def get(self, path: str, member: Member = MEMBER, **params: Any) -> Any:
        return self.raw("GET", f"/v5/{path}", urlencode(params), member)

    def rows(self, path: str, **params: Any) -> list[Any]:
        answer = self.get(path, **params)
        assert answer["retCode"] == 0, answer
        return answer["result"]["list"]

    def order(self, who: dict[str, str], side: str = "Buy", member: Member = MEMBER, **more: Any) -> Any:
        params = {**who, "side": side, "orderType": "Market", "qty": SIZE[who["category"]], **more}
        if who["category"] == "spot" and params["orderType"] == "Market" and "marketUnit" not in params:
            params["marketUnit"] = "baseCoin"
        return self.post("order/create", member, **params)

    def limit(self, who: dict[str, str], factor: float, side: str = "Buy", **more: Any) -> Any:
        return self.order(who, side, orderType="Limit", price=self.price(who, factor), **more)

    def name(self, who: dict[str, str]) -> str:
        return f"{who['category']}/{who['symbol']}"

    def last(self, who: dict[str, str]) -> Decimal:
        contract = self.world.exchange.contracts[self.name(who)]
        return self.world.exchange.prices[self.name(who), Price.LAST] * contract.tick

    def price(self, who: dict[str, str], factor: float) -> str:
        return f"{self.last(who) * Decimal(str(factor)):.1f}"

    def mark(self, who: dict[str, str], factor: float) -> None:
        """Let the mark price jump, as a shock does."""
        contract = self.world.exchange.contracts[self.name(who)]
        ticks = int(self.last(who) * Decimal(str(factor)) / contract.tick)
        self.world.exchange.set_price(self.name(who), Price.MARK, ticks, self.world.now_ms)
        self.world.tell()

    def jump(self, who: dict[str, str], factor: float) -> None:
        """Let the market trade at another price."""
        name = self.name(who)
        contract = self.world.exchange.contracts[name]
        ticks = int(self.last(who) * Decimal(str(factor)) / contract.tick)
        self.world.listings[next(k for k, v in self.world.listings.items() if v.name == name)].crowd.stand_around(
            ticks, self.world.now_ms
        )
        self.world.exchange.crowd_takes(name, 1, 1, None, self.world.now_ms)
        self.world.tell()

    def listen(self, *topics: str, member: Member = MEMBER) -> None:
        session = self.venue.open_socket("/v5/private", lambda message: self.told.append(json.loads(message)))
        assert session is not None
        until = str(self.clock.now_ms() + 10_000)
        sign = hmac.new(member.secret.encode(), f"GET/realtime{until}".encode(), "sha256").hexdigest()
        session.receive(json.dumps({"op": "auth", "args": [member.key, until, sign]}))
        session.receive(json.dumps({"op": "subscribe", "args": list(topics)}))
        assert [message["success"] for message in self.told] == [True, True]
        self.told.clear()

    def watch(self, category: str, *topics: str) -> list[dict[str, Any]]:
        """Subscribe to public streams; return the list that messages arrive in."""
        told: list[dict[str, Any]] = []
        session = self.venue.open_socket(f"/v5/public/{category}", lambda message: told.append(json.loads(message)))
        assert session is not None
        session.receive(json.dumps({"op": "subscribe", "args": list(topics)}))
        assert told.pop(0)["success"]
        return told

    def go_on(self, seconds: float, step_ms: int = 100) -> None:
        """Let time pass."""
        for _ in range(int(seconds * 1_000 / step_ms)):
            self.clock.advance_to(self.clock.now_ms() + step_ms)
            self.venue.advance(self.clock.now_ms())
            self.venue.pulse()

    def seen(self, topic: str) -> list[Any]:
        return [row for message in self.told if message.get("topic") == topic for row in message["data"]]

    def statuses(self, order_id: str) -> list[str]:
        return [row["orderStatus"] for row in self.seen("order") if row["orderId"] == order_id]


def code(answer: Any) -> int:
    return int(answer["retCode"])


def order_id(answer: Any) -> str:
    assert answer["retCode"] == 0, answer
    return str(answer["result"]["orderId"])

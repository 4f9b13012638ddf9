"""Binance in a box for tests: in process over a virtual clock, and clients of others pointed at a process."""

from __future__ import annotations

import hmac
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import ccxt

from real_trade.exchange.answers import Query
from real_trade.exchange.binance.venue import BinanceVenue
from real_trade.exchange.clock import SteppingClock
from real_trade.exchange.limits import Rate
from real_trade.exchange.market import SeededMarket
from real_trade.exchange.members import Member
from real_trade.exchange.pages import History
from real_trade.exchange.world import World
from real_trade.model import Market, parse_time

if TYPE_CHECKING:
    from real_trade.exchange.answers import Session

START = parse_time("2024-01-20T10:00:30Z")
FIRST, LAST = parse_time("2024-01-18"), parse_time("2024-01-21")
SYMBOLS = {Market.SPOT: "BTCUSDT", Market.LINEAR: "BTCUSDT", Market.INVERSE: "BTCUSD_PERP"}
PATHS = {Market.SPOT: "/api/v3/", Market.LINEAR: "/fapi/v1/", Market.INVERSE: "/dapi/v1/"}
WALLET = {"USDT": Decimal(100_000), "BTC": Decimal(10)}
# ccxt's names: symbols, and the class for each.
SPOT, LINEAR, INVERSE = "BTC/USDT", "BTC/USDT:USDT", "BTC/USD:BTC"
CLASSES = {SPOT: "binance", LINEAR: "binanceusdm", INVERSE: "binancecoinm"}
AMOUNT = {SPOT: 0.01, LINEAR: 0.01, INVERSE: 10}
COIN = {SPOT: "USDT", LINEAR: "USDT", INVERSE: "BTC"}


class Rejected(Exception):
    """An answer with a code."""

    def __init__(self, status: int, code: int, message: str, body: dict[str, Any]) -> None:
        super().__init__(f"{status} {code} {message}")
        self.status, self.code, self.message, self.body = status, code, message, body


class Wire:
    """A socket of the venue, and what it has said."""

    def __init__(self, venue: BinanceVenue, path: str, **params: str) -> None:
        self.heard: list[Any] = []
        session = venue.open_socket(path, lambda message: self.heard.append(json.loads(message)), params)
        assert session is not None, path
        self.session: Session = session

    def say(self, frame: object) -> None:
        self.session.receive(json.dumps(frame))

    def take(self) -> list[Any]:
        """Return what was said since the last call."""
        found, self.heard = self.heard, []
        return found


class Rig:
    """The venue over a market whose time moves when it is told to."""

    def __init__(self, seed: int = 7, *, limits: bool = False, wallet: dict[str, Decimal] = WALLET) -> None:
        source = SeededMarket(seed, "binance", ("BTCUSDT", "ETHUSDT", "BTCUSD"), FIRST, LAST)
        self.clock = SteppingClock(START)
        history = History(source, newest_first=False)
        self.world = World(source, history, START, seed)
        members = [Member("key", "secret", wallet), Member("other", "word", wallet)]
        rate = None if limits else Rate(None, 60.0)
        self.venue = BinanceVenue(
            source, history, self.world, members, self.clock, self.clock, self.clock, rate=rate, seed=seed
        )

    def pass_time(self, milliseconds: int, step: int = 100) -> None:
        for _ in range(milliseconds // step):
            self.clock.step(step)
            self.venue.advance(self.clock.now_ms())
            self.venue.pulse()

    def send(self, method: str, path: str, key: str | None = "key", **params: object) -> Any:
        """Ask as a client does: signed, or without a key."""
        text = urlencode({name: _text(value) for name, value in params.items() if value is not None})
        headers = {}
        if key is not None:
            text += f"{'&' if text else ''}timestamp={self.clock.now_ms()}"
            secret = {"key": b"secret", "other": b"word"}[key]
            text += f"&signature={hmac.new(secret, text.encode(), 'sha256').hexdigest()}"
            headers["x-mbx-apikey"] = key
        return self.ask(method, path, text, headers)

    def ask(self, method: str, path: str, raw: str, headers: dict[str, str]) -> Any:
        """Send a query as it is."""
        pairs = dict(part.partition("=")[::2] for part in raw.split("&") if part)
        params = {name: _unquoted(value) for name, value in pairs.items()}
        query = Query(method, path, params, raw=raw, headers=headers)
        answer = self.venue.admit(query) or self.venue.answer(query)
        body = json.loads(answer.body) if answer.content_type == "application/json" else answer.body
        if answer.status != 200:
            raise Rejected(answer.status, body["code"], body["msg"], body)
        return body

    def public(self, market: Market, name: str, **params: object) -> Any:
        return self.send("GET", PATHS[market] + name, None, **params)

    def mine(self, market: Market, method: str, name: str, key: str = "key", **params: object) -> Any:
        return self.send(method, PATHS[market] + name, key, **params)

    def order(self, market: Market, side: str, kind: str, **params: object) -> Any:
        """Place an order in the market's bitcoin; limit orders are good till cancelled."""
        if kind in {"LIMIT", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"}:
            params.setdefault("timeInForce", "GTC")
        params = {"symbol": SYMBOLS[market], "side": side, "type": kind, **params}
        if market is not Market.SPOT:
            params.setdefault("newOrderRespType", "RESULT")
        return self.mine(market, "POST", "order", **params)

    def algo(self, market: Market, side: str, kind: str, **params: object) -> Any:
        params = {"symbol": SYMBOLS[market], "side": side, "type": kind, "algoType": "CONDITIONAL", **params}
        return self.mine(market, "POST", "algoOrder", **params)

    def touch(self, market: Market) -> tuple[Decimal, Decimal]:
        """Return the best bid and ask."""
        book = self.public(market, "depth", symbol=SYMBOLS[market], limit=5)
        return Decimal(book["bids"][0][0]), Decimal(book["asks"][0][0])

    def frame(self, method: str, **params: object) -> dict[str, Any]:
        """Return a signed frame of the request sockets."""
        named = {"apiKey": "key", "timestamp": self.clock.now_ms(), **params}
        text = "&".join(f"{name}={_text(value)}" for name, value in sorted(named.items()))
        signature = hmac.new(b"secret", text.encode(), "sha256").hexdigest()
        return {"id": method, "method": method, "params": {**named, "signature": signature}}

    def wire(self, path: str, **params: str) -> Wire:
        return Wire(self.venue, path, **params)

    def user_stream(self, market: Market) -> Wire:
        """Open the stream of what happens to the account."""
        if market is Market.SPOT:
            wire = self.wire("/ws-api/v3")
            wire.say(self.frame("userDataStream.subscribe.signature"))
            assert wire.take()[0]["result"] == {"subscriptionId": 0}
            return wire
        key = self.send("POST", f"{PATHS[market]}listenKey")["listenKey"]
        if market is Market.LINEAR:
            return self.wire("/private/ws", listenKey=key)
        return self.wire(f"/coinm/ws/{key}")


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _unquoted(text: str) -> str:
    from urllib.parse import unquote_plus

    return unquote_plus(text)


def events_of(wire: Wire) -> list[dict[str, Any]]:
    """Return what a user stream has said, unwrapped."""
    return [message.get("event", message) for message in wire.take() if "e" in message.get("event", message)]


def binance_api(info: dict[str, Any]) -> dict[str, Any]:
    """Return ccxt's table of Binance's addresses."""
    markets, table = info["markets"], {}
    for name, url in ccxt.binance().urls["api"].items():
        if isinstance(url, str) and url.count("/") > 2:
            market = {"f": "linear", "d": "inverse"}.get(name[0] if name[1:4] == "api" else "", "spot")
            table[name] = f"{markets[market]['rest']}/{url.split('/', 3)[3]}"
    frames = {market: urls["ws_api"] for market, urls in markets.items()}
    streams = {market: urls["ws"] for market, urls in markets.items()}
    return {**table, "ws": {**streams, "margin": streams["spot"], "ws-api": frames}}


def binance_settings(info: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return what ccxt's Binance clients are made with."""
    keys = {"apiKey": info["api_key"], "secret": info["api_secret"], "enableRateLimit": False}
    options = {"fetchMarkets": {"types": ["spot", "linear", "inverse"]}}
    return {**keys, "urls": {"api": binance_api(info)}, "options": options, **more}

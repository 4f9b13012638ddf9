"""Every kind of payload that Bybit's side sends has the keys and JSON types of the venue's own samples."""

from __future__ import annotations

import hmac
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from real_trade.exchange.answers import Query
from real_trade.exchange.bybit.venue import BybitVenue
from real_trade.exchange.core.orders import Price
from real_trade.exchange.limits import BurstLimit, Rate
from real_trade.exchange.market import SeededMarket
from real_trade.exchange.members import Member
from real_trade.exchange.pages import History
from real_trade.exchange.world import World
from real_trade.model import HistoricalClock, parse_time

if TYPE_CHECKING:
    from pathlib import Path

NOW_MS = parse_time("2024-01-15T10:20:30Z")
MEMBER = Member("key", "secret", {"USDT": Decimal(100_000), "BTC": Decimal(2)})
LINEAR = {"category": "linear", "symbol": "BTCUSDT"}
SPOT = {"category": "spot", "symbol": "BTCUSDT"}
ETH = {"category": "linear", "symbol": "ETHUSDT"}


class Venue:
    """A venue in which every kind of thing has happened once."""

    def __init__(self) -> None:
        symbols = ("BTCUSDT", "ETHUSDT", "BTCUSD")
        source = SeededMarket(5, "bybit", symbols, parse_time("2024-01-10"), parse_time("2024-01-20"))
        history = History(source, newest_first=True)
        self.clock = HistoricalClock(NOW_MS)
        self.world = World(source, history, NOW_MS, 5)
        limit = BurstLimit(Rate(None, 5.0), 600, self.clock)
        self.venue = BybitVenue(source, history, self.world, (MEMBER,), self.clock, limit)
        self.world.wake()
        self.told: list[dict[str, Any]] = []
        self._happen()

    def call(self, method: str, path: str, **params: Any) -> Any:
        text = urlencode(params) if method == "GET" else json.dumps(params)
        stamp = str(self.clock.now_ms())
        sign = hmac.new(b"secret", f"{stamp}key5000{text}".encode(), "sha256").hexdigest()
        headers = {
            "x-bapi-api-key": "key",
            "x-bapi-timestamp": stamp,
            "x-bapi-recv-window": "5000",
            "x-bapi-sign": sign,
        }
        query = {name: str(value) for name, value in params.items()} if method == "GET" else {}
        body = text.encode() if method == "POST" else b""
        return json.loads(
            self.venue.answer(Query(method, f"/v5/{path}", query, raw=text, headers=headers, body=body)).body
        )

    def session(self, path: str, *frames: dict[str, Any]) -> list[dict[str, Any]]:
        told: list[dict[str, Any]] = []
        session = self.venue.open_socket(path, lambda text: told.append(json.loads(text)))
        assert session is not None
        for frame in frames:
            session.receive(json.dumps(frame))
        return told

    def auth(self) -> dict[str, Any]:
        until = self.clock.now_ms() + 10_000
        sign = hmac.new(b"secret", f"GET/realtime{until}".encode(), "sha256").hexdigest()
        return {"op": "auth", "args": ["key", until, sign]}

    def price(self, factor: float) -> str:
        last = self.world.exchange.prices["linear/BTCUSDT", Price.LAST]
        return f"{last * factor / 10:.1f}"

    def _happen(self) -> None:
        topics = ["order", "execution", "position", "wallet", "execution.fast"]
        # All-in-one and others may not share a request.
        frames = [{"op": "subscribe", "req_id": "r", "args": [topic]} for topic in topics]
        self.private = self.session("/v5/private", self.auth(), {"op": "ping", "req_id": "p"}, *frames)
        topics = ["orderbook.50.BTCUSDT", "kline.1.BTCUSDT", "tickers.BTCUSDT", "publicTrade.BTCUSDT"]
        self.linear = self.session("/v5/public/linear", {"op": "ping"}, {"op": "subscribe", "args": topics})
        self.spot = self.session("/v5/public/spot", {"op": "subscribe", "args": topics})
        topics = ["allLiquidation.ETHUSDT", "insurance.USDT", "orderbook.rpi.BTCUSDT"]
        self.rare = self.session("/v5/public/linear", {"op": "subscribe", "args": topics})
        market = {"side": "Buy", "orderType": "Market", "qty": "0.05"}
        self.created = self.call("POST", "order/create", **LINEAR, **market, takeProfit=self.price(1.1))
        self.call("POST", "order/create", **ETH, **market)
        held = self.world.exchange.accounts[1].position(self.world.exchange.contracts["linear/ETHUSDT"])
        self.world.exchange.take_over(1, held, held.lots, "liquidation", self.world.now_ms)
        self.world.tell()
        self.call("POST", "order/create", **LINEAR, **market | {"side": "Sell", "qty": "0.01"}, reduceOnly=True)
        self.call("POST", "order/create", **SPOT, **market, marketUnit="baseCoin")
        self.limit = self.call(
            "POST", "order/create", **LINEAR, side="Buy", orderType="Limit", qty="0.01", price=self.price(0.95)
        )["result"]["orderId"]
        for _ in range(3_000):
            self.clock.advance_to(self.clock.now_ms() + 20)
            self.venue.advance(self.clock.now_ms())
            self.venue.pulse()

    def pushed(self, told: list[dict[str, Any]], topic: str) -> dict[str, Any]:
        return next(message for message in told[::-1] if message.get("topic") == topic)


@pytest.fixture(scope="module")
def venue() -> Venue:
    return Venue()


def kinds(value: Any) -> Any:
    """Return names and JSON types; of a list those of its first item."""
    if isinstance(value, dict):
        return {name: kinds(item) for name, item in value.items()}
    if isinstance(value, list):
        return [kinds(value[0])] if value else []
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__


def differences(ours: Any, sample: Any, at: str = "") -> list[str]:
    """Return what is missing, too much, or of another type."""
    if isinstance(sample, dict) and isinstance(ours, dict):
        found = [f"{at}.{name} missing" for name in sample.keys() - ours.keys()]
        found += [f"{at}.{name} unknown" for name in ours.keys() - sample.keys()]
        for name in sample.keys() & ours.keys():
            found += differences(ours[name], sample[name], f"{at}.{name}")
        return sorted(found)
    if isinstance(sample, list) and isinstance(ours, list):
        return differences(ours[0], sample[0], f"{at}[]") if sample and ours else []
    return [] if ours == sample or "NoneType" in (ours, sample) else [f"{at} is {ours}, not {sample}"]


# What differs from a sample -> why. Samples of nautilus leave fields out, so that ours may have more.
_ADDED = "told by the venue since the sample was written"
EXCEPTIONS: dict[str, dict[str, str]] = {
    "order list": {
        ".result.list[].createType unknown": _ADDED,
        ".result.list[].marketUnit unknown": _ADDED,
        ".result.list[].cumFeeDetail.MNT missing": "names the coin of the fee",
        ".result.list[].cumFeeDetail.USDT unknown": "names the coin of the fee",
    },
    "order": {
        ".data[].createType unknown": _ADDED,
        ".data[].extraFees unknown": _ADDED,
        ".data[].isLeverage unknown": _ADDED,
        ".data[].marketUnit unknown": _ADDED,
        ".data[].slippageTolerance unknown": _ADDED,
        ".data[].slippageToleranceType unknown": _ADDED,
        ".data[].cumFeeDetail.MNT missing": "names the coin of the fee",
    },
    "execution": {
        ".data[].extraFees is str, not "
        "[{'feeCoin': 'str', 'feeType': 'str', 'subFeeType': 'str', 'feeRate': 'str', 'fee': 'str'}]": (
            "empty text where there is none, as in the venue's REST answer"
        ),
    },
    "wallet stream": {".data[].totalPerpUpl missing": "spelled totalPerpUPL by the venue"},
}


def told(name: str, sample: str, found: list[str]) -> list[str]:
    """Return the differences that are not listed above."""
    more_is_fine = sample.startswith("nautilus")
    known = EXCEPTIONS.get(name, {})
    return [each for each in found if each not in known and not (more_is_fine and each.endswith("unknown"))]


# Name -> sample, request; where in the sample and in the answer the compared part is.
REST: dict[str, tuple[str, str, str, dict[str, Any]]] = {
    "time": ("docs_examples/rest/market__time.1.example", "GET", "market/time", {}),
    "kline": ("docs_examples/rest/market__kline.1.example", "GET", "market/kline", {**LINEAR, "interval": "1"}),
    "mark kline": (
        "docs_examples/rest/market__mark-kline.1.example",
        "GET",
        "market/mark-price-kline",
        {**LINEAR, "interval": "1"},
    ),
    "index kline": (
        "docs_examples/rest/market__index-kline.1.example",
        "GET",
        "market/index-price-kline",
        {**LINEAR, "interval": "1"},
    ),
    "premium kline": (
        "docs_examples/rest/market__premium-index-kline.1.example",
        "GET",
        "market/premium-index-price-kline",
        {**LINEAR, "interval": "1"},
    ),
    "book": ("docs_examples/rest/market__orderbook.1.example", "GET", "market/orderbook", SPOT),
    "spot ticker": ("docs_examples/rest/market__tickers.3.example", "GET", "market/tickers", SPOT),
    "option ticker": ("docs_examples/rest/market__tickers.2.example", "GET", "market/tickers", {"category": "option"}),
    "option": (
        "docs_examples/rest/market__instrument.1.example",
        "GET",
        "market/instruments-info",
        {"category": "option"},
    ),
    "open interest": (
        "docs_examples/rest/market__open-interest.1.example",
        "GET",
        "market/open-interest",
        {**LINEAR, "intervalTime": "1h"},
    ),
    "funding history": ("nautilus/http_get_funding_history", "GET", "market/funding/history", LINEAR),
    "trades": ("nautilus/http_get_trades_recent", "GET", "market/recent-trade", LINEAR),
    "linear": ("nautilus/http_get_instruments_linear", "GET", "market/instruments-info", {"category": "linear"}),
    "spot": ("nautilus/http_get_instruments_spot", "GET", "market/instruments-info", {"category": "spot"}),
    "order list": ("docs_examples/rest/order__order-list.1.example", "GET", "order/history", {"category": "linear"}),
    "orders realtime": ("nautilus/http_get_orders_realtime", "GET", "order/realtime", LINEAR),
    "executions": ("nautilus/http_get_executions", "GET", "execution/list", {"category": "linear"}),
    "positions": ("nautilus/http_get_positions", "GET", "position/list", LINEAR),
    "closed profit": (
        "docs_examples/rest/position__close-pnl.1.example",
        "GET",
        "position/closed-pnl",
        {"category": "linear"},
    ),
    "wallet": (
        "docs_examples/rest/account__wallet-balance.1.example",
        "GET",
        "account/wallet-balance",
        {"accountType": "UNIFIED"},
    ),
    "account": ("nautilus/http_get_account_info", "GET", "account/info", {}),
    "fees": ("docs_examples/rest/account__fee-rate.1.example", "GET", "account/fee-rate", {"category": "linear"}),
    "transactions": ("docs_examples/rest/account__transaction-log.1.example", "GET", "account/transaction-log", {}),
    "key": ("nautilus/http_get_user_query_api", "GET", "user/query-api", {}),
    "coins": ("docs_examples/rest/asset__coin-info.1.example", "GET", "asset/coin/query-info", {}),
    "leverage": (
        "docs_examples/rest/position__leverage.1.example",
        "POST",
        "position/set-leverage",
        {**LINEAR, "buyLeverage": "7", "sellLeverage": "7"},
    ),
    "status": ("docs_examples/rest/system-status.1.example", "GET", "system/status", {}),
    "price limit": ("docs_examples/rest/market__order-price-limit.1.example", "GET", "market/price-limit", LINEAR),
    "insurance": ("docs_examples/rest/market__insurance.1.example", "GET", "market/insurance", {}),
    "ratio": (
        "docs_examples/rest/market__long-short-ratio.1.example",
        "GET",
        "market/account-ratio",
        {**LINEAR, "period": "1h"},
    ),
    "deliveries": (
        "docs_examples/rest/market__delivery-price.1.example",
        "GET",
        "market/delivery-price",
        {"category": "option"},
    ),
    "volatility": (
        "docs_examples/rest/market__iv.1.example",
        "GET",
        "market/historical-volatility",
        {"category": "option"},
    ),
    "retail book": ("docs_examples/rest/market__rpi-orderbook.1.example", "GET", "market/rpi_orderbook", LINEAR),
    "window": (
        "docs_examples/rest/position__auto-add-margin.1.example",
        "POST",
        "order/disconnected-cancel-all",
        {"product": "SPOT", "timeWindow": 10},
    ),
    "windows": ("docs_examples/rest/account__dcp-info.1.example", "GET", "account/query-dcp-info", {}),
    "price behaviour": (
        "docs_examples/rest/account__set-price-limit.1.example",
        "POST",
        "account/set-limit-px-action",
        {"category": "linear", "modifyEnable": True},
    ),
}


@pytest.mark.parametrize("name", REST)
def test_answers(venue: Venue, fixtures_dir: Path, name: str) -> None:
    sample, method, path, params = REST[name]
    wanted = json.loads((fixtures_dir / "bybit" / f"{sample}.json").read_text())
    answer = venue.call(method, path, **params)
    assert answer["retCode"] == 0
    assert told(name, sample, differences(kinds(answer), kinds(wanted))) == []


WS: dict[str, tuple[str, str, str]] = {
    "order": ("docs_examples/ws/websocket__private__order.2.example", "private", "order"),
    "execution": ("docs_examples/ws/websocket__private__execution.2.example", "private", "execution"),
    "fast execution": ("nautilus/ws_account_execution_fast", "private", "execution.fast"),
    "position": ("docs_examples/ws/websocket__private__position.2.example", "private", "position"),
    "wallet stream": ("nautilus/ws_account_wallet", "private", "wallet"),
    "book delta": ("nautilus/ws_orderbook_delta", "linear", "orderbook.50.BTCUSDT"),
    "kline stream": ("nautilus/ws_kline", "linear", "kline.1.BTCUSDT"),
    "liquidations": (
        "docs_examples/ws/websocket__public__all-liquidation.1.example",
        "rare",
        "allLiquidation.ETHUSDT",
    ),
    "insurance stream": ("docs_examples/ws/websocket__public__insurance-pool.2.example", "rare", "insurance.USDT"),
    "retail book delta": (
        "docs_examples/ws/websocket__public__orderbook-rpi.3.example",
        "rare",
        "orderbook.rpi.BTCUSDT",
    ),
    "trade stream": ("docs_examples/ws/websocket__public__trade.1.example", "linear", "publicTrade.BTCUSDT"),
    "spot ticker stream": ("docs_examples/ws/websocket__public__ticker.2.example", "spot", "tickers.BTCUSDT"),
}


@pytest.mark.parametrize("name", WS)
def test_streams(venue: Venue, fixtures_dir: Path, name: str) -> None:
    sample, session, topic = WS[name]
    wanted = json.loads((fixtures_dir / "bybit" / f"{sample}.json").read_text())
    message = venue.pushed(getattr(venue, session), topic)
    assert told(name, sample, differences(kinds(message), kinds(wanted))) == []

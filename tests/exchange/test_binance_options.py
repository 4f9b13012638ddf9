"""Binance's options: the one that is listed is quoted around what it is worth, and clients load it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import ccxt
import pytest
from binance_clients import Rejected, Rig, binance_settings

from real_trade.exchange.call_option import CallOption
from real_trade.model import Market
from real_trade.testing.exchange_process import running_exchange

TYPES = ["spot", "linear", "inverse", "option"]


@pytest.fixture
def rig() -> Rig:
    return Rig()


def ask(rig: Rig, name: str, **params: object) -> Any:
    return rig.send("GET", f"/eapi/v1/{name}", None, **params)


def listed(rig: Rig) -> dict[str, Any]:
    (row,) = ask(rig, "exchangeInfo")["optionSymbols"]
    found: dict[str, Any] = row
    return found


def test_the_option_is_listed_under_either_root(rig: Rig) -> None:
    row = listed(rig)
    assert row["symbol"] == "BTC-240329-43000-C"
    assert (row["side"], row["strikePrice"], row["underlying"]) == ("CALL", "43000", "BTCUSDT")
    assert rig.send("GET", "/usdm/eapi/v1/exchangeInfo", None)["optionSymbols"] == [row]
    assert ask(rig, "ping") == {}
    assert ask(rig, "time") == {"serverTime": rig.clock.now_ms()}


def test_it_is_quoted_around_what_it_is_worth(rig: Rig) -> None:
    symbol = listed(rig)["symbol"]
    (mark,) = ask(rig, "mark", symbol=symbol)
    book = ask(rig, "depth", symbol=symbol)
    bid, offer = Decimal(book["bids"][0][0]), Decimal(book["asks"][0][0])
    assert bid <= Decimal(mark["markPrice"]) <= offer
    assert [Decimal(price) for price, _ in book["bids"]] == sorted((Decimal(p) for p, _ in book["bids"]), reverse=True)
    assert ask(rig, "depth", symbol=symbol, limit=10)["asks"] == book["asks"][:10]
    # A call is worth less than what it is on, and more than what it would pay now.
    index = Decimal(ask(rig, "index", underlying="BTCUSDT")["indexPrice"])
    assert max(Decimal(0), index - 43_000) < Decimal(mark["markPrice"]) < index
    assert 0 < float(mark["delta"]) < 1
    assert float(mark["theta"]) < 0 < float(mark["gamma"]) < float(mark["vega"])


def test_greeks_are_how_its_worth_changes(rig: Rig) -> None:
    rig.world.wake()
    perpetual = rig.world.listings[Market.LINEAR, "BTCUSDT"].instrument
    now = rig.world.now_ms
    option = CallOption(perpetual, rig.world._history, rig.world, now, now + 60 * 86_400_000)
    greeks, index = option.greeks(), option.index
    up, down = option.worth(index + 1, now), option.worth(index - 1, now)
    assert greeks.delta == pytest.approx((up - down) / 2, rel=1e-4)
    assert greeks.gamma == pytest.approx(up + down - 2 * option.mark, rel=1e-2)
    assert greeks.theta == pytest.approx(option.worth(index, now + 86_400_000) - option.mark, rel=2e-2)


def test_its_trades_tickers_and_bars_agree(rig: Rig) -> None:
    symbol = listed(rig)["symbol"]
    trades = ask(rig, "trades", symbol=symbol)
    assert [trade["time"] for trade in trades] == sorted(trade["time"] for trade in trades)
    (ticker,) = ask(rig, "ticker", symbol=symbol)
    assert ask(rig, "ticker") == [ticker]
    day = [trade for trade in trades if trade["time"] > rig.world.now_ms - 86_400_000]
    assert ticker["tradeCount"] == len(day) == 24
    assert Decimal(ticker["volume"]) == sum(Decimal(trade["qty"]) for trade in day)
    assert ticker["lastPrice"] == day[-1]["price"]
    bars = ask(rig, "klines", symbol=symbol, interval="1h", limit=24)
    assert [bar["openTime"] for bar in bars] == [trade["time"] for trade in day]
    assert sum(Decimal(bar["volume"]) for bar in bars) == Decimal(ticker["volume"])
    for bar in bars:
        prices = [Decimal(bar[name]) for name in ("low", "open", "close", "high")]
        assert prices[0] <= min(prices[1:3]) <= max(prices[1:3]) <= prices[3]
        assert bar["closeTime"] - bar["openTime"] == 3_600_000
    ahead = ask(rig, "klines", symbol=symbol, interval="1h", startTime=bars[3]["openTime"], limit=2)
    assert ahead == bars[3:5]
    assert ask(rig, "trades", symbol=symbol, limit=3) == trades[-3:]


@pytest.mark.parametrize(
    ("name", "params", "code"),
    [
        ("depth", {"symbol": "BTC-240329-1-C"}, -1121),
        ("mark", {"symbol": "x y"}, -1100),
        ("klines", {"symbol": "BTC-240329-43000-C"}, -1102),
        ("klines", {"symbol": "BTC-240329-43000-C", "interval": "7m"}, -1120),
        ("depth", {"symbol": "BTC-240329-43000-C", "limit": 7}, -4021),
        ("index", {"underlying": "ETHUSDT"}, -1121),
        ("index", {}, -1102),
    ],
)
def test_what_is_not_listed_is_refused(rig: Rig, name: str, params: dict[str, object], code: int) -> None:
    with pytest.raises(Rejected) as caught:
        ask(rig, name, **params)
    assert caught.value.code == code


def test_once_it_is_delivered_the_next_one_is_listed(rig: Rig) -> None:
    before = listed(rig)
    rig.clock.step(before["expiryDate"] - rig.clock.now_ms())
    after = listed(rig)
    assert after["symbol"].startswith("BTC-240628-")
    assert after["expiryDate"] > before["expiryDate"]


def test_ccxt_loads_and_reads_it() -> None:
    with running_exchange("binance", seed=7, rate_limits="off") as exchange:
        settings = binance_settings(exchange.info)
        client = ccxt.binance({**settings, "options": {"fetchMarkets": {"types": TYPES}}})
        client.load_markets()
        (market,) = [m for m in client.markets.values() if m["option"]]
        assert (market["base"], market["quote"], market["optionType"]) == ("BTC", "USDT", "call")
        symbol = market["symbol"]
        assert client.fetch_ticker(symbol)["last"] > 0
        assert client.fetch_order_book(symbol)["bids"]
        assert client.fetch_trades(symbol)
        assert len(client.fetch_ohlcv(symbol, "1h", limit=5)) == 5
        assert 0 < client.fetch_greeks(symbol)["delta"] < 1

"""The streams of Bybit's option, and what is told beside prices: limits, insurance, liquidations, statistics."""

from __future__ import annotations

import json
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from bybit_desk import INVERSE, LINEAR, NOW_MS, Desk

from real_trade.model import parse_time

HOUR_MS = 3_600_000


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def option(desk: Desk) -> str:
    return str(desk.venue.market.dated.option)


def book_of(desk: Desk, **params: Any) -> Any:
    return desk.get("market/orderbook", **params)["result"]


@pytest.mark.parametrize("depth", [25, 100])
def test_a_book_of_the_option_kept_by_deltas_is_the_venue_s(desk: Desk, option: str, depth: int) -> None:
    told = desk.watch("option", f"orderbook.{depth}.{option}")
    desk.go_on(120)
    assert [message["type"] for message in told] == ["snapshot", *["delta"] * (len(told) - 1)]
    assert len(told) > 2
    assert [message["data"]["u"] for message in told] == list(range(1, len(told) + 1))
    sides: dict[str, dict[str, str]] = {"b": {}, "a": {}}
    for message in told:
        for side, levels in sides.items():
            levels.update(dict(message["data"][side]))
            for price in [price for price, size in levels.items() if size == "0"]:
                del levels[price]
    whole = book_of(desk, category="option", symbol=option, limit=25)
    for side, falls in (("b", True), ("a", False)):
        kept = sorted(sides[side].items(), key=lambda level: Decimal(level[0]), reverse=falls)
        assert [list(level) for level in kept] == whole[side]


def test_the_option_s_ticker_is_told_whole_under_its_own_names(desk: Desk, option: str) -> None:
    told = desk.watch("option", f"tickers.{option}")
    desk.go_on(10)
    assert len(told) > 3
    assert {message["type"] for message in told} == {"snapshot"}
    fields = told[-1]["data"]
    rest = desk.rows("market/tickers", category="option")[0]
    renamed = {"bid1Price": "bidPrice", "ask1Iv": "askIv", "markIv": "markPriceIv", "delta": "delta", "vega": "vega"}
    for theirs, ours in renamed.items():
        assert fields[ours] == rest[theirs]
    assert len(fields) == len(rest)
    assert told[-1]["id"] == f"tickers.{option}-{told[-1]['ts']}"


def test_trades_of_all_options_of_a_coin_are_told_together_at_the_hour(option: str) -> None:
    desk = Desk(now_ms=parse_time("2024-01-15T10:59:58Z"))
    told = desk.watch("option", "publicTrade.BTC")
    desk.go_on(5)
    assert len(told) == 1
    trade = told[0]["data"][0]
    recent = desk.rows("market/recent-trade", category="option", baseCoin="BTC")[0]
    assert (trade["s"], trade["p"], trade["v"], trade["i"]) == (
        option, recent["price"], recent["size"], recent["execId"],
    )  # fmt: skip
    assert trade["T"] % HOUR_MS == 0
    assert trade["iv"] == trade["mIv"] == "0.5"


def test_subscriptions_to_options_are_judged_one_by_one(desk: Desk, option: str) -> None:
    told: list[Any] = []
    session = desk.venue.open_socket("/v5/public/option", lambda message: told.append(json.loads(message)))
    assert session is not None
    bad = [f"orderbook.50.{option}", "tickers.BTC-1JAN30-1-C", "publicTrade.ETH", f"kline.1.{option}", "publicTrade"]
    session.receive(json.dumps({"op": "subscribe", "args": [*bad, f"tickers.{option}"]}))
    assert told[0] == {
        "success": True, "conn_id": session.connection, "type": "COMMAND_RESP",
        "data": {"failTopics": bad, "successTopics": [f"tickers.{option}"]},
    }  # fmt: skip
    assert told[1]["topic"] == f"tickers.{option}"
    session.receive(json.dumps({"op": "subscribe", "args": bad}))
    assert not told[2]["success"]
    session.receive(json.dumps({"op": "unsubscribe", "args": [f"tickers.{option}"]}))
    assert told[3]["data"]["successTopics"] == [f"tickers.{option}"]
    desk.go_on(3)
    assert len(told) == 4
    assert not desk.venue.feeds["option"].is_watched


def test_restarted_books_of_the_option_begin_at_one(desk: Desk, option: str) -> None:
    told = desk.watch("option", f"orderbook.25.{option}")
    desk.go_on(60)
    assert told[-1]["data"]["u"] > 1
    desk.venue.restart_books()
    assert (told[-1]["type"], told[-1]["data"]["u"]) == ("snapshot", 1)


def test_price_limits_are_told_as_the_mark_price_moves(desk: Desk) -> None:
    told = desk.watch("linear", "priceLimit.BTCUSDT")
    desk.go_on(3)
    assert len(told) > 1
    assert told[0].keys() == {"topic", "data", "ts"}
    assert all(after["ts"] - before["ts"] >= 300 for before, after in pairwise(told))
    asked = desk.get("market/price-limit", **LINEAR)["result"]
    assert {**told[-1]["data"], "ts": asked["ts"]} == asked
    mark = Decimal(desk.rows("market/tickers", **LINEAR)[0]["markPrice"])
    assert Decimal(asked["buyLmt"]) == pytest.approx(mark * Decimal("1.05"), abs=Decimal("0.1"))
    assert Decimal(asked["sellLmt"]) == pytest.approx(mark * Decimal("0.95"), abs=Decimal("0.1"))


def test_liquidations_are_told_by_both_streams_and_fill_the_insurance(desk: Desk) -> None:
    old, new = (desk.watch("linear", f"{kind}.BTCUSDT") for kind in ("liquidation", "allLiquidation"))
    pools = desk.watch("linear", "insurance.USDT")
    others = desk.watch("inverse", "insurance.inverse")
    desk.order(LINEAR, "Sell", qty="0.4")
    held = desk.world.exchange.accounts[1].position(desk.world.exchange.contracts[desk.name(LINEAR)])
    desk.world.exchange.take_over(1, held, abs(held.lots), "liquidation", desk.world.now_ms)
    desk.world.tell()
    desk.go_on(2)
    row = new[0]["data"][0]
    assert (row["s"], row["S"], row["v"]) == ("BTCUSDT", "Sell", "0.400")
    assert old[0]["data"] == {
        "updatedTime": row["T"], "symbol": "BTCUSDT", "side": row["S"], "size": row["v"], "price": row["p"],
    }  # fmt: skip
    paid = Decimal(desk.rows("execution/list", **LINEAR, execType="BustTrade")[0]["execFee"])
    assert [message["type"] for message in pools] == ["snapshot", "delta"]
    balances = [Decimal(message["data"][0]["balance"]) for message in pools]
    assert balances[1] - balances[0] == paid > 0
    assert [message["data"][0]["coin"] for message in others] == ["BTC"]
    rest = desk.rows("market/insurance", coin="USDT")
    assert (rest[0]["balance"], rest[0]["symbols"]) == (pools[1]["data"][0]["balance"], "BTCUSDT,ETHUSDT")


def test_the_book_for_retail_traders_is_the_book_with_nothing_more(desk: Desk) -> None:
    told = desk.watch("linear", "orderbook.rpi.BTCUSDT")
    desk.go_on(2)
    assert [message["type"] for message in told][:2] == ["snapshot", "delta"]
    for message in told:
        assert all(len(level) == 3 and level[2] == "0" for side in "ba" for level in message["data"][side])
    rest = desk.get("market/rpi_orderbook", **LINEAR, limit=5)["result"]
    plain = book_of(desk, **LINEAR, limit=5)
    assert [[level[:2] for level in rest[side]] for side in "ba"] == [plain["b"], plain["a"]]


@pytest.mark.parametrize(
    "topic", ["insurance.BTC", "insurance.inverse", "priceLimit.NOPE", "orderbook.full.BTCUSDT", "allLiquidation"]
)
def test_topics_that_a_category_lacks_are_refused(desk: Desk, topic: str) -> None:
    assert not desk.venue.feeds["linear"].knows(topic)
    assert not desk.venue.feeds["spot"].knows("insurance.USDT")
    assert not desk.venue.feeds["spot"].knows("allLiquidation.BTCUSDT")


def ratios(desk: Desk, **more: Any) -> list[Any]:
    return desk.rows("market/account-ratio", **INVERSE, **more)


def test_the_ratio_of_longs_and_shorts_is_told_period_by_period(desk: Desk) -> None:
    rows = ratios(desk, period="1h", limit=5)
    assert [int(row["timestamp"]) for row in rows] == [NOW_MS // HOUR_MS * HOUR_MS - n * HOUR_MS for n in range(5)]
    assert all(Decimal(row["buyRatio"]) + Decimal(row["sellRatio"]) == 1 for row in rows)
    assert len({row["buyRatio"] for row in rows}) > 1
    bars = desk.rows("market/kline", **INVERSE, interval=60, limit=6)[1:]
    for row, bar in zip(rows, bars, strict=True):
        assert (Decimal(row["buyRatio"]) < Decimal("0.5")) == (Decimal(bar[4]) > Decimal(bar[1]))
    later = int(rows[2]["timestamp"])
    assert ratios(desk, period="1h", startTime=later, endTime=later + HOUR_MS) == rows[1:3]
    assert desk.get("market/account-ratio", **INVERSE, period="2h")["retCode"] == 10001
    assert desk.get("market/account-ratio", category="spot", symbol="BTCUSDT", period="1h")["retCode"] == 10001


def test_volatility_is_that_of_the_coin_s_hours(desk: Desk) -> None:
    def ask(**more: Any) -> Any:
        return desk.get("market/historical-volatility", category="option", **more)

    week = ask()
    assert (week["category"], week["result"][0]["period"]) == ("option", 7)
    assert week["result"][0]["time"] == str(NOW_MS // HOUR_MS * HOUR_MS)
    closes = [float(bar[4]) for bar in desk.rows("market/kline", **LINEAR, interval=60, limit=169)[1:]]
    moves = [before / after - 1 for before, after in pairwise(closes)]
    rough = (sum(move * move for move in moves) / len(moves) * 365 * 24) ** 0.5
    assert float(week["result"][0]["value"]) == pytest.approx(rough, rel=0.02)
    hours = ask(period=14, startTime=NOW_MS - 3 * HOUR_MS, endTime=NOW_MS)["result"]
    assert [int(row["time"]) for row in hours] == [NOW_MS // HOUR_MS * HOUR_MS - n * HOUR_MS for n in range(3)]
    assert ask(baseCoin="ETH")["result"] == []
    assert ask(period=8)["retCode"] == ask(startTime=NOW_MS)["retCode"] == 10001
    # The beginning of time is a time like others.
    assert ask(startTime=0, endTime=NOW_MS)["retCode"] == ask(startTime=1, endTime=0)["retCode"] == 10001
    assert ask(startTime=0, endTime=0)["result"] == []


def test_delivery_prices_are_told_once_the_day_has_come(desk: Desk, option: str) -> None:
    for category in ("linear", "option", "inverse"):
        assert desk.rows("market/delivery-price", category=category) == []
    assert desk.get("market/delivery-price", category="spot")["retCode"] == 10001
    dated = desk.venue.market.dated
    dated.delivery_ms = NOW_MS - HOUR_MS
    row = desk.rows("market/delivery-price", category="option")[0]
    assert (row["symbol"], row["deliveryTime"]) == (option, str(dated.delivery_ms))
    index = desk.rows("market/index-price-kline", **LINEAR, interval=1, end=dated.delivery_ms, limit=1)[0]
    assert row["deliveryPrice"] == index[1]
    assert (
        desk.rows("market/delivery-price", category="linear", symbol="BTCUSDT-29MAR24")[0]["deliveryPrice"] == index[1]
    )
    assert desk.rows("market/delivery-price", category="linear", symbol="BTCUSDT") == []

"""Bybit's face, read as a client does; shapes are compared with recorded payloads."""

from __future__ import annotations

import itertools
import json
import urllib.error
import urllib.parse
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

from real_trade.exchange.answers import Query
from real_trade.exchange.bars import aggregate
from real_trade.exchange.bybit.market import BybitMarket
from real_trade.exchange.market import SeededMarket
from real_trade.exchange.pages import History
from real_trade.exchange.words import plain
from real_trade.exchange.world import World
from real_trade.model import HistoricalClock, Interval, SeriesKind, parse_time
from real_trade.testing.exchange_process import RunningExchange, running_exchange

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FROM, TO, NOW = "2024-01-01", "2024-02-10", "2024-02-05T10:20:30Z"
NOW_MS = parse_time(NOW)
# Beside the perpetuals a dated future is listed, a month or more before its delivery.
FUTURE = "BTCUSDT-29MAR24"
MINUTE = 60_000


@pytest.fixture(scope="module")
def bybit() -> Iterator[RunningExchange]:
    with running_exchange("bybit", seed=5, from_=FROM, to=TO, start=NOW, speed=0, rate_limits="off") as exchange:
        yield exchange


@pytest.fixture(scope="module")
def truth() -> SeededMarket:
    symbols = ("BTCUSDT", "ETHUSDT", "BTCUSD")
    return SeededMarket(5, "bybit", symbols, parse_time(FROM), parse_time(TO))


def ask(exchange: RunningExchange, path: str, **params: object) -> Any:
    query = "&".join(f"{name}={value}" for name, value in params.items())
    with urllib.request.urlopen(f"{exchange.rest}/v5/market/{path}?{query}", timeout=10) as answer:
        return json.loads(answer.read())


def klines(exchange: RunningExchange, path: str = "kline", **params: object) -> list[list[str]]:
    wanted = {"category": "linear", "symbol": "BTCUSDT", "interval": "1"} | params
    body = ask(exchange, path, **wanted)
    assert body["retCode"] == 0, body
    assert body["result"]["category"] == wanted["category"]
    assert body["result"]["symbol"] == wanted["symbol"]
    return body["result"]["list"]


def refusal(exchange: RunningExchange, path: str, **params: object) -> tuple[int, str]:
    body = ask(exchange, path, **params)
    assert body["result"] == {}
    return body["retCode"], body["retMsg"]


def test_time_and_envelope(bybit: RunningExchange) -> None:
    body = ask(bybit, "time")
    assert body == {
        "retCode": 0,
        "retMsg": "OK",
        "result": {"timeSecond": str(NOW_MS // 1000), "timeNano": str(NOW_MS * 1_000_000)},
        "retExtInfo": {},
        "time": NOW_MS,
    }


def test_newest_first_200_by_default_the_last_one_open(bybit: RunningExchange) -> None:
    rows = klines(bybit)
    assert len(rows) == 200
    times = [int(row[0]) for row in rows]
    assert times == sorted(times, reverse=True)
    assert times[0] == NOW_MS // MINUTE * MINUTE
    assert all(isinstance(cell, str) for row in rows for cell in row)
    assert {len(row) for row in rows} == {7}


def test_start_and_end_are_inclusive_and_too_many_rows_are_the_newest(bybit: RunningExchange) -> None:
    start = parse_time("2024-01-20")
    exact = klines(bybit, start=start, end=start + 9 * MINUTE)
    assert [int(row[0]) for row in exact] == [start + k * MINUTE for k in range(9, -1, -1)]
    assert klines(bybit, start=start + 1, end=start + 9 * MINUTE - 1) == exact[1:-1]
    assert klines(bybit, start=start, end=start + 9 * MINUTE, limit=3) == exact[:3]
    assert klines(bybit, start=start, limit=3) == exact[-3:]
    assert klines(bybit, end=start + 9 * MINUTE, limit=10) == exact
    assert len(klines(bybit, limit=5_000)) == 1_000
    assert klines(bybit, start=NOW_MS + MINUTE) == []
    assert klines(bybit, end=parse_time(FROM) - 1) == []


@pytest.mark.parametrize("spelling", ["1", "5", "60", "240", "D", "W", "M"])
@pytest.mark.parametrize(("category", "symbol"), [("spot", "ETHUSDT"), ("linear", "BTCUSDT"), ("inverse", "BTCUSD")])
def test_pages_joined_are_the_market(
    bybit: RunningExchange, truth: SeededMarket, category: str, symbol: str, spelling: str
) -> None:
    instrument = next(i for i in truth.instruments() if (i.market, i.symbol) == (category, symbol))
    interval = Interval.parse(spelling)
    bars = aggregate(truth.bars(instrument, SeriesKind.KLINE), interval)
    finished = [k for k in range(len(bars)) if interval.next_open(int(bars.time[k])) <= NOW_MS]
    grid = (bars.grid.price,) * 4 + (bars.grid.volume, bars.grid.turnover)
    names = ("open", "high", "low", "close", "volume", "turnover")
    rows: list[list[str]] = []
    end = interval.floor(NOW_MS) - 1
    # Pages of an odd size, so that they begin and end anywhere; minutes are read for a few days only.
    while page := klines(bybit, category=category, symbol=symbol, interval=spelling, end=end, limit=977):
        rows += page
        end = int(page[-1][0]) - 1
        if len(rows) > 9_000:
            break
    for row, k in zip(rows, reversed(finished), strict=False):
        numbers = [int(getattr(bars, name)[k]) / 10**places for name, places in zip(names, grid, strict=True)]
        assert int(row[0]) == bars.time[k]
        assert [float(cell) for cell in row[1:]] == numbers
        assert row[1] == plain(numbers[0])
    assert len(rows) == len(finished) or len(rows) > 9_000


def test_the_open_bar_holds_what_has_happened_so_far(bybit: RunningExchange) -> None:
    hour = klines(bybit, interval="60", limit=1)[0]
    minutes = klines(bybit, start=int(hour[0]), limit=1_000)
    assert int(hour[0]) == parse_time("2024-02-05T10:00:00Z")
    assert 1 < len(minutes) <= 21
    assert hour[1] == minutes[-1][1]
    assert float(hour[2]) == max(float(row[2]) for row in minutes)
    assert float(hour[3]) == min(float(row[3]) for row in minutes)
    assert hour[4] == minutes[0][4]
    assert float(hour[5]) == pytest.approx(sum(float(row[5]) for row in minutes))


def test_a_gap_is_missing_rows(bybit: RunningExchange) -> None:
    times = [int(row[0]) for row in klines(bybit, start=parse_time(FROM), limit=1_000)]
    steps = {a - b for a, b in itertools.pairwise(times)}
    assert len(steps) == 2
    assert min(steps) == MINUTE


def test_mark_and_index_prices_have_no_volume_and_follow_the_last(bybit: RunningExchange) -> None:
    start = parse_time("2024-01-20")
    last = klines(bybit, start=start, end=start + 500 * MINUTE, limit=1_000)
    for path in ("mark-price-kline", "index-price-kline"):
        rows = klines(bybit, path, start=start, end=start + 500 * MINUTE, limit=1_000)
        assert {len(row) for row in rows} == {5}
        assert [row[0] for row in rows] == [row[0] for row in last]
        assert all(abs(float(a[4]) / float(b[4]) - 1) < 0.01 for a, b in zip(rows, last, strict=True))


def test_instruments_page_by_cursor(bybit: RunningExchange) -> None:
    whole = ask(bybit, "instruments-info", category="linear")["result"]
    assert [row["symbol"] for row in whole["list"]] == ["BTCUSDT", "ETHUSDT", FUTURE]
    assert whole["nextPageCursor"] == ""
    first = ask(bybit, "instruments-info", category="linear", limit=1)["result"]
    second = ask(bybit, "instruments-info", category="linear", limit=2, cursor=first["nextPageCursor"])["result"]
    assert first["list"] + second["list"] == whole["list"]
    assert second["nextPageCursor"] == ""
    assert ask(bybit, "instruments-info", category="linear", baseCoin="ETH")["result"]["list"] == whole["list"][1:2]
    assert ask(bybit, "instruments-info", category="linear", status="PreLaunch")["result"]["list"] == []
    option = ask(bybit, "instruments-info", category="option", baseCoin="BTC")["result"]["list"][0]
    assert option["deliveryTime"] == whole["list"][2]["deliveryTime"] == str(parse_time("2024-03-29T08:00:00Z"))
    assert ask(bybit, "instruments-info", category="option", baseCoin="ETH")["result"]["list"] == []
    assert ask(bybit, "instruments-info", category="inverse")["result"]["list"][0]["contractType"] == "InversePerpetual"
    assert int(whole["list"][0]["launchTime"]) == parse_time(FROM)


def test_funding_history_newest_first_and_never_from_a_start_alone(bybit: RunningExchange) -> None:
    params = {"category": "linear", "symbol": "BTCUSDT"}
    rows = ask(bybit, "funding/history", **params)["result"]["list"]
    times = [int(row["fundingRateTimestamp"]) for row in rows]
    assert times[0] == parse_time("2024-02-05T08:00:00Z")
    assert {a - b for a, b in itertools.pairwise(times)} == {8 * 60 * MINUTE}
    window = {"startTime": times[10], "endTime": times[5]}
    assert ask(bybit, "funding/history", **params, **window)["result"]["list"] == rows[5:11]
    assert ask(bybit, "funding/history", **params, **window, limit=2)["result"]["list"] == rows[5:7]
    assert refusal(bybit, "funding/history", **params, startTime=times[10])[0] == 10001


def test_risk_limits_are_ladders(bybit: RunningExchange) -> None:
    whole = ask(bybit, "risk-limit", category="linear")["result"]
    assert (whole["category"], whole["nextPageCursor"]) == ("linear", "")
    rows = ask(bybit, "risk-limit", category="linear", symbol="BTCUSDT")["result"]["list"]
    assert rows == [row for row in whole["list"] if row["symbol"] == "BTCUSDT"]
    assert {row["symbol"] for row in whole["list"]} == {"BTCUSDT", "ETHUSDT", FUTURE}
    assert len(rows) >= 10
    assert rows[0] == {
        "id": 1,
        "symbol": "BTCUSDT",
        "riskLimitValue": "2000000",
        "maintenanceMargin": "0.005",
        "initialMargin": "0.01",
        "isLowestRisk": 1,
        "maxLeverage": "100.00",
        "mmDeduction": "0",
    }
    assert [row["isLowestRisk"] for row in rows[1:]] == [0] * (len(rows) - 1)
    for before, after in itertools.pairwise(rows):
        cap = float(before["riskLimitValue"])
        assert cap < float(after["riskLimitValue"])
        assert float(before["maxLeverage"]) > float(after["maxLeverage"])
        ends, begins = (cap * float(r["maintenanceMargin"]) - float(r["mmDeduction"]) for r in (before, after))
        assert ends == pytest.approx(begins)
    (first, *_) = ask(bybit, "risk-limit", category="inverse", symbol="BTCUSD")["result"]["list"]
    assert float(first["riskLimitValue"]) < 1_000  # in bitcoin


def test_risk_limits_of_linear_symbols_come_fifteen_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("real_trade.exchange.bybit.market._RISK_LIMIT_SYMBOLS", 2)
    market = SeededMarket(5, "bybit", ("BTCUSDT", "ETHUSDT", "SOLUSDT", "BTCUSD"), parse_time(FROM), parse_time(TO))
    clock = HistoricalClock(NOW_MS)
    history = History(market, newest_first=True)
    face = BybitMarket(market, history, World(market, history, NOW_MS), clock)

    def page(cursor: str) -> Any:
        params = {"category": "linear", "cursor": cursor}
        body = face.routes["/v5/market/risk-limit"](Query("GET", "/v5/market/risk-limit", params)).body
        return json.loads(body)["result"]

    first = page("")
    second = page(urllib.parse.unquote(first["nextPageCursor"]))
    assert [list(dict.fromkeys(row["symbol"] for row in part["list"])) for part in (first, second)] == [
        ["BTCUSDT", "ETHUSDT"],
        ["SOLUSDT", FUTURE],
    ]
    assert second["nextPageCursor"] == ""


def test_tickers(bybit: RunningExchange) -> None:
    rows = ask(bybit, "tickers", category="linear")["result"]["list"]
    assert [row["symbol"] for row in rows] == ["BTCUSDT", "ETHUSDT", FUTURE]
    last = klines(bybit, limit=1)[0]
    assert rows[0]["lastPrice"] == last[4]
    assert float(rows[0]["lowPrice24h"]) <= float(last[3])
    assert int(rows[0]["nextFundingTime"]) == parse_time("2024-02-05T16:00:00Z")


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"category": "linear", "symbol": "NOPEUSDT", "interval": "1"}, "Not supported symbols"),
        ({"category": "linear", "interval": "1"}, "Not supported symbols"),
        ({"category": "spot", "symbol": "BTCUSD", "interval": "1"}, "Not supported symbols"),
        ({"category": "linear", "symbol": "BTCUSDT", "interval": "2"}, "Invalid period!"),
        ({"category": "linear", "symbol": "BTCUSDT", "interval": "1m"}, "Invalid period!"),
        ({"category": "moon", "symbol": "BTCUSDT", "interval": "1"}, "params error: Category is invalid"),
        ({"category": "linear", "symbol": "BTCUSDT", "interval": "1", "limit": "x"}, "params error: limit is invalid"),
        ({"category": "linear", "symbol": "BTCUSDT", "interval": "1", "limit": 0}, "params error: limit is invalid"),
        (
            {"category": "linear", "symbol": "BTCUSDT", "interval": "1", "start": "1e9"},
            "params error: start is invalid",
        ),
    ],
)
def test_wrong_parameters_get_code_10001(bybit: RunningExchange, params: dict[str, object], message: str) -> None:
    assert refusal(bybit, "kline", **params) == (10001, message)


def test_an_unknown_path_is_404(bybit: RunningExchange) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        ask(bybit, "nothing")
    with caught.value as error:
        assert error.code == 404


@pytest.mark.shared
@pytest.mark.parametrize(
    ("file", "path", "params"),
    [
        ("docs_examples/rest/market__time.1.example.json", "time", {}),
        ("docs_examples/rest/market__kline.1.example.json", "kline", {"symbol": "BTCUSD", "interval": "60"}),
        (
            "docs_examples/rest/market__mark-kline.1.example.json",
            "mark-price-kline",
            {"symbol": "BTCUSD", "interval": 1},
        ),
        (
            "docs_examples/rest/market__index-kline.1.example.json",
            "index-price-kline",
            {"symbol": "BTCUSD", "interval": 1},
        ),
        ("nautilus/http_get_instruments_inverse_symbol_type.json", "instruments-info", {}),
        ("nautilus/http_get_funding_history.json", "funding/history", {"symbol": "BTCUSD"}),
    ],
)
def test_answers_have_the_shape_of_recorded_ones(
    bybit: RunningExchange, fixtures_dir: Path, file: str, path: str, params: dict[str, object]
) -> None:
    recorded = json.loads((fixtures_dir / "bybit" / file).read_text())
    served = ask(bybit, path, category="inverse", **params)
    # Symbol numbers and kinds are of newer payloads than what a downloader needs.
    assert missing(recorded, served) <= {"symbolId", "symbolType"}


def missing(recorded: Any, served: Any) -> set[str]:
    """Return the names that a recorded payload has and ours has not, or has with another type."""
    if isinstance(recorded, dict):
        assert isinstance(served, dict)
        absent = {name for name in recorded if name not in served}
        return absent.union(*(missing(recorded[name], served[name]) for name in recorded if name in served))
    if isinstance(recorded, list):
        assert isinstance(served, list)
        if recorded and isinstance(recorded[0], str):
            assert len(recorded) == len(served)
        return missing(recorded[0], served[0])
    assert type(recorded) is type(served), (recorded, served)
    return set()

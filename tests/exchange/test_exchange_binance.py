"""Binance's three markets on one server."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

from real_trade.model import Interval, parse_time
from real_trade.testing.exchange_process import RunningExchange, running_exchange

if TYPE_CHECKING:
    from collections.abc import Iterator

FROM, TO, NOW = "2024-01-01", "2024-09-01", "2024-08-20T10:20:30Z"
NOW_MS = parse_time(NOW)
MINUTE = 60_000
DAY = 1_440 * MINUTE
MARKETS = {"api/v3": "BTCUSDT", "fapi/v1": "BTCUSDT", "dapi/v1": "BTCUSD_PERP"}


@pytest.fixture(scope="module")
def binance() -> Iterator[RunningExchange]:
    with running_exchange("binance", seed=5, from_=FROM, to=TO, start=NOW, speed=0, rate_limits="off") as exchange:
        yield exchange


def ask(exchange: RunningExchange, path: str, **params: object) -> Any:
    query = "&".join(f"{name}={value}" for name, value in params.items())
    with urllib.request.urlopen(f"{exchange.rest}/{path}?{query}", timeout=10) as answer:
        return json.loads(answer.read())


def klines(exchange: RunningExchange, market: str, name: str = "klines", **params: object) -> list[list[Any]]:
    wanted = {"symbol": MARKETS[market], "interval": "1m"} | params
    return ask(exchange, f"{market}/{name}", **wanted)


def refusal(exchange: RunningExchange, path: str, **params: object) -> tuple[int, int, str]:
    with pytest.raises(urllib.error.HTTPError) as caught:
        ask(exchange, path, **params)
    with caught.value as error:
        body = json.loads(error.read())
        return error.code, body["code"], body["msg"]


@pytest.mark.parametrize("market", MARKETS)
def test_oldest_first_500_by_default_twelve_columns(binance: RunningExchange, market: str) -> None:
    rows = klines(binance, market)
    assert len(rows) == 500
    times = [row[0] for row in rows]
    assert times == sorted(times)
    assert times[-1] == NOW_MS // MINUTE * MINUTE
    kinds = [int, str, str, str, str, str, int, str, int, str, str, str]
    assert all([type(cell) for cell in row] == kinds for row in rows)
    assert all(row[6] == row[0] + MINUTE - 1 for row in rows)
    assert {row[11] for row in rows} == {"0"}


def test_spot_has_eight_decimals_futures_their_own(binance: RunningExchange) -> None:
    spot, linear, inverse = (klines(binance, market, limit=2)[0] for market in MARKETS)
    assert {len(cell.partition(".")[2]) for cell in (*spot[1:6], spot[7], *spot[9:11])} == {8}
    assert {len(cell.partition(".")[2]) for cell in linear[1:5]} == {1}
    assert len(linear[5].partition(".")[2]) == 3
    assert inverse[5].isdigit()  # contracts
    assert len(inverse[7].partition(".")[2]) == 8  # coins


@pytest.mark.parametrize("market", ["api/v3", "fapi/v1"])
def test_pages_go_on_from_the_start(binance: RunningExchange, market: str) -> None:
    start = parse_time("2024-03-01")
    exact = klines(binance, market, startTime=start, endTime=start + 9 * MINUTE)
    assert [row[0] for row in exact] == [start + k * MINUTE for k in range(10)]
    assert klines(binance, market, startTime=start, endTime=start + 9 * MINUTE, limit=3) == exact[:3]
    assert klines(binance, market, startTime=start, limit=10) == exact
    assert klines(binance, market, endTime=start + 9 * MINUTE, limit=4) == exact[-4:]
    assert klines(binance, market, startTime=start + 1, endTime=start + 9 * MINUTE - 1) == exact[1:-1]


def test_coin_margined_pages_count_back_from_the_end_within_200_days(binance: RunningExchange) -> None:
    start = parse_time("2024-01-10")
    exact = klines(binance, "dapi/v1", startTime=start, endTime=start + 9 * MINUTE)
    assert [row[0] for row in exact] == [start + k * MINUTE for k in range(10)]
    assert klines(binance, "dapi/v1", startTime=start, endTime=start + 9 * MINUTE, limit=3) == exact[-3:]
    alone = klines(binance, "dapi/v1", startTime=start, limit=2)
    assert alone[-1][0] == start + 200 * DAY
    days = klines(binance, "dapi/v1", interval="1d", endTime=NOW_MS, limit=1_500)
    assert days[0][0] == Interval("1d").ceil(NOW_MS - 200 * DAY)
    code = refusal(binance, "dapi/v1/klines", symbol="BTCUSD_PERP", interval="1m", startTime=start, endTime=NOW_MS)
    assert code[:2] == (400, -1127)


@pytest.mark.parametrize(
    "name", ["1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d", "1w", "1M"]
)
def test_intervals_agree_with_each_other(binance: RunningExchange, name: str) -> None:
    interval = Interval(name)
    bars = klines(binance, "fapi/v1", interval=name, endTime=parse_time("2024-05-10"), limit=3)
    for bar in bars[:1]:
        assert interval.floor(bar[0]) == bar[0]
        assert bar[6] == interval.next_open(bar[0]) - 1
        if bar[6] - bar[0] < 2 * DAY:
            minutes: list[list[Any]] = []
            while not minutes or minutes[-1][6] < bar[6]:
                start = minutes[-1][6] + 1 if minutes else bar[0]
                minutes += klines(binance, "fapi/v1", startTime=start, endTime=bar[6], limit=1_500)
            assert bar[1] == minutes[0][1]
            assert bar[4] == minutes[-1][4]
            assert float(bar[2]) == max(float(row[2]) for row in minutes)
            assert float(bar[3]) == min(float(row[3]) for row in minutes)
            assert float(bar[5]) == pytest.approx(sum(float(row[5]) for row in minutes))
            assert bar[8] == sum(row[8] for row in minutes)


def test_limits_of_a_page(binance: RunningExchange) -> None:
    assert len(klines(binance, "api/v3", limit=5_000)) == 1_000
    assert len(klines(binance, "fapi/v1", limit=1_500)) == 1_500
    assert refusal(binance, "fapi/v1/klines", symbol="BTCUSDT", interval="1m", limit=1_501)[:2] == (400, -1130)


@pytest.mark.parametrize("market", ["fapi/v1", "dapi/v1"])
def test_mark_and_index_klines(binance: RunningExchange, market: str) -> None:
    mark = klines(binance, market, "markPriceKlines", limit=5)
    index = ask(binance, f"{market}/indexPriceKlines", pair=MARKETS[market].partition("_")[0], interval="1m", limit=5)
    assert [row[0] for row in mark] == [row[0] for row in index]
    assert {len(row) for row in mark + index} == {12}
    assert all(abs(float(a[4]) / float(b[4]) - 1) < 0.01 for a, b in zip(mark, index, strict=True))


def test_funding_rates_oldest_first(binance: RunningExchange) -> None:
    for market, symbol in list(MARKETS.items())[1:]:
        rows = ask(binance, f"{market}/fundingRate", symbol=symbol)
        assert len(rows) == 100
        times = [row["fundingTime"] for row in rows]
        assert times == list(range(times[0], times[-1] + 1, 8 * 60 * MINUTE))
        assert times[-1] == parse_time("2024-08-20T08:00:00Z")
        window = ask(binance, f"{market}/fundingRate", symbol=symbol, startTime=times[3], endTime=times[9], limit=4)
        assert window == rows[3:7]
        assert ("markPrice" in rows[0]) is (market == "fapi/v1")
        info = ask(binance, f"{market}/fundingInfo")
        assert {row["fundingIntervalHours"] for row in info} == {8}


def test_exchange_info_lists_each_market(binance: RunningExchange) -> None:
    spot, linear, inverse = (ask(binance, f"{market}/exchangeInfo") for market in MARKETS)
    assert [row["symbol"] for row in spot["symbols"]] == ["BTCUSDT", "ETHUSDT"]
    assert [row["symbol"] for row in linear["symbols"]] == ["BTCUSDT", "ETHUSDT", "BTCUSDT_240927"]
    kinds = [(row["pair"], row["contractType"]) for row in linear["symbols"]]
    assert kinds == [("BTCUSDT", "PERPETUAL"), ("ETHUSDT", "PERPETUAL"), ("BTCUSDT", "CURRENT_QUARTER")]
    assert linear["symbols"][2]["deliveryDate"] == parse_time("2024-09-27T08:00:00Z")
    assert parse_time(FROM) <= linear["symbols"][2]["onboardDate"] < NOW_MS
    assert [(row["symbol"], row["pair"], row["contractSize"]) for row in inverse["symbols"]] == [
        ("BTCUSD_PERP", "BTCUSD", 100)
    ]
    filters = {each["filterType"]: each for each in linear["symbols"][0]["filters"]}
    assert filters["PRICE_FILTER"]["tickSize"] == "0.1"
    assert filters["LOT_SIZE"]["stepSize"] == "0.001"
    assert ask(binance, "api/v3/exchangeInfo", symbol="ETHUSDT")["symbols"] == spot["symbols"][1:]


def test_the_dated_future_is_where_its_perpetual_is(binance: RunningExchange) -> None:
    future, perpetual = {"symbol": "BTCUSDT_240927"}, {"symbol": "BTCUSDT"}
    span = {"interval": "1h", "limit": 10}
    bars = ask(binance, "fapi/v1/klines", **perpetual, **span)
    assert ask(binance, "fapi/v1/klines", **future, **span) == bars
    pair = {"pair": "BTCUSDT", "contractType": "CURRENT_QUARTER"}
    assert ask(binance, "fapi/v1/continuousKlines", **pair, **span) == bars
    assert refusal(binance, "fapi/v1/continuousKlines", **{**pair, "pair": "ETHUSDT"}, **span)[1] == -1130
    for name in ("markPriceKlines", "premiumIndexKlines"):
        rows = [ask(binance, f"fapi/v1/{name}", **each, **span) for each in (future, perpetual)]
        assert rows[0] == rows[1] != []
    for name in ("ticker/24hr", "ticker/price"):
        rows = [ask(binance, f"fapi/v1/{name}", **each) for each in (future, perpetual)]
        assert rows[0] == rows[1] | future
        assert future["symbol"] in {row["symbol"] for row in ask(binance, f"fapi/v1/{name}")}


def test_the_dated_future_has_no_funding(binance: RunningExchange) -> None:
    row = ask(binance, "fapi/v1/premiumIndex", symbol="BTCUSDT_240927")
    assert (row["lastFundingRate"], row["interestRate"], row["nextFundingTime"]) == ("", "", 0)
    assert row["markPrice"] == ask(binance, "fapi/v1/premiumIndex", symbol="BTCUSDT")["markPrice"]
    assert ask(binance, "fapi/v1/fundingRate", symbol="BTCUSDT_240927") == []
    assert {row["symbol"] for row in ask(binance, "fapi/v1/fundingInfo")} == {"BTCUSDT", "ETHUSDT"}


def test_weights_are_the_documented_ones() -> None:
    with running_exchange("binance") as exchange:

        def cost(path: str) -> int:
            before, after = used(exchange, path.split("/", maxsplit=1)[0]), used(exchange, path)
            # A new minute may begin in between, and the count with it.
            return after - before if after > before else cost(path)

        def used(exchange: RunningExchange, path: str) -> int:
            path = {"api": "api/v3/ping", "fapi": "fapi/v1/ping", "dapi": "dapi/v1/ping"}.get(path, path)
            with urllib.request.urlopen(f"{exchange.rest}/{path}") as answer:
                return int(answer.headers["X-MBX-USED-WEIGHT-1M"])

        limits = {99: 1, 100: 2, 499: 2, 500: 5, 1_000: 5, 1_001: 10}
        for limit, weight in limits.items():
            assert cost(f"fapi/v1/klines?symbol=BTCUSDT&interval=1m&limit={limit}") == weight
        assert cost("api/v3/klines?symbol=BTCUSDT&interval=1m&limit=1000") == 2
        assert cost("api/v3/exchangeInfo") == 20
        info = ask(exchange, "api/v3/exchangeInfo")["rateLimits"][0]
        assert (info["rateLimitType"], info["interval"], info["intervalNum"], info["limit"]) == (
            "REQUEST_WEIGHT",
            "MINUTE",
            1,
            6_000,
        )


def test_tickers_and_premium(binance: RunningExchange) -> None:
    last = klines(binance, "fapi/v1", limit=1)[0]
    assert ask(binance, "fapi/v1/ticker/price", symbol="BTCUSDT")["price"] == last[4]
    assert ask(binance, "fapi/v1/ticker/24hr", symbol="BTCUSDT")["lastPrice"] == last[4]
    assert len(ask(binance, "api/v3/ticker/24hr")) == 2
    assert ask(binance, "dapi/v1/ticker/price", symbol="BTCUSD_PERP")[0]["ps"] == "BTCUSD"
    premium = ask(binance, "fapi/v1/premiumIndex", symbol="BTCUSDT")
    assert premium["nextFundingTime"] == parse_time("2024-08-20T16:00:00Z")
    assert ask(binance, "dapi/v1/premiumIndex")[0]["pair"] == "BTCUSD"


@pytest.mark.parametrize(
    ("path", "params", "code", "message"),
    [
        ("api/v3/klines", {"symbol": "NOPE", "interval": "1m"}, -1121, "Invalid symbol."),
        ("fapi/v1/klines", {"symbol": "BTCUSD_PERP", "interval": "1m"}, -1121, "Invalid symbol."),
        ("api/v3/klines", {"interval": "1m"}, -1102, "Mandatory parameter 'symbol' was not sent"),
        ("api/v3/klines", {"symbol": "BTCUSDT"}, -1102, "Mandatory parameter 'interval' was not sent"),
        ("dapi/v1/indexPriceKlines", {"interval": "1m"}, -1102, "Mandatory parameter 'pair' was not sent"),
        ("api/v3/klines", {"symbol": "btc", "interval": "1m"}, -1100, "Illegal characters found in parameter 'symbol'"),
        ("api/v3/klines", {"symbol": "BTCUSDT", "interval": "60"}, -1120, "Invalid interval."),
        ("api/v3/klines", {"symbol": "BTCUSDT", "interval": "1m", "limit": "x"}, -1100, "Illegal characters found"),
        (
            "api/v3/klines",
            {"symbol": "BTCUSDT", "interval": "1m", "limit": 0},
            -1130,
            "Data sent for parameter 'limit'",
        ),
        (
            "fapi/v1/klines",
            {"symbol": "BTCUSDT", "interval": "1m", "startTime": 2, "endTime": 1},
            -1023,
            "Start time is",
        ),
    ],
)
def test_codes(binance: RunningExchange, path: str, params: dict[str, object], code: int, message: str) -> None:
    status, found, text = refusal(binance, path, **params)
    assert (status, found) == (400, code)
    assert text.startswith(message)

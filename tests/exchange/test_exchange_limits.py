"""Limits as the venues keep them, with a clock in hand; then over the wire."""

from __future__ import annotations

import time
import urllib.error
import urllib.request

from real_trade.exchange.limits import BurstLimit, Rate, WeightLimit
from real_trade.model import HistoricalClock
from real_trade.testing.exchange_process import running_exchange

START = 1_704_067_200_000


def test_a_sliding_window_takes_its_number_and_bans_the_next() -> None:
    clock = HistoricalClock(START)
    limit = BurstLimit(Rate(600, 5.0), 600.0, clock)
    assert all(limit.admit() for _ in range(600))
    assert limit.remaining() == 0
    clock.advance_to(START + 4_999)
    assert not limit.admit()
    # The ban holds although the window is free again.
    clock.advance_to(START + 4_999 + 599_999)
    assert not limit.admit()
    clock.advance_to(START + 4_999 + 600_000)
    assert limit.admit()
    assert limit.remaining() == 599


def test_a_steady_pace_below_the_limit_is_never_refused() -> None:
    clock = HistoricalClock(START)
    limit = BurstLimit(Rate(600, 5.0), 600.0, clock)
    for request in range(5_000):
        clock.advance_to(START + request * 9)  # 111 a second
        assert limit.admit()


def test_weight_is_counted_per_minute_first_a_warning_then_a_ban() -> None:
    clock = HistoricalClock(START + 10_000)
    limit = WeightLimit(Rate(100, 60.0), 120.0, clock)
    assert limit.admit(99) is None
    first = limit.admit(2)
    assert first is not None
    assert (first.wait_s, first.banned_until_ms) == (50, 0)
    # What was under way is forgiven, whoever still asks two seconds later is banned.
    clock.advance_to(START + 11_000)
    again = limit.admit(1)
    assert again is not None
    assert again.banned_until_ms == 0
    clock.advance_to(START + 12_500)
    banned = limit.admit(1)
    assert banned is not None
    assert banned.banned_until_ms == START + 12_500 + 120_000
    clock.advance_to(START + 70_000)
    assert limit.admit(1) is not None
    clock.advance_to(START + 133_000)
    assert limit.admit(1) is None
    assert limit.used == 1


def ask(url: str) -> tuple[int, bytes, dict[str, str]]:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, answer.read(), dict(answer.headers)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read(), dict(error.headers)


def test_bybit_refuses_with_403_bans_and_forgives() -> None:
    with running_exchange("bybit", rate_limits="5/1", ban_seconds=0.6) as exchange:
        url = f"{exchange.rest}/v5/market/time"
        left = [int(ask(url)[2]["X-Bapi-Limit-Status"]) for _ in range(5)]
        assert left == [4, 3, 2, 1, 0]
        status, body, headers = ask(url)
        assert (status, body) == (403, b"access too frequent")
        assert headers["X-Bapi-Limit"] == "5"
        assert ask(f"{exchange.rest}/v5/market/kline")[0] == 403
        time.sleep(1.1)
        assert ask(url)[0] == 200
        assert [line["status"] for line in exchange.log] == [200] * 5 + [403, 403, 200]


def test_bybit_documented_limit_is_600_in_5_seconds() -> None:
    with running_exchange("bybit") as exchange:
        headers = ask(f"{exchange.rest}/v5/market/time")[2]
        assert (headers["X-Bapi-Limit"], headers["X-Bapi-Limit-Status"]) == ("600", "599")


def test_binance_warns_with_429_bans_with_418_and_counts_markets_apart() -> None:
    with running_exchange("binance", rate_limits="10/7200", ban_seconds=0.5) as exchange:
        url = f"{exchange.rest}/fapi/v1/klines?symbol=BTCUSDT&interval=1m&limit=1000"
        assert [ask(url)[2]["X-MBX-USED-WEIGHT-120M"] for _ in range(2)] == ["5", "10"]
        status, body, headers = ask(url)
        assert status == 429
        assert b"-1003" in body
        assert 1 <= int(headers["Retry-After"]) <= 7_200
        assert "X-MBX-USED-WEIGHT" not in headers
        status, _, headers = ask(f"{exchange.rest}/api/v3/ping")
        assert (status, headers["X-MBX-USED-WEIGHT"]) == (200, headers["X-MBX-USED-WEIGHT-120M"])
        time.sleep(2.1)
        status, body, headers = ask(url)
        assert status == 418
        assert b"banned until" in body
        assert headers["Retry-After"] == "1"

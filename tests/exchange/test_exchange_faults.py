"""Every fault does to a client what it says; one without a test fails here."""

from __future__ import annotations

import http.client
import itertools
import json
import sys
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

from real_trade.exchange.faults import FAULTS, FaultDice, FaultPlan
from real_trade.model import InputError
from real_trade.testing.exchange_process import RunningExchange, running_exchange

if TYPE_CHECKING:
    from collections.abc import Callable

KLINES = "/v5/market/kline?category=linear&symbol=BTCUSDT&interval=1&start=1704067200000&end=1704073140000&limit=100"


SPAN = {"from_": "2024-01-01", "to": "2024-04-01"}


def ask(exchange: RunningExchange, path: str = KLINES) -> Any:
    with urllib.request.urlopen(exchange.rest + path, timeout=10) as answer:
        return json.loads(answer.read())


def rows(exchange: RunningExchange) -> list[list[str]]:
    return ask(exchange)["result"]["list"]


def sees_error_5xx(exchange: RunningExchange) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        ask(exchange)
    with caught.value as error:
        assert error.code == 502
        assert error.headers["Content-Type"].startswith("text/html")
        assert b"<html>" in error.read()


def sees_rate_10006(exchange: RunningExchange) -> None:
    with urllib.request.urlopen(exchange.rest + KLINES) as answer:
        body = json.loads(answer.read())
        reset = int(answer.headers["X-Bapi-Limit-Reset-Timestamp"])
        assert answer.headers["X-Bapi-Limit-Status"] == "0"
    assert (body["retCode"], body["retMsg"]) == (10006, "Too many visits!")
    assert 1_000 < reset - time.time() * 1000 < 3_000  # the client is told to wait two seconds


def sees_truncated(exchange: RunningExchange) -> None:
    with pytest.raises(http.client.IncompleteRead):
        ask(exchange)


def sees_cut_json(exchange: RunningExchange) -> None:
    with pytest.raises(json.JSONDecodeError):
        ask(exchange)


def sees_slow(exchange: RunningExchange) -> None:
    began = time.monotonic()
    assert len(rows(exchange)) == 100
    assert time.monotonic() - began >= 0.4


def sees_reset(exchange: RunningExchange) -> None:
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        ask(exchange)


def sees_missing_bar(exchange: RunningExchange) -> None:
    times = [int(row[0]) for row in rows(exchange)]
    assert len(times) == 99
    assert sorted({a - b for a, b in itertools.pairwise(times)}) == [60_000, 120_000]
    assert exchange.log[-1]["rows"] == 99


def sees_revised_bar(exchange: RunningExchange) -> None:
    with running_exchange("bybit", seed=3, **SPAN) as honest:
        true = rows(honest)
    wrong = rows(exchange)
    assert wrong[1:] == true[1:]
    assert wrong[0][:5] == true[0][:5]
    assert float(wrong[0][5]) < float(true[0][5])


TESTS: dict[str, tuple[str, Callable[[RunningExchange], None]]] = {
    "error_5xx": (":502", sees_error_5xx),
    "rate_10006": (":2", sees_rate_10006),
    "truncated": ("", sees_truncated),
    "cut_json": ("", sees_cut_json),
    "slow": (":0.4", sees_slow),
    "reset": ("", sees_reset),
    "missing_bar": ("", sees_missing_bar),
    "revised_bar": ("", sees_revised_bar),
}


def test_every_fault_has_a_test_of_its_effect() -> None:
    assert set(TESTS) == set(FAULTS)
    assert all(fault.about for fault in FAULTS.values())


@pytest.mark.parametrize("name", TESTS)
def test_a_fault_shows(name: str) -> None:
    argument, check = TESTS[name]
    with running_exchange(
        "bybit", seed=3, from_="2024-01-01", to="2024-04-01", fault=f"{name}=1{argument}"
    ) as exchange:
        check(exchange)
        assert exchange.log[-1]["fault"] == name


def test_binance_says_too_many_with_429() -> None:
    with running_exchange("binance", fault="rate_10006=1:3") as exchange:
        with pytest.raises(urllib.error.HTTPError) as caught:
            ask(exchange, "/api/v3/time")
        with caught.value as error:
            assert (error.code, error.headers["Retry-After"]) == (429, "3")
            assert json.loads(error.read())["code"] == -1003


def test_a_rate_is_a_share_of_requests_and_the_seed_decides_which() -> None:
    plans = (FaultPlan.parse("error_5xx=0.1"), FaultPlan.parse("slow=0.05:1"))
    first, again, other = (FaultDice(plans, seed) for seed in (1, 1, 2))
    strikes = [first.throw(has_rows=True) for _ in range(4_000)]
    assert strikes == [again.throw(has_rows=True) for _ in range(4_000)]
    assert strikes != [other.throw(has_rows=True) for _ in range(4_000)]
    names = [strike.name for strike in strikes if strike is not None]
    assert 320 < names.count("error_5xx") < 480
    assert 120 < names.count("slow") < 250


def test_faults_of_rows_leave_other_answers_alone() -> None:
    dice = FaultDice((FaultPlan.parse("missing_bar=1"),), 0)
    assert dice.throw(has_rows=False) is None
    assert dice.throw(has_rows=True) is not None


@pytest.mark.parametrize("text", ["nothing=0.1", "slow", "slow=", "slow=2", "slow=-0.1", "slow=0.1:x", "slow=nan"])
def test_nonsense_is_refused(text: str) -> None:
    with pytest.raises(InputError) as caught:
        FaultPlan.parse(text)
    assert caught.value.field == "fault"
    assert caught.value.fix


def test_after_a_fault_the_server_goes_on() -> None:
    with running_exchange(
        "bybit", seed=3, from_="2024-01-01", to="2024-04-01", fault=["truncated=0.3", "reset=0.3", "cut_json=0.2"]
    ) as exchange:
        good = 0
        for _ in range(60):
            try:
                good += len(rows(exchange)) == 100
            except (OSError, ValueError, http.client.HTTPException):
                assert sys.exc_info()[0] is not None
        assert 5 < good < 40
        assert {line["fault"] for line in exchange.log} == {None, "truncated", "reset", "cut_json"}

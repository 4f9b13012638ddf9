"""The server as a process: first line, log, end, refusals."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import urllib.request
from typing import TYPE_CHECKING

import pytest

from real_trade.exchange.options import ExchangeOptions, parse_rate_limit
from real_trade.model import InputError, SafetyRefusal
from real_trade.testing.exchange_process import running_exchange

if TYPE_CHECKING:
    from pathlib import Path


def start(*flags: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "real_trade.exchange", *flags]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


@pytest.mark.parametrize("word", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("venue", ["bybit", "binance"])
def test_it_announces_itself_in_one_line_and_ends_with_0(venue: str, word: signal.Signals) -> None:
    with running_exchange(venue, seed=9, start="2024-02-01T12:00:00Z", speed=0) as exchange:
        info = exchange.info
        assert info["venue"] == venue
        assert info["pid"] == exchange.process.pid
        assert info["rest"].startswith("http://127.0.0.1:")
        assert info["market_time_ms"] == 1_706_788_800_000
        assert info["seed"] == 9
        if venue == "binance":
            assert {info["rest_spot"], info["rest_linear"], info["rest_inverse"]} == {info["rest"]}
        exchange.process.send_signal(word)
        assert exchange.process.wait(5) == 0
        assert exchange.process.stdout is not None
        assert exchange.process.stdout.read() == ""


def test_it_ends_at_once_although_an_answer_is_due() -> None:
    with running_exchange("bybit", fault="slow=1:30") as exchange:
        body = "import sys,urllib.request as u; u.urlopen(sys.argv[1])"
        client = subprocess.Popen(
            [sys.executable, "-c", body, exchange.rest + "/v5/market/time"], stderr=subprocess.DEVNULL
        )
        while not exchange.log:
            time.sleep(0.01)
        exchange.process.send_signal(signal.SIGTERM)
        assert exchange.process.wait(5) == 0
        assert client.wait(5) != 0


def test_market_time_runs_at_its_speed() -> None:
    with running_exchange("bybit", start="2024-02-01", speed=3600) as exchange:
        url = f"{exchange.rest}/v5/market/time"

        def now() -> int:
            with urllib.request.urlopen(url) as answer:
                return int(json.loads(answer.read())["time"])

        first = now()
        time.sleep(0.5)
        assert 1_800_000 <= now() - first < 60_000_000


def test_each_request_is_one_line_of_the_log(tmp_path: Path) -> None:
    log = tmp_path / "requests.jsonl"
    with running_exchange("bybit", log=log, fault="error_5xx=0") as exchange:
        path = "/v5/market/kline"
        query = "category=linear&symbol=BTCUSDT&interval=60&limit=7"
        with urllib.request.urlopen(f"{exchange.rest}{path}?{query}") as answer:
            answer.read()
        assert len(exchange.log) == 1
        line = exchange.log[0]
        assert {k: line[k] for k in ("method", "path", "query", "status", "code", "fault", "rows")} == {
            "method": "GET",
            "path": path,
            "query": query,
            "status": 200,
            "code": 0,
            "fault": None,
            "rows": 7,
        }
    assert len(log.read_text().splitlines()) == 1


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.1", "::", "example.com"])
def test_an_address_that_others_reach_is_refused(host: str) -> None:
    with pytest.raises(SafetyRefusal) as caught:
        ExchangeOptions("bybit", host=host)
    assert caught.value.field == "host"


def test_refusals_have_the_exit_codes_of_the_house() -> None:
    outside = start("--venue", "bybit", "--host", "0.0.0.0")
    assert (outside.returncode, outside.stdout) == (4, "")
    assert "loopback" in outside.stderr or "this machine" in outside.stderr
    assert start("--venue", "bybit", "--from", "2024-02-01", "--to", "2024-01-01").returncode == 2
    unwritable = start("--venue", "bybit", "--log", "/nowhere/at/all.jsonl")
    assert unwritable.returncode == 3
    assert "Name a file" in unwritable.stderr
    with running_exchange("bybit") as exchange:
        port = exchange.rest.rpartition(":")[2]
        taken = start("--venue", "bybit", "--port", port)
    assert taken.returncode == 3
    assert port in taken.stderr


@pytest.mark.parametrize(
    ("field", "value"),
    [("venue", "kraken"), ("port", 70_000), ("seed", -1), ("speed", -1.0), ("ban_s", -1.0), ("from_ms", 1)],
)
def test_options_that_mean_nothing_are_refused(field: str, value: object) -> None:
    with pytest.raises(InputError):
        ExchangeOptions(**{"venue": "bybit", field: value})  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["", "fast", "0/5", "-3/5", "5/0", "5", "5/x"])
def test_a_rate_limit_is_on_off_or_a_number_per_seconds(text: str) -> None:
    with pytest.raises(InputError):
        parse_rate_limit(text)
    assert parse_rate_limit("documented") is None
    assert parse_rate_limit("off").units is None  # type: ignore[union-attr]

"""The keeper's door: shut unless asked for, on loopback only, and it tells the truth."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

import ccxt
import pytest

from real_trade.testing.exchange_process import RunningExchange, running_exchange

if TYPE_CHECKING:
    from collections.abc import Iterator

SYMBOL = "BTC/USDT:USDT"


def ask(exchange: RunningExchange, method: str, path: str, body: object = None) -> tuple[int, Any]:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(exchange.info["admin"] + path, data, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


@pytest.fixture(scope="module")
def exchange() -> Iterator[RunningExchange]:
    with running_exchange(
        "bybit", seed=4, start="2024-01-20", speed=0, server_time="wall", admin_port=0, rate_limits="off",
        account=["alice:one:USDT=5000", "bob:two:USDT=7000,BTC=2"],
    ) as running:  # fmt: skip
        yield running


def client_of(exchange: RunningExchange, key: str, secret: str) -> Any:
    api = dict.fromkeys(("spot", "futures", "v2", "public", "private"), exchange.rest)
    return ccxt.bybit({"apiKey": key, "secret": secret, "urls": {"api": api}, "enableRateLimit": False})


def test_it_is_shut_unless_asked_for() -> None:
    with running_exchange("bybit", seed=4) as exchange:
        assert exchange.info["admin"] is None
        for path in ("/state", "/faults", "/admin/state"):
            with pytest.raises(urllib.error.HTTPError) as caught:
                urllib.request.urlopen(exchange.rest + path, timeout=5)
            assert caught.value.code == 404
            caught.value.close()


def test_it_stays_on_loopback_whatever_the_venue_listens_on() -> None:
    with running_exchange("bybit", seed=4, host="0.0.0.0", allow_remote=True, admin_port=0) as exchange:
        assert exchange.info["rest"].startswith("http://0.0.0.0:")
        assert exchange.info["admin"].startswith("http://127.0.0.1:")
        assert ask(exchange, "GET", "/faults")[0] == 200


def test_it_tells_every_account_as_it_is(exchange: RunningExchange) -> None:
    client = client_of(exchange, "alice", "one")
    last = client.fetch_ticker(SYMBOL)["last"]
    client.create_order(SYMBOL, "market", "buy", 0.01)
    client.create_order(SYMBOL, "limit", "buy", 0.02, round(last * 0.9, 1), {"clientOrderId": "resting"})
    _, state = ask(exchange, "GET", "/state")
    assert set(state["accounts"]) == {"alice", "bob"}
    (alice,), (bob,) = state["accounts"]["alice"], state["accounts"]["bob"]
    assert bob["wallet"] == {"USDT": "7000", "BTC": "2"}
    assert [(p["symbol"], p["quantity"]) for p in alice["positions"]] == [("linear/BTCUSDT", "0.010")]
    filled, resting = alice["orders"]
    assert (filled["status"], filled["filled"]) == ("filled", "0.010")
    assert (resting["client_id"], resting["status"], resting["quantity"]) == ("resting", "new", "0.020")
    assert float(alice["wallet"]["USDT"]) == pytest.approx(5_000 - float(alice["fees"]["USDT"]))
    assert len(state["log_hash"]) == 64
    client.session.close()


def test_it_moves_market_time_and_only_that(exchange: RunningExchange) -> None:
    client = client_of(exchange, "bob", "two")
    before = ask(exchange, "GET", "/state")[1]["market_time_ms"]
    status, answer = ask(exchange, "POST", "/advance", {"ms": 3_600_000})
    assert (status, answer["market_time_ms"]) == (200, before + 3_600_000)
    bars = client.fetch_ohlcv(SYMBOL, "1m", limit=3)
    assert bars[-1][0] >= before + 3_600_000 - 60_000
    assert client.fetch_balance()["USDT"]["total"] == 7_000  # signed by the wall's clock
    client.session.close()


def test_faults_are_planned_counted_and_forgotten(exchange: RunningExchange) -> None:
    assert ask(exchange, "POST", "/faults", [{"kind": "error_5xx", "endpoint": "/v5/market/time"}]) == (
        200,
        {"planned": 1},
    )
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(exchange.rest + "/v5/market/time", timeout=5)
    caught.value.close()
    assert ask(exchange, "GET", "/faults")[1] == {"injected": {"error_5xx": 1}}
    assert ask(exchange, "DELETE", "/faults")[0] == 200
    with urllib.request.urlopen(exchange.rest + "/v5/market/time", timeout=5) as answer:
        assert answer.status == 200


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/advance", {"ms": -1}, 400),
        ("POST", "/advance", {"ms": "soon"}, 400),
        ("POST", "/advance", {}, 400),
        ("POST", "/advance", None, 400),
        ("POST", "/faults", {"kind": "nothing"}, 400),
        ("POST", "/faults", 7, 400),
        ("GET", "/secrets", None, 404),
        ("PUT", "/state", {}, 404),
    ],
)
def test_what_it_does_not_understand_it_says(
    exchange: RunningExchange, method: str, path: str, body: object, status: int
) -> None:
    got, answer = ask(exchange, method, path, body)
    assert got == status
    assert answer["error"]

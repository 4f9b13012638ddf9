"""ccxt's own clients take the server for the venue."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import ccxt
import ccxt.async_support
import pytest

from real_trade.model import parse_time
from real_trade.testing.exchange_process import running_exchange

if TYPE_CHECKING:
    from collections.abc import Iterator

FROM, TO = "2024-01-01", "2024-01-20"
FROM_MS, TO_MS = parse_time(FROM), parse_time(TO)
MINUTE = 60_000
SYMBOLS = ["BTC/USDT", "BTC/USDT:USDT", "BTC/USD:BTC"]


def bybit_urls(root: str) -> dict[str, Any]:
    return {"api": dict.fromkeys(("spot", "futures", "v2", "public", "private"), root)}


def binance_urls(root: str) -> dict[str, Any]:
    standard = ccxt.binance().urls["api"]
    paths = {name: "/" + url.split("/", 3)[3] for name, url in standard.items() if isinstance(url, str) and "/" in url}
    return {"api": {name: root + path for name, path in paths.items()}}


CLIENTS = {"bybit": bybit_urls, "binance": binance_urls}


@pytest.fixture(scope="module", params=CLIENTS)
def client(request: pytest.FixtureRequest) -> Iterator[Any]:
    venue = request.param
    with running_exchange(venue, seed=11, from_=FROM, to=TO) as exchange:
        made = getattr(ccxt, venue)({"urls": CLIENTS[venue](exchange.rest), "enableRateLimit": False})
        made.load_markets()
        yield made
        made.session.close()


def test_markets_are_understood(client: Any) -> None:
    assert set(SYMBOLS) <= set(client.markets)
    spot, linear, inverse = (client.market(symbol) for symbol in SYMBOLS)
    assert spot["spot"]
    assert linear["swap"]
    assert linear["linear"]
    assert inverse["swap"]
    assert inverse["inverse"]
    assert linear["precision"]["price"] == 0.1
    assert linear["precision"]["amount"] == 0.001
    assert linear["active"]
    assert linear["settle"] == "USDT"
    assert inverse["settle"] == "BTC"


def test_time(client: Any) -> None:
    assert TO_MS <= client.fetch_time() < TO_MS + 60_000


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_bars_are_paged_without_loss(client: Any, symbol: str) -> None:
    since, rows = FROM_MS, []
    while since < FROM_MS + 3 * 1_440 * MINUTE:
        page = client.fetch_ohlcv(symbol, "1m", since=since, limit=1_000)
        rows += page
        since = page[-1][0] + MINUTE
    times = [row[0] for row in rows]
    assert times == sorted(set(times))
    assert times[0] == FROM_MS
    missing = (times[-1] - times[0]) // MINUTE + 1 - len(times)
    assert 5 <= missing <= 300  # the halt of the first day, and few others
    assert all(row[3] <= min(row[1], row[4]) <= max(row[1], row[4]) <= row[2] for row in rows)
    hours = client.fetch_ohlcv(symbol, "1h", since=FROM_MS, limit=24)
    assert hours[0][4] == next(row[4] for row in reversed(rows) if row[0] < FROM_MS + 60 * MINUTE)


@pytest.mark.parametrize("symbol", SYMBOLS[1:])
def test_mark_and_index_bars(client: Any, symbol: str) -> None:
    last = client.fetch_ohlcv(symbol, "5m", since=FROM_MS, limit=20)
    for fetch in (client.fetch_mark_ohlcv, client.fetch_index_ohlcv):
        rows = fetch(symbol, "5m", since=FROM_MS, limit=20)
        assert [row[0] for row in rows] == [row[0] for row in last]
        assert all(abs(a[4] / b[4] - 1) < 0.01 for a, b in zip(rows, last, strict=True))


@pytest.mark.parametrize("symbol", SYMBOLS[1:])
def test_funding_history(client: Any, symbol: str) -> None:
    rows = client.fetch_funding_rate_history(symbol, limit=50)
    times = [row["timestamp"] for row in rows]
    assert times == list(range(times[0], times[-1] + 1, 480 * MINUTE))
    assert all(abs(row["fundingRate"]) < 0.01 for row in rows)


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_ticker(client: Any, symbol: str) -> None:
    ticker = client.fetch_ticker(symbol)
    assert ticker["low"] <= ticker["last"] <= ticker["high"]


@pytest.mark.parametrize("symbol", SYMBOLS[1:])
def test_margin_tiers(client: Any, symbol: str) -> None:
    if client.id == "binance":
        # Binance tells its brackets only to who signs.
        with pytest.raises(ccxt.AuthenticationError):
            client.fetch_market_leverage_tiers(symbol)
        return
    tiers = client.fetch_market_leverage_tiers(symbol)
    assert len(tiers) >= 10
    assert tiers[0]["minNotional"] == 0
    assert all(a["maxNotional"] == b["minNotional"] for a, b in itertools.pairwise(tiers))
    assert tiers[0]["maintenanceMarginRate"] == 0.005
    assert tiers[0]["currency"] == client.market(symbol)["settle"]


def test_errors_are_ccxt_s_own(client: Any) -> None:
    market = {**client.market("BTC/USDT"), "id": "NOPEUSDT"}
    client.markets["NOPE/USDT"] = market
    with pytest.raises(ccxt.BadRequest):  # BadSymbol is one
        client.fetch_ohlcv("NOPE/USDT", "1m")


@pytest.mark.parametrize("venue", CLIENTS)
def test_limits_and_faults_are_ccxt_s_own_errors(venue: str) -> None:
    too_fast = (ccxt.RateLimitExceeded, ccxt.DDoSProtection)  # one venue's class, the other's
    expected = {"rate_10006=1:1": too_fast, "error_5xx=1": ccxt.ExchangeNotAvailable}
    for fault, error in expected.items():
        with running_exchange(venue, fault=fault) as exchange:
            client = getattr(ccxt, venue)({"urls": CLIENTS[venue](exchange.rest), "enableRateLimit": False})
            with pytest.raises(error):
                client.fetch_time()
            client.session.close()
    with running_exchange(venue, rate_limits="2/3600") as exchange:
        client = getattr(ccxt, venue)({"urls": CLIENTS[venue](exchange.rest), "enableRateLimit": False})
        client.fetch_time()
        client.fetch_time()
        with pytest.raises(too_fast):
            client.fetch_time()
        client.session.close()


@pytest.mark.parametrize("venue", CLIENTS)
async def test_the_async_client_reads_too(venue: str) -> None:
    with running_exchange(venue, seed=11, from_=FROM, to=TO) as exchange:
        client = getattr(ccxt.async_support, venue)({"urls": CLIENTS[venue](exchange.rest)})
        try:
            rows = await client.fetch_ohlcv("BTC/USDT:USDT", "15m", since=FROM_MS, limit=100)
            assert len(rows) == 100
        finally:
            await client.close()

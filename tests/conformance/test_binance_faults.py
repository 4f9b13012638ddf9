"""What goes wrong looks to real clients of Binance as it does at the venue: ccxt's, and the venue's own for spot."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import urllib.request
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ccxt
import ccxt.pro
import pytest
from binance_clients import AMOUNT, CLASSES, LINEAR, SPOT, binance_settings
from test_binance_connectors import ACCOUNT, SCRIPTS, python_of
from watching import soon

from real_trade.testing.exchange_process import RunningExchange, running_exchange

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

pytestmark = pytest.mark.conformance

SCRIPT = Path(__file__).resolve().parent / "clients" / "binance_connector_faults.py"
CHECKS = 24
BOTH = [SPOT, LINEAR]
ORDER = "*/order"
REPORT = "executionReport|ORDER_TRADE_UPDATE"


class Stage:
    """A running exchange, one of ccxt's clients, and the keeper's door."""

    def __init__(self, exchange: RunningExchange, symbol: str) -> None:
        self.exchange, self.symbol = exchange, symbol
        self.settings = binance_settings(exchange.info, newUpdates=True, timeout=2_000)
        self.client = getattr(ccxt, CLASSES[symbol])(self.settings)
        self.client.load_markets()
        self.far = round(self.client.fetch_ticker(symbol)["last"] * 0.96, 1)

    def ask(self, method: str, path: str, body: object = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.exchange.info["admin"] + path, data, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read())

    @contextmanager
    def fault(self, kind: str, **more: object) -> Iterator[None]:
        """Let something go wrong for as long as a block of code runs."""
        self.ask("POST", "/faults", {"kind": kind, **more})
        try:
            yield
        finally:
            self.ask("DELETE", "/faults")

    def rest_order(self) -> Any:
        return self.client.create_order(self.symbol, "limit", "buy", AMOUNT[self.symbol], self.far)

    def buy(self) -> str:
        return str(self.client.create_order(self.symbol, "market", "buy", AMOUNT[self.symbol])["id"])

    @asynccontextmanager
    async def pro(self) -> AsyncIterator[Any]:
        client = getattr(ccxt.pro, CLASSES[self.symbol])({**self.settings, "timeout": 10_000})
        client.set_markets(self.client.markets, self.client.currencies)
        try:
            yield client
        finally:
            await client.close()


@pytest.fixture(scope="module")
def running() -> Iterator[RunningExchange]:
    with running_exchange("binance", seed=7, admin_port=0, rate_limits="off", account=ACCOUNT) as exchange:
        yield exchange


@pytest.fixture
def stage(running: RunningExchange, request: pytest.FixtureRequest) -> Iterator[Stage]:
    made = Stage(running, getattr(request, "param", LINEAR))
    yield made
    if made.client.fetch_open_orders(made.symbol):
        made.client.cancel_all_orders(made.symbol)
    made.client.session.close()


# Whether the order is there cannot be seen from the error: of 5XX the venue says that the status is unknown.
UNANSWERED = [
    ("reset", {}, ccxt.NetworkError, False),
    ("error_5xx", {"argument": 503}, ccxt.ExchangeNotAvailable, False),
    ("maintenance", {}, ccxt.ExchangeError, False),
    ("lost_answer", {}, ccxt.NetworkError, True),
    ("error_after", {"argument": 503}, ccxt.ExchangeNotAvailable, True),
    ("no_answer", {"argument": 3}, ccxt.RequestTimeout, True),
    ("truncated", {}, ccxt.NetworkError, True),
]


@pytest.mark.parametrize("stage", BOTH, indirect=True)
@pytest.mark.parametrize(("kind", "more", "error", "is_there"), UNANSWERED)
def test_an_order_without_an_answer(
    stage: Stage, kind: str, more: dict[str, Any], error: type[Exception], is_there: bool
) -> None:
    with stage.fault(kind, endpoint=ORDER, **more), pytest.raises(error):
        stage.rest_order()
    assert len(stage.client.fetch_open_orders(stage.symbol)) == is_there


@pytest.mark.parametrize("stage", BOTH, indirect=True)
def test_an_answer_that_stops_half_way(stage: Stage) -> None:
    with stage.fault("cut_json", endpoint=ORDER):
        # ccxt takes what it cannot read for an answer without content.
        assert stage.rest_order()["id"] is None
    assert len(stage.client.fetch_open_orders(stage.symbol)) == 1


@pytest.mark.parametrize("stage", BOTH, indirect=True)
def test_too_many_requests(stage: Stage) -> None:
    with stage.fault("rate_10006", argument=2), pytest.raises(ccxt.DDoSProtection, match=r"429 .*-1003"):
        stage.client.fetch_time()
    headers = {name.lower(): value for name, value in stage.client.last_response_headers.items()}
    assert headers["retry-after"] == "2"


@pytest.mark.parametrize("stage", BOTH, indirect=True)
async def test_a_clock_that_is_off(stage: Stage) -> None:
    with stage.fault("clock_skew", argument=20_000):
        await asyncio.sleep(0.3)
        with pytest.raises(ccxt.InvalidNonce, match="-1021"):
            stage.rest_order()
        # ccxt reckons with a difference that it has measured.
        assert stage.client.load_time_difference() == pytest.approx(-20_000, abs=1_000)
        assert stage.rest_order()["status"] == "open"
    with stage.fault("clock_skew", argument=0):
        await asyncio.sleep(0.3)
    assert stage.client.load_time_difference() == pytest.approx(0, abs=1_000)


# Streams


@asynccontextmanager
async def reports(stage: Stage) -> AsyncIterator[list[tuple[str, str, int]]]:
    """Listen to ccxt's stream of orders; give what it says, message by message: order, kind of change, trade."""
    heard: list[tuple[str, str, int]] = []
    async with stage.pro() as client:
        taken = client.handle_order_update

        def look(connection: Any, message: Any) -> None:
            # In the futures' event the order is a row of its own; in spot's that name is the order's type.
            row = message["o"] if isinstance(message.get("o"), dict) else message
            if message["e"] in REPORT:
                heard.append((str(row["i"]), row["x"], row["t"]))
            taken(connection, message)

        async def listen() -> None:
            while True:
                await client.watch_orders(stage.symbol)

        client.handle_order_update = look
        listening = asyncio.ensure_future(listen())
        await asyncio.sleep(0.5)
        yield heard
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


@pytest.mark.parametrize("stage", BOTH, indirect=True)
async def test_a_fill_told_twice_late_or_never(stage: Stage) -> None:
    async with reports(stage) as heard:

        async def told(wait_s: float = 0.5) -> list[str]:
            number = await asyncio.to_thread(stage.buy)
            await asyncio.sleep(wait_s)
            assert len({trade for order, kind, trade in heard if (order, kind) == (number, "TRADE")}) <= 1
            return [kind for order, kind, _ in heard if order == number]

        assert await told() == ["NEW", "TRADE"]
        with stage.fault("stream_twice", endpoint=REPORT):
            assert sorted(await told()) == ["NEW", "NEW", "TRADE", "TRADE"]
        with stage.fault("stream_swap", endpoint=REPORT, times=1):
            assert await told() == ["TRADE", "NEW"]
        with stage.fault("stream_loss", endpoint=REPORT):
            assert await told() == []
        with stage.fault("stream_delay", endpoint=REPORT, argument=1.0, times=1):
            assert await told() == []
            await asyncio.sleep(1.0)
        assert [kind for _, kind, _ in heard[-2:]] == ["NEW", "TRADE"]


@pytest.mark.parametrize("stage", BOTH, indirect=True)
async def test_a_stream_that_is_cut_begins_anew(stage: Stage) -> None:
    async def forever(client: Any) -> None:
        while True:
            await soon(client.watch_order_book(stage.symbol))

    async with stage.pro() as client:
        await soon(client.watch_order_book(stage.symbol))
        with stage.fault("stream_drop"), pytest.raises(ccxt.NetworkError):
            await forever(client)
        assert (await soon(client.watch_order_book(stage.symbol)))["bids"]


@pytest.mark.parametrize("stage", BOTH, indirect=True)
async def test_a_hole_in_the_numbers_of_a_book_is_seen(stage: Stage) -> None:
    async def forever(client: Any) -> None:
        while True:
            await soon(client.watch_order_book(stage.symbol))

    async with stage.pro() as client:
        for _ in range(3):
            await soon(client.watch_order_book(stage.symbol))
        with stage.fault("book_gap", times=1), pytest.raises(ccxt.ChecksumError):
            await forever(client)
        assert (await soon(client.watch_order_book(stage.symbol)))["bids"]


# The venue's own client


def test_the_venue_s_own_client_meets_the_same() -> None:
    python = python_of("binance_connector", SCRIPTS["binance_connector"][0])
    with running_exchange("binance", seed=7, admin_port=0, rate_limits="off", account=ACCOUNT) as exchange:
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        command = [str(python), str(SCRIPT), json.dumps({"market": exchange.info})]
        run = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    made = [json.loads(line) for line in run.stdout.splitlines() if line.startswith("{")]
    assert [each for each in made if each["error"]] == []
    assert (run.returncode, len(made)) == (0, CHECKS), run.stderr[-2_000:]

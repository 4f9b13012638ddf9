"""The exchange in a box: commands and market time in process, orders and messages over loopback, memory over a week.

Rate limits are off throughout (``--rate-limits off``).
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import pathlib
import subprocess
import sys
import time
from decimal import Decimal
from typing import TYPE_CHECKING

import aiohttp
from aiohttp import web

from common import emit
from real_trade.exchange.bybit.venue import BybitVenue
from real_trade.exchange.clock import SkewedClock
from real_trade.exchange.core.orders import Price
from real_trade.exchange.faults import FaultDice
from real_trade.exchange.limits import BurstLimit, Rate
from real_trade.exchange.market import SeededMarket
from real_trade.exchange.members import Member
from real_trade.exchange.pages import History
from real_trade.exchange.server import RequestLog, VenueServer
from real_trade.exchange.world import World
from real_trade.model import Market, SystemClock, parse_time
from real_trade.testing.exchange_process import running_exchange

if TYPE_CHECKING:
    from collections.abc import Callable

    from real_trade.testing.exchange_process import RunningExchange

START = parse_time("2024-01-20")
COMMANDS, ORDERS, MESSAGES, FEWER = 20_000, 6_000, 200_000, 30_000
PARALLEL = 32


def venue_of(symbols: tuple[str, ...]) -> BybitVenue:
    """Return a venue in process, its market awake."""
    source = SeededMarket(1, "bybit", symbols, parse_time("2024-01-01"), START)
    history = History(source, newest_first=True)
    world = World(source, history, START)
    limit = BurstLimit(Rate(None, 5.0), 0.0, SystemClock())
    venue = BybitVenue(
        source, history, world, [Member("key", "secret", {"USDT": Decimal(10**9)})], SystemClock(), limit
    )
    world.wake()
    return venue


def commands() -> None:
    """Place and cancel orders in process, through the venue's own door."""
    venue = venue_of(("BTCUSDT",))
    listing = venue.world.listings[Market.LINEAR, "BTCUSDT"]
    last = float(venue.world.exchange.prices[listing.name, Price.LAST] * listing.contract.tick)
    account = venue.keys["key"][1]
    began = time.perf_counter()
    for number in range(COMMANDS // 2):
        price = f"{last * (0.9 + (number % 100) / 1000):.1f}"
        order = {"category": "linear", "symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit", "qty": "0.01"}
        placed = venue.trading.create(account, order | {"price": price})
        venue.trading.cancel(account, order | placed)
    emit("exchange: order commands in process", COMMANDS, [time.perf_counter() - began])


def market() -> None:
    """Let an hour go by for one symbol, its book of 50 levels told every second of it."""
    venue = venue_of(("BTCUSD",))
    told: list[bytes] = []
    session = venue.open_socket("/v5/public/inverse", told.append)
    assert session is not None
    session.receive(json.dumps({"op": "subscribe", "args": ["orderbook.50.BTCUSD"]}))
    seconds = 3_600
    began = time.perf_counter()
    for second in range(seconds):
        venue.advance(START + second * 1_000)
        venue.pulse()
    emit("exchange: simulated seconds, one symbol", seconds, [time.perf_counter() - began], messages=len(told))


def week() -> None:
    """Let a week go by, and see what memory it took beyond the first day's."""
    venue = venue_of(("BTCUSD",))
    sizes = []
    for day in range(8):
        venue.advance(START + day * 86_400_000)
        with pathlib.Path("/proc/self/statm").open(encoding="ascii") as file:
            sizes.append(int(file.read().split()[1]) * 4_096 / 2**20)
    emit("exchange: memory over a week", 7, [1.0], growth_mb=sizes[-1] - sizes[1])


def signed(body: str, secret: str, key: str) -> dict[str, str]:
    """Return the headers of a signed request."""
    stamp = str(int(time.time() * 1000))
    sign = hmac.new(secret.encode(), f"{stamp}{key}5000{body}".encode(), hashlib.sha256).hexdigest()
    return {
        "X-BAPI-API-KEY": key,
        "X-BAPI-TIMESTAMP": stamp,
        "X-BAPI-RECV-WINDOW": "5000",
        "X-BAPI-SIGN": sign,
        "Content-Type": "application/json",
    }


async def place_orders(exchange: RunningExchange) -> float:
    """Place orders over REST, some at once, and return the seconds it took."""
    numbers = iter(range(ORDERS))

    async def one(client: aiohttp.ClientSession) -> None:
        for number in numbers:
            if number % 400 == 399:
                await send(client, "/v5/order/cancel-all", {"category": "linear", "symbol": "BTCUSDT"})
            order = {"category": "linear", "symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit", "qty": "0.01"}
            answer = await send(client, "/v5/order/create", order | {"price": "1000.0"})
            assert answer["retCode"] == 0, answer

    async def send(client: aiohttp.ClientSession, path: str, document: dict[str, str]) -> dict[str, object]:
        body = json.dumps(document)
        async with client.post(exchange.rest + path, data=body, headers=signed(body, "secret", "key")) as response:
            found: dict[str, object] = await response.json()
            return found

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=PARALLEL)) as client:
        await send(client, "/v5/order/cancel-all", {"category": "linear", "symbol": "BTCUSDT"})
        began = time.perf_counter()
        await asyncio.gather(*(one(client) for _ in range(PARALLEL)))
        return time.perf_counter() - began


MESSAGE = json.dumps(
    {
        "topic": "publicTrade.BTCUSDT",
        "type": "snapshot",
        "ts": START,
        "data": [{"T": START, "s": "BTCUSDT", "S": "Buy", "v": "0.001", "p": "16578.50", "BT": False, "seq": 1}],
    }
).encode()


class Chatterbox:
    """A venue that has nothing but messages to send."""

    idle_s, ping_s, is_over = 600.0, 0.0, False

    def __init__(self) -> None:
        self.send: Callable[[bytes], None] | None = None

    def advance(self, now_ms: int) -> None:
        """Do nothing."""

    def pulse(self) -> None:
        """Send some thousands of messages."""
        for _ in range(3_000 if self.send else 0):
            self.send(MESSAGE)  # type: ignore[misc]

    def open_socket(self, path: str, send: Callable[[bytes], None], *rest: object) -> Chatterbox:
        """Send to whoever comes."""
        del path, rest
        self.send = send
        return self

    def receive(self, text: str | bytes) -> None:
        """Listen to nobody."""

    def close(self) -> None:
        """Stop."""
        self.send = None


async def deliver() -> None:
    """Serve messages through the exchange's own server until nobody reads them any more."""
    clock = SystemClock()
    dice, log, skewed = FaultDice((), 0), RequestLog(None), SkewedClock(clock)
    server = VenueServer(Chatterbox(), dice, None, log, clock, clock, skewed)  # type: ignore[arg-type]
    runner = web.ServerRunner(web.Server(server.handle))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    sys.stdout.write(f"ws://127.0.0.1:{runner.addresses[0][1]}\n")
    sys.stdout.flush()
    await server.pulse()


async def read_delivered(url: str) -> float:
    """Read messages as one client and return the seconds it took."""
    async with aiohttp.ClientSession() as client, client.ws_connect(url) as socket:
        began = time.perf_counter()
        for _ in range(MESSAGES):
            message = await socket.receive()
            assert message.type is aiohttp.WSMsgType.TEXT
        return time.perf_counter() - began


async def read_messages(exchange: RunningExchange) -> float:
    """Read messages of the public streams and return the seconds it took."""
    topics = [f"{kind}.BTCUSDT" for kind in ("publicTrade", "tickers", *(f"orderbook.{d}" for d in (1, 50, 200)))]
    async with aiohttp.ClientSession() as client, client.ws_connect(exchange.info["ws_public"] + "/linear") as socket:
        await socket.send_json({"op": "subscribe", "args": topics})
        await socket.receive()
        began, count = time.perf_counter(), 0
        while count < FEWER:
            message = await socket.receive()
            assert message.type is aiohttp.WSMsgType.TEXT
            count += 1
        return time.perf_counter() - began


def main() -> None:
    """Measure each in a process of its own: what one holds in memory must not count for another."""
    parts = {"commands": commands, "market": market, "week": week}
    if len(sys.argv) > 1:
        asyncio.run(deliver()) if sys.argv[1] == "deliver" else parts[sys.argv[1]]()
        return
    for name in parts:
        subprocess.run([sys.executable, __file__, name], check=True)
    with subprocess.Popen([sys.executable, __file__, "deliver"], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        emit("exchange: socket messages to one client", MESSAGES, [asyncio.run(read_delivered(url)) for _ in range(3)])
        server.kill()
    with running_exchange("bybit", seed=1, rate_limits="off") as exchange:
        emit("exchange: signed REST orders", ORDERS, [asyncio.run(place_orders(exchange)) for _ in range(3)])
    with running_exchange("bybit", seed=1, rate_limits="off", speed="max", symbols="BTCUSDT") as exchange:
        emit("exchange: streams of a market at full speed", FEWER, [asyncio.run(read_messages(exchange))])


if __name__ == "__main__":
    main()

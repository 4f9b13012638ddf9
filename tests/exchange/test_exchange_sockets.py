"""Sockets of the server: who says nothing is cut, who is asked answers, and messages come in order, whole."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from aiohttp import web

from real_trade.exchange.bybit.venue import BybitVenue
from real_trade.exchange.clock import SkewedClock
from real_trade.exchange.faults import FaultDice
from real_trade.exchange.limits import BurstLimit, Rate
from real_trade.exchange.market import SeededMarket
from real_trade.exchange.members import Member
from real_trade.exchange.pages import History
from real_trade.exchange.server import RequestLog, VenueServer
from real_trade.exchange.world import World
from real_trade.model import SystemClock, parse_time

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable


class Talker:
    """A venue that says so many messages when it is greeted."""

    def __init__(self, idle_s: float = 60.0, ping_s: float = 0.0, messages: int = 0) -> None:
        self.idle_s, self.ping_s, self.messages = idle_s, ping_s, messages
        self.send: Callable[[bytes], None] = lambda _: None
        self.closed = self.is_over = False

    def advance(self, now_ms: int) -> None:
        """Have no market."""

    def open_socket(self, path: str, send: Callable[[bytes], None], params: object = None) -> Talker | None:
        del params
        self.send = send
        return self if path == "/talk" else None

    def receive(self, text: str | bytes) -> None:
        del text
        for number in range(self.messages):
            # Short ones, those of two bytes of length, and one beyond.
            self.send(str(number).encode() * (1, 60, 20_000)[number % 3])

    def close(self) -> None:
        self.closed = True


@asynccontextmanager
async def served(face: Talker) -> AsyncIterator[str]:
    clock = SystemClock()
    server = VenueServer(face, FaultDice((), 0), None, RequestLog(None), clock, clock, SkewedClock(clock))  # type: ignore[arg-type]
    runner = web.ServerRunner(web.Server(server.handle, access_log=None), shutdown_timeout=0.2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"ws://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def test_who_says_nothing_is_cut() -> None:
    face = Talker(idle_s=0.3)
    async with served(face) as root, aiohttp.ClientSession() as client, client.ws_connect(f"{root}/talk") as socket:
        began = time.monotonic()
        message = await socket.receive(5)
        assert message.type in {aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED}
        assert 0.2 < time.monotonic() - began < 3
    assert face.closed


async def test_who_answers_when_asked_is_kept() -> None:
    face = Talker(idle_s=0.6, ping_s=0.2, messages=1)
    async with served(face) as root, aiohttp.ClientSession() as client, client.ws_connect(f"{root}/talk") as socket:
        # The client's library answers pings while it reads.
        reading = asyncio.ensure_future(socket.receive())
        await asyncio.sleep(1.5)
        assert not reading.done()
        await socket.send_str("hello")
        assert (await asyncio.wait_for(reading, 2)).data == "0"


@pytest.mark.parametrize("when", ["at once", "after a message", "after a while"])
async def test_whom_the_venue_has_had_enough_of_is_cut(when: str) -> None:
    face = Talker(ping_s=0.1, messages=1)
    face.is_over = when == "at once"
    async with served(face) as root, aiohttp.ClientSession() as client, client.ws_connect(f"{root}/talk") as socket:
        if when != "at once":
            face.is_over = True
        if when == "after a message":
            await socket.send_str("hello")
        message = await socket.receive(5)
        assert message.type is aiohttp.WSMsgType.CLOSE
        assert message.data == aiohttp.WSCloseCode.POLICY_VIOLATION
    assert face.closed


async def test_messages_come_in_order_and_whole() -> None:
    async with (
        served(Talker(messages=300)) as root,
        aiohttp.ClientSession() as client,
        client.ws_connect(f"{root}/talk", max_msg_size=0) as socket,
    ):
        await socket.send_str("hello")
        for number in range(300):
            message = await socket.receive(5)
            assert message.data == str(number) * (1, 60, 20_000)[number % 3]


@pytest.mark.parametrize("size", [500, 50_000])
async def test_who_does_not_read_is_cut_before_what_waits_for_it_fills_the_memory(size: int) -> None:
    face = Talker()
    async with served(face) as root:
        host, port = root.removeprefix("ws://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        hello = ("GET /talk HTTP/1.1", f"Host: {host}", "Upgrade: websocket", "Connection: Upgrade")
        key = ("Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "", "")
        writer.write("\r\n".join(hello + key).encode())
        await reader.readuntil(b"\r\n\r\n")
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        said = 0
        while not face.closed:
            assert said < 2**28
            for _ in range(5_000_000 // size):
                face.send(bytes(size))
                said += size
            await asyncio.sleep(0.02)
        assert said > 2**26
        writer.transport.abort()
        await asyncio.sleep(0)


async def test_where_there_is_no_socket_it_says_404() -> None:
    async with served(Talker()) as root, aiohttp.ClientSession() as client:
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await client.ws_connect(f"{root}/elsewhere")
        assert caught.value.status == 404


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [("", 600), ("1m", 60), ("45s", 45), ("10s", 30), ("90m", 600), ("soon", 600), ("m", 600), ("99999s", 600)],
)
def test_a_private_socket_may_ask_to_be_cut_sooner(asked: str, seconds: float) -> None:
    source = SeededMarket(1, "bybit", ("BTCUSDT",), parse_time("2024-01-19"), parse_time("2024-01-20"))
    history = History(source, newest_first=True)
    world = World(source, history, parse_time("2024-01-20"))
    limit = BurstLimit(Rate(None, 5.0), 0.0, SystemClock())
    venue = BybitVenue(source, history, world, [Member("k", "s", {"USDT": Decimal(1)})], SystemClock(), limit)
    params: dict[str, Any] = {"max_active_time": asked} if asked else {}
    session = venue.open_socket("/v5/private", lambda _: None, params)
    assert session is not None
    assert (session.idle_s, session.ping_s) == (seconds, 0.0)

"""The way out to a socket: what waits to be written, and what faults do to it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import msgspec
from aiohttp import WSMsgType

from real_trade.exchange.edits import EDITS, edited
from real_trade.exchange.faults import Where

if TYPE_CHECKING:
    from aiohttp import web

    from real_trade.exchange.faults import FaultDice, Strike

# What a message is under way: clients count on noting what they have asked before they are answered (pybit notes it
# after sending), and on a busy machine that takes them a while.
_LATENCY_S: Final = 0.02
# Bytes that may wait for a client that does not read: here, and as many again on their way out.
_MOST_BYTES: Final = 2**26


class _Event(msgspec.Struct):
    """What happened to an account of Binance's spot market, in the envelope of its request socket."""

    e: str = ""


class _Topic(msgspec.Struct):
    """What a message is about, in the words of either venue."""

    topic: str = ""
    op: str = ""
    stream: str = ""
    e: str = ""
    type: str = ""
    event: _Event = msgspec.field(default_factory=_Event)


_topic_of = msgspec.json.Decoder(_Topic)


class Outlet:
    """What waits to be written to a socket: whoever speaks does not wait for the wire.

    Args:
        dice: decides on faults.

    Attributes:
        is_silent: a fault has silenced the connection: it stays open, and nothing passes.
    """

    def __init__(self, dice: FaultDice) -> None:
        self._dice = dice
        self._waiting: list[bytes | float] = []
        self._bytes = 0
        self._wake = asyncio.Event()
        self._held: bytes | None = None
        self._transport: asyncio.Transport | None = None
        self.is_silent = False

    def send(self, message: bytes) -> None:
        """Take a message."""
        if self.is_silent:
            return
        if self._dice.strikes(Where.STREAM):
            strike = self._dice.throw(Where.STREAM, _target(message))
            if strike is not None:
                self._strike(message, strike)
                return
        self._put(message)

    def _put(self, message: bytes) -> None:
        self._waiting.append(message)
        self._bytes += len(message)
        if self._held is not None:
            self._waiting.append(self._held)
            self._held = None
        self._wake.set()
        if self._bytes > _MOST_BYTES:
            self._leave()

    def _leave(self) -> None:
        """Cut off a client that is too slow: it would not read a farewell either."""
        if self._transport is not None:
            self._transport.abort()

    def _strike(self, message: bytes, strike: Strike) -> None:
        name = strike.name
        if name == "stream_drop":
            if self._transport is not None:
                self._transport.abort()
        elif name == "stream_silence":
            self.is_silent = True
        elif name == "stream_twice":
            self._put(message)
            asyncio.get_running_loop().call_later(strike.argument, self._put, message)
        elif name == "stream_swap":
            self._held = message
        elif name == "stream_delay":
            self._waiting.append(strike.argument)
            self._put(message)
        elif name == "stream_cut":
            self._put(message[: len(message) // 2])
        elif name in EDITS:
            self._put(edited(message, EDITS[name]))
        # What is lost is not put: stream_loss, and book_gap, whose snapshots come through.
        elif name == "book_gap" and b'"snapshot"' in message:
            self._put(message)

    async def write(self, socket: web.WebSocketResponse, transport: asyncio.Transport | None) -> None:
        """Write what waits, for ever; a client that does not read is left."""
        self._transport = transport
        while not socket.closed:
            await self._wake.wait()
            await asyncio.sleep(_LATENCY_S)
            self._wake.clear()
            batch, self._waiting, self._bytes = self._waiting, [], 0
            try:
                await self._write_all(batch, socket)
            except ConnectionError:
                return
            if transport is not None and transport.get_write_buffer_size() > _MOST_BYTES:
                self._leave()
                return

    async def _write_all(self, batch: list[bytes | float], socket: web.WebSocketResponse) -> None:
        frames: list[bytes] = []
        last = batch.pop()
        for message in batch:
            if isinstance(message, float):
                self._put_on_wire(frames)
                await asyncio.sleep(message)
            else:
                frames += (_head(len(message)), message)
        self._put_on_wire(frames)
        if isinstance(last, bytes):
            # The library's own way, which waits until the wire has taken what is before it.
            await socket.send_frame(last, WSMsgType.TEXT)

    def _put_on_wire(self, frames: list[bytes]) -> None:
        """Hand frames over together: a call into the system for each would take most of the time."""
        if frames and self._transport is not None:
            self._transport.write(b"".join(frames))
            frames.clear()


def _head(length: int) -> bytes:
    """Return the head of an unmasked text frame (RFC 6455, 5.2)."""
    if length < 126:
        return bytes((0x81, length))
    if length < 65_536:
        return b"\x81\x7e" + length.to_bytes(2, "big")
    return b"\x81\x7f" + length.to_bytes(8, "big")


def _target(message: bytes) -> str:
    """Return what a message is about: its topic, stream, event or operation; empty where it says none.

    >>> _target(b'{"subscriptionId":0,"event":{"e":"executionReport","x":"NEW"}}')
    'executionReport'
    """
    try:
        found = _topic_of.decode(message)
    except msgspec.DecodeError:
        return ""
    return found.topic or found.stream or found.e or found.event.e or found.op

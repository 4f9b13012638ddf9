"""HTTP and sockets around a venue's face: limits, faults, the request log."""

from __future__ import annotations

import asyncio
import json
import os
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from aiohttp import WSMsgType, web

from real_trade.exchange.answers import Answer, Query
from real_trade.exchange.clock import SteppingClock
from real_trade.exchange.pages import CLEAN, Blemish
from real_trade.model import StorageError

if TYPE_CHECKING:
    from pathlib import Path

    from real_trade.exchange.answers import VenueFace
    from real_trade.exchange.faults import FaultDice, Strike
    from real_trade.model import Clock

_PULSE_S: Final = 0.02
# Market time that passes at once where it goes as fast as it can.
_STEP_MS: Final = 1_000
_LONGEST_FRAME: Final = 2**20
# Messages that may wait for a client that does not read.
_MOST_WAITING: Final = 100_000
_GATEWAY_PAGE = b"<html><head><title>%d</title></head><body><center><h1>%d %s</h1></center></body></html>"
_GATEWAY_WORDS = {500: b"Internal Server Error", 502: b"Bad Gateway", 503: b"Service Unavailable"}
_BLEMISHES = {"missing_bar": Blemish(drop=True), "revised_bar": Blemish(revise=True)}


class RequestLog:
    """One JSON line per request, each written at once.

    Args:
        path: the file, appended to; None keeps no log.

    Raises:
        StorageError: the file cannot be opened.
    """

    def __init__(self, path: Path | None) -> None:
        try:
            self._file = None if path is None else os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        except OSError as error:
            raise StorageError(
                f"The log {path} cannot be written: {error.strerror}.",
                code="cannot_write",
                field="log",
                value=str(path),
                fix="Name a file in a folder that exists.",
            ) from error

    def write(self, line: dict[str, object]) -> None:
        """Append a line."""
        if self._file is not None:
            os.write(self._file, json.dumps(line, separators=(",", ":")).encode() + b"\n")

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


class VenueServer:
    """Serves one venue's face.

    Args:
        face: the venue.
        dice: decides on faults.
        log: where requests are noted.
        machine: the machine's clock.
        market: market time.
    """

    def __init__(self, face: VenueFace, dice: FaultDice, log: RequestLog, machine: Clock, market: Clock) -> None:
        self._face = face
        self._dice = dice
        self._log = log
        self._clock = machine
        self._market = market

    async def pulse(self) -> None:
        """Keep the market going, and its streams told, for ever."""
        while True:
            if isinstance(self._market, SteppingClock):
                self._market.step(_STEP_MS)
            self._face.advance(self._market.now_ms())
            self._face.pulse()
            await asyncio.sleep(0 if isinstance(self._market, SteppingClock) else _PULSE_S)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._hold(request)
        at = self._clock.now_ms()
        self._face.advance(self._market.now_ms())
        headers = {name.lower(): value for name, value in request.headers.items()}
        body = await request.read() if request.can_read_body else b""
        query = Query(
            request.method, request.path, dict(request.query), raw=request.rel_url.raw_query_string, headers=headers,
            body=body,
        )  # fmt: skip
        refusal = self._face.admit(query)
        strike = None
        if refusal is None:
            has_rows = "kline" in query.path.lower()
            strike = self._dice.throw(has_rows=has_rows)
            blemish = CLEAN if strike is None else _BLEMISHES.get(strike.name, CLEAN)
            answer = self._answer(replace(query, blemish=blemish), strike)
        else:
            answer = refusal
        self._note(at, request, query, answer, strike)
        if strike is not None and strike.name == "slow":
            await asyncio.sleep(strike.argument)
        if strike is not None and strike.name == "reset":
            _reset(request)
        headers = {**self._face.limit_headers(query), **answer.headers}
        if strike is not None and strike.name == "truncated":
            return await _cut_off(request, answer, headers)
        return web.Response(status=answer.status, body=answer.body, headers=headers, content_type=answer.content_type)

    async def _hold(self, request: web.BaseRequest) -> web.StreamResponse:
        """Hold a socket until the client leaves."""
        socket = web.WebSocketResponse(autoping=True, max_msg_size=_LONGEST_FRAME)
        outlet = _Outlet(socket)
        session = self._face.open_socket(request.path, outlet.send)
        if session is None:
            return web.Response(status=404, text="404 page not found")
        await socket.prepare(request)
        writer = asyncio.create_task(outlet.write())
        try:
            async for message in socket:
                if message.type in {WSMsgType.TEXT, WSMsgType.BINARY}:
                    self._face.advance(self._market.now_ms())
                    session.receive(message.data)
        finally:
            session.close()
            writer.cancel()
        return socket

    def _answer(self, query: Query, strike: Strike | None) -> Answer:
        name = "" if strike is None else strike.name
        if strike is not None and name == "error_5xx":
            status = int(strike.argument)
            page = _GATEWAY_PAGE % (status, status, _GATEWAY_WORDS.get(status, b"Error"))
            return Answer(status, page, code=status, content_type="text/html")
        if strike is not None and name == "rate_10006":
            return self._face.throttled(query, strike.argument)
        answer = self._face.answer(query)
        if name == "cut_json":
            return Answer(answer.status, answer.body[: len(answer.body) // 2], answer.code, answer.rows)
        return answer

    def _note(self, at: int, request: web.BaseRequest, query: Query, answer: Answer, strike: Strike | None) -> None:
        line: dict[str, object] = {
            "time": at,
            "method": query.method,
            "path": query.path,
            "query": request.query_string,
            "status": answer.status,
            "code": answer.code,
            "fault": None if strike is None else strike.name,
            "rows": answer.rows,
        }
        self._log.write(line)


class _Outlet:
    """What waits to be written to a socket: whoever speaks does not wait for the wire."""

    def __init__(self, socket: web.WebSocketResponse) -> None:
        self._socket = socket
        self._waiting: list[bytes] = []
        self._wake = asyncio.Event()

    def send(self, message: bytes) -> None:
        """Take a message."""
        self._waiting.append(message)
        self._wake.set()

    async def write(self) -> None:
        """Write what waits, for ever; a client that does not read is left."""
        while not self._socket.closed:
            await self._wake.wait()
            self._wake.clear()
            batch, self._waiting = self._waiting, []
            try:
                for message in batch:
                    await self._socket.send_frame(message, WSMsgType.TEXT)
            except ConnectionError:
                return
            if len(self._waiting) > _MOST_WAITING:
                await self._socket.close(code=1008, message=b"too slow")
                return


def _reset(request: web.BaseRequest) -> None:
    """Drop the connection without a word."""
    if request.transport is not None:
        request.transport.abort()


async def _cut_off(request: web.BaseRequest, answer: Answer, headers: dict[str, str]) -> web.StreamResponse:
    """Promise the whole body, send half of it and hang up."""
    response = web.StreamResponse(status=answer.status, headers=headers)
    response.content_type = answer.content_type
    response.content_length = len(answer.body)
    await response.prepare(request)
    await response.write(answer.body[: len(answer.body) // 2])
    if request.transport is not None:
        request.transport.close()
    return response

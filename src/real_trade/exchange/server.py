"""HTTP and sockets around a venue's face: limits, faults, the request log."""

from __future__ import annotations

import asyncio
import json
import os
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from aiohttp import WSCloseCode, WSMsgType, web

from real_trade.exchange.answers import Answer, Query
from real_trade.exchange.clock import SteppingClock
from real_trade.exchange.edits import EDITS, edited
from real_trade.exchange.faults import Where
from real_trade.exchange.outlet import Outlet
from real_trade.exchange.pages import CLEAN, Blemish
from real_trade.model import StorageError

if TYPE_CHECKING:
    from pathlib import Path

    from real_trade.exchange.answers import Session, VenueFace
    from real_trade.exchange.clock import SkewedClock
    from real_trade.exchange.faults import FaultDice, FaultPlan, Strike
    from real_trade.exchange.shocks import Shocks
    from real_trade.model import Clock

_PULSE_S: Final = 0.02
# Market time that passes at once where it goes as fast as it can.
_STEP_MS: Final = 1_000
_LONGEST_FRAME: Final = 2**20
# Answers that a stale one may be taken from.
_MOST_KEPT: Final = 1_000
# What differs each time that the same is asked, and who asks.
_PASSING: Final = re.compile(r"(?:^|&)(?:timestamp|recvWindow|signature)=[^&]*")
_WHO: Final = ("x-bapi-api-key", "x-mbx-apikey")
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
        shocks: carries out those of the market.
        log: where requests and faults are noted.
        machine: the machine's clock.
        market: market time.
        venue_clock: the venue's own, whose error a fault may set.
    """

    def __init__(
        self,
        face: VenueFace,
        dice: FaultDice,
        shocks: Shocks,
        log: RequestLog,
        machine: Clock,
        market: Clock,
        venue_clock: SkewedClock,
    ) -> None:
        self._face, self._dice, self._shocks, self._log = face, dice, shocks, log
        self._clock, self._market, self._venue_clock = machine, market, venue_clock
        self._last: dict[tuple[str, str, str, str], Answer] = {}

    async def pulse(self) -> None:
        """Keep the market going, and its streams told, for ever."""
        while True:
            self.step()
            await asyncio.sleep(0 if isinstance(self._market, SteppingClock) else _PULSE_S)

    def step(self) -> None:
        """Let the market go on to now, faults of it happen, and tell the streams."""
        if isinstance(self._market, SteppingClock):
            self._market.step(_STEP_MS)
        self._face.advance(self._market.now_ms())
        for plan in self._dice.due():
            self._happen(plan)
        self._face.pulse()

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
        strike = None
        answer = self._face.admit(query)
        if answer is None:
            strike = self._dice.throw(Where.REQUEST, query.path)
            if strike is not None:
                answer = self._not_carried_out(query, strike)
            else:
                strike = self._dice.throw(Where.ANSWER, query.path)
                answer = self._carried_out(query, strike)
        self._note(at, request, query, answer, strike)
        return await self._deliver(request, query, answer, strike)

    def _not_carried_out(self, query: Query, strike: Strike) -> Answer:
        """Return what the client gets instead of an answer."""
        if strike.name == "rate_10006":
            return self._face.throttled(query, strike.argument)
        if strike.name == "ip_ban":
            return self._face.banned(query, strike.argument)
        if strike.name == "maintenance":
            return self._face.maintained(query)
        return _gateway_page(int(strike.argument) if strike.name == "error_5xx" else 0)

    def _carried_out(self, query: Query, strike: Strike | None) -> Answer:
        """Return the answer, as a fault leaves it."""
        name = "" if strike is None else strike.name
        if name == "cancel_race":
            number = self._face.order_named(query)
            if number is not None:
                self._shocks.fill(number)
        key = _question(query)
        if name == "stale_answer" and key in self._last:
            return self._last[key]
        answer = self._face.answer(replace(query, blemish=_BLEMISHES.get(name, CLEAN)))
        if self._dice.strikes(Where.ANSWER) and query.method == "GET":
            self._last.pop(key, None)
            self._last[key] = answer
            if len(self._last) > _MOST_KEPT:
                del self._last[next(iter(self._last))]
        if strike is not None and name == "error_after":
            return _gateway_page(int(strike.argument))
        if name == "timed_out":
            return self._face.timed_out(query)
        if name == "cut_json":
            return replace(answer, body=answer.body[: len(answer.body) // 2])
        if name in EDITS:
            return replace(answer, body=edited(answer.body, EDITS[name]))
        return answer

    async def _deliver(
        self, request: web.BaseRequest, query: Query, answer: Answer, strike: Strike | None
    ) -> web.StreamResponse:
        name = "" if strike is None else strike.name
        if strike is not None and name in {"slow", "no_answer"}:
            await asyncio.sleep(strike.argument)
        if name in {"reset", "lost_answer", "no_answer"}:
            _reset(request)
        headers = {**self._face.limit_headers(query), **answer.headers}
        if name == "truncated":
            return await _cut_off(request, answer, headers)
        return web.Response(status=answer.status, body=answer.body, headers=headers, content_type=answer.content_type)

    async def _hold(self, request: web.BaseRequest) -> web.StreamResponse:
        """Hold a socket until the client leaves or says nothing for too long, or the venue or a fault cuts it."""
        outlet = Outlet(self._dice)
        session = self._face.open_socket(request.path, outlet.send, dict(request.query))
        if session is None:
            return web.Response(status=404, text="404 page not found")
        # Not compressed: frames are put together by hand.
        socket = web.WebSocketResponse(
            autoping=not self._dice.strikes(Where.STREAM),
            receive_timeout=session.idle_s,
            max_msg_size=_LONGEST_FRAME,
            compress=False,
        )
        await socket.prepare(request)
        tasks = [asyncio.create_task(outlet.write(socket, request.transport))]
        if session.ping_s:
            tasks.append(asyncio.create_task(_ping(socket, session)))
        try:
            if session.is_over:
                await socket.close(code=WSCloseCode.POLICY_VIOLATION)
            await self._listen(socket, outlet, session)
        except TimeoutError:
            await socket.close()
        finally:
            session.close()
            for task in tasks:
                task.cancel()
        return socket

    async def _listen(self, socket: web.WebSocketResponse, outlet: Outlet, session: Session) -> None:
        async for message in socket:
            if outlet.is_silent:
                continue
            if message.type is WSMsgType.PING:
                await socket.pong(message.data)
            elif message.type in {WSMsgType.TEXT, WSMsgType.BINARY}:
                self._face.advance(self._market.now_ms())
                session.receive(message.data)
                if session.is_over:
                    await socket.close(code=WSCloseCode.POLICY_VIOLATION)

    def _happen(self, plan: FaultPlan) -> None:
        """Let a fault of the market happen."""
        if plan.name == "clock_skew":
            self._venue_clock.error_ms = int(plan.argument)
        elif plan.name == "book_restart":
            self._face.restart_books()
        elif plan.name == "listen_key_expired":
            self._face.expire_listen_keys()
        else:
            self._shocks.happen(plan)

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


async def _ping(socket: web.WebSocketResponse, session: Session) -> None:
    """Ask a client now and then whether it is there, until the venue has had enough of it."""
    while not socket.closed:
        await asyncio.sleep(session.ping_s)
        if session.is_over:
            await socket.close(code=WSCloseCode.POLICY_VIOLATION)
            return
        try:
            await socket.ping()
        except ConnectionError:
            return  # the client has gone meanwhile


def _question(query: Query) -> tuple[str, str, str, str]:
    """Return who asks for what, however often it is asked."""
    who = next((query.headers[name] for name in _WHO if name in query.headers), "")
    return query.method, query.path, who, _PASSING.sub("", query.raw)


def _gateway_page(status: int) -> Answer:
    page = _GATEWAY_PAGE % (status, status, _GATEWAY_WORDS.get(status, b"Error"))
    return Answer(status, page, code=status, content_type="text/html")


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

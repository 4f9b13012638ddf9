"""The HTTP client against small servers that misbehave in one way each."""

from __future__ import annotations

import asyncio
import importlib.util
import time
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from real_trade.bybit import wire
from real_trade.bybit.history import BybitHistory
from real_trade.model import ConfigError, Market, RateLimited, SafetyRefusal, VenueError
from real_trade.utils.http import Answer, HttpClient, Transient, proxy_for
from real_trade.utils.pacing import Pacer

GOOD = b'{"retCode":0,"retMsg":"OK","result":{"timeSecond":"1700000000","timeNano":"1700000000123456789"},"time":1}'


@asynccontextmanager
async def serving(handler: Any) -> Any:
    runner = web.ServerRunner(web.Server(handler))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = site._server.sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


def scripted(*answers: Any) -> Any:
    """Serve the answers in turn, the last one for ever; note when each was asked for."""
    asked = []

    async def handler(request: web.BaseRequest) -> Any:
        answer = answers[min(len(asked), len(answers) - 1)]
        asked.append(time.monotonic())
        return answer() if callable(answer) else answer

    return handler, asked


def good() -> Any:
    return web.Response(body=GOOD)


@pytest.mark.parametrize(
    "bad",
    [
        lambda: web.Response(status=502, text="<html>"),
        lambda: web.Response(body=GOOD[:40]),
        lambda: web.Response(body=b'{"retCode":10016,"retMsg":"Server error","result":{}}'),
        lambda: web.Response(body=b'{"retCode":0,"retMsg":"OK","result":{}}'),
    ],
    ids=["5xx", "cut", "server error", "empty result"],
)
async def test_what_is_no_answer_is_asked_again(bad: Any) -> None:
    handler, asked = scripted(bad, bad, good)
    async with serving(handler) as url:
        source = BybitHistory(Market.LINEAR, url)
        assert await source.server_time_ms() == 1700000000123
        await source.close()
    assert len(asked) == 3
    assert (source.traffic.requests, source.traffic.retries, source.traffic.waits) == (3, 2, 0)


async def test_a_ban_stops_every_request_for_as_long_as_the_venue_says() -> None:
    banned = web.Response(status=403, text="access too frequent", headers={"Retry-After": "1"})
    refused_at = []

    async def handler(request: web.BaseRequest) -> Any:
        if not refused_at or time.monotonic() - refused_at[0] < 0.9:
            refused_at.append(time.monotonic())
            return web.Response(status=banned.status, text=banned.text, headers=banned.headers)
        return good()

    told = []
    async with serving(handler) as url:
        source = BybitHistory(Market.LINEAR, url)
        source.on_wait(lambda seconds, reason: told.append((seconds, reason)))
        await asyncio.gather(*(source.server_time_ms() for _ in range(6)))
        await source.close()
    assert told == [(1.0, "Bybit's limit per address was passed (HTTP 403)")]  # once, though several met it
    assert source.traffic.waits == 1
    assert source.traffic.waited_s == 1.0
    assert max(refused_at) - min(refused_at) < 0.5  # silence, not one attempt after the other


async def test_too_many_visits_wait_for_the_reset_that_the_header_names() -> None:
    def throttled() -> Any:
        reset = str(int(time.time() * 1000) + 700)
        headers = {"X-Bapi-Limit": "600", "X-Bapi-Limit-Status": "0", "X-Bapi-Limit-Reset-Timestamp": reset}
        return web.Response(body=b'{"retCode":10006,"retMsg":"Too many visits!","result":{}}', headers=headers)

    handler, asked = scripted(throttled, good)
    async with serving(handler) as url:
        source = BybitHistory(Market.LINEAR, url)
        await source.server_time_ms()
        await source.close()
    assert 0.65 < asked[1] - asked[0] < 2.0
    assert source.traffic.waits == 1


async def test_when_the_allowance_is_nearly_gone_the_pace_slackens_before_the_venue_refuses() -> None:
    def nearly() -> Any:
        headers = {
            "X-Bapi-Limit": "600",
            "X-Bapi-Limit-Status": "2",
            "X-Bapi-Limit-Reset-Timestamp": str(int(time.time() * 1000) + 500),
        }
        return web.Response(body=GOOD, headers=headers)

    handler, asked = scripted(nearly, good)
    async with serving(handler) as url:
        source = BybitHistory(Market.LINEAR, url)
        await source.server_time_ms()
        await source.server_time_ms()
        await source.close()
    assert asked[1] - asked[0] > 0.45
    assert source.traffic.waits == 0


async def test_a_ban_of_days_is_not_waited_for() -> None:
    handler, asked = scripted(lambda: web.Response(status=403, headers={"Retry-After": "259200"}))
    async with serving(handler) as url:
        source = BybitHistory(Market.LINEAR, url)
        with pytest.raises(RateLimited):
            await source.server_time_ms()
        await source.close()
    assert len(asked) == 1


async def test_a_country_that_is_not_served_is_no_ban() -> None:
    handler, _ = scripted(lambda: web.Response(status=403, text="configured to block access from your country"))
    async with serving(handler) as url:
        source = BybitHistory(Market.LINEAR, url)
        with pytest.raises(VenueError) as caught:
            await source.server_time_ms()
        await source.close()
    assert caught.value.code == "venue_restricted"


async def test_repeats_are_bounded_and_the_error_names_address_and_reason() -> None:
    handler, asked = scripted(lambda: web.Response(status=503))
    async with serving(handler) as url:
        client = HttpClient(url, lambda: Pacer(100, 1, burst=5, in_flight=5), attempts=4)
        with pytest.raises(VenueError) as caught:
            await client.get("/v5/market/time", {}, wire.read_time)
        await client.close()
    assert len(asked) == 4
    assert f"{url}/v5/market/time" in str(caught.value)
    assert "HTTP 503" in str(caught.value)


async def test_an_answer_that_does_not_come_in_time_is_asked_for_again() -> None:
    async def slow_once(request: web.BaseRequest) -> Any:
        count.append(1)
        await asyncio.sleep(0.6 if len(count) == 1 else 0)
        return web.Response(text="here")

    count = []
    async with serving(slow_once) as url:
        client = HttpClient(url, lambda: Pacer(100, 1, burst=5, in_flight=5), timeout_s=0.2)
        assert await client.get("/", {}, lambda answer: answer.body) == b"here"
        await client.close()
    assert client.traffic.retries == 1


async def test_a_connection_cut_in_the_body_is_asked_for_again() -> None:
    async def cut_once(request: web.BaseRequest) -> Any:
        count.append(1)
        if len(count) > 1:
            return web.Response(text="whole")
        response = web.StreamResponse()
        response.content_length = 100
        await response.prepare(request)
        await response.write(b"half")
        request.transport.close()
        return response

    count = []
    async with serving(cut_once) as url:
        client = HttpClient(url, lambda: Pacer(100, 1, burst=5, in_flight=5))
        assert await client.get("/", {}, lambda answer: answer.body) == b"whole"
        await client.close()


def test_plain_http_leaves_this_machine_never() -> None:
    for url in ("http://api.bybit.com", "http://10.0.0.1:80", "http://127.0.0.1.example.com"):
        with pytest.raises(SafetyRefusal) as caught:
            BybitHistory(Market.LINEAR, url)
        assert caught.value.exit_code == 4
    with pytest.raises(ConfigError):
        BybitHistory(Market.LINEAR, "api.bybit.com")


@pytest.mark.parametrize(
    ("url", "setting", "chosen"),
    [
        ("https://api.bybit.com", "http://proxy:3128", "http://proxy:3128"),
        ("https://api.bybit.com", "", None),
        ("https://api.bybit.com", None, "http://system:8080"),
        ("https://internal.example.com", None, None),
        ("http://127.0.0.1:8000", "http://proxy:3128", None),
        ("http://localhost:8000", None, None),
        ("https://api.bybit.com", "socks5://proxy:1080", "socks5://proxy:1080"),
    ],
)
def test_which_proxy_is_used(monkeypatch: pytest.MonkeyPatch, url: str, setting: Any, chosen: Any) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("https_proxy", "http://system:8080")
    monkeypatch.setenv("http_proxy", "http://system:8080")
    monkeypatch.setenv("no_proxy", "internal.example.com")
    assert proxy_for(url, setting) == chosen


def test_a_proxy_that_is_none_is_refused_without_telling_its_password() -> None:
    with pytest.raises(ConfigError) as caught:
        proxy_for("https://api.bybit.com", "gopher://me:word@proxy")
    assert "word" not in str(caught.value.to_dict())


async def test_requests_go_through_the_proxy_that_is_given() -> None:
    """A proxy on this machine is asked to connect to the venue; it notes the name and refuses."""
    wanted = []

    async def proxy(reader: Any, writer: Any) -> None:
        wanted.append((await reader.readline()).decode().split()[:2])
        writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(proxy, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        source = BybitHistory(Market.LINEAR, "https://venue.invalid", proxy=f"http://127.0.0.1:{port}")
        with pytest.raises(VenueError):
            await source.server_time_ms()
        await source.close()
    assert wanted[0] == ["CONNECT", "venue.invalid:443"]


@pytest.mark.skipif(importlib.util.find_spec("aiohttp_socks") is not None, reason="the extra is installed")
async def test_a_socks_proxy_without_the_extra_says_what_to_install() -> None:
    source = BybitHistory(Market.LINEAR, "https://venue.invalid", proxy="socks5://127.0.0.1:9")
    with pytest.raises(ConfigError, match=r"real-trade\[socks\]"):
        await source.server_time_ms()
    await source.close()


def test_the_documented_ban_is_ten_minutes() -> None:
    with pytest.raises(RateLimited) as caught:
        wire.read_time(Answer(403, {}, b"access too frequent"))
    assert caught.value.retry_after_s == 600.0
    with pytest.raises(Transient):
        wire.read_time(Answer(200, {}, b"[]"))

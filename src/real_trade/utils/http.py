"""HTTP as the venues need it: paced, retried, safe, through a proxy where one is wanted."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final, TypeVar
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from real_trade.model.clock import SystemClock
from real_trade.model.errors import ConfigError, RateLimited, VenueError
from real_trade.utils.pacing import shared_pacer
from real_trade.utils.settings_secret import mask_userinfo
from real_trade.utils.settings_urls import check_url, is_loopback

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import aiohttp

    from real_trade.utils.pacing import Pacer

Result = TypeVar("Result")

_SOCKS: Final = frozenset({"socks", "socks4", "socks5", "socks5h"})
# An address where nobody ever answered is given up sooner than a venue that stumbles.
_ATTEMPTS_FIRST: Final = 4
_STOPS: Final = 5
_PAUSE_MAX_S: Final = 5.0
_STOP_MAX_S: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: status, headers (any case) and the whole body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def date_ms(self) -> int | None:
        """Return when it was sent by the other side's clock, whole seconds in ms UTC; None where it does not say."""
        try:
            return int(parsedate_to_datetime(self.headers.get("Date", "")).timestamp()) * 1000
        except ValueError:
            return None

    def now_ms(self) -> int | None:
        """Return the other side's time; this machine's clock tells the part of a second where both agree."""
        said_ms = self.date_ms()
        here_ms = SystemClock().now_ms()
        return here_ms if said_ms is not None and 0 <= here_ms - said_ms < 1500 else said_ms


class Transient(Exception):
    """Raised by a reader: this answer is no answer, ask again."""


@dataclass(slots=True)
class Traffic:
    """What a client did so far.

    Attributes:
        requests: requests sent, repeats included.
        retries: requests repeated after a failure.
        waits: times that the venue made everything stop.
        waited_s: seconds of these stops.
    """

    requests: int = 0
    retries: int = 0
    waits: int = 0
    waited_s: float = 0.0


def proxy_for(url: str, setting: str | None) -> str | None:
    """Return the proxy to use for a URL, or None.

    Args:
        url: where the requests go; this machine is never reached through a proxy.
        setting: None takes the system's, empty text none, other text names the proxy.

    Raises:
        ConfigError: the setting is no proxy address.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if is_loopback(host) or setting == "":
        return None
    if setting is None:
        system = getproxies()
        if proxy_bypass(host):
            return None
        setting = system.get(parts.scheme) or system.get("all")
        if setting is None:
            return None
    given = urlsplit(setting)
    if given.scheme not in _SOCKS | {"http", "https"} or not given.hostname:
        raise ConfigError(
            "The proxy is not an address.",
            code="bad_proxy",
            field="proxy",
            value=mask_userinfo(setting),
            fix="Write it as http://host:port or socks5://host:port.",
        )
    return setting


class HttpClient:
    """Asks one venue: paced, with bounded repeats, and silent for as long as the venue wishes.

    Args:
        base_url: scheme and host; plain http to this machine only, else `SafetyRefusal`.
        make_pacer: makes what holds the venue's limit; clients of one allowance share it.
        allowance: what the venue counts together; the base URL unless given.
        proxy: None for the system's, empty for none, or an address.
        observe: tells the pacer what the headers of an answer say about the allowance.
        timeout_s: seconds for one request, body included.
        attempts: times that one request is sent before it is given up; fewer while nobody has ever answered.
    """

    def __init__(
        self,
        base_url: str,
        make_pacer: Callable[[], Pacer],
        *,
        allowance: str | None = None,
        proxy: str | None = None,
        observe: Callable[[Answer, Pacer], None] | None = None,
        timeout_s: float = 30.0,
        attempts: int = 12,
    ) -> None:
        check_url("rest_url", base_url)
        self.base_url = base_url.rstrip("/")
        self.traffic = Traffic()
        self.on_wait: Callable[[float, str], None] | None = None
        self._make_pacer = make_pacer
        self._allowance = allowance or self.base_url
        self._proxy = proxy_for(self.base_url, proxy)
        self._observe = observe
        self._timeout_s = timeout_s
        self._attempts = attempts
        self._session: aiohttp.ClientSession | None = None
        self._answered = False

    async def close(self) -> None:
        """Give the connections back."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def get(
        self,
        path: str,
        params: Mapping[str, str | int],
        read: Callable[[Answer], Result],
        *,
        cost: float = 1,
    ) -> Result:
        """Ask until ``read`` accepts the answer.

        Args:
            path: begins with a slash.
            params: query parameters.
            read: turns an answer into a result; raises `Transient` for "ask again", `RateLimited` for "everybody
                wait", any other error for "no use asking again".
            cost: what the venue charges for this request.

        Raises:
            VenueError: no acceptable answer after a bounded number of repeats, or a ban of more than an hour.
        """
        pacer = shared_pacer(self._allowance, self._make_pacer)
        failures = stops = 0
        while True:
            try:
                async with pacer.slot(cost):
                    answer = await self._send(path, params, pacer)
                return read(answer)
            except Transient as reason:
                failures += 1
                if failures >= (self._attempts if self._answered else min(self._attempts, _ATTEMPTS_FIRST)):
                    raise self._gave_up(path, failures, str(reason)) from reason
                self.traffic.retries += 1
                await asyncio.sleep(_backoff_s(failures))
            except RateLimited as limit:
                stops += 1
                self.traffic.retries += 1
                if stops > _STOPS or limit.retry_after_s > _STOP_MAX_S:
                    raise
                self._stop(limit, pacer)

    def _stop(self, limit: RateLimited, pacer: Pacer) -> None:
        if not pacer.stop_all(limit.retry_after_s):
            return
        self.traffic.waits += 1
        self.traffic.waited_s += limit.retry_after_s
        if self.on_wait is not None:
            self.on_wait(limit.retry_after_s, limit.message)

    async def _send(self, path: str, params: Mapping[str, str | int], pacer: Pacer) -> Answer:
        import aiohttp

        if self._session is None:
            self._session = self._open_session(pacer.in_flight)
        self.traffic.requests += 1
        url = self.base_url + path
        proxy = self._proxy if self._proxy is not None and urlsplit(self._proxy).scheme not in _SOCKS else None
        try:
            async with self._session.get(url, params=params, proxy=proxy, allow_redirects=False) as response:
                self._answered = True
                body = await response.read()
        except TimeoutError:
            raise Transient(f"no answer within {self._timeout_s:g} s") from None
        except aiohttp.ClientError as error:
            raise Transient(f"{type(error).__name__}: {error}") from error
        answer = Answer(response.status, response.headers, body)
        if answer.status >= 500:
            raise Transient(f"HTTP {answer.status}")
        if self._observe is not None:
            self._observe(answer, pacer)
        return answer

    def _open_session(self, pool: int) -> aiohttp.ClientSession:
        import aiohttp

        connector: aiohttp.BaseConnector
        if self._proxy is not None and urlsplit(self._proxy).scheme in _SOCKS:
            connector = _socks_connector(self._proxy, pool)
        else:
            connector = aiohttp.TCPConnector(limit=pool, ttl_dns_cache=300)
        return aiohttp.ClientSession(
            connector=connector,
            timeout=aiohttp.ClientTimeout(total=self._timeout_s, connect=10),
            trust_env=False,  # proxies are chosen by proxy_for, which spares this machine
            read_bufsize=1 << 18,
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    def _gave_up(self, path: str, attempts: int, reason: str) -> VenueError:
        return VenueError(
            f"{self.base_url}{path} gave no usable answer in {attempts} attempts: {reason}.",
            field="rest_url",
            value=self.base_url,
            fix="Check the network, the proxy and the address, then run again: what arrived is kept.",
        )


def _backoff_s(failures: int) -> float:
    # Half fixed, half by chance, so that many clients do not come back together.
    pause = min(_PAUSE_MAX_S, 0.2 * 2.0 ** (failures - 1))
    return pause * (0.5 + 0.5 * random.random())  # noqa: S311 - spreads load, guards nothing


def _socks_connector(proxy: str, pool: int) -> aiohttp.BaseConnector:
    try:
        from aiohttp_socks import ProxyConnector
    except ImportError:
        raise ConfigError(
            "A SOCKS proxy needs the package aiohttp-socks.",
            code="missing_extra",
            field="proxy",
            value=mask_userinfo(proxy),
            fix="Install the extra: real-trade[socks].",
        ) from None
    scheme, _, rest = proxy.partition("://")
    known = "socks4" if scheme == "socks4" else "socks5"
    connector: aiohttp.BaseConnector = ProxyConnector.from_url(f"{known}://{rest}", limit=pool)
    return connector

"""Keep requests below a venue's limit, whatever happens: bursts, slow answers, restarts.

The limit is "so much per sliding window, counted when a request arrives". Arrival times are unknown; a request
arrives some time between its start and its answer. Two rules together hold the limit without knowing them:

1. Tokens drip at a steady rate into a bucket that starts empty and holds at most ``burst``.
2. At most ``in_flight`` requests wait for their answer at any time.

What can arrive in one window was either started in it (at most rate x window + burst) or was under way when it
began (at most ``in_flight`` requests). The rate is chosen so that the sum is the limit. Since the bucket starts
empty, a process that dies and is started again adds nothing to the sum.

Where the venue tells with each answer how much of its allowance is left, that is the truth and replaces the
tokens: what is left may be used at once.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable


class Pacer:
    """Hands out the right to send, at most ``limit`` of cost per window.

    Args:
        limit: cost allowed per window by the venue.
        window_s: length of the window in seconds.
        burst: cost that may be caught up at once after a pause; no request may cost more.
        in_flight: requests that may be under way at once.
        cost_max: cost of each of the requests that run concurrently.
        now: time in seconds; the event loop's by default.
        sleep: coroutine that waits for so many seconds.
    """

    def __init__(
        self,
        limit: float,
        window_s: float,
        *,
        burst: float,
        in_flight: int,
        cost_max: float = 1,
        now: Callable[[], float] | None = None,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self.rate = (limit - burst - in_flight * cost_max) / window_s
        if self.rate <= 0:
            raise ValueError(f"limit {limit} leaves nothing beside burst {burst} and {in_flight} requests in flight")
        self.in_flight = in_flight
        self._burst = burst
        self._now = now if now is not None else lambda: asyncio.get_running_loop().time()
        self._sleep = sleep
        self._cost_max = cost_max
        self._tokens = 0.0
        self._filled_at: float | None = None
        self._held_until = self._stopped_until = float("-inf")
        self._turn = asyncio.Lock()
        self._places = asyncio.Semaphore(in_flight)

    @asynccontextmanager
    async def slot(self, cost: float = 1) -> AsyncIterator[None]:
        """Wait for the turn, then hold one of the places until the answer is there."""
        if cost > self._burst:
            raise ValueError(f"cost {cost} is above the burst {self._burst}")
        async with self._places:
            async with self._turn:
                await self._wait_for(cost)
            yield

    def left(self, allowance: float) -> None:
        """Take notice that the venue says how much of its present window is left.

        Requests under way may not be in its count yet; their cost is set aside.
        """
        self._fill(self._now())
        self._tokens = allowance - self.in_flight * self._cost_max

    def hold(self, seconds: float) -> None:
        """Let no request start for so many seconds: a matter of pace, since the allowance is nearly used up."""
        self._held_until = max(self._held_until, self._now() + seconds)

    def stop_all(self, seconds: float) -> bool:
        """Let no request start for so many seconds: the venue said so. Tell whether that is news.

        Requests that were under way meet the same refusal; only the first one tells something new.
        """
        now = self._now()
        news = self._stopped_until <= now
        self._stopped_until = max(self._stopped_until, now + seconds)
        return news

    async def _wait_for(self, cost: float) -> None:
        while True:
            now = self._now()
            self._fill(now)
            pause = max(self._held_until - now, self._stopped_until - now, (cost - self._tokens) / self.rate)
            # Rounding may leave a rest of 1e-16 tokens, which no sleep would ever fill.
            if pause <= 1e-9:
                self._tokens -= cost
                return
            await self._sleep(pause)

    def _fill(self, now: float) -> None:
        if self._filled_at is not None:
            dripped = min(self._burst, self._tokens + (now - self._filled_at) * self.rate)
            self._tokens = max(self._tokens, dripped)
        self._filled_at = now


# By event loop, since what waits in one cannot be woken from another; then by name of the allowance.
_SHARED: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, Pacer]]] = WeakKeyDictionary()


def shared_pacer(allowance: str, make: Callable[[], Pacer]) -> Pacer:
    """Return the pacer of an allowance, one for all who use it in the running event loop.

    Args:
        allowance: what the venue counts together, such as its base URL.
        make: makes it for the first one who asks.
    """
    pacers = _SHARED.setdefault(asyncio.get_running_loop(), {})
    if allowance not in pacers:
        pacers[allowance] = make()
    return pacers[allowance]

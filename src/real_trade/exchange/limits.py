"""Rate limits as the venues keep them. Times are the machine's, since that is what the far side measures by."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from real_trade.model import Clock

# Requests already under way when a limit is hit are forgiven for so long.
_GRACE_MS = 2_000
# A limit resets so far ahead at least when it is told.
_SOON_MS = 50


@dataclass(frozen=True, slots=True)
class Rate:
    """So many units within so many seconds; no units means no limit."""

    units: int | None
    seconds: float


class BurstLimit:
    """Requests within a sliding window; who exceeds it is banned for a while (Bybit, per IP).

    Args:
        rate: requests and seconds.
        ban_s: length of the ban.
        clock: the machine's.
    """

    def __init__(self, rate: Rate, ban_s: float, clock: Clock) -> None:
        self._rate = rate
        self._ban_ms = int(ban_s * 1000)
        self._clock = clock
        self._times: deque[int] = deque()
        self._banned_until_ms = 0

    def admit(self) -> bool:
        """Count a request; false if it is refused."""
        now = self._clock.now_ms()
        if now < self._banned_until_ms:
            return False
        self._forget(now)
        if self._rate.units is not None and len(self._times) >= self._rate.units:
            self._banned_until_ms = now + self._ban_ms
            return False
        self._times.append(now)
        return True

    def ban(self, wait_s: float) -> None:
        """Refuse everything for so long."""
        self._banned_until_ms = self._clock.now_ms() + int(wait_s * 1000)

    def now_ms(self) -> int:
        """Return the time that the limit goes by."""
        return self._clock.now_ms()

    def ban_left_s(self) -> int:
        """Return the whole seconds until the ban is over, rounded up."""
        return _seconds(max(0, self._banned_until_ms - self._clock.now_ms()))

    @property
    def units(self) -> int | None:
        """Return how many requests a window takes, None without a limit."""
        return self._rate.units

    def remaining(self) -> int:
        """Return how many requests are left in the window; 0 without a limit."""
        self._forget(self._clock.now_ms())
        return (self._rate.units or len(self._times)) - len(self._times)

    def _forget(self, now: int) -> None:
        horizon = now - int(self._rate.seconds * 1000)
        while self._times and self._times[0] <= horizon:
            self._times.popleft()


class Pace:
    """Units within a sliding second, each group of calls on its own; who exceeds it waits (Bybit, per account).

    Args:
        clock: the machine's.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._times: dict[tuple[int, str], deque[int]] = {}

    def take(self, account: int, group: str, most: int, units: int = 1) -> tuple[bool, int, int]:
        """Count units; return whether they fit, how many are left, and when the oldest counted is forgotten (ms)."""
        now = self._clock.now_ms()
        times = self._times.setdefault((account, group), deque())
        while times and times[0] <= now - 1_000:
            times.popleft()
        if len(times) + units > most:
            # Clients sleep until then, and fail where that is past when they read it.
            return False, 0, max((times[0] if times else now) + 1_001, now + _SOON_MS)
        times.extend([now] * units)
        return True, most - len(times), now


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request over the limit.

    Attributes:
        wait_s: seconds until it may be asked again.
        banned_until_ms: end of the ban; 0 for a warning.
    """

    wait_s: int
    banned_until_ms: int = 0


class WeightLimit:
    """Weight within fixed windows: first a warning, then a ban for whoever goes on (Binance, per IP).

    Args:
        rate: weight and seconds; windows begin at multiples of their length.
        ban_s: length of the ban.
        clock: the machine's.
    """

    def __init__(self, rate: Rate, ban_s: float, clock: Clock) -> None:
        self._units = rate.units
        self._window_ms = int(rate.seconds * 1000)
        self._ban_ms = int(ban_s * 1000)
        self._clock = clock
        self._window = 0
        self._used = 0
        self._warned_ms: int | None = None
        self._banned_until_ms = 0

    @property
    def used(self) -> int:
        """Return the weight used in the present window."""
        self._turn(self._clock.now_ms())
        return self._used

    @property
    def units(self) -> int | None:
        """Return the weight of a window, None without a limit."""
        return self._units

    def ban(self, wait_s: float) -> None:
        """Refuse everything for so long."""
        self._banned_until_ms = self._clock.now_ms() + int(wait_s * 1000)

    def admit(self, weight: int) -> Refusal | None:
        """Count a request; return the refusal if there is one."""
        now = self._clock.now_ms()
        if now < self._banned_until_ms:
            return Refusal(_seconds(self._banned_until_ms - now), self._banned_until_ms)
        self._turn(now)
        self._used += weight
        if self._units is None or self._used <= self._units:
            return None
        if self._warned_ms is not None and now - self._warned_ms > _GRACE_MS:
            self._banned_until_ms = now + self._ban_ms
            return Refusal(_seconds(self._ban_ms), self._banned_until_ms)
        if self._warned_ms is None:
            self._warned_ms = now
        return Refusal(_seconds((self._window + 1) * self._window_ms - now))

    def _turn(self, now: int) -> None:
        window = now // self._window_ms
        if window != self._window:
            self._window, self._used, self._warned_ms = window, 0, None


def _seconds(span_ms: int) -> int:
    return max(1, -(-span_ms // 1000))

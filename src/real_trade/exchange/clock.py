"""The market's clock: starts where it is told and runs as fast as it is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from real_trade.model import Clock


class MarketClock:
    """Market time, driven by a machine clock.

    Args:
        machine: the clock that drives it.
        start_ms: market time at the moment of creation.
        speed: market seconds per machine second; 0 stands still.
    """

    def __init__(self, machine: Clock, start_ms: int, speed: float = 1.0) -> None:
        self._machine = machine
        self._began_ms = machine.now_ms()
        self._start_ms = start_ms
        self._speed = speed

    def now_ms(self) -> int:
        """Return the market time in milliseconds UTC."""
        return self._start_ms + int((self._machine.now_ms() - self._began_ms) * self._speed)

    def step(self, by_ms: int) -> None:
        """Let time pass at once."""
        self._start_ms += by_ms


class SteppingClock:
    """Market time that is pushed on by whoever plays the market, as fast as that goes.

    Args:
        start_ms: market time at the beginning.
    """

    def __init__(self, start_ms: int) -> None:
        self._now_ms = start_ms

    def now_ms(self) -> int:
        """Return the market time in milliseconds UTC."""
        return self._now_ms

    def step(self, by_ms: int) -> None:
        """Let time pass."""
        self._now_ms += by_ms


class SkewedClock:
    """A clock that may be wrong.

    Args:
        clock: the right one.

    Attributes:
        error_ms: how far it is ahead.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.error_ms = 0

    def now_ms(self) -> int:
        """Return the time as this clock has it, in milliseconds UTC."""
        return self._clock.now_ms() + self.error_ms

"""The pacer holds a sliding-window limit whatever the delays, the order of answers and the restarts."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from real_trade.utils.pacing import Pacer, shared_pacer

LIMIT, WINDOW = 60, 5.0


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time jumps to the next timer instead of passing."""

    def __init__(self) -> None:
        super().__init__()
        self._virtual = 0.0

    def time(self) -> Any:
        return self._virtual

    def _run_once(self) -> None:
        if not self._ready and self._scheduled:
            self._virtual = max(self._virtual, self._scheduled[0].when())
        super()._run_once()


def run_virtual(work: Any) -> Any:
    loop = VirtualLoop()
    try:
        return loop.run_until_complete(work)
    finally:
        loop.close()


def most_in_a_window(arrivals: Any) -> Any:
    window, most = deque(), 0
    for at in sorted(arrivals):
        window.append(at)
        while window[0] <= at - WINDOW:
            window.popleft()
        most = max(most, len(window))
    return most


def make() -> Any:
    return Pacer(LIMIT, WINDOW, burst=4, in_flight=6)


async def send_all(pacer: Any, count: Any, chance: Any, arrivals: Any, latency: Any) -> None:
    """Send so many requests; each arrives at some time between its start and its answer."""
    loop = asyncio.get_running_loop()

    async def one() -> None:
        async with pacer.slot():
            took = chance.choice(latency) * chance.random()
            arrivals.append(loop.time() + took * chance.random())
            await asyncio.sleep(took)

    await asyncio.gather(*(one() for _ in range(count)))


LATENCIES = st.sampled_from([(0.001,), (0.02, 0.3), (0.05, 4.0), (7.0,)])


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), LATENCIES, st.lists(st.floats(0, 8), max_size=3))
def test_no_window_ever_sees_more_than_the_limit(seed: int, latency: Any, pauses: Any) -> None:
    chance, arrivals = random.Random(seed), []

    async def work() -> None:
        pacer = make()
        for pause in [*pauses, 0.0]:
            await send_all(pacer, 150, chance, arrivals, latency)
            await asyncio.sleep(pause)

    run_virtual(work())
    assert len(arrivals) == 150 * (len(pauses) + 1)
    assert most_in_a_window(arrivals) <= LIMIT


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.lists(st.floats(0.01, 3.0), min_size=1, max_size=30))
def test_no_window_sees_more_when_the_process_is_killed_and_started_again(seed: int, lives: Any) -> None:
    chance, arrivals = random.Random(seed), []

    async def work() -> None:
        for life in lives:
            try:
                async with asyncio.timeout(life):
                    await send_all(make(), 1000, chance, arrivals, (0.001, 0.2))
            except TimeoutError:
                pass

    run_virtual(work())
    assert most_in_a_window(arrivals) <= LIMIT


def test_the_limit_is_nearly_used_when_answers_are_quick() -> None:
    async def work() -> Any:
        arrivals = []
        await send_all(make(), 500, random.Random(1), arrivals, (0.01,))
        return asyncio.get_running_loop().time()

    # 10 a second of the 12 allowed: what is set aside for bursts and requests under way.
    assert run_virtual(work()) == pytest.approx(500 / ((LIMIT - 10) / WINDOW), rel=0.02)


def test_when_stopped_nothing_starts_and_only_the_first_one_is_told() -> None:
    async def work() -> None:
        pacer, starts = make(), []
        loop = asyncio.get_running_loop()

        async def one() -> None:
            async with pacer.slot():
                starts.append(loop.time())

        await asyncio.gather(*(one() for _ in range(10)))
        begun = loop.time()
        assert [pacer.stop_all(30.0), pacer.stop_all(20.0), pacer.stop_all(40.0)] == [True, False, False]
        await asyncio.gather(*(one() for _ in range(10)))
        assert min(starts[10:]) == pytest.approx(begun + 40.0)
        assert pacer.stop_all(1.0)

    run_virtual(work())


def test_what_the_venue_says_is_left_may_be_used_at_once_and_no_more() -> None:
    async def work() -> Any:
        pacer = Pacer(600, 60, burst=20, in_flight=10, cost_max=2)
        loop = asyncio.get_running_loop()
        async with pacer.slot(2):
            pass
        pacer.left(500)
        begun, done = loop.time(), 0
        while True:
            async with pacer.slot(2):
                done += 1
            if loop.time() > begun:
                return done

    assert run_virtual(work()) == (500 - 20) // 2 + 1


def test_costs_are_charged() -> None:
    async def work() -> Any:
        pacer = Pacer(600, 60, burst=20, in_flight=10, cost_max=2)
        for _ in range(30):
            async with pacer.slot(20):
                pass
        return asyncio.get_running_loop().time(), pacer.rate

    took, rate = run_virtual(work())
    assert took == pytest.approx(30 * 20 / rate)


def test_impossible_settings_are_refused() -> None:
    with pytest.raises(ValueError, match="leaves nothing"):
        Pacer(10, 1, burst=5, in_flight=5)

    async def too_dear() -> None:
        async with make().slot(5):
            pass

    with pytest.raises(ValueError, match="above the burst"):
        run_virtual(too_dear())


def test_clients_of_one_allowance_share_a_pacer() -> None:
    async def work() -> Any:
        first, second, other = (shared_pacer(name, make) for name in ("a", "a", "b"))
        assert first is second
        assert first is not other
        return first

    assert run_virtual(work()) is not run_virtual(work())

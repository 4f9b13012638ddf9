"""Every indicator: against a slow and independent reckoning, blind to the future, and the same without a compiler."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from engine_markets import random_klines
from hypothesis import given, settings
from hypothesis import strategies as st

from real_trade.kernels.indicators import (
    INDICATORS,
    bollinger_bands,
    relative_strength,
    rolling_deviation,
    rolling_sum,
    rolling_vwap,
    rolling_z_score,
    session_vwap,
)
from real_trade.kernels.jit import plain

if TYPE_CHECKING:
    from collections.abc import Callable

DAY = 86_400_000
Columns = dict[str, np.ndarray]
NAN = math.nan

# The columns that each indicator takes, and whether a length and a width follow.
CALLS: dict[str, tuple[tuple[str, ...], bool]] = {
    "average_true_range": (("high", "low", "close"), True),
    "bollinger_bands": (("close",), True),
    "exponential_mean": (("close",), True),
    "momentum": (("close",), True),
    "realised_volatility": (("close",), True),
    "relative_strength": (("close",), True),
    "rolling_deviation": (("close",), True),
    "rolling_max": (("high",), True),
    "rolling_mean": (("close",), True),
    "rolling_min": (("low",), True),
    "rolling_sum": (("volume",), True),
    "rolling_vwap": (("high", "low", "close", "volume"), True),
    "rolling_z_score": (("close",), True),
    "session_vwap": (("time", "high", "low", "close", "volume"), False),
    "true_range": (("high", "low", "close"), False),
    "wilder_mean": (("close",), True),
}
# A value of these depends on this many rows and no others; the other indicators remember for ever, or for the day.
ROWS_BEHIND = {
    "bollinger_bands": 0,
    "momentum": 1,
    "realised_volatility": 1,
    "rolling_deviation": 0,
    "rolling_max": 0,
    "rolling_mean": 0,
    "rolling_min": 0,
    "rolling_sum": 0,
    "rolling_vwap": 0,
    "rolling_z_score": 0,
}


def columns_of(seed: int, bars: int, start_minute: int = 0) -> Columns:
    """Return bars 37 minutes apart, so that a few dozen cross midnight; some trade nothing."""
    klines = random_klines(seed, bars)
    ticks = {name: np.rint(getattr(klines, name) * 100).astype(np.int64) for name in ("high", "low", "close")}
    volume = np.where(np.random.default_rng(seed).random(bars) < 0.2, 0.0, klines.volume)
    time = klines.timestamp[0] + (start_minute + 37 * np.arange(bars, dtype=np.int64)) * 60_000
    return {**ticks, "volume": volume, "time": time}


def call(name: str, columns: Columns, length: int, *, function: Callable[..., Any] | None = None) -> list[np.ndarray]:
    names, has_length = CALLS[name]
    arguments: list[Any] = [columns[column] for column in names]
    if has_length:
        arguments.append(length)
    if name == "bollinger_bands":
        arguments.append(1.5)
    found = (function or INDICATORS[name].function)(*arguments)
    return list(found) if isinstance(found, tuple) else [found]


# --- the slow reckonings: one row at a time, from its rows alone ---


def windows(values: list[Any], length: int) -> list[list[Any] | None]:
    return [values[row + 1 - length : row + 1] if row + 1 >= length else None for row in range(len(values))]


def smoothed(values: list[float], length: int, share: float) -> list[float]:
    means = [NAN] * len(values)
    for row in range(length - 1, len(values)):
        is_first = row == length - 1
        means[row] = (
            math.fsum(values[:length]) / length if is_first else (1 - share) * means[row - 1] + share * values[row]
        )
    return means


def deviation(window: list[int]) -> float:
    mean = Fraction(sum(window), len(window))
    return math.sqrt(sum((value - mean) ** 2 for value in window) / len(window))


def ranges(c: dict[str, list[Any]]) -> list[float]:
    before = [c["close"][0], *c["close"][:-1]] if c["close"] else []
    return [
        max(high - low, abs(high - last), abs(low - last))
        for high, low, last in zip(c["high"], c["low"], before, strict=True)
    ]


def strength(close: list[int], length: int) -> list[float]:
    changes = [later - earlier for earlier, later in pairwise(close)]
    rises = [NAN, *smoothed([max(change, 0) for change in changes], length, 1 / length)]
    falls = [NAN, *smoothed([max(-change, 0) for change in changes], length, 1 / length)]
    return [
        50.0 if rise == fall == 0 else (100.0 if fall == 0 else 100 - 100 / (1 + rise / fall))
        for rise, fall in zip(rises, falls, strict=True)
    ][: len(close)]


def weighted(c: dict[str, list[Any]], rows: list[int]) -> float:
    volume = math.fsum(c["volume"][row] for row in rows)
    value = math.fsum((c["high"][row] + c["low"][row] + c["close"][row]) / 3 * c["volume"][row] for row in rows)
    return value / volume if volume > 0 else NAN


def session(c: dict[str, list[Any]]) -> list[float]:
    days = [stamp // DAY for stamp in c["time"]]
    return [
        NAN
        if day == days[0] and c["time"][0] % DAY
        else weighted(c, [row for row in range(last + 1) if days[row] == day])
        for last, day in enumerate(days)
    ]


def each(values: list[Any], length: int, figure: Callable[[list[Any]], float]) -> list[float]:
    return [NAN if window is None else figure(window) for window in windows(values, length)]


def volatility(close: list[int], length: int) -> list[float]:
    squares = [((later - earlier) / earlier) ** 2 for earlier, later in pairwise(close)]
    return [NAN, *each(squares, length, lambda w: math.sqrt(math.fsum(w) / length))][: len(close)]


def score(window: list[int]) -> float:
    spread = deviation(window)
    return float(window[-1] - Fraction(sum(window), len(window))) / spread if spread else 0.0


def bands(close: list[int], length: int) -> list[list[float]]:
    middle = each(close, length, lambda w: sum(w) / length)
    half = each(close, length, deviation)
    return [[m + side * 1.5 * h for m, h in zip(middle, half, strict=True)] for side in (-1, 0, 1)]


ORACLES: dict[str, Callable[[dict[str, list[Any]], int], list[list[float]]]] = {
    "average_true_range": lambda c, n: [smoothed(ranges(c), n, 1 / n)],
    "bollinger_bands": lambda c, n: bands(c["close"], n),
    "exponential_mean": lambda c, n: [smoothed(c["close"], n, 2 / (n + 1))],
    "momentum": lambda c, n: [each(c["close"], n + 1, lambda w: w[-1] - w[0])],
    "realised_volatility": lambda c, n: [volatility(c["close"], n)],
    "relative_strength": lambda c, n: [strength(c["close"], n)],
    "rolling_deviation": lambda c, n: [each(c["close"], n, deviation)],
    "rolling_max": lambda c, n: [each(c["high"], n, max)],
    "rolling_mean": lambda c, n: [each(c["close"], n, lambda w: sum(w) / n)],
    "rolling_min": lambda c, n: [each(c["low"], n, min)],
    "rolling_sum": lambda c, n: [each(c["volume"], n, math.fsum)],
    "rolling_vwap": lambda c, n: [each(list(range(len(c["close"]))), n, lambda rows: weighted(c, rows))],
    "rolling_z_score": lambda c, n: [each(c["close"], n, score)],
    "session_vwap": lambda c, _: [session(c)],
    "true_range": lambda c, _: [ranges(c)],
    "wilder_mean": lambda c, n: [smoothed(c["close"], n, 1 / n)],
}

drawn = given(
    seed=st.integers(0, 2**31), bars=st.integers(1, 90), length=st.integers(1, 40), minute=st.sampled_from([0, 1, 700])
)


def test_every_entry_of_the_registry_has_its_reckoning() -> None:
    assert set(INDICATORS) == set(CALLS) == set(ORACLES)
    assert list(INDICATORS) == sorted(INDICATORS)
    for name, indicator in INDICATORS.items():
        assert plain(indicator.function).__name__ == name
        assert indicator.doc and indicator.source


@pytest.mark.parametrize("name", sorted(INDICATORS))
@settings(max_examples=25, deadline=None)
@drawn
def test_it_equals_the_slow_reckoning(name: str, seed: int, bars: int, length: int, minute: int) -> None:
    columns = columns_of(seed, bars, minute)
    expected = ORACLES[name]({key: column.tolist() for key, column in columns.items()}, length)
    for found, wanted in zip(call(name, columns, length), expected, strict=True):
        assert found.dtype == np.float64
        np.testing.assert_allclose(found, wanted, rtol=1e-11, atol=1e-9)


@pytest.mark.parametrize("name", sorted(INDICATORS))
@settings(max_examples=25, deadline=None)
@drawn
def test_it_does_not_see_the_future(name: str, seed: int, bars: int, length: int, minute: int) -> None:
    columns = columns_of(seed, bars, minute)
    whole = call(name, columns, length)
    for stop in {1, bars // 3 + 1, bars // 2 + 1, bars}:
        known = {key: column[:stop] for key, column in columns.items()}
        for found, full in zip(call(name, known, length), whole, strict=True):
            np.testing.assert_array_equal(found, full[:stop])


@pytest.mark.parametrize("name", sorted(ROWS_BEHIND))
@settings(max_examples=25, deadline=None)
@drawn
def test_a_window_forgets_to_the_last_bit(name: str, seed: int, bars: int, length: int, minute: int) -> None:
    columns = columns_of(seed, bars, minute)
    first = bars // 3
    late = {key: column[first:] for key, column in columns.items()}
    ready = length - 1 + ROWS_BEHIND[name]
    for found, full in zip(call(name, late, length), call(name, columns, length), strict=True):
        assert np.isnan(found[:ready]).all()
        np.testing.assert_array_equal(found[ready:], full[first + ready :])


@settings(max_examples=25, deadline=None)
@drawn
def test_a_session_forgets_the_day_before(seed: int, bars: int, length: int, minute: int) -> None:
    columns = columns_of(seed, bars, minute)
    late = {key: column[bars // 3 :] for key, column in columns.items()}
    full = call("session_vwap", columns, length)[0][bars // 3 :]
    found = call("session_vwap", late, length)[0]
    is_later_day = late["time"] // DAY > late["time"][0] // DAY
    np.testing.assert_array_equal(found[is_later_day], full[is_later_day])


@pytest.mark.parametrize("name", sorted(INDICATORS))
@settings(max_examples=10, deadline=None)
@drawn
def test_the_python_behind_it_gives_the_same_bits(name: str, seed: int, bars: int, length: int, minute: int) -> None:
    columns = columns_of(seed, bars, minute)
    slow = call(name, columns, length, function=plain(INDICATORS[name].function))
    for found, wanted in zip(call(name, columns, length), slow, strict=True):
        np.testing.assert_array_equal(found, wanted)


def digest_of_all() -> str:
    import hashlib

    digest = hashlib.sha256()
    for name in sorted(CALLS):
        for length in (1, 14, 60):
            for array in call(name, columns_of(5, 1500, 700), length):
                # One bit pattern for every NaN.
                digest.update(np.where(np.isnan(array), -1.0, array).tobytes())
    return digest.hexdigest()


def test_without_numba_nothing_changes() -> None:
    program = (
        "import importlib.util\n"
        f"spec = importlib.util.spec_from_file_location('by_hand', {__file__!r})\n"
        "module = importlib.util.module_from_spec(spec)\n"
        "spec.loader.exec_module(module)\n"
        "print(module.digest_of_all())\n"
    )
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.strip() == digest_of_all()


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    offset=st.sampled_from([0, 10**4, 10**7, 10**9, -(10**8), 2**45, 2**52]),
    spread=st.sampled_from([0, 1, 3, 1000, 10**6, 2**40]),
    window=st.integers(1, 200),
)
def test_a_deviation_is_exact_at_any_height(seed: int, offset: int, spread: int, window: int) -> None:
    """Small moves on high prices are where the textbook formula fails; huge values take the second path."""
    values = offset + np.random.default_rng(seed).integers(-spread, spread + 1, 260)
    expected = each(values.tolist(), window, deviation)
    np.testing.assert_allclose(rolling_deviation(values, window), expected, rtol=4e-15, atol=0.0)


@pytest.mark.parametrize("window", [1, 24, 1440, 10_080])
def test_the_limit_of_exact_sums_is_safe(window: int) -> None:
    """Values up to where integer sums end, at the last one, and from there to where squares leave 64 bits."""
    largest = int(math.sqrt(2.0**61 / window))
    beyond = [int(math.sqrt(2.0**power / window)) for power in (61.5, 62.0, 62.5, 63.0, 63.5, 64.0, 65.0)]
    for edge in (1, largest // 2, largest, largest + 1, *beyond):
        tolerance = 5e-16 if edge <= largest else 1e-12
        values = np.full(window + 3, edge, np.int64)
        values[::2] = -edge
        # Over an odd number of rows the two signs do not balance.
        expected = edge * math.sqrt(1 - 1 / window**2) if window % 2 else float(edge)
        found = rolling_deviation(values, window)[window - 1 :]
        np.testing.assert_allclose(found, expected, rtol=tolerance, atol=0.0)
        assert (rolling_deviation(np.full(window + 3, edge, np.int64), window)[window - 1 :] == 0.0).all()


def test_values_beyond_the_limit_leave_no_trace() -> None:
    values = np.arange(100, dtype=np.int64) % 7
    spoiled = values.copy()
    spoiled[40] = 2**50
    found, clean = rolling_deviation(spoiled, 10), rolling_deviation(values, 10)
    same = np.r_[9:40, 50:100]
    np.testing.assert_array_equal(found[same], clean[same])
    assert (found[40:50] > 1e14).all()


@pytest.mark.parametrize("window", [1, 2, 1439, 8191, 8192, 8193, 20_000])
def test_long_sums_cross_the_chunks(window: int) -> None:
    values = np.random.default_rng(1).random(20_000) * 1e6
    found = rolling_sum(values, window)
    assert np.isnan(found[: window - 1]).all()
    for row in {window - 1, *range(window - 1, 20_000, 991), 19_999}:
        exact = math.fsum(values[row + 1 - window : row + 1].tolist())
        assert abs(found[row] - exact) <= 2 * math.log2(2 * window) * 2.0**-53 * exact


def test_edges_are_as_documented() -> None:
    flat = np.full(30, 500, np.int64)
    assert relative_strength(flat, 14)[14:].tolist() == [50.0] * 16
    assert relative_strength(np.arange(1, 31), 14)[14:].tolist() == [100.0] * 16
    assert relative_strength(np.arange(31, 1, -1), 14)[14:].tolist() == [0.0] * 16
    assert (rolling_z_score(flat, 5)[4:] == 0.0).all()
    lower, middle, upper = bollinger_bands(flat, 5, 2.0)
    assert lower[4:].tolist() == middle[4:].tolist() == upper[4:].tolist() == [500.0] * 26
    nothing = np.zeros(30)
    assert np.isnan(rolling_vwap(flat, flat, flat, nothing, 5)).all()
    assert np.isnan(session_vwap(np.arange(30) * 60_000, flat, flat, flat, nothing)).all()
    late = DAY - 10 * 60_000 + np.arange(30) * 60_000
    vwap = session_vwap(late, flat, flat, flat, nothing + 1.0)
    assert np.isnan(vwap[:10]).all()
    assert vwap[10:].tolist() == [500.0] * 20


def test_wilders_worked_figures() -> None:
    """Fourteen changes worked by hand: rises 3.34 and falls 1.40 in all give 100 * 3.34 / 4.74."""
    close = np.array(
        [4434, 4409, 4415, 4361, 4433, 4483, 4510, 4542, 4584, 4608, 4589, 4603, 4561, 4628, 4628], np.int64
    )
    assert relative_strength(close, 14)[14] == pytest.approx(100 * 334 / 474, abs=1e-12)

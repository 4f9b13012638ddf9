"""Indicators over columns of bars: row i uses rows up to i only, and is NaN until there are enough of them.

Prices are int64 ticks, volume is float64, results are float64 of the same length, in ticks unless a docstring says
otherwise. Two kinds of memory:

* **A window** (rolling and session figures): a value depends on the rows of its window and on nothing before them, to
  the last bit. Integers are summed exactly; floats are summed in an order that the window alone decides.
* **Exponential** (exponential and Wilder means, RSI, average true range): the first value is the plain mean of the
  first ``length`` rows, and from there each value moves a fixed share towards the new row. After k more rows the start
  still weighs ``(1 - share)^k``: below 1e-9 after about 10.4 lengths (exponential) or 20.7 lengths (Wilder), and below
  the last bit of a float after 18.4 or 36.7.

Neither fast-math nor a logarithm is used, so compiled and plain code agree to the last bit.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from real_trade.kernels.jit import compiled
from real_trade.kernels.rolling import rolling_max, rolling_mean, rolling_min

if TYPE_CHECKING:
    from collections.abc import Callable

_DAY_MS = 86_400_000
# Rows summed at a time: temporaries stay in the processor's cache.
_CHUNK_ROWS = 8_192


@compiled
def exponential_mean(values: Any, length: int) -> Any:
    """Return the exponential mean that gives a new row the share 2 / (length + 1).

    Args:
        values: n numbers, none of them NaN.
        length: at least 1. Rows before ``length - 1`` are NaN, that row is the plain mean.

    Source: Roberts (1959), Technometrics 1, 239-250; the share as traders state it.
    """
    return _smoothed(values, length, 2.0 / (length + 1))


@compiled
def wilder_mean(values: Any, length: int) -> Any:
    """Return the exponential mean that gives a new row the share 1 / length.

    Arguments and first value as in `exponential_mean`.
    Source: Wilder, "New Concepts in Technical Trading Systems" (1978).
    """
    return _smoothed(values, length, 1.0 / length)


@compiled
def _smoothed(values: Any, length: int, share: float) -> Any:
    n = len(values)
    means = np.full(n, np.nan)
    if n < length:
        return means
    mean = 0.0
    for row in range(length):
        mean += values[row]
    mean /= length
    means[length - 1] = mean
    for row in range(length, n):
        mean += share * (values[row] - mean)
        means[row] = mean
    return means


@compiled
def relative_strength(close: Any, length: int) -> Any:
    """Return Wilder's relative strength index, 0 to 100: the share of rises in all movement, as Wilder means.

    The first value stands at row ``length``, which has that many changes behind it. Where nothing ever moved it is 50.
    Source: Wilder, "New Concepts in Technical Trading Systems" (1978).
    """
    n = len(close)
    index = np.full(n, np.nan)
    rises = 0.0
    falls = 0.0
    for row in range(1, n):
        change = close[row] - close[row - 1]
        rise = float(max(change, 0))
        fall = float(max(-change, 0))
        if row < length:
            rises += rise
            falls += fall
            continue
        if row == length:
            rises = (rises + rise) / length
            falls = (falls + fall) / length
        else:
            rises += (rise - rises) / length
            falls += (fall - falls) / length
        movement = rises + falls
        index[row] = 100.0 * rises / movement if movement > 0.0 else 50.0
    return index


@compiled
def true_range(high: Any, low: Any, close: Any) -> Any:
    """Return the range of each bar, stretched to the close before it; the first bar has only its own range.

    Source: Wilder, "New Concepts in Technical Trading Systems" (1978).
    """
    n = len(close)
    ranges = np.full(n, np.nan)
    for row in range(n):
        before = close[row - 1] if row > 0 else close[row]
        ranges[row] = max(high[row], before) - min(low[row], before)
    return ranges


@compiled
def average_true_range(high: Any, low: Any, close: Any, length: int) -> Any:
    """Return the Wilder mean of the true range; the first value stands at row ``length - 1``.

    Source: Wilder, "New Concepts in Technical Trading Systems" (1978).
    """
    return _smoothed(true_range(high, low, close), length, 1.0 / length)


@compiled
def momentum(values: Any, length: int) -> Any:
    """Return each row minus the row ``length`` before it.

    Source: Wilder, "New Concepts in Technical Trading Systems" (1978).
    """
    n = len(values)
    differences = np.full(n, np.nan)
    for row in range(length, n):
        differences[row] = values[row] - values[row - length]
    return differences


@compiled
def rolling_deviation(values: Any, window: int) -> Any:
    """Return the standard deviation (divisor ``window``) of the last ``window`` integers.

    With L = sqrt(2^61 / window), a window whose values all lie within +-L is summed exactly: at most ``window + 1``
    squares are held at once, so their sum stays below 2^62. With the sum S = q * window + r, 0 <= r < window, the
    squares about the whole number q are sum(x^2) - q * (S + r): integers again, below 2^63, and free of cancellation.
    Any other window is summed in two passes of floats, at the cost of its length. L is 3.1e8 ticks for 24 rows and
    4.0e7 for 1440.

    Source: Chan, Golub and LeVeque (1983), The American Statistician 37, 242-247, for shifted sums and two passes.
    """
    n = len(values)
    deviations = np.full(n, np.nan)
    largest = int(math.sqrt(2.0**61 / window))
    total = 0
    squares = 0
    beyond = 0
    for row in range(n):
        value = values[row]
        if abs(value) <= largest:
            total += value
            squares += value * value
        else:
            beyond += 1
        if row >= window:
            value = values[row - window]
            if abs(value) <= largest:
                total -= value
                squares -= value * value
            else:
                beyond -= 1
        if row >= window - 1:
            if beyond == 0:
                deviations[row] = math.sqrt(_exact_variance(total, squares, window))
            else:
                deviations[row] = math.sqrt(_two_pass_variance(values, row + 1 - window, row + 1))
    return deviations


@compiled
def _exact_variance(total: int, squares: int, window: int) -> float:
    mean = total // window
    rest = total - mean * window
    about_mean = squares - mean * (total + rest)
    if about_mean <= 2**62 // window:
        return float(window * about_mean - rest * rest) / float(window * window)
    # Here the first term exceeds 2^62 / window^2 and the second is below 1: nothing cancels.
    return float(about_mean) / window - (rest / window) ** 2


@compiled
def _two_pass_variance(values: Any, start: int, stop: int) -> float:
    window = stop - start
    mean = 0.0
    for row in range(start, stop):
        mean += float(values[row])
    mean /= window
    squares = 0.0
    rest = 0.0
    for row in range(start, stop):
        difference = float(values[row]) - mean
        squares += difference * difference
        rest += difference
    # Rounding of the mean leaves a rest; its square is taken off.
    return max(squares - rest * rest / window, 0.0) / window


@compiled
def rolling_z_score(values: Any, window: int) -> Any:
    """Return how many standard deviations each row lies above the mean of its window (no unit); 0 where all are equal.

    Source: the standard score, with mean and deviation (divisor ``window``) of the last ``window`` rows.
    """
    deviations = rolling_deviation(values, window)
    means = rolling_mean(values, window)
    scores = np.full(len(values), np.nan)
    for row in range(window - 1, len(values)):
        scores[row] = (values[row] - means[row]) / deviations[row] if deviations[row] > 0.0 else 0.0
    return scores


@compiled
def bollinger_bands(close: Any, window: int, width: float) -> tuple[Any, Any, Any]:
    """Return the lower band, the mean and the upper band: the mean of the window, ``width`` deviations either side.

    Source: Bollinger, "Bollinger on Bollinger Bands" (2001).
    """
    middle = rolling_mean(close, window)
    half = rolling_deviation(close, window) * width
    return middle - half, middle, middle + half


@compiled
def rolling_sum(values: Any, window: int) -> Any:
    """Return the sum of the last ``window`` floats.

    Sums of 1, 2, 4, 8, ... neighbours are made by doubling, and the window is put together from those in its binary
    form: at most 2 log2(window) additions a row and as many roundings behind each value, and nothing left over from
    rows outside the window, unlike a running total.

    Source: Higham, "Accuracy and Stability of Numerical Algorithms" (2002), chapter 4, for pairwise sums.
    """
    n = len(values)
    sums = np.full(n, np.nan)
    chunk = max(_CHUNK_ROWS, window)
    for start in range(0, n - window + 1, chunk):
        part = values[start : start + chunk + window - 1]
        sums[start + window - 1 : start + len(part)] = _window_sums(part, window)
    return sums


@compiled
def _window_sums(values: Any, window: int) -> Any:
    rows = len(values) - window + 1
    sums = np.zeros(rows)
    # neighbours[j] is the sum of `count` rows from row j on.
    neighbours = values
    count = 1
    done = 0
    while done < window:
        if window // count % 2 == 1:
            sums = sums + neighbours[done : done + rows]
            done += count
        if done < window:
            neighbours = neighbours[count:] + neighbours[:-count]
            count *= 2
    return sums


@compiled
def realised_volatility(close: Any, window: int) -> Any:
    """Return the root mean square of the last ``window`` one-bar returns (a fraction per bar, not annualised).

    A return is close / close before - 1; the first value stands at row ``window``. The mean is taken to be 0: over
    bars this short it cannot be told from 0, and taking it off would only add noise.

    Source: Andersen and Bollerslev (1998), International Economic Review 39, 885-905, with simple returns for
    logarithmic ones.
    """
    n = len(close)
    volatility = np.full(n, np.nan)
    if n <= window:
        return volatility
    squares = np.zeros(n - 1)
    for row in range(1, n):
        change = (close[row] - close[row - 1]) / close[row - 1]
        squares[row - 1] = change * change
    volatility[1:] = np.sqrt(rolling_sum(squares, window) / window)
    return volatility


@compiled
def rolling_vwap(high: Any, low: Any, close: Any, volume: Any, window: int) -> Any:
    """Return the mean of the typical price (high + low + close) / 3 over the last ``window`` bars, weighted by volume.

    NaN where the window traded nothing.
    Source: Berkowitz, Logue and Noser (1988), Journal of Finance 43, 97-112; the typical price stands for the trades
    inside a bar.
    """
    traded = rolling_sum(volume, window)
    value = rolling_sum((high + low + close) * volume, window)
    vwap = np.full(len(close), np.nan)
    for row in range(window - 1, len(close)):
        if traded[row] > 0.0:
            vwap[row] = value[row] / (3.0 * traded[row])
    return vwap


@compiled
def session_vwap(time_ms: Any, high: Any, low: Any, close: Any, volume: Any) -> Any:
    """Return the mean of the typical price since 00:00 UTC, weighted by volume.

    NaN until the day has traded, and on a first day of which the bars do not begin at 00:00: what was traded before
    them is not known. ``time_ms`` is the opening time of each bar. Source: as `rolling_vwap`.
    """
    n = len(close)
    vwap = np.full(n, np.nan)
    traded = 0.0
    value = 0.0
    begun = False
    for row in range(n):
        is_new_day = time_ms[row] // _DAY_MS != time_ms[row - 1] // _DAY_MS if row > 0 else time_ms[row] % _DAY_MS == 0
        if is_new_day:
            traded = 0.0
            value = 0.0
            begun = True
        traded += volume[row]
        value += (high[row] + low[row] + close[row]) * volume[row]
        if begun and traded > 0.0:
            vwap[row] = value / (3.0 * traded)
    return vwap


class Indicator(NamedTuple):
    """An entry of the registry.

    Attributes:
        function: arrays first, then lengths; returns one array of n, or a tuple of them.
        doc: what it is, one phrase.
        source: where the formula comes from.
    """

    function: Callable[..., Any]
    doc: str
    source: str


_WILDER = 'Wilder, "New Concepts in Technical Trading Systems" (1978)'
_VWAP = "Berkowitz, Logue and Noser (1988), Journal of Finance 43"

INDICATORS: Final[dict[str, Indicator]] = {
    "average_true_range": Indicator(average_true_range, "Wilder mean of the true range, ticks", _WILDER),
    "bollinger_bands": Indicator(
        bollinger_bands,
        "mean and bands some deviations away, ticks",
        'Bollinger, "Bollinger on Bollinger Bands" (2001)',
    ),
    "exponential_mean": Indicator(exponential_mean, "exponential mean, ticks", "Roberts (1959), Technometrics 1"),
    "momentum": Indicator(momentum, "change over some bars, ticks", _WILDER),
    "realised_volatility": Indicator(
        realised_volatility,
        "root mean square return of one bar, fraction",
        "Andersen and Bollerslev (1998), International Economic Review 39",
    ),
    "relative_strength": Indicator(relative_strength, "share of rises in all movement, 0 to 100", _WILDER),
    "rolling_deviation": Indicator(
        rolling_deviation,
        "standard deviation of a window, ticks",
        "Chan, Golub and LeVeque (1983), The American Statistician 37",
    ),
    "rolling_max": Indicator(rolling_max, "highest of a window, ticks", "Donchian's channel"),
    "rolling_mean": Indicator(rolling_mean, "mean of a window, ticks", "the arithmetic mean"),
    "rolling_min": Indicator(rolling_min, "lowest of a window, ticks", "Donchian's channel"),
    "rolling_sum": Indicator(
        rolling_sum,
        "sum of a window of floats",
        'Higham, "Accuracy and Stability of Numerical Algorithms" (2002)',
    ),
    "rolling_vwap": Indicator(rolling_vwap, "volume-weighted mean price of a window, ticks", _VWAP),
    "rolling_z_score": Indicator(rolling_z_score, "deviations above the mean of a window", "the standard score"),
    "session_vwap": Indicator(session_vwap, "volume-weighted mean price since 00:00 UTC, ticks", _VWAP),
    "true_range": Indicator(true_range, "range of a bar, stretched to the close before, ticks", _WILDER),
    "wilder_mean": Indicator(wilder_mean, "exponential mean with share 1 / length, ticks", _WILDER),
}

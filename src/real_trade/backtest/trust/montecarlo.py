"""What else the same trades could have brought: in another order, with some missed, or drawn anew in blocks.

Each method draws the net amounts of the closed trades again, ``runs`` times:

* ``shuffle``: all of them in random order. The final equity stays; the way there, and so the drawdown, varies.
* ``skip``: each run misses a tenth of them, as an account does that is offline or out of funds.
* ``block_bootstrap``: as many as there were, in blocks of ``n ** (1/3)`` neighbours from random starts on a circle
  (Politis and Romano, "A circular block-resampling procedure for stationary data", 1992), so that runs of good and bad
  luck stay together.

Amounts are those that were booked: sizes do not grow or shrink with the drawn equity.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from real_trade.metrics.trades import UNITS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    # Whole money units, or floats where sums of them could leave 64 bits.
    Amounts = NDArray[Any]

# (random numbers, amounts, rows) -> a table of so many drawn sequences
Method = Callable[[np.random.Generator, "Amounts", int], "Amounts"]

DEFAULT_RUNS: Final = 1_000
DEFAULT_SEED: Final = 20_240_101
_SKIPPED: Final = 0.1
_GRID: Final = np.linspace(0.0, 1.0, 50)
_PERCENTILES: Final = (5, 25, 50, 75, 95)
# Amounts drawn at a time: tables of them stay in the cache, and are not handed back to the system each time.
_CHUNK: Final = 16_384
_LARGEST: Final = 2**62


def monte_carlo(
    net_units: NDArray[np.int64], initial_units: int, *, runs: int = DEFAULT_RUNS, seed: int = DEFAULT_SEED
) -> dict[str, Any] | None:
    """Return how final equity and drawdown spread over drawn sequences of the trades; None of fewer than two trades.

    Args:
        net_units: net profit per trade in order of exit, money units.
        initial_units: starting capital, money units, positive.
        runs: sequences drawn per method.
        seed: the same seed and trades give the same figures.

    Returns:
        ``runs, seed, methods``; per method ``final_equity`` (settlement currency) and ``max_drawdown`` (fraction of the
        peak) as percentiles, ``loss_probability`` (share of the runs that end below the starting capital), and
        ``equity_band``: percentiles of the equity after shares of the trades.
    """
    if len(net_units) < 2:
        return None
    largest = max(abs(int(net_units.min())), abs(int(net_units.max())))
    exact = initial_units + largest * len(net_units) < _LARGEST
    amounts = net_units if exact else net_units.astype(np.float64)
    methods = {
        name: _spread(draw, np.random.default_rng([seed, number]), amounts, initial_units, runs)
        for number, (name, draw) in enumerate(METHODS.items())
    }
    return {"runs": runs, "seed": seed, "methods": methods}


def _spread(draw: Method, rng: np.random.Generator, amounts: Amounts, initial: int, runs: int) -> dict[str, Any]:
    trades = len(amounts)
    at = np.rint(_GRID * trades).astype(np.int64)
    band = np.empty((runs, len(at)))
    falls = np.empty(runs)
    rows = max(1, _CHUNK // trades)
    for start in range(0, runs, rows):
        count = min(rows, runs - start)
        equity = np.empty((count, trades + 1), amounts.dtype)
        equity[:, 0] = initial
        np.cumsum(draw(rng, amounts, count), axis=1, out=equity[:, 1:])
        equity[:, 1:] += initial
        band[start : start + count] = equity[:, at]
        falls[start : start + count] = 1.0 - (equity / np.maximum.accumulate(equity, axis=1)).min(axis=1)
    band /= UNITS
    final = band[:, -1]
    low, middle, high = np.percentile(band, (5, 50, 95), axis=0)
    return {
        "final_equity": _percentiles(final),
        "max_drawdown": _percentiles(falls),
        "loss_probability": float((final < initial / UNITS).mean()),
        "equity_band": {"share": _GRID.tolist(), "p5": low.tolist(), "p50": middle.tolist(), "p95": high.tolist()},
    }


def _percentiles(values: Floats) -> dict[str, float]:
    found = np.percentile(values, _PERCENTILES)
    return {f"p{percent}": float(value) for percent, value in zip(_PERCENTILES, found, strict=True)}


def _shuffled(rng: np.random.Generator, amounts: Amounts, rows: int) -> Amounts:
    return rng.permuted(np.tile(amounts, (rows, 1)), axis=1)


def _skipped(rng: np.random.Generator, amounts: Amounts, rows: int) -> Amounts:
    drawn = np.tile(amounts, (rows, 1))
    missed = max(1, round(_SKIPPED * len(amounts)))
    for row in drawn:
        row[rng.choice(len(amounts), missed, replace=False, shuffle=False)] = 0
    return drawn


def _in_blocks(rng: np.random.Generator, amounts: Amounts, rows: int) -> Amounts:
    trades = len(amounts)
    length = round(trades ** (1 / 3))
    circle = np.concatenate([amounts, amounts[: length - 1]])
    blocks = np.lib.stride_tricks.sliding_window_view(circle, length)
    starts = rng.integers(0, trades, (rows, -(-trades // length)))
    return blocks[starts].reshape(rows, -1)[:, :trades]


METHODS: Final[dict[str, Method]] = {"shuffle": _shuffled, "skip": _skipped, "block_bootstrap": _in_blocks}

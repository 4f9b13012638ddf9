"""Where a strategy is most likely to be caught looking ahead."""

from __future__ import annotations

from itertools import pairwise, zip_longest
from typing import TYPE_CHECKING, Any

import numpy as np

from real_trade.backtest.trust.evidence import liquidations

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from real_trade.backtest.trust.evidence import World
    from real_trade.model.bars import Bars

_HOUR_MS = 3_600_000
_DAY_MS = 86_400_000
# A feature's largest step is looked for in each of so many parts of the run.
_PARTS = 8


def choose_bars(
    world: World, orders: Sequence[NDArray[Any]], features: Mapping[str, NDArray[Any]], samples: int, seed: int
) -> NDArray[np.int64]:
    """Return the rows to check, ascending, each with at least one bar after it.

    They are drawn in turn from: rows spread over the run; bars on which orders were decided; those of them that the
    next bar proved most right, in each symbol; the last bar before a gap, a new day or a new hour, and the first bar
    after it; and a feature's largest steps.

    Args:
        world: the bars of each symbol.
        orders: the order table of each symbol.
        features: of the run.
        samples: how many rows; fewer if the run is shorter.
        seed: the same seed and run give the same rows.
    """
    time_ms = world[0].time_ms
    last = len(time_ms) - 2
    if last < samples:
        return np.arange(last + 1)
    rng = np.random.default_rng(seed)
    pools = [_spread(np.arange(last + 1), samples, rng), _spread(decision_bars(*orders), samples, rng)]
    pools += [_most_right(bars, table) for bars, table in zip(world, orders, strict=True)]
    pools += [_spread(rows, samples, rng) for rows in _at_boundaries(time_ms)]
    pools += [_steps(column) for column in features.values()]
    chosen: dict[int, None] = {}
    for turn in zip_longest(*(pool[pool <= last][:samples].tolist() for pool in pools)):
        chosen.update(dict.fromkeys(row for row in turn if row is not None))
        if len(chosen) >= samples:
            break
    return np.sort(np.array(list(chosen)[:samples], dtype=np.int64))


def decision_bars(*orders: NDArray[Any]) -> NDArray[np.int64]:
    """Return the rows on which orders were decided, each once, ascending."""
    return np.unique(np.concatenate([table["bar"][~liquidations(table)] for table in orders]))


def _spread(rows: NDArray[np.int64], count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return one row at random from each of ``count`` equal parts, the parts in random order."""
    if len(rows) <= count:
        return rng.permutation(rows)
    edges = np.linspace(0, len(rows), count + 1).astype(np.int64)
    return rng.permutation(rows[rng.integers(edges[:-1], edges[1:])])


def _most_right(bars: Bars, orders: NDArray[Any]) -> NDArray[np.int64]:
    decided = orders[~liquidations(orders) & (orders["bar"] < len(bars.close) - 1)]
    at = decided["bar"]
    gain = decided["side"] * (bars.close[at + 1] - bars.close[at]) / bars.close[at]
    return at[np.argsort(-gain, kind="stable")]


def _at_boundaries(time_ms: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    steps = np.diff(time_ms)
    ends = [np.flatnonzero(steps != np.median(steps))]
    ends.extend(np.flatnonzero(np.diff(time_ms // length)) for length in (_DAY_MS, _HOUR_MS))
    return [rows + offset for rows in ends for offset in (0, 1)]


def _steps(column: NDArray[Any]) -> NDArray[np.int64]:
    steps = np.abs(np.diff(column.astype(np.float64)))
    steps[np.isnan(steps)] = -1.0
    edges = np.linspace(0, len(steps), min(_PARTS, len(steps)) + 1).astype(np.int64)
    return np.array([lo + int(np.argmax(steps[lo:hi])) + 1 for lo, hi in pairwise(edges.tolist())])

"""What every benchmark script shares: the bars, the rule, and how a figure is taken."""

from __future__ import annotations

import json
import os
import resource
import statistics
import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

FAST, SLOW, SIZE, FEE, CASH = 20, 100, 0.01, 0.001, 1_000_000.0


def load(bars: int | None = None) -> dict[str, Any]:
    """Return the columns of the prepared file (BENCH_BARS): timestamp in ms, open, high, low, close, volume."""
    import numpy as np

    with np.load(os.environ["BENCH_BARS"]) as file:
        return {name: np.ascontiguousarray(file[name][:bars]) for name in file.files}


def timed(work: Callable[[], Any], runs: int) -> tuple[list[float], Any]:
    """Return the seconds of each run, after one that is not counted, and the last result."""
    result = work()
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        result = work()
        seconds.append(time.perf_counter() - start)
    return seconds, result


def emit(name: str, bars: int, seconds: list[float], **facts: object) -> None:
    """Print one JSON line: the median time and what goes with it."""
    median = statistics.median(seconds)
    row = {
        "name": name,
        "bars": bars,
        "seconds": median,
        "best_seconds": min(seconds),
        "bars_per_s": bars / median,
        "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        **facts,
    }
    sys.stdout.write(json.dumps(row) + "\n")
    sys.stdout.flush()

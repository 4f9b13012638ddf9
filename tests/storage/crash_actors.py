"""The processes of the crash test: a writer that is killed again and again, and readers that judge what they see.

    crash_actors.py writer FOLDER KILLS SEED
    crash_actors.py reader FOLDER

The reader works until a line arrives on its input; each prints one JSON object at its end.
"""

from __future__ import annotations

import json
import os
import random
import select
import signal
import sys
import time
from itertools import count, pairwise
from pathlib import Path

import numpy as np
import pyarrow.parquet  # noqa: F401 - loaded once, before the writers are forked

from real_trade.model import Interval, Klines, Market, SeriesKey
from real_trade.storage.parquet import ParquetStore

GROWING = SeriesKey("bybit", Market.LINEAR, "GROWING", Interval("5m"))
REWRITTEN = SeriesKey("bybit", Market.LINEAR, "REWRITTEN", Interval("1h"))
START_MS = 1_704_067_200_000
STEP_MS = 300_000
HOUR_MS = 3_600_000
MONTHS = (31 * 24, 29 * 24, 31 * 24)


def growing_bars(lo: int, hi: int) -> Klines:
    number = np.arange(lo, hi, dtype=np.float64)
    return Klines.of(START_MS + STEP_MS * np.arange(lo, hi), number, number + 2, number - 2, number + 1, number * 3)


def rewritten_bars(generation: int) -> Klines:
    stamps = START_MS + HOUR_MS * np.arange(sum(MONTHS))
    return Klines.of(stamps, *[np.full(len(stamps), float(generation))] * 5)


def write_for_ever(folder: Path) -> None:
    """Go on where the last writer was killed: pages, settling, plain writes, and rewrites of three whole months."""
    store = ParquetStore(folder)
    generator = random.Random(os.getpid())
    at = len(store.read_klines(GROWING))
    stored = store.read_klines(REWRITTEN)
    generation = int(stored.open.max()) if len(stored) else 0
    for turn in count():
        size = generator.randint(50, 800)
        if turn % 5 == 4:
            store.write_klines(GROWING, growing_bars(max(0, at - 9000), at + size))
        else:
            store.append_page(GROWING, growing_bars(at, at + size), _time(at), _time(at + size))
        at += size
        if turn % 3 == 2:
            store.settle(GROWING)
        generation += 1
        store.write_klines(REWRITTEN, rewritten_bars(generation))


def writer(folder: Path, kills: int, seed: int) -> None:
    generator = random.Random(seed)
    for _ in range(kills):
        child = os.fork()
        if not child:
            write_for_ever(folder)
        time.sleep(generator.uniform(0.005, 0.12))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        assert os.WTERMSIG(status) == signal.SIGKILL, "the writer failed before it was killed"
    store = ParquetStore(folder)
    store.settle(GROWING)
    size = len(store.read_klines(GROWING))
    generation = int(store.read_klines(REWRITTEN).open.max())
    store.write_klines(REWRITTEN, rewritten_bars(generation + 1))
    leftovers = [str(path) for path in folder.rglob("*.tmp")]
    say(json.dumps({"rows": size, "covered": store.covered(GROWING), "leftovers": leftovers}))


def reader(folder: Path) -> None:
    store = ParquetStore(folder)
    reads, sizes, generations = 0, {0}, {0}
    newest = [0, 0, 0]
    say("ready")
    while not select.select([sys.stdin], [], [], 0)[0]:
        size = check_growing(store.read_klines(GROWING))
        assert size >= max(sizes), "rows that were there are gone"
        sizes.add(size)
        seen = check_rewritten(store.read_klines(REWRITTEN))
        if seen:
            assert all(now >= before for now, before in zip(seen, newest, strict=True)), "a month went back"
            newest = seen
            generations.add(seen[0])
        reads += 1
        time.sleep(0.002)
    say(json.dumps({"reads": reads, "sizes": len(sizes), "generations": len(generations)}))


def check_growing(seen: Klines) -> int:
    """Whatever was seen is the series up to some bar: no hole, no wrong value."""
    size = len(seen)
    expected = growing_bars(0, size)
    for name in ("timestamp", "open", "high", "low", "close", "volume"):
        assert np.array_equal(getattr(seen, name), getattr(expected, name)), f"{name} differs within {size} rows"
    return size


def check_rewritten(seen: Klines) -> list[int]:
    """Each month is of one generation, and an earlier month is never older than a later one."""
    edges = np.cumsum((0, *MONTHS))
    found = [np.unique(seen.open[lo:hi]) for lo, hi in pairwise(edges)]
    assert all(len(values) <= 1 for values in found), "a month is torn"
    generations = [int(values[0]) for values in found if len(values)]
    assert generations == sorted(generations, reverse=True), f"months out of order: {generations}"
    assert len(seen) == sum(MONTHS[: len(generations)])
    return generations if len(generations) == len(MONTHS) else []


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _time(bar: int) -> int:
    return START_MS + STEP_MS * bar


if __name__ == "__main__":
    role, folder = sys.argv[1], Path(sys.argv[2])
    if role == "writer":
        writer(folder, int(sys.argv[3]), int(sys.argv[4]))
    else:
        reader(folder)

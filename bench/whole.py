"""The store and the whole command: what a user waits for."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from common import emit, load, timed
from real_trade.model import Interval, Klines, Market, SeriesKey
from real_trade.storage import open_store

KEY = SeriesKey("binance", Market.SPOT, "BTCUSDT", Interval("1m"))


def main() -> None:
    """Write, read, and run the command twice; the second run counts."""
    data = load()
    klines = Klines.of(*(data[name] for name in ("timestamp", "open", "high", "low", "close", "volume")))
    count = len(klines)
    with tempfile.TemporaryDirectory() as folder:
        seconds = []
        for run in range(4):
            store = open_store(Path(folder) / f"write-{run}")
            start = time.perf_counter()
            store.write_klines(KEY, klines)
            seconds.append(time.perf_counter() - start)
        emit("store write", count, seconds[1:])
        emit("store read", count, timed(lambda: store.read_klines(KEY), 7)[0])
        day = int(data["timestamp"][count // 2]) // 86_400_000 * 86_400_000
        emit("store day", 1440, timed(lambda: store.read_klines(KEY, day, day + 86_400_000), 15)[0])
        whole_command(Path(folder) / "write-3", count)


def whole_command(data_dir: Path, count: int) -> None:
    """Time ``real-trade backtest`` as a process of its own."""
    command = [
        str(Path(sys.executable).with_name("real-trade")),
        "backtest",
        "--data-dir",
        str(data_dir),
        "--venue",
        "binance",
        "--market",
        "spot",
        "--symbol",
        "BTCUSDT",
        "--interval",
        "1m",
        "--strategy",
        "sma_cross",
        "--cash",
        "1000000",
        "--report",
        str(data_dir / "report"),
        "--json",
    ]
    seconds, peak = [], 0.0
    for _ in range(6):
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        seconds.append(time.perf_counter() - start)
        peak = max(peak, usage.ru_maxrss / 1024)
        if status:
            sys.exit(f"real-trade backtest ended with {status}")
    emit("backtest command", count, seconds[1:], rss_mb=peak)


if __name__ == "__main__":
    main()

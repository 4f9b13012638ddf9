"""The downloader against the local exchange: pace, resumption after kill -9, and faults on the wire.

    python bench/download.py [BARS] [KILLS]

Prints one line per claim; ends with 1 if one does not hold.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from real_trade.model import Interval, Market, SeriesKey, format_time
from real_trade.storage import dataset_hash, open_store
from real_trade.testing.exchange_process import running_exchange

START = 1_640_995_200_000  # 2022-01-01
MINUTE = 60_000
PAGE = 1000
KEY = SeriesKey("bybit", Market.LINEAR, "BTCUSDT", Interval("1m"))
FAULTS = ["error_5xx=0.1", "rate_10006=0.02", "truncated=0.05", "slow=0.03:0.5"]
IN_FLIGHT = 24


def command(store: Path, bars: int) -> list[str]:
    """Return the command line of one download."""
    span = ["--from", format_time(START), "--to", format_time(START + bars * MINUTE)]
    program = str(Path(sys.executable).with_name("real-trade"))
    return [program, "download-data", "--data-dir", str(store), "--json", *span]


def download(rest: str, store: Path, bars: int) -> tuple[float, float]:
    """Download all and return seconds and the peak memory in MB."""
    start = time.perf_counter()
    process = subprocess.Popen(command(store, bars), env=environment(rest), stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"download ended with {status}")
    return time.perf_counter() - start, usage.ru_maxrss / 1024


def download_with_kills(rest: str, store: Path, bars: int, kills: int) -> None:
    """Kill the download at random instants, then let it finish."""
    rng = random.Random(5)
    for _ in range(kills):
        process = subprocess.Popen(command(store, bars), env=environment(rest), stdout=subprocess.DEVNULL)
        time.sleep(rng.uniform(0.2, 1.2))
        process.send_signal(signal.SIGKILL)
        process.wait()
    download(rest, store, bars)


def environment(rest: str) -> dict[str, str]:
    """Return this process's environment with the exchange's address."""
    return {**os.environ, "RT_BYBIT_REST_URL": rest}


def digest(store: Path) -> str:
    """Return the dataset hash of what was stored."""
    return dataset_hash(open_store(store).read_klines(KEY))


def asked_again(log: list[dict[str, object]]) -> tuple[int, int]:
    """Return how many pages were answered more than once, and how many requests were refused."""
    pages = Counter(
        json.dumps(row["query"], sort_keys=True) for row in log if "kline" in str(row["path"]) and row["status"] == 200
    )
    return sum(count - 1 for count in pages.values()), sum(row["status"] == 403 for row in log)


def main() -> None:
    """Make the three runs."""
    bars = int(sys.argv[1]) if len(sys.argv) > 1 else 1_400_000
    kills = int(sys.argv[2]) if len(sys.argv) > 2 else 30
    span = {"seed": 7, "from_": format_time(START), "to": format_time(START + bars * MINUTE)}
    bound = 1.2 * bars / PAGE / 120
    failed = False

    def claim(sentence: str, holds: bool) -> None:
        nonlocal failed
        failed |= not holds
        sys.stdout.write(f"{'ok  ' if holds else 'FAIL'}  {sentence}\n")
        sys.stdout.flush()

    with tempfile.TemporaryDirectory() as folder:
        with running_exchange("bybit", **span) as exchange:
            seconds, memory = download(exchange.rest, Path(folder, "calm"), bars)
            _, refused = asked_again(exchange.log)
        expected = digest(Path(folder, "calm"))
        claim(f"{bars:,} bars in {seconds:.1f} s (at most {bound:.1f})", seconds <= bound)
        claim(f"peak memory {memory:.0f} MB (at most 300)", memory <= 300)
        claim(f"{refused} requests refused (none)", refused == 0)
        with running_exchange("bybit", **span) as exchange:
            download_with_kills(exchange.rest, Path(folder, "killed"), bars, kills)
            again, refused = asked_again(exchange.log)
        claim(f"{kills} kill -9: the same dataset hash", digest(Path(folder, "killed")) == expected)
        claim(f"{kills} kill -9: {again} pages asked again (at most {kills * IN_FLIGHT})", again <= kills * IN_FLIGHT)
        claim(f"{kills} kill -9: {refused} requests refused (none)", refused == 0)
        with running_exchange("bybit", fault=FAULTS, **span) as exchange:
            seconds, _ = download(exchange.rest, Path(folder, "faults"), bars)
        claim(
            f"faults {' '.join(FAULTS)}: the same dataset hash, {seconds:.0f} s",
            digest(Path(folder, "faults")) == expected,
        )
    sys.exit(failed)


if __name__ == "__main__":
    main()

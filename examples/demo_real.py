"""The main job over real bars: import two and a half years of BTCUSDT minutes, verify, backtest, report.

REAL_DATA=path/to/data python examples/demo_real.py [FOLDER]        results go to FOLDER, by default demo-out
"""

# ruff: noqa: INP001 - a script, not a package
from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from demo import clear, run, say

FILE = "klines/binance_spot_BTCUSDT_1m_2023-01_2025-08.parquet"
SERIES = ["--venue", "binance", "--market", "spot", "--symbol", "BTCUSDT", "--interval", "1m"]


def main() -> int:
    """Run the demo and return 0 if every step did what it should."""
    file = Path(os.environ.get("REAL_DATA", "")) / FILE
    if not file.is_file():
        say(f"REAL_DATA names no folder with {FILE}; nothing to show")
        return 2
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "demo-out")
    began = time.perf_counter()
    clear(folder, ["real-data", "real-sma_cross"])
    settings = {"RT_DATA_DIR": str(folder / "real-data")}
    run(settings, "import-data", str(file), *SERIES)
    # The venue halted for 80 minutes on 2023-03-24: one gap, so the exit code is 1.
    run(settings, "verify-data", *SERIES, "--calendar", str(folder / "real-data" / "coverage.svg"), expected=1)
    params = "fast=20 slow=100 size=0.01"
    report = folder / "real-sma_cross"
    run(settings, "backtest", *SERIES, "--strategy", "sma_cross", "--param", params, "--report", str(report))
    say(f"done in {time.perf_counter() - began:.0f} s; open the report in a browser:")
    say(f"  {(report / 'report.html').resolve()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

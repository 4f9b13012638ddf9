"""The main job from end to end on this machine: serve a market, download, verify, backtest, report.

A local server plays Bybit with a market made from a seed: trends, clusters of volatility, spikes, gaps, and faults on
the wire. Everything else is the program as it is: each step prints the command that it runs.

    python examples/demo.py [FOLDER]        results go to FOLDER, by default demo-out
"""

# ruff: noqa: INP001 - a script, not a package
from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM = [sys.executable, "-m", "real_trade.cli.main"]
STRATEGIES = {
    "sma_cross": "fast=120 slow=1440 size=0.02 mode=long_short",
    "mean_reversion": "window=240 distance=40 size=0.02",
}
SPAN = ["--from", "2024-01-01", "--to", "2024-03-31"]
FAULTS = ["error_5xx=0.05", "truncated=0.02", "slow=0.02:0.3"]


def main() -> int:
    """Run the demo and return 0 if every step did what it should."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "demo-out")
    began = time.perf_counter()
    clear(folder, ["data", *STRATEGIES])
    with exchange() as rest:
        settings = {"RT_BYBIT_REST_URL": rest, "RT_DATA_DIR": str(folder / "data")}
        run(settings, "download-data", *SPAN, "--kind", "kline,mark,funding")
    # The server is gone: what follows works on the store alone. The market has gaps, and verify-data must find them.
    run(settings, "verify-data", *SPAN, "--calendar", str(folder / "data" / "coverage.svg"), expected=1)
    for name, params in STRATEGIES.items():
        run(settings, "backtest", *SPAN, "--strategy", name, "--param", params, "--report", str(folder / name))
    say(f"done in {time.perf_counter() - began:.0f} s; open the reports in a browser:")
    for name in STRATEGIES:
        say(f"  {(folder / name / 'report.html').resolve()}")
    return 0


@contextmanager
def exchange() -> Iterator[str]:
    """Run the local exchange for a block of code and give its address; it ends with the block, whatever happens."""
    words = ["exchange", "--venue", "bybit", "--seed", "7", "--from", "2024-01-01", "--to", "2024-04-01", "--port", "0"]
    words += [word for fault in FAULTS for word in ("--fault", fault)]
    say(f"\n$ real-trade {' '.join(words)} &")
    with subprocess.Popen([*PROGRAM, *words], stdout=subprocess.PIPE, text=True, env=environment({})) as process:  # noqa: S603 - our own program
        try:
            line = process.stdout.readline() if process.stdout else ""
            if not line:
                raise SystemExit("the local exchange did not start")
            say(line.rstrip())
            yield json.loads(line)["rest"]
        finally:
            process.send_signal(signal.SIGTERM)


def run(settings: dict[str, str], *words: str, expected: int = 0) -> None:
    """Run one command of the program, show it, and stop the demo if it does not end as expected."""
    shown = " ".join(f'"{word}"' if " " in word else word for word in words)
    say(f"\n$ real-trade {shown}")
    code = subprocess.run([*PROGRAM, *words], check=False, env=environment(settings)).returncode  # noqa: S603 - our own program
    if code != expected:
        raise SystemExit(f"real-trade {words[0]} ended with {code}, not with {expected}")


def environment(settings: dict[str, str]) -> dict[str, str]:
    """Return this process's environment with the demo's settings and no others."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RT_")}
    return {**kept, **settings}


def clear(folder: Path, names: list[str]) -> None:
    """Remove what an earlier demo left."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        shutil.rmtree(folder / name, ignore_errors=True)


def say(text: str) -> None:
    """Print at once, so that the lines of both processes stay in order."""
    print(text, flush=True)  # noqa: T201 - a script that shows something


if __name__ == "__main__":
    sys.exit(main())

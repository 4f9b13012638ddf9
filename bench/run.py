"""Measure us and the peers in one run, one at a time, on the same bars; write bench/RESULTS.md.

The bars are the real BTCUSDT minutes if REAL_DATA has them, else a seeded random walk of the same length. Peers live in
environments of their own under .venv-bench, since they pin what we do not. Ratios are what counts; absolute figures
belong to the machine.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
PEERS = {
    "vectorbt": ["vectorbt[rust]==1.2.0"],
    "backtesting": ["backtesting==0.6.6", "pandas<3"],
    "backtrader": ["backtrader==1.9.78.123", "pandas<3"],
    "hftbacktest": ["hftbacktest==2.4.3"],
}
# What must hold, as (sentence, value, bound, higher is better).
Claim = tuple[str, float, float, bool]


def main() -> None:
    """Run everything and write the table."""
    work = ROOT / ".venv-bench"
    work.mkdir(exist_ok=True)
    bars = prepare_bars(work)
    ours = rows([sys.executable, str(HERE / "ours.py")], bars)
    scale = rows([sys.executable, str(HERE / "ours.py"), "scale"], bars)
    peers = [
        row
        for name, packages in PEERS.items()
        for row in rows([peer_python(work, name, packages), str(HERE / "peers" / f"peer_{name}.py")], bars)
    ]
    wide = rows([sys.executable, str(HERE / "wide.py")], bars)
    whole = rows([sys.executable, str(HERE / "whole.py")], bars)
    exchange = rows([sys.executable, str(HERE / "exchange.py")], bars)
    report = render(ours, scale, peers, [*wide, *whole, *exchange])
    (HERE / "RESULTS.md").write_text(report, encoding="utf-8")
    sys.stdout.write(report)


def prepare_bars(work: Path) -> Path:
    """Have the bars written once, by a process of its own: what it needs in memory must not count for its children."""
    target = work / "bars.npz"
    subprocess.run([sys.executable, str(HERE / "prepare.py"), str(target)], check=True)
    return target


def peer_python(work: Path, name: str, packages: list[str]) -> str:
    """Return the interpreter of a peer's environment, made on first use."""
    folder = work / name
    python = folder / "bin" / "python"
    if not python.exists():
        uv = str(Path(sys.executable).with_name("uv"))
        subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(folder)], check=True)
        subprocess.run(
            [uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", str(python), *packages], check=True
        )
    return str(python)


def rows(command: list[str], bars: Path) -> list[dict[str, float | str]]:
    """Run a script and return the JSON lines that it printed."""
    environment = {**os.environ, "BENCH_BARS": str(bars), "PYTHONPATH": str(HERE), "PYTHONWARNINGS": "ignore"}
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if run.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{run.stderr[-2000:]}")
    return [json.loads(line) for line in run.stdout.splitlines() if line.startswith("{")]


def claims(ours: list[dict], scale: list[dict], peers: list[dict], whole: list[dict]) -> list[Claim]:
    """Return what is promised and what was measured."""
    speed = {str(row["name"]).split(" ", maxsplit=1)[0]: float(row["bars_per_s"]) for row in peers}
    fast, trades = float(ours[0]["bars_per_s"]), speed["hftbacktest"] / 1e6
    plain = next(float(row["bars_per_s"]) for row in ours if row["name"] == "real_trade plain Python")
    figures = {str(row["name"]): row for row in whole}

    def rate(name: str) -> float:
        return float(figures[name]["bars_per_s"]) / 1e6

    def seconds(name: str) -> float:
        return float(figures[name]["seconds"])

    def memory(name: str) -> float:
        return float(figures[name]["rss_mb"])

    def exchange(name: str) -> float:
        return float(figures[f"exchange: {name}"]["bars_per_s"])

    growth = float(figures["exchange: memory over a week"]["growth_mb"])
    return [
        ("compiled backtest, million bars/s", fast / 1e6, 40, True),
        ("times vectorbt", fast / speed["vectorbt"], 2, True),
        ("times backtesting.py", fast / speed["backtesting.py"], 200, True),
        ("times Backtrader (from 50,000 bars)", fast / speed["Backtrader"], 3000, True),
        ("plain Python, million bars/s", plain / 1e6, 1, True),
        ("time for ten times the bars, times", float(scale[1]["seconds"]) / float(scale[0]["seconds"]), 11, False),
        ("brackets with funding and partial fills, million bars/s", rate("brackets, funding, partial fills"), 12, True),
        ("four strategies, four symbols, million bars/s", rate("four strategies, four symbols"), 5, True),
        ("single trades, million/s", rate("single trades (on_trade)"), 10, True),
        ("single trades, times hftbacktest (which keeps a book)", rate("single trades (on_trade)") / trades, 1, True),
        ("`real-trade backtest --no-trust`, whole second run, s", seconds("backtest command"), 2.5, False),
        ("`real-trade backtest --no-trust`, peak memory, MB", memory("backtest command"), 500, False),
        ("`real-trade backtest`, trust checks and all, s", seconds("backtest command, trust"), 8, False),
        ("`real-trade backtest`, trust checks and all, peak MB", memory("backtest command, trust"), 900, False),
        ("store: write all bars, s", seconds("store write"), 0.8, False),
        ("store: read all bars, s", seconds("store read"), 0.15, False),
        ("store: read one day, ms", seconds("store day") * 1e3, 10, False),
        ("exchange, limits off: order commands/s in process", exchange("order commands in process"), 20_000, True),
        ("exchange: simulated seconds a second, one symbol", exchange("simulated seconds, one symbol"), 2_000, True),
        ("exchange, limits off: signed REST orders/s", exchange("signed REST orders"), 1_500, True),
        ("exchange: socket messages/s to one client", exchange("socket messages to one client"), 50_000, True),
        ("exchange: memory a simulated week adds, MB", growth, 5, False),
    ]


def render(ours: list[dict], scale: list[dict], peers: list[dict], whole: list[dict]) -> str:
    """Return the page."""
    lines = [
        "# Benchmarks",
        "",
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, {cpu_name()}, Python {platform.python_version()}; "
        f"{int(ours[0]['bars']):,} one-minute bars. Made by `make bench`.",
        "",
        "| promised | measured | bound | holds |",
        "|---|---|---|---|",
    ]
    for sentence, value, bound, higher in claims(ours, scale, peers, whole):
        holds = value >= bound if higher else value <= bound
        lines.append(
            f"| {sentence} | {value:,.2f} | {'≥' if higher else '≤'} {bound:,g} | {'yes' if holds else '**no**'} |"
        )
    lines += ["", "| run | bars | seconds (median) | bars/s | peak MB |", "|---|---|---|---|---|"]
    lines += [table_row(row) for row in [*ours, *peers, *whole]]
    return "\n".join(lines) + "\n"


def table_row(row: dict) -> str:
    """Return one measurement as a row."""
    bars, seconds = int(row["bars"]), float(row["seconds"])
    return f"| {row['name']} | {bars:,} | {seconds:.4f} | {bars / seconds:,.0f} | {float(row['rss_mb']):.0f} |"


def cpu_name() -> str:
    """Return the processor's name."""
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


if __name__ == "__main__":
    main()

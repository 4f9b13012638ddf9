"""Every verb of the command line, by name. Nothing of a verb is imported before it is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Verb:
    """One verb.

    Attributes:
        summary: one line for ``real-trade --help``.
        configure: ``module:function`` that adds the verb's flags to a parser.
        run: ``module:function`` from the parsed flags and the output to the exit code.
        example: command lines that work, one per line.
    """

    summary: str
    configure: str
    run: str
    example: str


def _verb(module: str, summary: str, *example: str) -> Verb:
    path = f"real_trade.cli.verbs.{module}"
    return Verb(summary, f"{path}:configure", f"{path}:run", "\n".join(example))


VERBS: Final[dict[str, Verb]] = {
    "download-data": _verb(
        "download_data",
        "fetch history from a venue into the store",
        "real-trade download-data --venue bybit --market linear --symbol BTCUSDT --interval 1m "
        "--from 2024-01-01 --to 2024-02-01",
    ),
    "import-data": _verb(
        "import_data",
        "take Parquet, CSV or venue archive files into the store",
        "real-trade import-data BTCUSDT-1m-2024-01.zip --venue binance --market spot --symbol BTCUSDT --interval 1m",
        "real-trade import-data BTCUSDT2024-01-05.csv.gz --trades --venue bybit --market linear",
        "real-trade import-data 2024-12-01_XRPUSDT_ob500.data.zip --book --market linear",
    ),
    "list-data": _verb("list_data", "show what the store holds", "real-trade list-data", "real-trade list-data --json"),
    "verify-data": _verb(
        "verify_data",
        "prove that data is complete and sound, or show where it is not",
        "real-trade verify-data --venue bybit --market linear --symbol BTCUSDT --interval 1m",
        "real-trade verify-data BTCUSDT-1m-2024-12-31.csv.gz BTCUSDT-1m-2025-01-01.csv.gz",
    ),
    "backtest": _verb(
        "backtest",
        "run a strategy over stored history and report",
        'real-trade backtest --strategy sma_cross --param "fast=20 slow=100 size=0.01" --symbol BTCUSDT '
        "--interval 1m --report out",
        "real-trade backtest --strategy pair_reversion --symbol ETHUSDT,BTCUSDT --margin isolated --leverage 3",
    ),
    "report": _verb(
        "report", "show a stored report again", "real-trade report out", "real-trade report out --format markdown"
    ),
    "list-strategies": _verb(
        "list_strategies", "show the ready strategies and their parameters", "real-trade list-strategies"
    ),
    "new-strategy": _verb("new_strategy", "write a strategy to start from", "real-trade new-strategy my_idea"),
    "new-config": _verb("new_config", "write a commented configuration file", "real-trade new-config real-trade.toml"),
    "show-config": _verb(
        "show_config",
        "show every setting and where it came from",
        "real-trade show-config -c real-trade.toml",
        "real-trade show-config --schema",
    ),
    "exchange": _verb(
        "exchange",
        "serve a venue's history on this machine, from the store or from a seed",
        "real-trade exchange --venue bybit --seed 7 --port 8701",
    ),
}

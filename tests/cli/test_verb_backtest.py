"""real-trade backtest."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from .conftest import tree

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Cli

SEER = """
import numpy as np
from real_trade.trading import Strategy

class Seer(Strategy):
    @staticmethod
    def features(bars, p):
        return {"tomorrow": np.append(bars.close[1:], 0)}

    @staticmethod
    def on_bar(bar, x, state, p, desk):
        desk.target(1000 if x.tomorrow > bar.close else 0)
        return state
"""
SMA = ("backtest", "--strategy", "sma_cross")
TOP = {"schema", "strategy", "params", "data", "hashes", "stats", "report"}
DATA = {"venue", "market", "symbol", "interval", "from", "to", "bars", "gaps"}
STATS = {"trades", "fills", "final_equity", "net_profit", "fees", "max_drawdown", "sharpe"}


def test_it_prints_the_promised_document(cli: Cli, stock: Path) -> None:
    ran = cli(*SMA, "--param", "fast=5 slow=20", "--param", "size=0.02", "--json")
    assert ran.code == 0
    document: dict[str, Any] = ran.json
    assert set(document) >= TOP
    assert set(document["data"]) >= DATA
    assert set(document["stats"]) >= STATS
    assert set(document["hashes"]) == {"data", "code", "config", "orders"}
    assert document["strategy"] == "sma_cross"
    assert (document["params"]["fast"], document["params"]["size"]) == (5, "0.02")
    assert document["stats"]["trades"] > 50
    assert document["report"] is None
    profit = document["stats"]["final_equity"] - 10_000
    assert document["stats"]["net_profit"] == pytest.approx(profit)


def test_the_text_block_and_the_report_are_written(cli: Cli, stock: Path, tmp_path: Path) -> None:
    ran = cli(*SMA, "--report", "out")
    assert ran.code == 0
    assert "Net profit" in ran.out
    assert "Report: out/report.html" in ran.out
    for name in ("report.html", "summary.json", "report.md", "report.txt", "trades.csv"):
        assert (tmp_path / "out" / name).stat().st_size > 0
    stored = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert stored["report"] == "out/report.html"


def test_cash_fees_and_span_reach_the_engine(cli: Cli, stock: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = cli(*SMA, "--fee-taker", "0", "--fee-maker", "0", "--cash", "5000", "--json").json
    assert free["stats"]["fees"] == 0
    assert free["settings"]["cash"] == "5000"
    monkeypatch.setenv("RT_COMMISSION", "0.01")
    dear = cli(*SMA, "--cash", "5000", "--json").json
    assert dear["settings"]["fee_taker"] == "0.01"
    assert dear["stats"]["net_profit"] < free["stats"]["net_profit"]
    part = cli(*SMA, "--from", "2024-01-02", "--to", "2024-01-03", "--json").json
    assert (part["data"]["from"], part["data"]["to"]) == ("2024-01-02T00:00:00Z", "2024-01-03T00:00:00Z")
    assert part["data"]["bars"] <= 1440


def test_how_orders_are_filled_is_chosen_by_flags(cli: Cli, stock: Path) -> None:
    quotes = ("backtest", "--strategy", "mean_reversion", "--param", "window=5 distance=0", "--json")
    touched = cli(*quotes).json
    passed = cli(*quotes, "--queue", "through").json
    assert passed["stats"]["fills"] < touched["stats"]["fills"]
    assert passed["settings"]["queue"] == "through"
    scarce = cli(*quotes, "--volume-share", "0.00001").json
    assert scarce["stats"]["volume_traded"] < touched["stats"]["volume_traded"]
    assert cli(*quotes, "--policy", "optimistic").json["settings"]["policy"] == "optimistic"
    assert cli(*quotes, "--volume-share", "1.5").code == 2
    exact, slipped = cli(*SMA, "--json").json, cli(*SMA, "--slippage", "basis_points:3", "--json").json
    assert slipped["stats"]["final_equity"] < exact["stats"]["final_equity"]
    assert cli(*SMA, "--slippage", "basis_pionts:3").code == 2


def test_trust_is_asked_for_and_trials_are_counted(cli: Cli, stock: Path) -> None:
    assert cli(*SMA, "--json").json["trust"] is None
    first = cli(*SMA, "--trust", "--json").json["trust"]
    assert first["lookahead"]["ok"]
    assert first["warmup"]["ok"]
    assert first["trials"]["count"] == 1
    assert cli(*SMA, "--trust", "--json").json["trust"]["trials"]["count"] == 1
    ran = cli(*SMA, "--trust", "--param", "fast=7")
    assert ran.out.startswith("Trial 2 of sma_cross on this data")
    assert "Look-ahead check passed" in ran.out


def test_a_look_ahead_is_exit_1(cli: Cli, stock: Path, tmp_path: Path) -> None:
    (tmp_path / "seer.py").write_text(SEER, encoding="utf-8")
    ran = cli("backtest", "--strategy", "seer.py", "--trust", "--json")
    assert ran.code == 1
    assert ran.json["trust"]["lookahead"]["findings"][0]["name"] == "tomorrow"


def test_the_second_run_of_a_strategy_finds_it_compiled(cli: Cli, stock: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('cache_dir = "compiled"\n')
    environment = {name: value for name, value in os.environ.items() if name != "RT_CACHE_DIR"}
    words = [sys.executable, "-m", "real_trade.cli.main", *SMA, "-c", "mine.toml", "--json"]
    first = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)
    made = tree(tmp_path / "compiled")
    assert made
    second = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)
    assert tree(tmp_path / "compiled") == made
    assert first.stdout == second.stdout


def test_the_runners_agree(cli: Cli, stock: Path) -> None:
    found = {
        runner: cli(*SMA, "--to", "2024-01-03", "--runner", runner, "--json").json["hashes"]
        for runner in ("compiled", "python", "reference")
    }
    assert found["compiled"] == found["python"] == found["reference"]


def test_a_gap_warns_or_with_strict_ends_the_run(cli: Cli, stock: Path, tmp_path: Path) -> None:
    ran = cli(*SMA, "--json")
    assert ran.json["data"]["gaps"] > 0
    assert "missing" in ran.json["warnings"][0]
    assert "warning: " in ran.err
    strict = cli(*SMA, "--strict", "--report", "out", "--json")
    assert (strict.code, strict.error["code"]) == (1, "gap")
    assert not (tmp_path / "out").exists()


def test_bad_strategies_are_said_in_one_line(cli: Cli, stock: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text("class Broken(\n")
    ran = cli("backtest", "--strategy", broken, "--json")
    assert (ran.code, ran.error["field"]) == (2, "--strategy")
    assert "broken.py:1" in ran.error["message"]
    assert cli("backtest", "--strategy", "absent.py", "--json").error["field"] == "--strategy"
    assert "sma_cross" in cli("backtest", "--strategy", "sma_crss", "--json").error["fix"]


@pytest.mark.parametrize(
    ("words", "code", "field"),
    [
        (["--symbol", "BTCUSDTT"], "unknown_symbol", "--symbol"),
        (["--venue", "binance"], "no_data", "--symbol"),
        (["--from", "2024-01-03", "--to", "2024-01-01"], "reversed_range", "--from"),
        (["--from", "2030-01-03"], "no_data", "--symbol"),
        (["--fee-taker", "-0.001"], "bad_number", "--fee-taker"),
        (["--fee-maker", "-0.001"], "bad_number", "--fee-maker"),
        (["--cash", "0"], "bad_number", "--cash"),
        (["--cash", "nan"], "bad_number", "--cash"),
        (["--leverage", "0.5"], "bad_number", "--leverage"),
        (["--param", "fast"], "bad_param", "--param"),
        (["--param", "fst=5"], "unknown_parameter", "fst"),
        (["--param", "fast=0"], "bad_parameter", "fast"),
        (["--market", "inverse", "--symbol", "BTCUSD"], "no_data", "--symbol"),
        (["-c", "absent.toml"], "unreadable_config", "config"),
    ],
)
def test_wrong_input_is_one_line_exit_2_and_an_unchanged_store(
    cli: Cli, stock: Path, words: list[str], code: str, field: str
) -> None:
    before = tree(stock)
    ran = cli(*SMA, *words, "--json")
    assert (ran.code, ran.error["code"], ran.error["field"]) == (2, code, field)
    assert ran.error["fix"]
    assert tree(stock) == before


def test_a_report_that_cannot_be_written_is_exit_3(cli: Cli, stock: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    ran = cli(*SMA, "--report", "taken", "--json")
    assert ran.code == 3
    assert ran.error["value"] == "taken"


def test_a_run_loads_neither_pandas_nor_rich(stock: Path) -> None:
    code = (
        "import sys; from real_trade.cli.main import main; code = main(sys.argv[1:]);"
        "heavy = ('pandas', 'rich', 'sqlalchemy', 'aiohttp', 'plotly');"
        "print([name for name in heavy if name in sys.modules], file=sys.stderr);"
        "sys.exit(code)"
    )
    seen = subprocess.run([sys.executable, "-c", code, *SMA, "--json"], capture_output=True, text=True, check=True)
    assert seen.stderr.splitlines()[-1] == "[]"

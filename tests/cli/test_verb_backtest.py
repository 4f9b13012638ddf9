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
SHORT = """
from typing import NamedTuple

from real_trade.trading import Quantity, Strategy

class Memory(NamedTuple):
    done: bool = False

class Short(Strategy):
    size = Quantity("1")
    State = Memory

    @staticmethod
    def on_bar(bar, x, state, p, desk):
        if not state.done:
            desk.sell(p.size)
        return Memory(True)
"""
PORTFOLIO = """
[[strategy]]
name = "sma_cross"
symbols = ["BTC/USDT"]
share = 0.6
params = { fast = 5, slow = 20, size = 0.02 }

[[strategy]]
name = "pair.py"
symbols = ["ETHUSDT", "BTCUSDT"]
"""
PAIR = """
from real_trade.trading import Quantity, Strategy

class Pair(Strategy):
    symbols = 2
    first = Quantity("0.1")
    second = Quantity("0.01", symbol=1)

    @staticmethod
    def on_bars(bars, x, state, p, desks):
        side = 1 if bars[0].close % 2 == 0 else -1
        desks[0].target(side * p.first)
        desks[1].target(-side * p.second)
        return state
"""
# Without the checks, which take longer than all else together.
QUICK = ("backtest", "--no-trust")
SMA = (*QUICK, "--strategy", "sma_cross")
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
    quotes = (*QUICK, "--strategy", "mean_reversion", "--param", "window=5 distance=0", "--json")
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


def test_margin_and_funding_are_chosen_by_flags(cli: Cli, two_symbols: Path, tmp_path: Path) -> None:
    (tmp_path / "short.py").write_text(SHORT, encoding="utf-8")
    short = (*QUICK, "--strategy", "short.py", "--leverage", "50", "--json")
    crossed = cli(*short).json
    assert (crossed["settings"]["margin"], crossed["stats"]["liquidations"]) == ("cross", 0)
    isolated = cli(*short, "--margin", "isolated").json
    assert (isolated["settings"]["margin"], isolated["stats"]["liquidations"]) == ("isolated", 1)
    assert crossed["stats"]["funding"] != 0
    paid = cli(*short, "--funding-rate", "-0.001").json
    received = cli(*short, "--funding-rate", "0.001").json
    assert paid["stats"]["funding"] == -received["stats"]["funding"] > 0
    assert paid["settings"]["funding_rate"] == "-0.001"
    for words, field in ((("--margin", "none"), "--margin"), (("--funding-rate", "2"), "--funding-rate")):
        ran = cli(*short, *words)
        assert (ran.code, ran.error["field"]) == (2, field)
    assert cli(*short, "--fee-liquidation", "1").error["field"] == "--fee-liquidation"
    assert cli(*short[:-2], "1001", "--json").error["field"] == "--leverage"


def test_fees_follow_from_a_tier(cli: Cli, stock: Path) -> None:
    usual, cheaper = cli(*SMA, "--json").json, cli(*SMA, "--fee-tier", "supreme", "--json").json
    assert cheaper["settings"]["fee_tier"] == "supreme"
    assert cheaper["stats"]["fees"] < usual["stats"]["fees"]
    stated = cli(*SMA, "--fee-tier", "supreme", "--fee-taker", "0.002", "--json").json
    assert stated["settings"]["fee_taker"] == "0.002"
    assert cli(*SMA, "--fee-tier", "vip77", "--json").error["field"] == "--fee-tier"


def test_a_liquidation_costs_its_fee(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "short.py").write_text(SHORT, encoding="utf-8")
    prices = [100 + 0.1 * step for step in range(80)]
    rows = [f"{1_704_067_200_000 + step * 60_000},{p},{p + 0.1},{p},{p + 0.1},5" for step, p in enumerate(prices)]
    (tmp_path / "up.csv").write_text("\n".join(["timestamp,open,high,low,close,volume", *rows]))
    series = ("--venue", "binance", "--market", "linear", "--symbol", "BTCUSDT", "--interval", "1m")
    assert cli("import-data", "up.csv", *series).code == 0
    words = (*QUICK, "--strategy", "short.py", *series, "--leverage", "20", "--margin", "isolated", "--json")
    usual, free = cli(*words).json, cli(*words, "--fee-liquidation", "0").json
    assert (usual["settings"]["fee_liquidation"], free["settings"]["fee_liquidation"]) == ("0.0125", "0")
    assert usual["stats"]["liquidations"] == free["stats"]["liquidations"] == 1
    assert usual["stats"]["fees"] > free["stats"]["fees"]


def test_orders_arrive_late_by_the_latency(cli: Cli, stock: Path) -> None:
    punctual, late = cli(*SMA, "--json").json, cli(*SMA, "--latency", "90000", "--json").json
    assert late["settings"]["latency_ms"] == 90000
    assert late["hashes"]["orders"] != punctual["hashes"]["orders"]
    # The engine's own bound names the flag too.
    for value in ("-1", "1.5", "99999999"):
        ran = cli(*SMA, "--latency", value, "--json")
        assert (ran.code, ran.error["field"]) == (2, "--latency")


def test_finer_data_decide_what_bars_leave_open(cli: Cli, two_symbols: Path) -> None:
    tight = (*QUICK, "--strategy", "momentum_atr", "--interval", "15m", "--json")
    tight += ("--param", "lookback=4 length=4 threshold=0.5 stop=0.3 goal=0.3 size=0.01")
    coarse, finer = cli(*tight).json, cli(*tight, "--policy", "finer").json
    assert finer["settings"]["policy"] == "finer"
    assert coarse["stats"]["ambiguous_fills"] > finer["stats"]["ambiguous_fills"]
    assert coarse["hashes"]["data"] == finer["hashes"]["data"]
    ran = cli(*SMA, "--policy", "finer", "--json")
    assert (ran.code, ran.error["code"], ran.error["field"]) == (2, "no_finer_data", "--policy")


def test_a_strategy_of_several_symbols(cli: Cli, two_symbols: Path, tmp_path: Path) -> None:
    (tmp_path / "pair.py").write_text(PAIR, encoding="utf-8")
    pair = (*QUICK, "--strategy", "pair.py", "--json")
    done = cli(*pair, "--symbol", "eth/usdt,BTCUSDT", "--param", "first=0.2", "--report", "out")
    assert done.code == 0
    document = done.json
    assert document["schema"] == "real_trade.portfolio/1"
    (strategy,) = document["strategies"]
    assert (strategy["name"], strategy["symbols"]) == ("pair ETHUSDT+BTCUSDT", ["ETHUSDT", "BTCUSDT"])
    assert strategy["params"] == {"first": "0.2", "second": "0.01"}
    assert strategy["ledger"] == document["ledger"]
    assert document["report"] == "out/report.html"
    again = cli(*pair, "--symbol", "ETHUSDT,BTCUSDT", "--param", "first=0.2").json
    assert document["hashes"] == again["hashes"]
    for words in (("--symbol", "ETHUSDT"), ("--symbol", "ETHUSDT,ETHUSDT"), ("--symbol", "A1,B1,C1")):
        ran = cli(*pair, *words)
        assert (ran.code, ran.error["code"], ran.error["field"]) == (2, "wrong_symbols", "--symbol")
    ran = cli(*pair, "--symbol", "ETHUSDT,BTCUSD")
    assert (ran.code, ran.error["code"], ran.error["field"]) == (2, "unknown_symbol", "--symbol")
    assert ran.error["value"] == "BTCUSD"
    assert cli(*SMA, "--symbol", "BTCUSDT,ETHUSDT", "--json").error["field"] == "--symbol"
    assert cli(*SMA, "--symbol", "BTCUSDT,,", "--json").error["code"] == "unknown_symbol"


def test_a_portfolio_from_a_file(cli: Cli, two_symbols: Path, tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "pair.py").write_text(PAIR, encoding="utf-8")
    (tmp_path / "set" / "two.toml").write_text(PORTFOLIO, encoding="utf-8")
    words = (*QUICK, "--portfolio", "set/two.toml", "--cash", "5000", "--leverage", "2")
    ran = cli(*words, "--report", "out", "--json")
    assert ran.code == 0
    document = ran.json
    assert [one["ledger"]["initial"] for one in document["strategies"]] == [3000, 2000]
    for name, total in document["ledger"].items():
        assert total == pytest.approx(sum(one["ledger"][name] for one in document["strategies"]), abs=1e-6)
    assert document["settings"]["leverage"] == 2
    assert (document["data"]["from"], document["data"]["symbol"]) == ("2024-01-01T00:00:00Z", "BTCUSDT+ETHUSDT")
    stored = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert stored == document
    shown = cli(*words)
    assert "Portfolio of 2 strategies" in shown.out
    assert f"{document['ledger']['net']:,.2f}" in shown.out
    part = cli(*words, "--from", "2024-01-02", "--to", "2024-01-03", "--runner", "python", "--json").json
    assert (part["data"]["bars"], part["runner"]) == (1440, "python")
    assert cli(*words, "--from", "2024-01-02", "--to", "2024-01-03", "--json").json["hashes"] == part["hashes"]


def test_the_trust_of_a_portfolio(cli: Cli, two_symbols: Path, tmp_path: Path) -> None:
    (tmp_path / "seer.py").write_text(SEER, encoding="utf-8")
    fair = '[[strategy]]\nname = "sma_cross"\nsymbols = ["BTCUSDT"]\n'
    (tmp_path / "fair.toml").write_text(fair)
    (tmp_path / "unfair.toml").write_text(f'{fair}[[strategy]]\nname = "seer.py"\nsymbols = ["ETHUSDT"]\n')
    span = ("--from", "2024-01-02", "--to", "2024-01-04")
    ran = cli("backtest", "--portfolio", "fair.toml", *span)
    assert ran.code == 0
    assert ran.out.startswith("Trial 1 of sma_cross BTCUSDT on this data")
    assert "Look-ahead check passed for sma_cross BTCUSDT." in ran.out.splitlines()[0]
    ran = cli("backtest", "--portfolio", "unfair.toml", *span, "--report", "out", "--json")
    assert ran.code == 1
    assert [one["lookahead"]["ok"] for one in ran.json["trust"]["mandates"]] == [True, False]
    page = (tmp_path / "out" / "report.html").read_text()
    assert "Look-ahead check FAILED for seer ETHUSDT." in page
    assert "Look-ahead check of seer ETHUSDT, bar" in page
    assert cli("report", "out").out.startswith("Trial 1 of this portfolio")


def test_a_gap_ends_a_strict_portfolio(cli: Cli, two_symbols: Path, tmp_path: Path) -> None:
    (tmp_path / "one.toml").write_text('[[strategy]]\nname = "sma_cross"\nsymbols = ["BTCUSDT"]\n')
    ran = cli(*QUICK, "--portfolio", "one.toml", "--strict", "--json")
    assert (ran.code, ran.error["code"]) == (1, "gap")


@pytest.mark.parametrize(
    ("words", "code", "field"),
    [
        ((), "bad_usage", "--strategy"),
        (("--strategy", "sma_cross", "--portfolio", "one.toml"), "bad_usage", "--portfolio"),
        (("--portfolio", "one.toml", "--symbol", "BTCUSDT"), "bad_usage", "--symbol"),
        (("--portfolio", "one.toml", "--param", "fast=3"), "bad_usage", "--param"),
        (("--portfolio", "absent.toml"), "unreadable_portfolio", "--portfolio"),
        (("--portfolio", "one.toml", "--from", "2030-01-01"), "no_data", "symbols"),
        (("--portfolio", "one.toml", "--market", "spot"), "no_data", "symbols"),
    ],
)
def test_what_a_portfolio_excludes(
    cli: Cli, two_symbols: Path, tmp_path: Path, words: tuple[str, ...], code: str, field: str
) -> None:
    (tmp_path / "one.toml").write_text('[[strategy]]\nname = "sma_cross"\nsymbols = ["BTCUSDT"]\n')
    ran = cli(*QUICK, *words, "--json")
    assert (ran.code, ran.error["code"], ran.error["field"]) == (2, code, field)
    assert ran.error["fix"]


def test_trust_is_there_unless_refused_and_trials_are_counted(cli: Cli, stock: Path) -> None:
    assert cli(*SMA, "--json").json["trust"] is None
    sure = ("backtest", "--strategy", "sma_cross")
    first = cli(*sure, "--json").json["trust"]
    assert first["lookahead"]["ok"]
    assert first["warmup"]["ok"]
    assert first["trials"]["count"] == 1
    assert cli(*sure, "--json").json["trust"]["trials"]["count"] == 1
    ran = cli(*sure, "--param", "fast=7")
    assert ran.out.startswith("Trial 2 of sma_cross on this data")
    assert "Look-ahead check passed" in ran.out


def test_a_look_ahead_is_exit_1(cli: Cli, stock: Path, tmp_path: Path) -> None:
    (tmp_path / "seer.py").write_text(SEER, encoding="utf-8")
    ran = cli("backtest", "--strategy", "seer.py", "--json")
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

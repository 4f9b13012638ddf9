"""real-trade report."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Cli


def test_it_shows_a_stored_report_in_each_form(cli: Cli, stock: Path, tmp_path: Path) -> None:
    done = cli("backtest", "--no-trust", "--strategy", "sma_cross", "--report", "out", "--json")
    assert done.code == 0
    text = cli("report", "out")
    assert text.code == 0
    assert "Net profit" in text.out
    assert text.err.strip() == "page: out/report.html"
    assert "\n# sma" in cli("report", "out", "--format", "markdown").out
    assert cli("report", "out", "--json").json == done.json
    assert "schema" in cli("report", "out", "--format", "json").out


def test_it_compares_several(cli: Cli, stock: Path, tmp_path: Path) -> None:
    for name, fast in (("one", 20), ("two", 40)):
        words = [
            "backtest",
            "--no-trust",
            "--strategy",
            "sma_cross",
            "--param",
            f"fast={fast} slow=100",
            "--report",
            name,
        ]
        assert cli(*words).code == 0
    ran = cli("report", "one", "two", "--compare", "both.html")
    assert ran.code == 0
    assert ran.out.startswith("A: one\nB: two\n")
    assert ran.err.strip() == "page: both.html"
    page = (tmp_path / "both.html").read_text()
    assert "Comparison of 2 runs" in page
    document = cli("report", "one", "two", "--json").json
    assert document["page"] is None
    stored = [json.loads((tmp_path / name / "summary.json").read_text()) for name in ("one", "two")]
    (net,) = [row for row in document["figures"] if row["name"] == "net_profit"]
    assert net["values"] == [side["stats"]["net_profit"] for side in stored]
    for text in net["shown"]:
        assert f">{text}</td>" in page
        assert text in ran.out
    assert {row["name"] for row in document["parameters"] if row["differs"]} == {"fast"}
    assert not next(row for row in document["hashes"] if row["name"] == "data")["differs"]


def test_it_shows_and_compares_a_portfolio(cli: Cli, stock: Path, tmp_path: Path) -> None:
    table = '[[strategy]]\nname = "sma_cross"\nsymbols = ["BTCUSDT"]\n'
    (tmp_path / "two.toml").write_text(f"{table}share = 0.25\n{table}params = {{ fast = 5 }}\n")
    done = cli("backtest", "--no-trust", "--portfolio", "two.toml", "--report", "out", "--json")
    assert done.code == 0
    text = cli("report", "out")
    assert text.code == 0
    assert "Portfolio of 2 strategies" in text.out
    assert text.err.strip() == "page: out/report.html"
    assert "\n# Portfolio of 2 strategies" in cli("report", "out", "--format", "markdown").out
    assert cli("report", "out", "--json").json == done.json
    assert "real_trade.portfolio/1" in cli("report", "out", "--format", "json").out
    alone = cli("backtest", "--no-trust", "--strategy", "sma_cross", "--report", "alone", "--json").json
    ran = cli("report", "out", "alone", "--compare", "both.html", "--json")
    assert ran.code == 0
    (net,) = [row for row in ran.json["figures"] if row["name"] == "net_profit"]
    assert net["values"] == [done.json["stats"]["net_profit"], alone["stats"]["net_profit"]]
    shares = {row["name"]: row["values"] for row in ran.json["parameters"]}
    assert shares["sma_cross BTCUSDT #1: share"] == ["0.25", None]
    assert shares["sma_cross BTCUSDT #2: fast"] == [5, None]
    assert (tmp_path / "both.html").is_file()


def test_what_cannot_be_compared_is_refused(cli: Cli, stock: Path, tmp_path: Path) -> None:
    assert cli("backtest", "--no-trust", "--strategy", "sma_cross", "--report", "one").code == 0
    assert cli("report", "one", "--compare", "x.html", "--json").error["code"] == "too_few_runs"
    assert cli("report", "one", "one", "--json").error["code"] == "same_run_twice"
    assert cli("report", "one", "elsewhere", "--json").error["code"] == "no_report"
    refused = cli("report", "one", "two", "--format", "json", "--json")
    assert (refused.code, refused.error["field"]) == (2, "--format")
    assert not (tmp_path / "x.html").exists()


def test_a_folder_without_one_is_refused(cli: Cli, tmp_path: Path) -> None:
    for content in (None, "{", "[]", '{"schema": "other/1"}'):
        if content is not None:
            (tmp_path / "summary.json").write_text(content)
        ran = cli("report", tmp_path, "--json")
        assert (ran.code, ran.error["code"]) == (2, "no_report")

"""real-trade report."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Cli


def test_it_shows_a_stored_report_in_each_form(cli: Cli, stock: Path, tmp_path: Path) -> None:
    done = cli("backtest", "--strategy", "sma_cross", "--report", "out", "--json")
    assert done.code == 0
    text = cli("report", "out")
    assert text.code == 0
    assert "Net profit" in text.out
    assert text.err.strip() == "page: out/report.html"
    assert cli("report", "out", "--format", "markdown").out.startswith("# sma")
    assert cli("report", "out", "--json").json == done.json
    assert "schema" in cli("report", "out", "--format", "json").out


def test_a_folder_without_one_is_refused(cli: Cli, tmp_path: Path) -> None:
    for content in (None, "{", "[]", '{"schema": "other/1"}'):
        if content is not None:
            (tmp_path / "summary.json").write_text(content)
        ran = cli("report", tmp_path, "--json")
        assert (ran.code, ran.error["code"]) == (2, "no_report")

"""The comparison: whose figures are best, what differs, what it refuses, and that its page is harmless."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest

from real_trade.model.errors import InputError, StorageError
from real_trade.report.compare import comparison_text, render_comparison, write_comparison
from real_trade.report.comparison import LETTERS, MOST, compare_runs
from real_trade.report.files import write_report
from real_trade.report.runs import Run, read_runs, run_of

from .test_report_page import EVIL, Reader

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from real_trade.backtest.result import BacktestResult


@pytest.fixture(scope="module")
def three(trusted: Callable[..., BacktestResult]) -> list[BacktestResult]:
    return [trusted(seed=seed, trades=20 + seed) for seed in (1, 2, 3)]


def figure(document: dict[str, Any], name: str) -> dict[str, Any]:
    (row,) = [row for row in document["figures"] if row["name"] == name]
    return dict(row)


def test_the_best_of_each_row_is_marked(three: list[BacktestResult]) -> None:
    document = compare_runs([run_of(result) for result in three])
    for name, best in (("net_profit", max), ("max_drawdown", min), ("sharpe", max), ("fees", min)):
        values = [result.stats[name] for result in three]
        row = figure(document, name)
        assert row["values"] == pytest.approx(values)
        assert row["best"] == [values.index(best(values))]
    assert figure(document, "trades")["best"] == []  # neither end is better
    assert figure(document, "deflated_sharpe")["best"] == []  # all alike
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert [run["letter"] for run in document["runs"]] == ["A", "B", "C"]


def test_a_run_that_failed_a_check_is_never_best(three: list[BacktestResult]) -> None:
    values = [float(str(result.stats["net_profit"])) for result in three]
    winner = values.index(max(values))
    failing = {"ok": False, "findings": [{"bar": 1, "kind": "feature", "name": "x"}]}
    cheat = replace(three[winner], trust={**(three[winner].trust or {}), "lookahead": failing})
    sides = [cheat if i == winner else result for i, result in enumerate(three)]
    document = compare_runs([run_of(result) for result in sides])
    assert winner not in figure(document, "net_profit")["best"]
    assert figure(document, "net_profit")["best"]
    assert any(f"{LETTERS[winner]} failed the look-ahead check" in warning for warning in document["warnings"])
    assert document["checks"][0]["values"][winner] == "FAILED"
    assert '<td class="down">FAILED</td>' in render_comparison(sides)


def test_what_differs_is_told_from_what_does_not(build_result: Callable[..., BacktestResult]) -> None:
    hashes = {"data": "ab" * 32, "code": "cd" * 32, "config": "ef" * 32, "orders": "01" * 32}
    one = build_result(300, 5, params={"fast": 10, "slow": 100})
    two = build_result(300, 5, params={"fast": 20, "slow": 100, "more": True}, hashes=hashes | {"code": "12" * 32})
    document = compare_runs([run_of(one), run_of(two)])
    assert {row["name"]: row["differs"] for row in document["parameters"]} == {
        "fast": True, "slow": False, "more": True
    }  # fmt: skip
    assert {row["name"]: row["differs"] for row in document["hashes"]} == {
        "data": False, "code": True, "config": False, "orders": False
    }  # fmt: skip
    assert document["warnings"] == ["All runs placed the same orders."]
    page = render_comparison([one, two])
    differing = page[page.index('class="sides differing"') : page.index("<details>")]
    assert ">fast<" in differing
    assert ">slow<" not in differing
    assert ">slow<" in page


def test_different_data_and_balances_are_warned_of(build_result: Callable[..., BacktestResult]) -> None:
    one = build_result(300, 5)
    two = build_result(300, 5, cash=5000, hashes={**one.hashes, "data": "99" * 32})
    document = compare_runs([run_of(one), run_of(one), run_of(two)])
    series = "bybit linear BTCUSDT 1m, 2023-01-01 to 2023-01-01, sha256"
    assert document["warnings"][0] == (
        f"The data differ, so the figures are not like for like. A, B: {series} abababab; C: {series} 99999999."
    )
    assert document["warnings"][1].startswith("The start balances differ")
    for warning in document["warnings"]:
        assert warning in render_comparison([one, one, two])
        assert f"Warning: {warning}" in comparison_text(document)


def test_stored_reports_compare_like_the_results(three: list[BacktestResult], tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("x/out", "y/out", "other")]
    for result, folder in zip(three, folders, strict=True):
        write_report(result, folder)
    stored, fresh = read_runs(folders), [run_of(result) for result in three]
    assert [run.name for run in stored] == ["x/out", "y/out", f"{tmp_path.name}/other"]
    for mine, theirs, result in zip(stored, fresh, three, strict=True):
        assert mine.time_ms == theirs.time_ms
        assert mine.equity == theirs.equity
        assert mine.equity[0] == result.initial_units / 1e8
        assert mine.equity[-1] == result.equity_units[-1] / 1e8
    assert compare_runs(stored)["figures"] == compare_runs(fresh)["figures"]


def test_what_cannot_be_compared_is_refused(small_result: BacktestResult, tmp_path: Path) -> None:
    run = run_of(small_result)
    for runs, code in (([run], "too_few_runs"), ([run] * (MOST + 1), "too_many_runs")):
        with pytest.raises(InputError) as caught:
            compare_runs(runs)
        assert caught.value.code == code
    foreign = replace(small_result, instrument=replace(small_result.instrument, settle="BTC"))
    with pytest.raises(InputError, match=r"in USDT, .* in BTC") as caught:
        render_comparison([small_result, foreign])
    assert caught.value.code == "different_currencies"
    write_report(small_result, tmp_path)
    with pytest.raises(InputError) as caught:
        read_runs([tmp_path, tmp_path / "." / ""])
    assert caught.value.code == "same_run_twice"


@pytest.mark.parametrize(
    "content", [None, "", "day\n1", "day,equity\n2023-01-01,much\n", "day,equity\n1,1\n", "day,equity\n1\n", "\x00,\n"]
)
def test_a_damaged_curve_is_refused(content: str | None, small_result: BacktestResult, tmp_path: Path) -> None:
    for name in "ab":
        write_report(small_result, tmp_path / name)
    curve = tmp_path / "a" / "equity.csv"
    if content is None:
        curve.unlink()
    else:
        curve.write_text(content)
    with pytest.raises(InputError, match=r"equity\.csv") as caught:
        read_runs([tmp_path / "a", tmp_path / "b"])
    assert caught.value.code == "no_report"


def test_runs_without_a_day_are_compared(build_result: Callable[..., BacktestResult], tmp_path: Path) -> None:
    bars = build_result(1, 0)
    names = ("time_ms", "open", "high", "low", "close", "equity_units")
    empty = replace(bars, **{name: getattr(bars, name)[:0] for name in names})
    write_report(empty, tmp_path / "empty")
    write_report(bars, tmp_path / "one")
    runs = read_runs([tmp_path / "empty", tmp_path / "one"])
    assert runs[0].equity == ()
    assert "Comparison of 2 runs" in render_comparison(runs)


def test_the_page_loads_nothing_and_runs_only_its_own_script(three: list[BacktestResult]) -> None:
    page = render_comparison(three)
    reader = Reader(page)
    assert reader.loads == ["data:,"]
    assert reader.handlers == []
    assert not re.search(r"https?://|url\(|fetch\(", page)
    (script,) = [text for kind, text in reader.scripts if kind is None]
    assert f"script-src 'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'" in page


def test_names_are_harmless(build_result: Callable[..., BacktestResult], small_result: BacktestResult) -> None:
    changes: dict[str, Any] = {
        "strategy": EVIL,
        "params": {EVIL: EVIL},
        "settings": {"cash_units": 10**12, EVIL: EVIL},
        "hashes": {"data": EVIL},
        "instrument": replace(small_result.instrument, settle=EVIL),
        "data": replace(small_result.data, symbol=EVIL, venue=EVIL),
    }
    evil = build_result(300, 5, **changes)
    shown = Reader(render_comparison([evil, replace(evil, params={EVIL: 1})]))
    assert shown.tags.count("script") == 2
    assert shown.tags.count("img") == 0
    assert shown.handlers == []
    assert EVIL in "".join(shown.text)


def test_a_summary_of_anything_is_still_compared() -> None:
    odd = {"schema": "real_trade.backtest/1", "stats": {"sharpe": [1], "trades": "many"}, "trust": [1], "params": 7}
    page = render_comparison([Run("one", odd, (), ()), Run("two", {"trust": {"trials": 3}}, (), ())])
    assert "Comparison of 2 runs" in page
    assert "None" not in "".join(Reader(page).text)


def test_twelve_long_runs_stay_small(build_result: Callable[..., BacktestResult]) -> None:
    day = 86_400_000
    document = run_of(build_result(300, 5)).document
    times = tuple(1_500_000_000_000 // day * day + i * day for i in range(3650))
    runs = [Run(f"run {i}", document, times, tuple(1e4 + 0.01 * i * j for j in range(3650))) for i in range(12)]
    page = render_comparison(runs)
    assert len(page) < 2_000_000
    assert page.count("data-run=") == 12


def test_the_page_is_written_or_the_error_says_why(three: list[BacktestResult], tmp_path: Path) -> None:
    path = write_comparison(three, tmp_path / "new" / "compare.html")
    assert path.read_text(encoding="utf-8") == render_comparison(three)
    with pytest.raises(StorageError) as caught:
        write_comparison(three, tmp_path)
    assert caught.value.code == "report_not_written"


def test_the_table_stars_the_best(three: list[BacktestResult]) -> None:
    document = compare_runs([run_of(result) for result in three])
    lines = comparison_text(document).splitlines()
    (row,) = [line for line in lines if line.startswith("Sharpe ratio")]
    assert row.count("*") == 1
    best = figure(document, "sharpe")["best"][0]
    assert f"{three[best].stats['sharpe']:.2f} *" in row
    assert lines[0].startswith("A: sma_cross fast=20")

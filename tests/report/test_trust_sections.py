"""The trust sections: each one's effect in every form of the report, and nothing where it was not run."""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import replace
from html import unescape
from typing import TYPE_CHECKING, Any

import pytest

from real_trade.report.figures import Bar
from real_trade.report.formatting import money_text
from real_trade.report.markdown import render_markdown
from real_trade.report.page import render_page
from real_trade.report.pictures import lay_out
from real_trade.report.summary import summary
from real_trade.report.text import render_text
from real_trade.report.trust import findings, first_line, trust_rows
from real_trade.report.trust_contents import trust_contents

from .test_report_page import EVIL, Reader

if TYPE_CHECKING:
    from collections.abc import Callable

    from real_trade.backtest.result import BacktestResult

# Words that stand on the page only when the section was run.
ON_PAGE = {
    "lookahead": "Look-ahead check passed at 50 bars.",
    "warmup": "Warm-up check passed.",
    "trials": "Trial 14 of sma_cross on this data; deflated Sharpe 0.62: not distinguishable from luck.",
    "costs": "Net if costs double",
    "monte_carlo": "Monte Carlo of the trades",
    "capacity": "41.00%",
    "clock": "Around funding",
    "range": "Scenarios, not a bound. A position was liquidated.",
}


def shown_text(page: str) -> str:
    return " ".join(" ".join(Reader(page).text).split())


@pytest.fixture(scope="module")
def full(trusted: Callable[..., BacktestResult]) -> BacktestResult:
    return trusted()


def test_the_first_line_says_it_everywhere(full: BacktestResult) -> None:
    line = (
        "Trial 14 of sma_cross on this data; deflated Sharpe 0.62: not distinguishable from luck. "
        "Look-ahead check passed at 50 bars. Warm-up check passed."
    )
    assert render_text(full).splitlines()[0] == line
    assert render_markdown(full).splitlines()[0].replace("\\", "") == line
    page = render_page(full)
    body = page[page.index("<body>") :]
    assert shown_text(body).startswith(line)


def test_without_checks_it_says_so(small_result: BacktestResult) -> None:
    for made in (small_result, replace(small_result, trust={})):
        assert render_text(made).splitlines()[0] == "Trust checks: not run."
        assert render_markdown(made).startswith("Trust checks: not run.\n\n# sma")
        page = render_page(made)
        assert shown_text(page[page.index("<body>") :]).startswith("Trust checks: not run.")
    assert summary(small_result)["trust"] is None


@pytest.mark.parametrize("section", ON_PAGE)
def test_a_section_is_shown_when_it_was_run_and_only_then(section: str, full: BacktestResult) -> None:
    assert full.trust is not None
    words = ON_PAGE[section]
    alone = replace(full, trust={section: full.trust[section]})
    without = replace(full, trust={name: value for name, value in full.trust.items() if name != section})
    assert words in shown_text(render_page(alone))
    assert words not in shown_text(render_page(without))
    assert summary(alone)["trust"] == {section: full.trust[section]}
    assert json.loads(json.dumps(summary(full), allow_nan=False))["trust"] == full.trust


@pytest.mark.parametrize("section", ["trials", "costs", "monte_carlo", "capacity", "clock", "range"])
def test_text_and_markdown_have_its_figures(section: str, full: BacktestResult) -> None:
    assert full.trust is not None
    rows = trust_rows({section: full.trust[section]}, "USDT")
    assert rows
    text, markdown = render_text(full), render_markdown(full)
    for label, value in rows:
        assert f"| {label} " in text
        assert value in text
        assert f"| {label} | " in markdown
    assert text.isascii()
    table = [line for line in text.splitlines() if line.startswith(("|", "+"))]
    assert len({len(line) for line in table}) == 1


@pytest.mark.parametrize(
    ("value", "words", "tone"),
    [
        (None, "not defined", ""),
        (0.0, "<0.01: no better than luck would bring.", "warn"),
        (0.4999, "0.49: no better than luck would bring.", "warn"),
        (0.5, "0.50: not distinguishable from luck.", "warn"),
        (0.9499, "0.94: not distinguishable from luck.", "warn"),
        (0.95, "0.95: better than luck explains, at the 5% level.", "up"),
        (0.9999, ">0.99: better than luck explains, at the 5% level.", "up"),
    ],
)
def test_the_deflated_sharpe_is_worded_honestly(value: float | None, words: str, tone: str) -> None:
    verdict = first_line("x", {"trials": {"count": 1234, "deflated_sharpe": value}})[0]
    assert verdict.text.startswith("Trial 1,234 of x on this data; deflated Sharpe ")
    assert words in verdict.text
    assert verdict.tone == tone


@pytest.mark.parametrize(("section", "label"), [("lookahead", "Look-ahead check"), ("warmup", "Warm-up check")])
def test_a_finding_stands_in_red_with_its_bar_and_name(
    section: str, label: str, trusted: Callable[..., BacktestResult]
) -> None:
    found = [
        {"bar": 1234, "time": "2023-01-01T20:34:00Z", "kind": "feature", "name": f"mean{i}", "detail": "1 became 2"}
        for i in range(30)
    ]
    result = trusted(**{section: {"ok": False, "bars_checked": 50, "findings": found}})
    page = render_page(result)
    assert f'<span class="down">{label} FAILED with 30 findings.</span>' in page
    assert (
        page.count("<li><b>Look-ahead check, bar 1234" if section == "lookahead" else "<li><b>Warm-up check, bar") == 20
    )
    assert "and 10 more in summary.json" in page
    lines = render_text(result).splitlines()
    assert f"{label} FAILED with 30 findings." in lines[0]
    assert lines[1] == f"Finding: {label}, bar 1234 (2023-01-01T20:34:00Z), feature mean0: 1 became 2"
    assert "and 20 more in summary.json" in lines
    assert f"**{label} FAILED with 30 findings.**" in render_markdown(result).splitlines()[0]
    assert len(findings(result.trust)) == 30


def test_a_check_that_is_not_ok_has_failed_even_without_findings() -> None:
    assert first_line("x", {"warmup": {"ok": False, "findings": []}})[2].text == "Warm-up check FAILED."
    assert first_line("x", {"warmup": {"ok": True, "findings": [{}]}})[2].tone == "down"


def test_the_waterfall_steps_from_gross_to_net(full: BacktestResult) -> None:
    assert full.trust is not None
    costs = full.trust["costs"]
    picture = trust_contents(full)["waterfall"]["picture"]
    labels = [item.label for item in picture.items]
    assert labels == ["gross", "fees", "slippage", "funding", "net"]
    gross, *steps, net = picture.items
    scale = gross.high / abs(costs["gross"])
    level = gross.y if costs["gross"] > 0 else gross.y + gross.high
    for item, name in zip(steps, ("fees", "slippage", "funding"), strict=True):
        assert item.y == pytest.approx(level, abs=0.03)  # a cost hangs from where the one before ended
        assert item.high == pytest.approx(costs[name] * scale, abs=0.03)
        level = item.y + item.high
    end = net.y if costs["net"] > 0 else net.y + net.high
    assert end == pytest.approx(level, abs=0.03)


def test_what_the_costs_do_not_explain_is_a_step_of_its_own(trusted: Callable[..., BacktestResult]) -> None:
    section = {"gross": 10.0, "fees": 2.0, "slippage": 1.0, "funding": -1.0, "net": 7.0}
    picture = trust_contents(trusted(costs=section))["waterfall"]["picture"]
    notes = [item.note for item in picture.items]
    assert notes == [
        "gross: 10.00", "fees: -2.00", "slippage: -1.00", "funding: 1.00", "other: -1.00", "net: 7.00"
    ]  # fmt: skip


def test_bars_may_start_above_the_line() -> None:
    picture = lay_out([Bar("", 10.0, "up", ""), Bar("", -4.0, "cost", "", 10.0)])
    assert picture is not None
    whole, step = picture.items
    assert step.y == pytest.approx(whole.y)
    assert step.high == pytest.approx(whole.high * 0.4, abs=0.02)


def test_the_fans_are_on_one_scale_and_end_where_the_band_ends(full: BacktestResult) -> None:
    assert full.trust is not None
    methods = full.trust["monte_carlo"]["methods"]
    fans = trust_contents(full)["monte_carlo"]["fans"]
    assert [fan.method for fan in fans] == ["block bootstrap", "skipped trades", "shuffled order"]
    assert len({fan.start for fan in fans}) == 1
    for fan, name in zip(fans, ("block_bootstrap", "skip", "shuffle"), strict=True):
        band = methods[name]["equity_band"]
        assert (fan.high, fan.low) == (money_text(band["p95"][-1]), money_text(band["p5"][-1]))
        assert len(fan.band.split()) == 100
        assert fan.high_y <= float(fan.middle.split()[-1].split(",")[1]) <= fan.low_y
        # The run's own line begins at the start balance and ends with its closed trades.
        assert float(fan.actual.split()[0].split(",")[1]) == fan.start


@pytest.mark.parametrize("band", [None, {}, {"share": [0, 1], "p5": [1], "p50": [1, 2], "p95": [1, 2]}, "x"])
def test_a_band_that_cannot_be_drawn_is_left_out(band: Any, trusted: Callable[..., BacktestResult]) -> None:
    result = trusted(monte_carlo={"runs": 3, "seed": 1, "methods": {"skip": {"equity_band": band}}})
    assert trust_contents(result)["monte_carlo"]["fans"] == []
    assert "skipped trades" in render_page(result)


def test_names_and_sections_with_nothing_in_them_are_harmless(trusted: Callable[..., BacktestResult]) -> None:
    hostile = {"bar": EVIL, "time": EVIL, "kind": EVIL, "name": f"{EVIL}\x1b[31m\n", "detail": EVIL}
    result = trusted(
        strategy=EVIL,
        lookahead={"ok": False, "findings": [hostile, {}]},
        range={"label": "scenarios", "why": EVIL},
        capacity={"worst": [{"time": EVIL, "share": None}]},
    )
    plain, shown = Reader(render_page(trusted())), Reader(render_page(result))
    assert shown.tags.count("script") == plain.tags.count("script") == 2
    assert shown.handlers == []
    assert shown.loads == plain.loads
    text = render_text(result)
    assert "\x1b" not in text
    assert text.splitlines()[1].startswith("Finding: Look-ahead check, bar </script>")
    assert "<script>" not in render_markdown(result).replace("\\<", "")
    empty: dict[str, Any] = {name: {} for name in ON_PAGE}
    assert "Trials of sma_cross on this data: not counted." in unescape(render_page(trusted(**empty)))


def test_undefined_figures_are_dashes(full: BacktestResult) -> None:
    def emptied(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: emptied(item) for name, item in value.items()}
        return [] if isinstance(value, list) else value if isinstance(value, str | bool) else None

    result = replace(full, trust=emptied(deepcopy(dict(full.trust or {}))))
    page = render_page(result)
    assert "None" not in shown_text(page)
    assert "None" not in render_text(result)
    assert render_text(result).splitlines()[0].startswith("Trial - of sma_cross on this data; deflated Sharpe not")

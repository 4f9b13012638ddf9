"""The page: self-contained, harmless whatever the names, small, fast, and nothing lost in packing."""

from __future__ import annotations

import json
import math
import re
import time
import tracemalloc
import zlib
from base64 import b64decode, b64encode
from hashlib import sha256
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from real_trade.report import figures, series
from real_trade.report.coding import pack
from real_trade.report.files import write_report
from real_trade.report.page import render_page
from real_trade.report.pictures import lay_out

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from real_trade.backtest.result import BacktestResult


class Reader(HTMLParser):
    """Collects what a browser would fetch or run."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags, self.loads, self.handlers, self.text, self.scripts = [], [], [], [], []
        self.inside = None
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.inside = dict(attrs) if tag == "script" else None
        self.loads += [value for name, value in attrs if name in {"src", "href", "action", "data", "srcset"}]
        self.handlers += [name for name, _ in attrs if name.startswith("on")]

    def handle_endtag(self, tag: str) -> None:
        if tag == "script":
            self.inside = None

    def handle_data(self, data: str) -> None:
        if self.inside is None:
            self.text.append(data)
            return
        kind = self.inside.get("type")
        before = self.scripts.pop()[1] if self.scripts and self.scripts[-1][0] == kind else ""
        self.scripts.append((kind, before + data))


def unpack(packed: dict[str, Any]) -> np.ndarray:
    """Do what the page's script does."""
    numbers = np.zeros(packed["n"], dtype=np.int64)
    for place, plane in enumerate(packed["planes"]):
        numbers += np.frombuffer(zlib.decompress(b64decode(plane)), np.uint8).astype(np.int64) << (8 * place)
    if packed["signed"]:
        numbers = np.where(numbers % 2, -(numbers + 1) // 2, numbers // 2)
    return np.cumsum(numbers) + packed["first"] if packed["running"] else numbers


@pytest.fixture(scope="module")
def page(small_result: BacktestResult) -> str:
    return render_page(small_result)


@pytest.fixture(scope="module")
def data(page: str) -> dict[str, Any]:
    return json.loads(next(text for kind, text in Reader(page).scripts if kind == "application/json"))


def test_the_page_loads_nothing(page: str) -> None:
    reader = Reader(page)
    assert reader.loads == ["data:,"]
    assert not {"img", "iframe", "object", "embed", "audio", "video", "base", "form"} & set(reader.tags)
    assert "url(" not in page
    assert "@import" not in page
    assert "fetch(" not in page
    assert "XMLHttpRequest" not in page
    assert not re.search(r"https?://", page)


def test_only_the_page_s_own_script_may_run(page: str) -> None:
    (script,) = [text for kind, text in Reader(page).scripts if kind is None]
    digest = b64encode(sha256(script.encode()).digest()).decode()
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page).group(1)
    assert f"script-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'")
    assert Reader(page).handlers == []


EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\"'&{{7*7}}"


def test_names_are_harmless(build_result: Callable[..., BacktestResult], small_result: BacktestResult) -> None:
    from dataclasses import replace

    result = build_result(
        300,
        5,
        strategy=EVIL,
        params={EVIL: EVIL},
        settings={"cash_units": 10**12, EVIL: EVIL},
        warnings=(EVIL,),
        hashes={"data": EVIL},
        runner=EVIL,
        instrument=replace(small_result.instrument, settle=EVIL),
        data=replace(small_result.data, symbol=EVIL, venue=EVIL, findings=({"code": EVIL, "detail": EVIL},)),
    )
    plain, shown = Reader(render_page(build_result(300, 5))), Reader(render_page(result))
    assert shown.tags.count("script") == plain.tags.count("script") == 2
    assert shown.tags.count("img") == 0
    assert shown.handlers == []
    assert shown.loads == plain.loads
    assert EVIL in "".join(shown.text)
    assert json.loads(shown.scripts[0][1])["currency"] == EVIL


def test_the_page_shows_what_was_asked_of_it(page: str) -> None:
    text = " ".join(" ".join(Reader(page).text).split())
    for words in (
        "sma_cross",
        "bybit linear BTCUSDT, 1m bars, 2023-01-01 00:00 to 2023-01-04 12:40 UTC",
        "Returns by month",
        "Net profit of a trade",
        "Time held",
        "Net profit by hour of entry",
        "Net profit by minute of the hour",
        "Net profit by weekday",
        "Worst drawdowns",
        "Data certificate",
        "1 with 80 bars missing",
        "2023-01-02 09:20 2023-01-02 10:40 80",
        "1 gap: 80 bars are missing.",
        "ab" * 32,
        "cd" * 32,
        "ef" * 32,
        "01" * 32,
    ):
        assert words in text, words


def test_every_metric_stands_on_the_page_with_its_definition(page: str) -> None:
    from real_trade.metrics import METRICS

    for metric in METRICS.values():
        assert f'<dt title="{metric.description}">{metric.label}</dt>' in page.replace("&gt;", ">"), metric.name


def test_findings_of_the_data_check_are_listed(
    build_result: Callable[..., BacktestResult], small_result: BacktestResult
) -> None:
    from dataclasses import replace

    findings = tuple({"code": "outlier", "severity": "warning", "count": i} for i in range(25))
    text = " ".join(Reader(render_page(build_result(300, 5, data=replace(small_result.data, findings=findings)))).text)
    assert text.count("outlier") == 20
    assert "and 5 more in summary.json" in text


@given(
    st.lists(st.integers(-(2**50), 2**50), max_size=50),
    st.booleans(),
)
def test_packing_loses_nothing(numbers: list[int], running: bool) -> None:
    values = np.array(numbers, dtype=np.int64)
    assert unpack(pack(values, signed=True, running=running)).tolist() == numbers
    assert unpack(pack(np.abs(values))).tolist() == np.abs(values).tolist()


def read_prices(packed: dict[str, Any]) -> np.ndarray:
    columns = {name: unpack(packed[name]) for name in ("open", "close", "high", "low")}
    out, before = [], packed["first"]
    for o, c, h, low in zip(*columns.values(), strict=True):
        start = before + o
        before = start + c
        out.append((start, max(start, before) + h, min(start, before) - low, before))
    return np.array(out).T


def read_equity(
    packed: dict[str, Any], close: np.ndarray, fills: np.ndarray, bucket: int, *, inverse: bool = False
) -> np.ndarray:
    rest, equity, position, fill = unpack(packed["rest"]), [packed["first"]], 0, 0

    def worth(price: int) -> int:
        return -math.floor(position * packed["grid"] / price + 0.5) if inverse else position * price * packed["grid"]

    for i in range(len(close)):
        if i:
            equity.append(equity[-1] + worth(int(close[i])) - worth(int(close[i - 1])) + rest[i - 1])
        while fill < len(fills) and fills["bar"][fill] < (i + 1) * bucket:
            position += fills["side"][fill] * fills["lots"][fill]
            fill += 1
    return np.array(equity)


def test_every_bar_comes_back_exactly(data: dict[str, Any], small_result: BacktestResult) -> None:
    time_ms = np.cumsum(np.append(data["time"]["first"], unpack(data["time"]["excess"]) + data["time"]["step"]))
    assert time_ms.tolist() == small_result.time_ms.tolist()
    assert data["bucket"] == 1
    prices = read_prices(data["prices"])
    for name, column in zip(("open", "high", "low", "close"), prices, strict=True):
        assert column.tolist() == getattr(small_result, name).tolist()
    equity = read_equity(data["equity"], prices[3], small_result.fill_rows, 1)
    assert equity.tolist() == small_result.equity_units.tolist()


def test_every_fill_and_trade_comes_back_exactly(data: dict[str, Any], small_result: BacktestResult) -> None:
    for name, rows in (("fills", small_result.fill_rows), ("orders", small_result.order_rows)):
        for column, packed in data[name].items():
            if column not in {"total", "liquidation"}:
                assert unpack(packed).tolist() == rows[column].tolist()
        assert data[name]["total"] == len(rows)
    trades = small_result.trade_rows
    assert (unpack(data["trades"]["gross"]) - unpack(data["trades"]["fees"])).tolist() == trades["net"].tolist()
    assert unpack(data["trades"]["entry_price"]) * 0.01 / data["trades"]["parts"] == pytest.approx(
        trades["entry_price"]
    )


def test_equity_follows_from_closes_and_position(data: dict[str, Any]) -> None:
    rest = unpack(data["equity"]["rest"])
    assert np.count_nonzero(rest) <= data["fills"]["total"]  # only fills and fees are left to say


def test_mean_prices_off_the_grid_keep_their_decimals(build_result: Callable[..., BacktestResult]) -> None:
    result = build_result(500, 5)
    result.trade_rows["entry_price"] += 0.0033
    packed = series.chart_data(result)["trades"]
    assert packed["parts"] == 10_000
    assert unpack(packed["entry_price"]) * 0.01 / 10_000 == pytest.approx(result.trade_rows["entry_price"], abs=1e-6)


def test_buckets_keep_every_peak(build_result: Callable[..., BacktestResult], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(series, "PRICE_BUDGET", 4_000)
    result = build_result(5003, 40)
    data = series.chart_data(result)
    size = data["bucket"]
    assert size > 1
    prices = read_prices(data["prices"])
    assert prices[0].tolist() == result.open[::size].tolist()
    assert (prices[1].max(), prices[2].min()) == (result.high.max(), result.low.min())
    assert prices[3][-1] == result.close[-1]
    equity = read_equity(data["equity"], prices[3], result.fill_rows, size)
    high, low = equity + unpack(data["equity"]["above"]), equity - unpack(data["equity"]["below"])
    assert equity.tolist() == series.last_of(result.equity_units, size).tolist()
    assert (high.max(), low.min()) == (result.equity_units.max(), result.equity_units.min())
    assert (
        sum(len(plane) for name in ("open", "high", "low", "close") for plane in data["prices"][name]["planes"])
        <= 4_000
    )


def test_amounts_beyond_the_script_s_exact_numbers_are_rounded_not_wrong(
    build_result: Callable[..., BacktestResult],
) -> None:
    result = build_result(500, 5, equity_units=np.arange(500) * 10**13 + 10**17)
    packed = series.chart_data(result)["equity"]
    assert packed["quantum"] > 1
    got = read_equity(packed, result.close, result.fill_rows, 1) * packed["quantum"]
    assert np.abs(got - result.equity_units).max() < packed["quantum"]


def test_long_tables_are_cut_and_say_so(
    build_result: Callable[..., BacktestResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(series, "TABLE_ROWS", 10)
    result = build_result(2000, 40)
    data = series.chart_data(result)
    assert (data["fills"]["total"], data["fills"]["bar"]["n"]) == (80, 10)
    equity = read_equity(data["equity"], result.close, result.fill_rows[:10], 1)
    assert equity.tolist() == result.equity_units.tolist()


def test_the_monthly_table_compounds_to_the_result(build_result: Callable[..., BacktestResult]) -> None:
    result = build_result(100_000, 300)
    (year,) = figures.monthly_table(result)
    assert year.year == 2023
    assert [value is not None for value in year.months] == [True, True, True] + [False] * 9
    growth = math.prod(1 + value for value in year.months if value is not None) - 1
    assert growth == pytest.approx(year.total) == pytest.approx(result.stats["net_profit_pct"] / 100)


@pytest.mark.parametrize("name", ["profit_by_hour", "profit_by_weekday", "profit_by_minute"])
def test_profits_by_time_add_up(name: str, small_result: BacktestResult) -> None:
    bars = getattr(figures, name)(small_result)
    assert sum(bar.value for bar in bars) == pytest.approx(small_result.trade_rows["net"].sum() / 10**8)
    assert len(bars) == {"profit_by_hour": 24, "profit_by_weekday": 7, "profit_by_minute": 60}[name]


@pytest.mark.parametrize("name", ["profit_histogram", "holding_histogram"])
def test_histograms_count_every_trade(name: str, small_result: BacktestResult) -> None:
    assert sum(bar.value for bar in getattr(figures, name)(small_result)) == 40


def test_a_trade_of_a_known_hour_stands_in_its_bar(build_result: Callable[..., BacktestResult]) -> None:
    result = build_result(3000, 1)
    row = result.trade_rows[0]
    row["entry_ms"], row["net"] = 1_704_110_400_000 + 25 * 60_000, -7 * 10**8  # Monday 2024-01-01 12:25
    assert {i: bar.value for i, bar in enumerate(figures.profit_by_hour(result)) if bar.value} == {12: -7.0}
    assert {bar.label: bar.value for bar in figures.profit_by_weekday(result) if bar.value} == {"Mon": -7.0}
    assert {i: bar.value for i, bar in enumerate(figures.profit_by_minute(result)) if bar.value} == {25: -7.0}


def test_pictures_stand_on_their_line(small_result: BacktestResult) -> None:
    picture = lay_out(figures.profit_by_hour(small_result))
    assert picture is not None
    for item in picture.items:
        assert item.y >= 0
        assert item.y + item.high <= picture.floor + 1
        assert math.isclose(item.y if item.tone == "down" else item.y + item.high, picture.zero, abs_tol=1.01)


def test_size_speed_and_memory_of_a_long_run(large_result: BacktestResult, tmp_path: Path) -> None:
    _ = large_result.stats
    best = math.inf
    for _ in range(3):
        begun = time.perf_counter()
        files = write_report(large_result, tmp_path)
        best = min(best, time.perf_counter() - begun)
    assert files["html"].stat().st_size < 10_000_000
    assert best < 1.2  # about 0.3 s on a free core
    tracemalloc.start()
    write_report(large_result, tmp_path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 150_000_000


def test_a_notebook_shows_the_page(small_result: BacktestResult) -> None:
    shown = small_result.plot()._repr_html_()
    assert shown.startswith("<iframe")
    assert "&lt;!doctype html&gt;" in shown


def test_a_page_with_nothing_to_draw(build_result: Callable[..., BacktestResult]) -> None:
    page = render_page(build_result(1, 0))
    assert "No closed trades." in page
    assert "Equity never closed below" in page

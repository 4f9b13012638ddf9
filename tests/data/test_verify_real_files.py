"""The real files: each defect that is known of them is found, and the clean ones have no error."""

from __future__ import annotations

import gzip
import time
from typing import TYPE_CHECKING

import pytest

from real_trade.data.readers import read_file
from real_trade.data.verify import verify_files, verify_klines
from real_trade.model import Interval, parse_time

if TYPE_CHECKING:
    from pathlib import Path

    from real_trade.data.findings import VerificationReport

pytestmark = pytest.mark.shared
DUMP = "binance_spot_BTCUSDT-1m-{}.csv.gz"


def errors(report: VerificationReport) -> set[tuple[str, int]]:
    return {(f.code, f.count) for f in report.errors}


@pytest.fixture
def defects(real_data: Path) -> Path:
    return real_data / "raw_defects"


def test_the_days_around_the_outage_as_neighbours(defects: Path) -> None:
    report = verify_files([defects / DUMP.format(f"2018-02-{day}") for day in ("10", "08", "09")])
    assert errors(report) == {("gap", 2011), ("gap", 15), ("truncated_bar", 1)}
    gap = report.errors[0]
    assert (gap.from_ms, gap.to_ms) == (parse_time("2018-02-08T00:29:00Z"), parse_time("2018-02-09T10:00:00Z"))


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ("2018-02-08", {("early_end", 1411), ("truncated_bar", 1)}),
        ("2018-02-09", {("late_start", 600)}),
        ("2018-02-10", {("gap", 15)}),
        ("2023-03-24", {("gap", 80), ("truncated_bar", 1)}),
        ("2024-12-31", set()),
        ("2025-01-01", set()),
    ],
)
def test_single_days(defects: Path, day: str, expected: set[tuple[str, int]]) -> None:
    assert errors(verify_files([defects / DUMP.format(day)])) == expected


def test_the_halt_has_empty_bars_too(defects: Path) -> None:
    (warning,) = verify_files([defects / DUMP.format("2023-03-24")]).warnings
    assert (warning.code, warning.count, warning.to_ms) == ("zero_volume", 72, parse_time("2023-03-24T12:40:00Z"))


def test_milliseconds_then_microseconds(defects: Path) -> None:
    report = verify_files([defects / DUMP.format(day) for day in ("2024-12-31", "2025-01-01")])
    assert errors(report) == {("time_unit_mixed", 1440)}
    assert report.errors[0].from_ms == parse_time("2025-01-01")
    assert report.bars == 2880


def test_pagination_gaps(defects: Path) -> None:
    report = verify_files([defects / "bybit_linear_LTCUSDT_1m_pagination_gaps.parquet"])
    assert [f.count for f in report.errors] == [801] * 514
    assert "504 more, counting 403,704" in report.text()


@pytest.mark.parametrize(
    "reference",
    [
        "klines/binance_spot_BTCUSDT_1m_2023-01_2025-08.parquet",
        "klines/bybit_linear_BTCUSDT_1m_2025-05-29_2025-06-29.parquet",
        "klines_5m/bybit_linear_BTCUSDT_5m_2025-01_2025-08.parquet",
    ],
)
def test_testnet_prices_are_another_market(real_data: Path, defects: Path, reference: str) -> None:
    path = defects / "bybit_testnet_BTCUSDT_1m_bad_prices_and_gaps.parquet"
    report = verify_files([path], against=real_data / reference)
    assert {f.code for f in report.errors} == {"gap", "wrong_market"}
    assert [f.count for f in report.warnings if f.code == "zero_volume"] == [7005]
    alone = verify_files([path])
    assert {f.code for f in alone.errors} == {"gap"}
    assert "wrong_market" in {n.code for n in alone.not_judged}


def test_single_minute_gaps_at_the_joints_of_pages(real_data: Path, defects: Path) -> None:
    reference = real_data / "klines" / "bybit_linear_BTCUSDT_1m_2025-05-29_2025-06-29.parquet"
    report = verify_files([defects / "bybit_linear_BTCUSDT_1m_42_single_minute_gaps.csv.gz"], against=reference)
    assert [(f.code, f.count) for f in report.errors] == [("gap", 1)] * 42


def test_the_unfinished_last_bar(real_data: Path, defects: Path) -> None:
    path = defects / "bybit_linear_BTCUSDT_1m_unfinished_last_bar.csv"
    reference = real_data / "klines" / "bybit_linear_BTCUSDT_1m_2025-05-29_2025-06-29.parquet"
    (finding,) = verify_files([path], against=reference).errors
    assert (finding.code, finding.from_ms) == ("unfinished_bar", parse_time("2025-06-28T18:59:00Z"))
    assert "0.57 of the final 11.909" in finding.detail
    alone = verify_files([path])
    assert alone.ok
    assert "unfinished_bar" in {n.code for n in alone.not_judged}


def test_funding_stamps_three_hours_off(real_data: Path, defects: Path) -> None:
    path = defects / "bybit_linear_BTCUSDT_funding_2021_2023_stamps_utc_plus_3.csv"
    reference = real_data / "funding" / "bybit_linear_BTCUSDT_funding_2021_2023.parquet"
    (finding,) = verify_files([path], against=reference).errors
    assert (finding.code, finding.count) == ("time_zone", 3285)
    assert "UTC+3 h" in finding.detail
    alone = verify_files([path])
    assert alone.ok
    assert any("no zone" in n.reason and "3 h after" in n.reason for n in alone.not_judged)
    assert verify_files([reference], against=reference).findings == ()


def test_two_sources_in_one_file(real_data: Path, defects: Path) -> None:
    path = defects / "binance_BTCUSDT_1m_2025-05_two_sources_merged.csv.gz"
    joint = parse_time("2025-05-27T23:58:00Z")
    (alone,) = verify_files([path]).errors
    assert (alone.code, alone.count, alone.from_ms) == ("mixed_market", 2450, joint)
    spot = real_data / "klines" / "binance_spot_BTCUSDT_1m_2023-01_2025-08.parquet"
    # The bar before the joint was the last of its source, and not finished when it was saved.
    assert errors(verify_files([path], against=spot)) == {("mixed_market", 2450), ("revised_bar", 1)}
    linear = real_data / "klines" / "binance_usdm_BTCUSDT_1m_2025-05-04_2025-06-24.parquet"
    found = errors(verify_files([path], against=linear))
    assert found == {("mixed_market", 14160), ("revised_bar", 620), ("unfinished_bar", 1)}


def test_two_sources_are_told_apart_without_the_hint_of_columns(defects: Path, tmp_path: Path) -> None:
    source = defects / "binance_BTCUSDT_1m_2025-05_two_sources_merged.csv.gz"
    with gzip.open(source, "rt") as file:
        lines = [",".join(line.split(",")[:6]) for line in file]
    path = tmp_path / "plain.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    (finding,) = verify_files([path]).errors
    assert (finding.code, finding.from_ms) == ("mixed_market", parse_time("2025-05-27T23:58:00Z"))


def test_clean_files_have_no_error(real_data: Path) -> None:
    long_file = "binance_spot_BTCUSDT_1m_2023-01_2025-08.parquet"
    paths = [*real_data.glob("klines/*.parquet"), *real_data.glob("klines_5m/*.parquet")]
    assert len(paths) >= 20
    for path in paths:
        if path.name != long_file:
            report = verify_files([path])
            assert report.ok, (path.name, report.text())


def test_the_clean_bybit_file_has_no_finding_at_all(real_data: Path) -> None:
    path = real_data / "klines" / "bybit_linear_BTCUSDT_1m_2025-05-29_2025-06-29.parquet"
    assert verify_files([path]).findings == ()
    five = real_data / "klines_5m" / "bybit_linear_BTCUSDT_5m_2025-01_2025-08.parquet"
    assert verify_files([path], against=five).errors == ()


def test_clean_funding_files_have_no_finding(real_data: Path) -> None:
    for path in real_data.glob("funding/*.parquet"):
        assert verify_files([path]).findings == (), path.name


def test_the_long_file_has_one_gap_and_names_its_hard_minutes(real_data: Path) -> None:
    klines = read_file(real_data / "klines" / "binance_spot_BTCUSDT_1m_2023-01_2025-08.parquet").klines
    verify_klines(klines.take(slice(0, 1000)), Interval("1m"))
    began = time.perf_counter()
    report = verify_klines(klines, Interval("1m"))
    seconds = time.perf_counter() - began
    assert errors(report) == {("gap", 80)}
    assert [f.count for f in report.warnings if f.code == "zero_volume"] == [72]
    outliers = [f for f in report.warnings if f.code == "outlier"]
    assert len(outliers) < 100
    for minute in ("2023-08-17T21:43", "2024-02-28T17:31", "2024-08-05T01:10", "2024-08-05T14:00", "2024-12-05T22:28"):
        moment = parse_time(f"{minute}:00Z")
        assert any(f.from_ms <= moment < f.to_ms for f in outliers if f.from_ms and f.to_ms), minute
    # Measured 0.5 s; the room is for machines that do other work at the same time.
    assert seconds < 3.0

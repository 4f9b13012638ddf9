"""Every kind of finding has a case here that shows it, and the sound series shows none."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

import numpy as np
import pytest
from series_for_checks import (
    MINUTE,
    MINUTE_MS,
    START,
    changed,
    sound_series,
    without,
    write_csv,
)

from real_trade.data.findings import FINDING_CODES, Severity
from real_trade.data.verify import verify_files, verify_klines
from real_trade.model import HistoricalClock, Klines, MarketDataError, format_time

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from real_trade.data.findings import VerificationReport

DAY_MS = 1440 * MINUTE_MS


def at(row: int) -> int:
    return START + row * MINUTE_MS


def other_market(klines: Klines, factor: float) -> Klines:
    prices = (np.round(getattr(klines, name) * factor, 1) for name in ("open", "high", "low", "close"))
    return Klines.of(klines.timestamp, *prices, np.round(klines.volume * 7, 3))


def case_time_unit_mixed(tmp: Path) -> VerificationReport:
    stamps: list[object] = [at(row) if row < 300 else at(row) * 1000 for row in range(600)]
    return verify_files([write_csv(tmp / "a.csv", sound_series(), stamps=stamps)])


def case_time_zone(tmp: Path) -> VerificationReport:
    zone = timezone(timedelta(hours=3))
    stamps: list[object] = [
        datetime.fromtimestamp(at(row) / 1000, zone).strftime("%Y-%m-%d %H:%M:%S") for row in range(600)
    ]
    reference = write_csv(tmp / "reference.csv", sound_series())
    return verify_files([write_csv(tmp / "a.csv", sound_series(), stamps=stamps)], against=reference)


def case_disorder(tmp: Path) -> VerificationReport:
    order = np.arange(600)
    order[[100, 101]] = [101, 100]
    return verify_klines(sound_series().take(order), MINUTE)


def case_duplicate(tmp: Path) -> VerificationReport:
    return verify_klines(sound_series().take(np.sort(np.append(np.arange(600), 100))), MINUTE)


def case_gap(tmp: Path) -> VerificationReport:
    return verify_klines(without(sound_series(), 100, 101), MINUTE)


def case_late_start(tmp: Path) -> VerificationReport:
    return verify_klines(without(sound_series(), 0, 1), MINUTE, from_ms=START)


def case_early_end(tmp: Path) -> VerificationReport:
    return verify_klines(without(sound_series(), 599, 600), MINUTE, to_ms=at(600))


def case_ohlc(tmp: Path) -> VerificationReport:
    klines = sound_series()
    return verify_klines(changed(klines, 100, high=klines.low[100] - 1), MINUTE)


def case_truncated_bar(tmp: Path) -> VerificationReport:
    klines = sound_series()
    lines = ["timestamp,open,high,low,close,volume,close_time"]
    for row in range(len(klines)):
        end = at(row) + (14_788 if row == 100 else 59_999)
        prices = [float(c[row]) for c in (klines.open, klines.high, klines.low, klines.close, klines.volume)]
        lines.append(",".join(map(str, [at(row), *prices, end])))
    path = tmp / "a.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    return verify_files([path])


def case_unfinished_bar(tmp: Path) -> VerificationReport:
    klines = sound_series()
    return verify_klines(changed(klines, 599, volume=klines.volume[599] / 2), MINUTE, against=klines)


def case_revised_bar(tmp: Path) -> VerificationReport:
    klines = sound_series()
    return verify_klines(changed(klines, 100, volume=klines.volume[100] / 2), MINUTE, against=klines)


def case_mixed_market(tmp: Path) -> VerificationReport:
    klines = sound_series()
    first, rest = klines.take(slice(0, 400)), other_market(klines.take(slice(400, 600)), 1.0008)
    return verify_klines(Klines.concat([first, rest]), MINUTE)


def case_wrong_market(tmp: Path) -> VerificationReport:
    return verify_klines(other_market(sound_series(), 1.05), MINUTE, against=sound_series())


def case_zero_volume(tmp: Path) -> VerificationReport:
    return verify_klines(changed(sound_series(), 100, volume=0.0), MINUTE)


def case_outlier(tmp: Path) -> VerificationReport:
    klines = sound_series()
    return verify_klines(changed(klines, 100, high=klines.high[100] * 1.2), MINUTE)


# Code -> a report that shows it, and the span and count that it must name.
CASES: dict[str, tuple[Callable[[Path], VerificationReport], int, int, int]] = {
    "time_unit_mixed": (case_time_unit_mixed, at(300), at(600), 300),
    "time_zone": (case_time_zone, at(180), at(780), 600),
    "disorder": (case_disorder, at(100), at(101), 1),
    "duplicate": (case_duplicate, at(100), at(101), 1),
    "gap": (case_gap, at(100), at(101), 1),
    "late_start": (case_late_start, at(0), at(1), 1),
    "early_end": (case_early_end, at(599), at(600), 1),
    "ohlc": (case_ohlc, at(100), at(101), 1),
    "truncated_bar": (case_truncated_bar, at(100), at(101), 1),
    "unfinished_bar": (case_unfinished_bar, at(599), at(600), 1),
    "revised_bar": (case_revised_bar, at(100), at(101), 1),
    "mixed_market": (case_mixed_market, at(400), at(600), 200),
    "wrong_market": (case_wrong_market, at(0), at(600), 600),
    "zero_volume": (case_zero_volume, at(100), at(101), 1),
    "outlier": (case_outlier, at(100), at(101), 1),
}


def test_every_registered_code_has_a_case() -> None:
    assert set(CASES) == set(FINDING_CODES)


@pytest.mark.parametrize("code", FINDING_CODES)
def test_the_defect_is_found_and_nothing_else(code: str, tmp_path: Path) -> None:
    make, from_ms, to_ms, count = CASES[code]
    report = make(tmp_path)
    (finding,) = report.findings
    assert (finding.code, finding.from_ms, finding.to_ms, finding.count) == (code, from_ms, to_ms, count)
    assert finding.severity is FINDING_CODES[code].severity
    assert report.ok is (finding.severity is Severity.WARNING)
    assert code in report.text()


def test_a_sound_series_has_no_finding() -> None:
    klines = sound_series()
    report = verify_klines(klines, MINUTE, from_ms=START, to_ms=at(600), against=klines)
    assert report.findings == ()
    assert report.not_judged == ()
    assert (report.bars, report.from_ms, report.to_ms) == (600, at(0), at(600))


def test_json_form_has_iso_times_and_exactly_the_six_keys(tmp_path: Path) -> None:
    document = json.loads(json.dumps(case_gap(tmp_path).to_dict()))
    (finding,) = document["findings"]
    assert list(finding) == ["code", "severity", "from", "to", "count", "detail"]
    assert finding["from"] == format_time(at(100))
    assert document["ok"] is False
    assert len(document["sha256"]) == 64


def test_what_needs_a_reference_is_said_to_be_not_judged() -> None:
    reasons = {n.code: n.reason for n in verify_klines(sound_series(), MINUTE).not_judged}
    assert set(reasons) == {"time_zone", "unfinished_bar", "revised_bar", "wrong_market"}


def test_naive_stamps_alone_are_named_but_not_judged(tmp_path: Path) -> None:
    stamps: list[object] = [
        datetime.fromtimestamp(at(row) / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S") for row in range(600)
    ]
    report = verify_files([write_csv(tmp_path / "a.csv", sound_series(), stamps=stamps)])
    assert report.ok
    assert any(n.code == "time_zone" and "no zone" in n.reason for n in report.not_judged)


def test_a_bar_that_has_not_ended_is_unfinished_by_the_clock() -> None:
    report = verify_klines(sound_series(), MINUTE, clock=HistoricalClock(at(599) + 30_000))
    (finding,) = report.findings
    assert (finding.code, finding.from_ms) == ("unfinished_bar", at(599))


def test_no_bar_is_expected_that_has_not_ended() -> None:
    report = verify_klines(sound_series(), MINUTE, to_ms=at(5000), clock=HistoricalClock(at(610)))
    (finding,) = report.findings
    assert (finding.code, finding.count) == ("early_end", 10)


def test_another_market_of_the_pair_is_no_wrong_market_and_says_so() -> None:
    near = other_market(sound_series(), 1.0005)
    report = verify_klines(near, MINUTE, against=sound_series())
    assert report.ok
    assert {n.code for n in report.not_judged} == {"revised_bar", "unfinished_bar"}
    same = verify_klines(near, MINUTE, against=sound_series(), same_series=True)
    assert [f.code for f in same.errors] == ["wrong_market"]


def test_a_shift_is_seen_even_against_another_market() -> None:
    klines = sound_series(3000, price=400_000_000)
    late = Klines.of(
        klines.timestamp + 5 * 3_600_000 + 1_800_000,
        *(getattr(klines, n) for n in ("open", "high", "low", "close", "volume")),
    )
    drifting = np.exp(np.linspace(0, 0.2, 3000))
    late = Klines.of(
        late.timestamp,
        *(np.round(getattr(late, n) * drifting, 2) for n in ("open", "high", "low", "close")),
        late.volume,
    )
    reference = Klines.of(
        klines.timestamp,
        *(np.round(getattr(klines, n) * drifting * 1.0004, 1) for n in ("open", "high", "low", "close")),
        klines.volume,
    )
    codes = [f.code for f in verify_klines(late, MINUTE, against=reference).errors]
    assert codes == ["time_zone"]


def test_a_reference_of_longer_bars_is_compared_bar_by_bar() -> None:
    from real_trade.data.checks.reference import add_up
    from real_trade.model import Interval

    klines = sound_series(1000)
    five = add_up(klines, MINUTE, Interval("5m"))
    assert len(five) == 200
    assert verify_klines(klines, MINUTE, against=five).findings == ()
    (finding,) = verify_klines(changed(klines, 502, volume=0.5), MINUTE, against=five).findings
    assert (finding.code, finding.from_ms, finding.count) == ("revised_bar", at(500), 1)


def test_mixed_market_of_alike_sources_is_seen_by_step_and_volume() -> None:
    klines = sound_series(2000)
    prices = {n: np.round(getattr(klines, n) * 1.02, 2) for n in ("open", "high", "low", "close")}
    other = Klines.of(klines.timestamp, *prices.values(), np.round(klines.volume * 20, 5))
    joined = Klines.concat([klines.take(slice(0, 1300)), other.take(slice(1300, 2000))])
    finding = next(f for f in verify_klines(joined, MINUTE).findings if f.code == "mixed_market")
    assert (finding.from_ms, finding.count) == (at(1300), 700)


def test_a_stretch_in_the_middle_is_the_foreign_one() -> None:
    klines = sound_series(1500)
    middle = other_market(klines.take(slice(600, 800)), 1.0008)
    joined = Klines.concat([klines.take(slice(0, 600)), middle, klines.take(slice(800, 1500))])
    (finding,) = verify_klines(joined, MINUTE).findings
    assert (finding.code, finding.from_ms, finding.to_ms) == ("mixed_market", at(600), at(800))


def test_filled_bars_are_no_finding() -> None:
    from real_trade.data.repair import fill_gaps

    filled = fill_gaps(without(sound_series(), 100, 150), MINUTE)
    assert verify_klines(filled, MINUTE).findings == ()


def test_a_daily_dump_promises_its_day(tmp_path: Path) -> None:
    day = sound_series(1440)
    whole = write_csv(tmp_path / "BTCUSDT-1m-2024-01-01.csv", day)
    assert verify_files([whole]).ok
    short = write_csv(tmp_path / "ETHUSDT-1m-2024-01-01.csv", day.take(slice(10, 1400)))
    found = {(f.code, f.count) for f in verify_files([short]).errors}
    assert found == {("late_start", 10), ("early_end", 40)}


def test_neighbours_in_any_order_are_one_series(tmp_path: Path) -> None:
    days = sound_series(2880)
    first = write_csv(tmp_path / "BTCUSDT-1m-2024-01-01.csv", days.take(slice(0, 1400)))
    second = write_csv(tmp_path / "BTCUSDT-1m-2024-01-02.csv", days.take(slice(1500, 2880)))
    (finding,) = verify_files([second, first]).errors
    assert (finding.code, finding.from_ms, finding.count) == ("gap", at(1400), 100)


def test_funding_rates_have_gaps_and_repeats_too(tmp_path: Path) -> None:
    hours = [0, 8, 16, 16, 32, 40]
    lines = ["timestamp,funding_rate", *(f"{START + h * 3_600_000},{0.0001 * h}" for h in hours)]
    path = tmp_path / "funding.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    found = [(f.code, f.count) for f in verify_files([path]).findings]
    assert found == [("duplicate", 1), ("gap", 1)]


def test_bars_and_funding_rates_are_not_judged_together(tmp_path: Path) -> None:
    bars = write_csv(tmp_path / "a.csv", sound_series())
    rates = tmp_path / "funding.csv"
    rates.write_text(f"timestamp,funding_rate\n{START},0.0001\n", encoding="utf-8")
    with pytest.raises(MarketDataError, match="together"):
        verify_files([bars], against=rates)


def test_a_dump_without_rows_lacks_its_whole_day(tmp_path: Path) -> None:
    path = tmp_path / "BTCUSDT-1m-2024-01-01.csv"
    path.write_text("timestamp,open,high,low,close,volume\n")
    report = verify_files([path])
    (finding,) = report.errors
    assert (finding.code, finding.count, report.bars, report.from_ms) == ("late_start", 1440, 0, None)
    assert "no rows" in report.text()

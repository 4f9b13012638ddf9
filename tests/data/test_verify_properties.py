"""A defect put into a sound random series is found where it is; a sound one has none."""

from __future__ import annotations

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from series_for_checks import MINUTE, MINUTE_MS, START, changed, sound_series, without

from real_trade.data.verify import verify_klines
from real_trade.model import HistoricalClock, Interval, Klines

seeds = st.integers(0, 10_000)
places = st.integers(10, 480)
quick = settings(max_examples=40, deadline=None)


def at(row: int) -> int:
    return START + row * MINUTE_MS


@quick
@given(seeds, st.integers(1, 900), st.sampled_from([3, 4_000, 4_000_000, 900_000_000]))
def test_sound_series_have_no_finding(seed: int, rows: int, price: int) -> None:
    klines = sound_series(rows, seed=seed, price=price + 1_200 * (rows + 1))
    assert verify_klines(klines, MINUTE, from_ms=START, to_ms=at(rows), against=klines).findings == ()


@quick
@given(seeds, places, st.integers(1, 100))
def test_a_gap_is_found_where_it_is(seed: int, row: int, count: int) -> None:
    (finding,) = verify_klines(without(sound_series(seed=seed), row, row + count), MINUTE).findings
    assert (finding.code, finding.from_ms, finding.to_ms, finding.count) == ("gap", at(row), at(row + count), count)


@quick
@given(seeds, st.sets(st.integers(1, 590), min_size=1, max_size=20))
def test_repeated_rows_are_counted(seed: int, rows: set[int]) -> None:
    order = np.sort(np.concatenate([np.arange(600), sorted(rows)]))
    (finding,) = verify_klines(sound_series(seed=seed).take(order), MINUTE).findings
    assert (finding.code, finding.count) == ("duplicate", len(rows))
    assert (finding.from_ms, finding.to_ms) == (at(min(rows)), at(max(rows) + 1))


@quick
@given(seeds, st.randoms(use_true_random=False))
def test_shuffled_rows_are_only_out_of_order(seed: int, random: object) -> None:
    order = list(range(300))
    random.shuffle(order)  # type: ignore[attr-defined]
    assume(order != sorted(order))
    klines = sound_series(300, seed=seed)
    report = verify_klines(klines.take(np.array(order)), MINUTE)
    assert [f.code for f in report.findings] == ["disorder"]
    assert report.sha256 == verify_klines(klines, MINUTE).sha256


@quick
@given(seeds, places, st.sampled_from(["open", "high", "low", "close"]), st.sampled_from([np.nan, np.inf, 0.0, -5.0]))
def test_impossible_prices_are_found(seed: int, row: int, column: str, value: float) -> None:
    report = verify_klines(changed(sound_series(seed=seed), row, **{column: value}), MINUTE)
    (finding,) = report.findings
    assert (finding.code, finding.from_ms, finding.to_ms, finding.count) == ("ohlc", at(row), at(row + 1), 1)


@quick
@given(seeds, places, st.floats(0.08, 3.0), st.booleans())
def test_a_wrong_print_is_an_outlier_at_its_minute(seed: int, row: int, size: float, up: bool) -> None:
    klines = sound_series(seed=seed)
    factor = 1 + size if up else 1 / (1 + size)
    column = "high" if up else "low"
    value = getattr(klines, column)[row] * factor
    report = verify_klines(changed(klines, row, **{column: value, "close": value}), MINUTE)
    assert report.ok
    (finding,) = report.findings
    assert (finding.code, finding.from_ms, finding.to_ms) == ("outlier", at(row), at(row + 1))


@quick
@given(seeds, st.sets(places, min_size=1, max_size=30))
def test_revised_bars_are_counted(seed: int, rows: set[int]) -> None:
    klines = sound_series(seed=seed)
    other = klines
    for row in rows:
        other = changed(other, row, high=other.high[row] + 0.01)
    (finding,) = verify_klines(other, MINUTE, against=klines).findings
    assert (finding.code, finding.count, finding.from_ms) == ("revised_bar", len(rows), at(min(rows)))


@quick
@given(seeds, st.integers(-52, 56).filter(bool))
def test_a_constant_offset_is_a_time_zone(seed: int, quarters: int) -> None:
    klines = sound_series(seed=seed)
    shift = quarters * 900_000
    moved = Klines.of(klines.timestamp + shift, klines.open, klines.high, klines.low, klines.close, klines.volume)
    (finding,) = verify_klines(moved, MINUTE, against=sound_series(600, seed=seed)).findings
    assert (finding.code, finding.count) == ("time_zone", 600)
    assert f"{-shift / 3_600_000:+g} h" in finding.detail


@quick
@given(seeds, st.integers(60, 540), st.floats(1.002, 1.05))
def test_a_joint_of_two_markets_is_found_at_its_bar(seed: int, row: int, factor: float) -> None:
    klines = sound_series(seed=seed)
    prices = [np.round(getattr(klines, n) * factor, 1) for n in ("open", "high", "low", "close")]
    other = Klines.of(klines.timestamp, *prices, np.round(klines.volume, 2))
    joined = Klines.concat([klines.take(slice(0, row)), other.take(slice(row, 600))])
    found = [f for f in verify_klines(joined, MINUTE).findings if f.code == "mixed_market"]
    assert len(found) == 1
    assert at(row) in {found[0].from_ms, found[0].to_ms}


@quick
@given(st.sampled_from(["1s", "3m", "1h", "8h", "1d", "1w", "1M"]), st.integers(5, 40), st.integers(1, 3))
def test_gaps_of_every_interval_are_counted_on_its_grid(name: str, row: int, count: int) -> None:
    interval = Interval(name)
    base = sound_series(60)
    stamps = [interval.ceil(START)]
    for _ in range(59):
        stamps.append(interval.next_open(stamps[-1]))
    klines = Klines.of(stamps, base.open, base.high, base.low, base.close, base.volume)
    (finding,) = verify_klines(without(klines, row, row + count), interval, clock=HistoricalClock(4 * 10**12)).findings
    assert (finding.code, finding.from_ms, finding.count) == ("gap", stamps[row], count)
    assert finding.to_ms == stamps[row + count]

"""The coverage calendar: a valid picture whose cells say what is there."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import numpy as np
from series_for_checks import MINUTE, START, changed, sound_series, without

from real_trade.data.calendar import coverage_svg, day_coverage
from real_trade.data.repair import fill_gaps
from real_trade.data.verify import verify_klines
from real_trade.model import Interval, Klines

if TYPE_CHECKING:
    from collections.abc import Iterator

DAY = 1440
SVG = "{http://www.w3.org/2000/svg}"


def cells(picture: str) -> Iterator[tuple[str, list[str]]]:
    """Words and classes of every day."""
    for group in ET.fromstring(picture).iter(f"{SVG}g"):
        title = group.find(f"{SVG}title")
        assert title is not None
        yield title.text or "", [e.attrib["class"] for e in group if "class" in e.attrib]


def test_days_are_coloured_by_what_is_there() -> None:
    klines = sound_series(4 * DAY)
    klines = without(without(klines, 3 * DAY, 3 * DAY + 1000), DAY, 2 * DAY)
    klines = without(klines, 100, 105)
    days = list(cells(coverage_svg(klines, MINUTE, START, START + 4 * DAY * 60_000)))
    assert [classes[0] for _, classes in days] == ["most", "none", "full", "few"]
    assert days[0][0] == "2024-01-01: 1,435 of 1,440 bars"


def test_quiet_synthetic_and_found_days_are_marked() -> None:
    klines = changed(sound_series(3 * DAY), 10, volume=0.0)
    klines = changed(klines, 2 * DAY + 5, high=klines.high[2 * DAY + 5] * 1.3)
    klines = fill_gaps(without(klines, DAY + 10, DAY + 20), MINUTE)
    klines = without(klines, 50, 60)
    picture = coverage_svg(klines, MINUTE, findings=verify_klines(klines, MINUTE).findings)
    first, second, third = (set(classes) for _, classes in cells(picture))
    assert first == {"most", "quiet", "error"}
    assert second == {"full", "filled"}
    assert third == {"full", "warning"}
    assert "error (gap)" in picture
    assert "10 missing" in picture


def test_counts_add_up_for_longer_bars_and_partial_days() -> None:
    base = sound_series(100)
    stamps = START + np.arange(100, dtype=np.int64) * 4 * 3_600_000
    klines = Klines.of(stamps, base.open, base.high, base.low, base.close, base.volume)
    interval = Interval("4h")
    coverage = day_coverage(klines, interval, START + 4 * 3_600_000, START + 100 * 4 * 3_600_000)
    assert int(coverage.expected.sum()) == int(coverage.present.sum()) == 99
    assert coverage.expected[0] == 5


def test_the_picture_stands_alone_and_escapes_its_title() -> None:
    picture = coverage_svg(sound_series(100), MINUTE, title='a <b> & "c"')
    root = ET.fromstring(picture)
    assert root.attrib["aria-label"] == 'a <b> & "c"'
    assert "http" not in picture.replace("http://www.w3.org/2000/svg", "")
    assert "prefers-color-scheme:dark" in picture


def test_an_empty_series_still_draws() -> None:
    assert ET.fromstring(coverage_svg(Klines.empty(), MINUTE, START, START + DAY * 60_000)).tag.endswith("svg")

"""real-trade verify-data."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from .test_verb_import_data import HEADER, START, csv

if TYPE_CHECKING:
    from pathlib import Path

    from real_trade.testing.exchange_process import RunningExchange

    from .conftest import Cli


def codes(document: dict[str, list[dict[str, str]]]) -> set[str]:
    return {finding["code"] for finding in document["findings"]}


def test_a_gap_in_the_store_is_exit_1_and_is_named(cli: Cli, stock: Path) -> None:
    ran = cli("verify-data", "--json")
    assert ran.code == 1
    assert ran.json["ok"] is False
    gap = next(finding for finding in ran.json["findings"] if finding["code"] == "gap")
    assert set(gap) == {"code", "severity", "from", "to", "count", "detail"}
    assert gap["severity"] == "error"
    assert ran.json["sha256"] in cli("verify-data").out
    whole = cli("verify-data", "--from", "2024-01-03", "--to", "2024-01-04", "--json")
    assert (whole.code, whole.json["ok"]) == (0, True)


def test_files_are_judged_without_a_store(cli: Cli, tmp_path: Path) -> None:
    good = csv(tmp_path / "good.csv", rows=30)
    assert cli("verify-data", good).code == 0
    late = tmp_path / "late.csv"
    late.write_text(HEADER + "".join(f"{START + row * 60_000},100,101,99,100.1,5\n" for row in range(40, 60)))
    both = cli("verify-data", good, late, "--json")
    assert both.code == 1
    assert "gap" in codes(both.json)
    broken = csv(tmp_path / "broken.csv", rows=30, row7="500")
    assert "ohlc" in codes(cli("verify-data", broken, "--json").json)


def test_a_reference_shows_what_was_revised(cli: Cli, tmp_path: Path) -> None:
    one, other = csv(tmp_path / "one.csv", rows=50), csv(tmp_path / "other.csv", rows=50, row9="100.4")
    ran = cli("verify-data", one, "--against", other, "--json")
    assert (ran.code, codes(ran.json) - {"outlier"}) == (1, {"revised_bar"})


def test_filling_marks_bars_as_synthetic(cli: Cli, stock: Path) -> None:
    missing = sum(f["count"] for f in cli("verify-data", "--json").json["findings"] if f["code"] == "gap")
    ran = cli("verify-data", "--repair", "fill", "--json")
    assert (ran.code, ran.json["repaired"]) == (0, missing)
    done = cli("backtest", "--strategy", "sma_cross", "--json").json
    assert (done["data"]["gaps"], done["data"]["synthetic"]) == (0, missing)
    assert cli("verify-data", "--repair", "fill", "--json").json["repaired"] == 0


def test_refetching_brings_what_the_venue_has(cli: Cli, served: RunningExchange, tmp_path: Path) -> None:
    """A hole made by importing around it is closed from the venue."""
    span = ("--from", "2024-01-03", "--to", "2024-01-04")
    assert cli("download-data", "--from", "2024-01-03", "--to", "2024-01-03T01:00:00Z").code == 0
    assert cli("download-data", "--from", "2024-01-03T02:00:00Z", "--to", "2024-01-04").code == 0
    assert cli("verify-data", *span).code == 1
    ran = cli("verify-data", *span, "--repair", "refetch", "--json")
    assert (ran.code, ran.json["repaired"]) == (0, 60)
    assert "refetch: 0 bars" in cli("verify-data", *span, "--repair", "refetch").out


def test_the_calendar_shows_a_cell_per_day(cli: Cli, stock: Path, tmp_path: Path) -> None:
    ran = cli("verify-data", "--calendar", "days.svg", "--json")
    assert ran.json["calendar"] == "days.svg"
    picture = ET.parse(tmp_path / "days.svg").getroot()
    assert picture.tag.endswith("svg")
    assert "2024-01" in "".join(picture.itertext())
    assert cli("verify-data", csv(tmp_path / "mine.csv", rows=30), "--calendar", "other.svg").code == 0
    assert (tmp_path / "other.svg").stat().st_size > 0


@pytest.mark.parametrize(
    ("words", "code", "field"),
    [
        (["--symbol", "NONEUSDT"], "no_data", "--symbol"),
        (["absent.csv"], None, None),
        (["--repair", "guess"], "bad_usage", "--repair"),
        (["mine.csv", "--repair", "fill"], "bad_usage", "--repair"),
        (["--from", "2024-01-04", "--to", "2024-01-03"], "reversed_range", "--from"),
    ],
)
def test_wrong_input(cli: Cli, stock: Path, words: list[str], code: str | None, field: str | None) -> None:
    ran = cli("verify-data", *words, "--json")
    assert ran.code == 2
    assert ran.error["message"]
    if code:
        assert (ran.error["code"], ran.error["field"]) == (code, field)

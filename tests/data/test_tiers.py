"""Margin tiers: what comes with the package, files, and what is refused."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from real_trade.data.tiers import find_tiers, read_tiers_file, tier_table
from real_trade.kernels.margin import MARGIN_VALUE_LIMIT, maintenance_margin
from real_trade.model import InputError, Market
from real_trade.model.instrument import money
from real_trade.model.tiers import MarginTiers

if TYPE_CHECKING:
    from pathlib import Path


def test_the_table_knows_majors_of_both_venues() -> None:
    assert {(venue, market) for venue, market, _ in tier_table()} >= {
        ("binance", Market.LINEAR),
        ("bybit", Market.LINEAR),
        ("bybit", Market.INVERSE),
    }
    for tiers in tier_table().values():
        assert tiers.as_of
        assert tiers.source
        assert int(tiers.table().max()) <= MARGIN_VALUE_LIMIT


def test_the_requirement_is_continuous_and_the_words_agree_with_the_kernel() -> None:
    for tiers in tier_table().values():
        table = tiers.table()
        for tier in tiers.tiers:
            just_after = tiers.maintenance(tier.cap + Decimal("0.00000001"))
            assert 0 <= just_after - tiers.maintenance(tier.cap) < Decimal("0.0000001")
            for value in (tier.cap, tier.cap / 3, -tier.cap * 2):
                assert abs(maintenance_margin(money(value), table) - money(tiers.maintenance(value))) <= 1


def test_deductions_follow_from_the_rates() -> None:
    tiers = find_tiers("binance", Market.LINEAR, "btcusdt")
    assert [tier.deduction for tier in tiers.tiers[:4]] == [0, 50, 950, 11_450]
    assert tiers.at(Decimal(600_000)).rate == Decimal("0.005")
    assert tiers.at(Decimal("600000.01")).rate == Decimal("0.0065")
    assert tiers.at(Decimal(10) ** 12) == tiers.tiers[-1]
    assert tiers.largest_value == 1_800_000_000


@pytest.mark.shared
def test_deductions_are_those_that_the_venue_states(fixtures_dir: Path) -> None:
    stated = json.loads((fixtures_dir / "binance" / "leverage_tiers_subset.json").read_text(), parse_float=Decimal)
    compared = 0
    for (venue, market, symbol), tiers in tier_table().items():
        if (venue, market) != ("binance", Market.LINEAR):
            continue
        rows = stated[f"{symbol[:-4]}/{symbol[-4:]}:{symbol[-4:]}"]
        assert [(t.cap, t.rate, t.max_leverage) for t in tiers.tiers] == [
            (row["maxNotional"], row["maintenanceMarginRate"], row["maxLeverage"]) for row in rows
        ]
        assert [t.deduction for t in tiers.tiers] == [Decimal(row["info"]["cum"]) for row in rows]
        compared += len(rows)
    assert compared > 100


def test_a_file_wins_over_the_table(tmp_path: Path) -> None:
    path = tmp_path / "tiers.json"
    path.write_text('{"tiers": [[1000, 0.01, 50], [5000, 0.02, 12.5]], "as_of": "2026-01-01"}')
    tiers = find_tiers("binance", Market.LINEAR, "BTCUSDT", file=path)
    assert tiers == read_tiers_file(path)
    assert (tiers.as_of, tiers.largest_value, tiers.tiers[1].deduction) == ("2026-01-01", 5000, 10)


def test_an_unknown_symbol_says_what_is_known() -> None:
    with pytest.raises(InputError) as caught:
        find_tiers("bybit", Market.LINEAR, "XYZUSDT")
    assert caught.value.code == "unknown_tiers"
    assert "BTCUSDT" in str(caught.value.fix)


@pytest.mark.parametrize(
    "content",
    ["{", "[]", "{}", '{"tiers": []}', '{"tiers": [[1, 2]]}', '{"tiers": [["1", 0.1, 2]]}', '{"tiers": 3}'],
)
def test_files_that_are_none_are_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "tiers.json"
    path.write_text(content)
    with pytest.raises(InputError) as caught:
        read_tiers_file(path)
    assert (caught.value.code, caught.value.field) == ("bad_tiers", "tiers")
    assert caught.value.fix


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        read_tiers_file(tmp_path / "none.json")


@pytest.mark.parametrize(
    "second",
    [
        ("5", "0.02", "50"),
        ("20", "0.01", "50"),
        ("20", "0.6", "1"),
        ("20", "0.02", "101"),
        ("20", "0.02", "0.5"),
        ("NaN", "0.02", "50"),
        ("20", "0.0100000001", "50"),
    ],
)
def test_tiers_that_do_not_follow_each_other_are_refused(second: tuple[str, str, str]) -> None:
    rows = [(Decimal(10), Decimal("0.01"), Decimal(100)), tuple(map(Decimal, second))]
    with pytest.raises(InputError, match="tier 2"):
        MarginTiers.of(rows, as_of="", source="")  # type: ignore[arg-type]

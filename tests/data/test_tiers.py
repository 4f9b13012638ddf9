"""Margin tiers: what comes with the package, files, and what is refused."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from real_trade.data.tiers import find_tiers, read_tiers_file, tier_table
from real_trade.kernels.margin import MARGIN_VALUE_LIMIT, maintenance_margin
from real_trade.model import InputError, Market
from real_trade.model.instrument import money
from real_trade.model.tiers import MarginTiers
from real_trade.storage import ParquetStore

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


def test_the_store_wins_over_the_table_and_a_file_over_the_store(tmp_path: Path) -> None:
    store = ParquetStore(tmp_path / "data")
    assert find_tiers("bybit", Market.LINEAR, "BTCUSDT", store=store) == tier_table()["bybit", Market.LINEAR, "BTCUSDT"]
    stored = MarginTiers.of([(Decimal(10), Decimal("0.01"), Decimal(50))], as_of="2026-01-02", source="the venue")
    store.write_tiers("bybit", Market.LINEAR, "BTCUSDT", stored)
    assert find_tiers("bybit", Market.LINEAR, "btcusdt", store=store) == stored
    path = saved(tmp_path, {"tiers": [[1000, 0.02, 25]]})
    assert find_tiers("bybit", Market.LINEAR, "BTCUSDT", store=store, file=path).largest_value == 1000
    store.write_tiers("bybit", Market.LINEAR, "XYZUSDT", stored)
    assert find_tiers("bybit", Market.LINEAR, "XYZUSDT", store=store) == stored


def saved(folder: Path, content: Any) -> Path:
    path = folder / "saved.json"
    path.write_text(json.dumps(content))
    return path


def shape(tiers: MarginTiers) -> list[tuple[Decimal, Decimal, Decimal]]:
    return [(tier.cap, tier.rate, tier.max_leverage) for tier in tiers.tiers]


LADDER = [
    (Decimal(50_000), Decimal("0.004"), Decimal(125)),
    (Decimal(600_000), Decimal("0.005"), Decimal(100)),
    (Decimal(3_000_000), Decimal("0.0065"), Decimal("75.5")),
]


def bracket_block(cap: str = "notionalCap", name: str = "symbol", value: str = "BTCUSDT") -> dict[str, Any]:
    """Return one symbol of Binance's leverageBracket."""
    brackets = [
        {"bracket": n, "initialLeverage": float(leverage), cap: int(c), "maintMarginRatio": float(rate), "cum": 0.0}
        for n, (c, rate, leverage) in enumerate(LADDER, 1)
    ]
    return {name: value, "brackets": brackets}


def risk_limits(symbol: str = "BTCUSDT", factor: int = 1) -> dict[str, Any]:
    """Return Bybit's risk limits; with 100 as factor in percent, as its documentation has them."""
    rows = [
        {
            "id": n,
            "symbol": symbol,
            "riskLimitValue": str(cap),
            "maintenanceMargin": str(rate * factor),
            "initialMargin": str(round(1 / leverage, 4) * factor),
            "isLowestRisk": int(n == 1),
            "maxLeverage": str(leverage),
            "mmDeduction": "",
        }
        for n, (cap, rate, leverage) in enumerate(LADDER, 1)
    ]
    result = {"category": "linear", "list": rows[::-1], "nextPageCursor": ""}
    return {"retCode": 0, "retMsg": "OK", "result": result, "retExtInfo": {}, "time": 1735689600000}


@pytest.mark.parametrize("factor", [1, 100])
def test_the_answer_of_bybit_is_a_file_of_tiers(tmp_path: Path, factor: int) -> None:
    tiers = read_tiers_file(saved(tmp_path, risk_limits(factor=factor)), "BTCUSDT")
    assert shape(tiers) == LADDER
    assert [tier.deduction for tier in tiers.tiers] == [0, 50, 950]
    assert (tiers.as_of, tiers.source) == ("2025-01-01", "saved.json")


@pytest.mark.parametrize("as_list", [True, False])
def test_the_answer_of_binance_is_a_file_of_tiers(tmp_path: Path, as_list: bool) -> None:
    block = bracket_block()
    path = saved(tmp_path, [bracket_block(value="ETHUSDT"), block] if as_list else block)
    assert shape(read_tiers_file(path, "BTCUSDT")) == LADDER
    assert find_tiers("binance", Market.LINEAR, "btcusdt", file=path).tiers[1].deduction == 50


@pytest.mark.parametrize(("name", "value"), [("symbol", "BTCUSD_PERP"), ("pair", "BTCUSD")])
def test_caps_of_inverse_contracts_are_in_the_coin(tmp_path: Path, name: str, value: str) -> None:
    blocks = [bracket_block("qtyCap", name, "ETHUSD"), bracket_block("qtyCap", name, value)]
    path = saved(tmp_path, blocks)
    assert shape(find_tiers("binance", Market.INVERSE, "BTCUSD_PERP", file=path)) == LADDER


@pytest.mark.shared
def test_documented_brackets(fixtures_dir: Path) -> None:
    folder = fixtures_dir / "binance" / "connector_expected" / "coin_futures" / "rest_api"
    tiers = find_tiers("binance", Market.INVERSE, "BTCUSD_PERP", file=folder / "notional_bracket_for_pair.json")
    assert shape(tiers) == [(50, Decimal("0.004"), 125)]


def wrong_answers() -> dict[str, tuple[Any, str]]:
    """Name -> what was saved, words of the error."""
    nan, bare, other = bracket_block(), bracket_block(), risk_limits()
    nan["brackets"][1]["maintMarginRatio"] = "many"
    del bare["brackets"][0]["initialLeverage"]
    other["result"]["list"][0] = 5
    return {
        "another symbol": ([bracket_block(value="ETHUSDT")], "does not hold BTCUSDT, but ETHUSDT"),
        "no symbol": ({"retCode": 0, "result": {"list": []}}, "does not hold BTCUSDT"),
        "an error": ({"retCode": 10001, "retMsg": "no", "result": {}}, "list is missing"),
        "no brackets": ([{"symbol": "BTCUSDT"}], "brackets is missing"),
        "empty brackets": ([{"symbol": "BTCUSDT", "brackets": []}], "no margin tiers"),
        "no amount": ([nan], "an amount is not a number"),
        "no leverage": ([bare], "initialLeverage is missing"),
        "numbers": ([1, 2, 3], "no answer of a venue"),
        "no rows": (other, "no answer of a venue"),
        "null": ({"result": None}, "no answer of a venue"),
    }


@pytest.mark.parametrize("name", wrong_answers())
def test_answers_that_are_of_no_use_are_refused(tmp_path: Path, name: str) -> None:
    content, words = wrong_answers()[name]
    with pytest.raises(InputError) as caught:
        read_tiers_file(saved(tmp_path, content), "BTCUSDT")
    assert (caught.value.code, caught.value.field) == ("bad_tiers", "tiers")
    assert words in caught.value.message


def test_one_symbol_of_several_must_be_named(tmp_path: Path) -> None:
    assert shape(read_tiers_file(saved(tmp_path, [bracket_block()]))) == LADDER
    with pytest.raises(InputError, match="holds 2 symbols"):
        read_tiers_file(saved(tmp_path, [bracket_block(), bracket_block(value="ETHUSDT")]))


@pytest.mark.parametrize(
    "content",
    ["{", "[]", "{}", "3", '{"tiers": []}', '{"tiers": [[1, 2]]}', '{"tiers": [["1", 0.1, 2]]}', '{"tiers": 3}'],
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

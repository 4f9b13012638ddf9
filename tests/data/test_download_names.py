"""The public names: the downloader class and the coroutines around the store."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from download_helpers import BEGIN, END, bybit_rows

import real_trade.data
from real_trade.data import BybitHistoricalDataDownloader, check_data_integrity, download_historical_klines
from real_trade.model import InputError, parse_time
from real_trade.storage import query_kline_data
from real_trade.testing.exchange_process import RunningExchange, running_exchange

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def venue() -> Any:
    with running_exchange("bybit", seed=11, from_=BEGIN, to=END, speed=0) as exchange:
        yield exchange


@pytest.fixture
def clean_environment(monkeypatch: pytest.MonkeyPatch, venue: RunningExchange) -> None:
    """The environment is the configuration: one server for all."""
    monkeypatch.setenv("RT_BYBIT_REST_URL", venue.rest)


def test_every_public_name_can_be_imported() -> None:
    for name in real_trade.data.__all__:
        assert getattr(real_trade.data, name) is not None
    with pytest.raises(AttributeError):
        real_trade.data.nothing  # noqa: B018 - the access is the test


async def test_download_all_validate_and_save(clean_environment: Any, venue: RunningExchange, tmp_path: Path) -> None:
    downloader = BybitHistoricalDataDownloader(
        "BTCUSDT", "1", BEGIN, datetime(2024, 1, 4, tzinfo=UTC), data_dir=tmp_path
    )
    assert downloader.base_url == f"{venue.rest}/v5/market/kline"
    assert (downloader.symbol, downloader.interval, downloader.start_time) == ("BTCUSDT", "1", BEGIN)
    frame = await downloader.download_all()
    truth = bybit_rows(venue.rest, "linear", "BTCUSDT", BEGIN, "2024-01-04")
    assert frame["timestamp"].tolist() == [int(row[0]) for row in truth]
    assert frame["close"].tolist() == [row[4] for row in truth]
    assert downloader.save_to_database(frame).inserted == len(truth)
    assert downloader.save_to_database(frame).unchanged == len(truth)
    stored = await query_kline_data("BTCUSDT", "1m", data_dir=tmp_path)
    assert stored["volume"].tolist() == frame["volume"].tolist()


async def test_validate_data_sees_a_missing_bar(clean_environment: Any) -> None:
    downloader = BybitHistoricalDataDownloader("ETHUSDT", "1m", "2024-01-03", "2024-01-04")
    frame = await downloader.download_all()
    holed = frame.drop(index=frame.index[700:705])
    before = {finding.code: finding.count for finding in downloader.validate_data(frame).findings}
    after = {finding.code: finding.count for finding in downloader.validate_data(holed).findings}
    assert after["gap"] == before.get("gap", 0) + 5


async def test_download_chunk_is_one_page_of_finished_bars(clean_environment: Any) -> None:
    downloader = BybitHistoricalDataDownloader("BTCUSDT", "60", BEGIN, END)
    chunk = await downloader.download_chunk("2024-01-02", "2024-01-05", 30)
    assert len(chunk) == 30
    assert chunk["timestamp"].iloc[0] == parse_time("2024-01-02")
    assert len(await downloader.download_chunk(BEGIN, "2030-01-01")) == 14 * 24
    with pytest.raises(InputError):
        await downloader.download_chunk(BEGIN, END, 1001)


async def test_download_historical_klines_and_check_data_integrity(
    clean_environment: Any, venue: RunningExchange, tmp_path: Path
) -> None:
    frame = await download_historical_klines("BTCUSDT", "1m", BEGIN, "2024-01-03", data_dir=tmp_path)
    again = await download_historical_klines("BTCUSDT", "1", BEGIN, "2024-01-03", data_dir=tmp_path)
    assert frame.equals(again)
    assert len(frame) == len(bybit_rows(venue.rest, "linear", "BTCUSDT", BEGIN, "2024-01-03"))
    report = await check_data_integrity("BTCUSDT", "1m", BEGIN, "2024-01-05", data_dir=tmp_path)
    assert "early_end" in {finding.code for finding in report.findings}


async def test_the_venue_given_by_keyword(tmp_path: Path) -> None:
    with running_exchange("binance", seed=11, from_=BEGIN, to="2024-01-03", speed=0) as exchange:
        frame = await download_historical_klines(
            "BTCUSDT",
            "1h",
            BEGIN,
            "2024-01-03",
            venue="binance",
            market="spot",
            data_dir=tmp_path,
            rest_url=exchange.rest,
        )
    assert len(frame) == 48


@pytest.mark.parametrize(
    ("start", "end", "code"),
    [
        (datetime(2024, 1, 1), BEGIN, "naive_time"),  # noqa: DTZ001 - the naive one is the point
        ("2024-01-01T00:00:00", END, "naive_time"),
        (END, BEGIN, "reversed_range"),
    ],
)
def test_bad_times_are_refused_at_once(start: Any, end: str, code: str) -> None:
    with pytest.raises(InputError) as caught:
        BybitHistoricalDataDownloader("BTCUSDT", "1m", start, end)
    assert caught.value.code == code


async def test_unknown_symbols_and_venues(clean_environment: Any) -> None:
    with pytest.raises(InputError, match="BTCUSDT"):
        await BybitHistoricalDataDownloader("BTCUSDX", "1m", BEGIN, END).download_all()
    with pytest.raises(InputError, match="BTCUSDT"):
        await BybitHistoricalDataDownloader("BTCUSDX", "1m", BEGIN, END).download_chunk(BEGIN, END)
    with pytest.raises(InputError) as caught:
        BybitHistoricalDataDownloader("BTCUSDT", "1m", BEGIN, END, venue="bitmex")
    assert caught.value.code == "unknown_venue"

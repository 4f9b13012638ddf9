"""The six coroutines, as a user of the documents would call them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from real_trade import storage
from real_trade.model import InputError, Klines
from real_trade.model.series import COLUMNS
from real_trade.storage.ports import Upsert
from real_trade.testing.relational_contract import make_trade
from real_trade.testing.timeseries_contract import START_MS, make_klines, same_klines

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

STEP_MS = 60_000


@pytest.fixture(autouse=True)
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The default folder; no test touches the user's."""
    monkeypatch.setenv("RT_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


def as_rows(klines: Klines, **names: str) -> list[dict[str, Any]]:
    return [names | {name: getattr(klines, name)[row].item() for name in COLUMNS} for row in range(len(klines))]


async def test_rows_go_in_and_a_frame_comes_out() -> None:
    klines = make_klines(60)
    rows = as_rows(klines, symbol="BTCUSDT", interval="1")
    assert await storage.write_kline_data(rows) == Upsert(inserted=60)
    assert await storage.write_kline_data(pd.DataFrame(rows)) == Upsert(unchanged=60)
    frame = await storage.query_kline_data("BTCUSDT", "1m", START_MS, START_MS + 60 * STEP_MS)
    assert list(frame.columns) == list(COLUMNS)
    assert frame["timestamp"].dtype == np.int64
    assert same_klines(Klines.of(**{name: frame[name] for name in COLUMNS}), klines)


async def test_rows_of_several_series_find_their_places() -> None:
    one, two = make_klines(5, seed=1), make_klines(7, seed=2)
    rows = as_rows(one, symbol="BTCUSDT", interval="1m") + as_rows(two, symbol="ETHUSDT", interval="5")
    assert (await storage.write_kline_data(rows[::-1])).inserted == 12
    assert len(await storage.query_kline_data("BTCUSDT", "1")) == 5
    assert (await storage.query_kline_data("ETHUSDT", "5m"))["close"].tolist() == two.close.tolist()
    assert (await storage.query_kline_data("ETHUSDT", "1m")).empty


async def test_context_tells_series_apart(tmp_path: Path) -> None:
    klines = make_klines(5)
    context: dict[str, Any] = {"venue": "binance", "market": "spot", "data_dir": tmp_path / "other"}
    await storage.write_kline_data(klines, symbol="BTCUSDT", interval="1m", **context)
    assert len(await storage.query_kline_data("BTCUSDT", "1m", **context)) == 5
    assert (await storage.query_kline_data("BTCUSDT", "1m")).empty
    assert (await storage.query_kline_data("BTCUSDT", "1m", data_dir=tmp_path / "other")).empty


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (START_MS, START_MS + 20 * STEP_MS),
        ("2023-12-31T23:40:00Z", "2024-01-01"),
        (datetime(2023, 12, 31, 23, 40, tzinfo=UTC), datetime(2024, 1, 1, 3, tzinfo=timezone(timedelta(hours=3)))),
        (None, "2024-01-01"),
    ],
)
async def test_start_is_inclusive_and_end_exclusive(start: Any, end: Any) -> None:
    await storage.write_kline_data(make_klines(60), symbol="BTCUSDT", interval="1m")
    frame = await storage.query_kline_data("BTCUSDT", "1m", start, end)
    assert frame["timestamp"].tolist() == [START_MS + n * STEP_MS for n in range(20)]


async def test_naive_times_are_refused() -> None:
    naive = datetime(2024, 1, 1)  # noqa: DTZ001 - the point of the test
    frame = pd.DataFrame(as_rows(make_klines(2), symbol="BTCUSDT", interval="1m"))
    frame["timestamp"] = pd.to_datetime(frame["timestamp"], unit="ms")
    for call in (
        storage.query_kline_data("BTCUSDT", "1m", naive, None),
        storage.query_kline_data("BTCUSDT", "1m", None, naive),
        storage.query_trade_history(naive, None),
        storage.save_trade_record(make_trade(time_ms=naive)),
        storage.write_kline_data(frame),
    ):
        with pytest.raises(InputError) as caught:
            await call
        assert caught.value.code == "naive_time"


async def test_times_in_frames_may_carry_a_zone() -> None:
    frame = pd.DataFrame(as_rows(make_klines(3), symbol="BTCUSDT", interval="1m"))
    stamps = pd.to_datetime(frame["timestamp"], unit="ms", utc=True)
    for times in (stamps, stamps.dt.tz_convert("Asia/Shanghai"), stamps.dt.as_unit("ns"), stamps.map(str)):
        await storage.write_kline_data(frame.assign(timestamp=times))
        read = await storage.query_kline_data("BTCUSDT", "1m")
        assert read["timestamp"].tolist() == frame["timestamp"].tolist()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda frame: frame.drop(columns="close"), "close"),
        (lambda frame: frame.drop(columns="symbol"), "symbol"),
        (lambda frame: frame.assign(vwap=1.0), "vwap"),
        (lambda frame: frame.assign(high=float("nan")), "high"),
        (lambda frame: frame.assign(low="cheap"), "low"),
        (lambda frame: frame.assign(synthetic=2), "synthetic"),
        (lambda frame: frame.assign(timestamp=frame["timestamp"] // 1000), "timestamp"),
        (lambda frame: frame.assign(interval="7m"), "interval"),
    ],
)
def test_bad_rows_name_their_column(data_dir: Path, change: Callable[[Any], Any], field: str) -> None:
    frame = pd.DataFrame(as_rows(make_klines(3), symbol="BTCUSDT", interval="1m"))
    with pytest.raises(InputError) as caught:
        asyncio.run(storage.write_kline_data(change(frame)))
    assert caught.value.field == field
    assert not data_dir.exists()


async def test_names_are_given_once() -> None:
    with pytest.raises(InputError) as caught:
        await storage.write_kline_data(make_klines(3), symbol="BTCUSDT")
    assert caught.value.field == "interval"
    rows = as_rows(make_klines(3), symbol="BTCUSDT", interval="1m")
    with pytest.raises(InputError) as caught:
        await storage.write_kline_data(rows, symbol="ETHUSDT")
    assert caught.value.field == "symbol"


async def test_nothing_is_nothing() -> None:
    assert await storage.write_kline_data([]) == Upsert()
    assert await storage.write_kline_data(Klines.empty(), symbol="BTCUSDT", interval="1m") == Upsert()
    latest = await storage.get_latest_kline_from_db("BTCUSDT", "1m")
    assert latest.empty
    assert list(latest.columns) == list(COLUMNS)
    assert (await storage.query_trade_history("2024-01-01", "2024-02-01")).empty


async def test_latest_bar() -> None:
    klines = make_klines(60)
    await storage.write_kline_data(klines, symbol="BTCUSDT", interval="1m")
    latest = await storage.get_latest_kline_from_db("BTCUSDT", "1")
    assert len(latest) == 1
    assert latest["timestamp"].item() == klines.timestamp[-1]
    assert latest["close"].item() == klines.close[-1]


async def test_trades_keep_their_digits() -> None:
    trade = make_trade(price="42000.10", fee="0.000000000000000001")
    del trade["venue"], trade["market"]
    assert await storage.save_trade_record(trade) == 1
    assert await storage.save_trade_record(trade) == 1
    await storage.save_trade_record(make_trade(2, market="spot", venue="binance"))
    frame = await storage.query_trade_history("2024-01-01", "2024-01-02")
    assert frame["price"].tolist() == [Decimal("42000.10")] * 2
    assert str(frame["price"][0]) == "42000.10"
    assert frame["fee"][0] == Decimal("1E-18")
    assert frame["market"].tolist() == ["linear", "spot"]
    assert frame["time_ms"].dtype == np.int64
    assert (await storage.query_trade_history(venue="binance"))["trade_id"].tolist() == ["t-2"]
    assert (await storage.query_trade_history(market="linear"))["trade_id"].tolist() == ["t-1"]
    assert (await storage.query_trade_history(None, make_trade(1)["time_ms"])).empty


async def test_params_have_versions(data_dir: Path) -> None:
    assert await storage.save_strategy_params("sma_cross", {"fast": 20}) == 1
    assert await storage.save_strategy_params("sma_cross", {"fast": 30}) == 2
    records = storage.open_records(data_dir)
    assert records.params("sma_cross") == {"fast": 30}
    records.close()


async def test_calls_run_side_by_side() -> None:
    klines = make_klines(400)
    parts = [klines.take(slice(lo, lo + 20)) for lo in range(0, 400, 20)]
    await asyncio.gather(
        *(storage.write_kline_data(part, symbol="BTCUSDT", interval="1m") for part in parts),
        *(storage.save_trade_record(make_trade(n)) for n in range(20)),
    )
    assert len(await storage.query_kline_data("BTCUSDT", "1m")) == 400
    assert len(await storage.query_trade_history()) == 20


def test_default_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RT_DATA_DIR", "~/somewhere")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert storage.default_data_dir() == tmp_path / "somewhere"
    monkeypatch.delenv("RT_DATA_DIR")
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    assert storage.default_data_dir() == tmp_path / ".local/share/real_trade"
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "xdg"))
    assert storage.default_data_dir() == tmp_path / "xdg/real_trade"


def test_every_public_name_can_be_had() -> None:
    for name in storage.__all__:
        assert getattr(storage, name).__doc__
    with pytest.raises(AttributeError, match="no_such_name"):
        storage.no_such_name  # noqa: B018 - the attribute is the test


def test_importing_storage_is_light(run_python: Callable[..., str], tmp_path: Path) -> None:
    heavy = "('pyarrow', 'sqlalchemy', 'alembic', 'pandas', 'numba')"
    program = (
        f"import sys, pathlib; import real_trade.storage as s; loaded = [m for m in {heavy} if m in sys.modules]\n"
        "assert not loaded and 'numpy' not in sys.modules, loaded\n"
        "from real_trade.testing.timeseries_contract import MINUTES, make_klines\n"
        "store = s.open_store(sys.argv[1]); store.write_klines(MINUTES, make_klines(50)); store.read_klines(MINUTES)\n"
        "assert 'pandas' not in sys.modules and 'sqlalchemy' not in sys.modules\n"
    )
    assert run_python("-c", program, tmp_path) == ""

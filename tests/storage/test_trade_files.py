"""What the Parquet store promises of single trades beyond the contract: a file per day, each whole or untouched."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from real_trade.model import InputError, StorageError, Trades
from real_trade.model.interval import DAY_MS, HOUR_MS
from real_trade.storage.parquet import ParquetStore
from real_trade.testing.timeseries_contract import START_MS, TRADES, make_trades, same_trades

if TYPE_CHECKING:
    from collections.abc import Callable

DAYS = ["2023-12-31.parquet", "2024-01-01.parquet", "2024-01-02.parquet"]
MIDNIGHT_MS = 1_704_067_200_000
SPAN = (MIDNIGHT_MS - DAY_MS, MIDNIGHT_MS + 2 * DAY_MS)
PER_DAY = 2_000


@pytest.fixture
def store(tmp_path: Path) -> ParquetStore:
    return ParquetStore(tmp_path / "data", lock_wait_s=0.1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data/trade/bybit/linear/BTCUSDT"


def three_days(seed: int = 1) -> Trades:
    trades = make_trades(300, seed=seed, step_ms=DAY_MS // 50)
    return Trades(trades.timestamp - START_MS + SPAN[0], trades.price, trades.size, trades.side)


def stamps(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in sorted(folder.glob("*.parquet"))}


def test_trades_lie_by_day_for_people_to_read(store: ParquetStore, folder: Path) -> None:
    trades = three_days()
    store.replace_trades(TRADES, trades, *SPAN)
    assert sorted(path.name for path in folder.glob("*.parquet")) == DAYS
    table = pq.read_table(folder / DAYS[1])
    assert [(field.name, str(field.type)) for field in table.schema] == [
        ("timestamp", "int64"),
        ("price", "double"),
        ("size", "double"),
        ("side", "int8"),
    ]
    day = trades.between(MIDNIGHT_MS, MIDNIGHT_MS + DAY_MS)
    assert table.column("side").to_pylist() == day.side.tolist()
    assert table.column("price").to_pylist() == day.price.tolist()


def test_days_that_do_not_change_are_not_written(store: ParquetStore, folder: Path) -> None:
    trades = three_days()
    store.replace_trades(TRADES, trades, *SPAN)
    before = stamps(folder)
    store.replace_trades(TRADES, trades, *SPAN)
    assert stamps(folder) == before
    day = three_days(2).between(MIDNIGHT_MS, MIDNIGHT_MS + DAY_MS)
    store.replace_trades(TRADES, day, MIDNIGHT_MS, MIDNIGHT_MS + DAY_MS)
    after = stamps(folder)
    assert [name for name in DAYS if after[name] != before[name]] == [DAYS[1]]


def test_a_day_without_trades_has_no_file(store: ParquetStore, folder: Path) -> None:
    store.replace_trades(TRADES, three_days(), *SPAN)
    store.replace_trades(TRADES, Trades.empty(), MIDNIGHT_MS, MIDNIGHT_MS + DAY_MS)
    assert sorted(path.name for path in folder.glob("*.parquet")) == [DAYS[0], DAYS[2]]
    (info,) = store.list_series()
    assert info.rows == len(store.read_trades(TRADES))
    assert store.series_info(TRADES) == info


def test_no_trades_make_no_folder(store: ParquetStore) -> None:
    assert store.replace_trades(TRADES, Trades.empty(), *SPAN) == 0
    assert not store.root.exists()


def test_columns_of_different_length_are_refused(store: ParquetStore) -> None:
    with pytest.raises(InputError) as caught:
        store.replace_trades(TRADES, Trades.of([MIDNIGHT_MS], [1.0, 2.0], [1.0]), *SPAN)
    assert caught.value.field == "price"


@pytest.mark.parametrize("kind", [pa.int32(), pa.int64()])
def test_a_foreign_file_is_named(store: ParquetStore, folder: Path, kind: Any) -> None:
    store.replace_trades(TRADES, three_days(), *SPAN)
    table = pq.read_table(folder / DAYS[1])
    pq.write_table(table.set_column(3, "side", table.column("side").cast(kind)), folder / DAYS[1])
    with pytest.raises(StorageError, match=DAYS[1]):
        store.read_trades(TRADES)


def test_no_room_leaves_every_day_as_it_was(store: ParquetStore, monkeypatch: pytest.MonkeyPatch) -> None:
    trades = three_days()
    store.replace_trades(TRADES, trades, *SPAN)
    real, calls = os.fsync, []

    def full(handle: int) -> None:
        calls.append(handle)
        if len(calls) == 2:
            raise OSError(28, "No space left on device")
        real(handle)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError) as caught:
        store.replace_trades(TRADES, three_days(2), *SPAN)
    assert caught.value.code == "disk_full"
    assert same_trades(store.read_trades(TRADES), trades)
    assert not list(store.root.rglob("*.tmp"))


def generation(number: int) -> Trades:
    """Return three days of trades that carry a number, PER_DAY and as many more each."""
    count = PER_DAY + number % 7
    times = np.concatenate([MIDNIGHT_MS + day * DAY_MS + np.arange(count) * HOUR_MS // count for day in (-1, 0, 1)])
    return Trades.of(times, np.full(len(times), number + 1.0), np.ones(len(times)))


def test_a_killed_writer_leaves_whole_days(
    tmp_path: Path, folder: Path, start_python: Callable[..., Any], store: ParquetStore
) -> None:
    for _ in range(8):
        writer = start_python(Path(__file__), tmp_path / "data")
        assert writer.stdout.readline() == "writing\n"
        for _ in range(5):
            time.sleep(0.01)
            seen = store.read_trades(TRADES)
            days = [seen.between(MIDNIGHT_MS + day * DAY_MS, MIDNIGHT_MS + (day + 1) * DAY_MS) for day in (-1, 0, 1)]
            for day in days:
                (number,) = np.unique(day.price).tolist()
                assert len(day) == PER_DAY + (int(number) - 1) % 7, "a day is torn"
            numbers = [int(day.price[0]) for day in days]
            assert numbers == sorted(numbers, reverse=True), "days out of order"
        writer.send_signal(signal.SIGKILL)
        writer.communicate()
    patient = ParquetStore(tmp_path / "data")
    patient.replace_trades(TRADES, generation(0), *SPAN)
    assert same_trades(patient.read_trades(TRADES), generation(0))
    assert not list(folder.glob(".*.tmp"))


if __name__ == "__main__":
    ours = ParquetStore(Path(sys.argv[1]))
    ours.replace_trades(TRADES, generation(0), *SPAN)
    sys.stdout.write("writing\n")
    sys.stdout.flush()
    for turn in range(1, 100_000):
        ours.replace_trades(TRADES, generation(turn), *SPAN)

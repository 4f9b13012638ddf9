"""What the Parquet store promises beyond the contract: its files, its errors, its manners."""

from __future__ import annotations

import errno
import json
import os
import resource
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest

from real_trade.model import FundingRates, InputError, Interval, Klines, Market, SeriesKey, SeriesKind, StorageError
from real_trade.storage import appender
from real_trade.storage.hashing import dataset_hash
from real_trade.storage.lock import LOCK_NAME
from real_trade.storage.parquet import ParquetStore
from real_trade.storage.ports import Upsert
from real_trade.testing.timeseries_contract import FUNDING, MINUTES, START_MS, make_klines, same_klines

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator
    from pathlib import Path

MONTHS = ["2023-12.parquet", "2024-01.parquet"]
STEP_MS = 60_000


@pytest.fixture
def store(tmp_path: Path) -> ParquetStore:
    return ParquetStore(tmp_path / "data", lock_wait_s=0.1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data/kline/bybit/linear/BTCUSDT/1m"


def snapshot(root: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in root.rglob("*") if path.is_file() and path.name != LOCK_NAME}


def test_files_are_laid_out_for_people(store: ParquetStore, folder: Path) -> None:
    import pyarrow.parquet as pq

    klines = make_klines(60)
    store.write_klines(MINUTES, klines)
    assert sorted(path.name for path in folder.glob("*.parquet")) == MONTHS
    table = pq.read_table(folder / MONTHS[0])
    assert [(field.name, str(field.type)) for field in table.schema] == [
        ("timestamp", "int64"),
        *((name, "double") for name in ("open", "high", "low", "close", "volume", "turnover")),
        ("synthetic", "bool"),
    ]
    assert table.column("close").to_pylist() == klines.close[:20].tolist()
    assert table.column("synthetic").to_pylist() == klines.synthetic[:20].tolist()


def test_funding_lies_by_year(store: ParquetStore, tmp_path: Path) -> None:
    stamps = np.array([START_MS, START_MS + 3_600_000], dtype=np.int64)
    store.write_funding(FUNDING, FundingRates(stamps, np.array([1e-4, -1e-4])))
    found = sorted(path.name for path in (tmp_path / "data/funding/bybit/linear/BTCUSDT").glob("*.parquet"))
    assert found == ["2023.parquet", "2024.parquet"]


@pytest.mark.parametrize("symbol", ["BTC/USDT:USDT", "..", ".lock", "币安人生USDT", "a b%2F"])
def test_any_symbol_can_be_stored_and_listed(store: ParquetStore, tmp_path: Path, symbol: str) -> None:
    key = SeriesKey("bybit", Market.SPOT, symbol, Interval("1d"))
    store.write_klines(key, make_klines(2))
    assert [info.key for info in store.list_series()] == [key]
    assert len(list((tmp_path / "data/kline/bybit/spot").iterdir())) == 1


def test_impossible_names_are_refused(store: ParquetStore, tmp_path: Path) -> None:
    for key in (
        SeriesKey("bybit", Market.SPOT, "", Interval("1d")),
        SeriesKey("", Market.SPOT, "BTCUSDT", Interval("1d")),
        SeriesKey("bybit", Market.SPOT, "X" * 300, Interval("1d")),
        SeriesKey("bybit", Market.SPOT, "BTCUSDT", None),
        SeriesKey("bybit", Market.SPOT, "BTCUSDT", Interval("1d"), SeriesKind.FUNDING),
        SeriesKey("bybit", Market.SPOT, "BTCUSDT", Interval("1d"), SeriesKind.TRADE),
    ):
        with pytest.raises(InputError):
            store.write_klines(key, make_klines(1))
    assert not (tmp_path / "data").exists()


def test_columns_of_different_length_are_refused(store: ParquetStore) -> None:
    with pytest.raises(InputError) as caught:
        store.write_klines(MINUTES, Klines.of([START_MS], [1.0, 2.0], [1.0], [1.0], [1.0], [1.0]))
    assert caught.value.field == "open"


def test_only_wanted_columns_are_read(store: ParquetStore) -> None:
    klines = make_klines(60)
    store.write_klines(MINUTES, klines.take(slice(50)))
    store.append_page(MINUTES, klines.take(slice(50, 60)), START_MS, START_MS + 60 * STEP_MS)
    read = store.read_klines(MINUTES, columns=("close", "open"))
    assert np.array_equal(read.close, klines.close)
    assert np.array_equal(read.open, klines.open)
    assert np.isnan(read.volume).all()
    assert not read.synthetic.any()
    assert len(read.turnover) == 60
    assert read.turnover.strides == (0,)
    with pytest.raises(InputError) as caught:
        store.read_klines(MINUTES, columns=("price",))
    assert caught.value.value == "price"


def test_rows_are_visible_before_they_settle(store: ParquetStore, folder: Path) -> None:
    klines = make_klines(60)
    store.append_page(MINUTES, klines, START_MS, START_MS + 60 * STEP_MS)
    assert not list(folder.glob("*.parquet"))
    assert same_klines(ParquetStore(store.root).read_klines(MINUTES), klines)
    (info,) = store.list_series()
    assert (info.rows, info.first_ms, info.last_ms) == (60, START_MS, START_MS + 59 * STEP_MS)
    assert store.series_info(MINUTES) == info
    assert store.series_info(FUNDING) is None


def test_large_journal_settles_by_itself(store: ParquetStore, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(appender, "JOURNAL_LIMIT_BYTES", 10_000)
    klines = make_klines(1000)
    for lo in range(0, 1000, 50):
        span = START_MS + lo * STEP_MS, START_MS + (lo + 50) * STEP_MS
        assert store.append_page(MINUTES, klines.take(slice(lo, lo + 50)), *span) == Upsert(inserted=50)
    assert (folder / "journal.bin").stat().st_size < 15_000
    assert same_klines(store.read_klines(MINUTES), klines)
    assert store.covered(MINUTES) == [(START_MS, START_MS + 1000 * STEP_MS)]


def test_unchanged_months_are_not_written_again(store: ParquetStore, folder: Path) -> None:
    klines = make_klines(60)
    store.write_klines(MINUTES, klines)
    before = {name: (folder / name).stat().st_ino for name in MONTHS}
    klines.close[-1] += 1
    assert store.write_klines(MINUTES, klines) == Upsert(unchanged=59, revised=1)
    after = {name: (folder / name).stat().st_ino for name in MONTHS}
    assert after[MONTHS[0]] == before[MONTHS[0]]
    assert after[MONTHS[1]] != before[MONTHS[1]]


@pytest.mark.parametrize("keep", [0, 3, 400, -1])
def test_truncated_month_is_named(store: ParquetStore, folder: Path, keep: int) -> None:
    klines = make_klines(60)
    store.write_klines(MINUTES, klines)
    month = folder / MONTHS[1]
    month.write_bytes(month.read_bytes()[:keep])
    before = snapshot(store.root)
    klines.close[:] += 1
    for attempt in (
        lambda: store.read_klines(MINUTES),
        lambda: store.write_klines(MINUTES, klines),
        store.list_series,
    ):
        with pytest.raises(StorageError) as caught:
            attempt()
        assert caught.value.code == "unreadable_file"
        assert caught.value.value == str(month)
        assert "again" in str(caught.value.fix)
    assert snapshot(store.root) == before
    assert len(store.read_klines(MINUTES, None, START_MS + 20 * STEP_MS)) == 20


def test_damaged_page_is_noticed(store: ParquetStore, folder: Path) -> None:
    store.write_klines(MINUTES, make_klines(10_000))
    month = folder / MONTHS[1]
    content = bytearray(month.read_bytes())
    content[len(content) // 3] ^= 0x10
    month.write_bytes(content)
    with pytest.raises(StorageError) as caught:
        store.read_klines(MINUTES)
    assert caught.value.value == str(month)


def test_foreign_file_is_refused(store: ParquetStore, folder: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    store.write_klines(MINUTES, make_klines(60))
    pq.write_table(pa.table({"time": [1], "price": [2.0]}), folder / "2024-02.parquet")
    with pytest.raises(StorageError, match="time, price"):
        store.read_klines(MINUTES)


def test_damaged_notes_are_named(store: ParquetStore, folder: Path, tmp_path: Path) -> None:
    store.append_page(MINUTES, make_klines(1), START_MS, START_MS + STEP_MS)
    store.settle(MINUTES)
    (folder / "coverage.json").write_text('{"spans": [[1')
    with pytest.raises(StorageError, match=r"coverage\.json"):
        store.covered(MINUTES)
    table = tmp_path / "data/instruments/bybit/linear.json"
    table.parent.mkdir(parents=True)
    table.write_text('{"instruments": {"BTCUSDT": {"venue": "bybit"}}}')
    with pytest.raises(StorageError, match=r"linear\.json"):
        store.read_instrument("bybit", Market.LINEAR, "BTCUSDT")


def test_foreign_folders_are_passed_over(store: ParquetStore, tmp_path: Path) -> None:
    store.write_klines(MINUTES, make_klines(2))
    (tmp_path / "data/kline/bybit/moon/BTCUSDT/1m").mkdir(parents=True)
    (tmp_path / "data/kline/bybit/spot/BTCUSDT/7m").mkdir(parents=True)
    (tmp_path / "data/kline/readme.txt").write_text("hello")
    assert [info.key for info in store.list_series()] == [MINUTES]


def test_leftovers_of_killed_writers_are_removed(store: ParquetStore, folder: Path) -> None:
    store.write_klines(MINUTES, make_klines(5))
    leftover = folder / ".2024-01.parquet.4711.tmp"
    leftover.write_bytes(b"half a month")
    assert len(store.read_klines(MINUTES)) == 5
    store.write_klines(MINUTES, make_klines(6))
    assert not leftover.exists()


@pytest.fixture
def file_limit() -> Iterator[Callable[[int], None]]:
    """Let files of this process grow to so many bytes only; the system refuses more as it does on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_full_disk_leaves_the_store_as_it_was(store: ParquetStore, file_limit: Callable[[int], None]) -> None:
    store.write_klines(MINUTES, make_klines(60))
    store.append_page(MINUTES, make_klines(5), START_MS, START_MS + 5 * STEP_MS)
    before, seen = snapshot(store.root), store.read_klines(MINUTES)
    large = make_klines(60_000, seed=2)
    file_limit(60_000)
    for attempt in (
        lambda: store.write_klines(MINUTES, large),
        lambda: store.append_page(MINUTES, large, START_MS, START_MS + 60_000 * STEP_MS),
    ):
        with pytest.raises(StorageError) as caught:
            attempt()
        assert caught.value.code == "disk_full"
        assert same_klines(store.read_klines(MINUTES), seen)
        assert not list(store.root.rglob("*.tmp"))
    file_limit(resource.RLIM_INFINITY)
    # The first attempt may have settled the journal, which shows the same rows.
    assert before.keys() >= {name for name in snapshot(store.root) if "coverage" not in name}
    assert store.covered(MINUTES) == [(START_MS, START_MS + 5 * STEP_MS)]
    assert store.write_klines(MINUTES, large) == Upsert(inserted=60_000 - 60, revised=60)


def test_full_disk_of_its_own(tmp_path: Path) -> None:
    """A real file system without room, where one may be mounted."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if os.geteuid() != 0 or os.system(f"mount -t tmpfs -o size=512k none {disk} 2>/dev/null"):
        pytest.skip("no file system can be mounted here")
    try:
        store = ParquetStore(disk / "data")
        klines = make_klines(3000)
        store.write_klines(MINUTES, klines)
        before = snapshot(disk)

        def fill_the_disk() -> None:
            for lo in range(0, 100_000, 1000):
                page = make_klines(1000, start_ms=START_MS + lo * STEP_MS, seed=lo)
                store.append_page(MINUTES, page, START_MS, START_MS + STEP_MS)

        with pytest.raises(StorageError) as caught:
            fill_the_disk()
        assert caught.value.code == "disk_full"
        with pytest.raises(StorageError) as caught:
            store.write_klines(MINUTES, make_klines(100_000, seed=9))
        assert caught.value.code == "disk_full"
        assert {name: content for name, content in snapshot(disk).items() if name in before} == before
        assert not list(disk.rglob("*.tmp"))
        assert len(store.read_klines(MINUTES)) >= 3000
    finally:
        # Lazily: a caught error keeps the files open that it speaks of.
        os.system(f"umount -l {disk}")


def test_refused_permission_is_told(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where a folder should be")
    with pytest.raises(StorageError) as caught:
        ParquetStore(tmp_path / "data").write_klines(MINUTES, make_klines(1))
    assert os.strerror(errno.ENOTDIR) in str(caught.value)


def test_waiting_writer_names_the_one_that_writes(
    store: ParquetStore, folder: Path, start_python: Callable[..., subprocess.Popen[str]]
) -> None:
    program = (
        "import sys; from pathlib import Path; from os import getpid; from real_trade.storage.lock import WriterLock\n"
        "with WriterLock(Path(sys.argv[1]), f'{getpid()}-x', 1):\n"
        "    sys.stdout.write('held\\n'); sys.stdout.flush(); sys.stdin.readline()"
    )
    holder = start_python("-c", program, folder)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(StorageError, match=f"process {holder.pid};") as caught:
        store.write_klines(MINUTES, make_klines(1))
    assert caught.value.code == "locked"
    assert len(store.read_klines(MINUTES)) == 0
    holder.kill()
    holder.communicate()
    assert store.write_klines(MINUTES, make_klines(1)) == Upsert(inserted=1)


def test_two_writers_take_turns(
    store: ParquetStore, folder: Path, tmp_path: Path, start_python: Callable[..., subprocess.Popen[str]]
) -> None:
    program = tmp_path / "writer.py"
    program.write_text(
        "import sys; from pathlib import Path; from real_trade.storage.parquet import ParquetStore\n"
        "from real_trade.testing.timeseries_contract import MINUTES, START_MS, make_klines\n"
        "store, first = ParquetStore(Path(sys.argv[1])), int(sys.argv[2])\n"
        "klines = make_klines(4000)\n"
        "for lo in range(first, 4000, 40):\n"
        "    span = START_MS + lo * 60_000, START_MS + (lo + 20) * 60_000\n"
        "    outcome = store.append_page(MINUTES, klines.take(slice(lo, lo + 20)), *span)\n"
        "    assert outcome.inserted == 20, outcome\n"
        "    if lo % 400 < 40: store.settle(MINUTES)\n"
        "    if lo % 1000 < 40: store.write_klines(MINUTES, klines.take(slice(lo, lo + 20)))\n"
    )
    writers = [start_python(program, store.root, first) for first in (0, 20)]
    for writer in writers:
        _, errors = writer.communicate(timeout=60)
        assert writer.returncode == 0, errors
    assert same_klines(store.read_klines(MINUTES), make_klines(4000))
    assert store.covered(MINUTES) == [(START_MS, START_MS + 4000 * STEP_MS)]


def test_instruments_are_readable_json(store: ParquetStore, tmp_path: Path) -> None:
    from real_trade.testing.timeseries_contract import _instrument

    store.write_instruments([_instrument("BTCUSDT", tick_size="0.10")])
    document = json.loads((tmp_path / "data/instruments/bybit/linear.json").read_text())
    assert document["instruments"]["BTCUSDT"]["tick_size"] == "0.10"


@pytest.mark.shared
def test_real_minutes_keep_hash_and_speed(real_data: Path, tmp_path: Path) -> None:
    """The stated times, best of three, doubled for a busy machine; the benchmark measures them exactly."""
    import pyarrow.parquet as pq

    table = pq.read_table(real_data / "klines/binance_spot_BTCUSDT_1m_2023-01_2025-08.parquet")
    names = ("timestamp", "open", "high", "low", "close", "volume", "turnover")
    klines = Klines.of(*[table.column(name).to_numpy() for name in names])
    key = SeriesKey("binance", Market.SPOT, "BTCUSDT", Interval("1m"))
    times = []
    for attempt in range(3):
        store = ParquetStore(tmp_path / str(attempt))
        marks = [time.perf_counter()]
        outcome = store.write_klines(key, klines)
        marks.append(time.perf_counter())
        read = store.read_klines(key)
        marks.append(time.perf_counter())
        day = store.read_klines(key, 1_719_792_000_000, 1_719_878_400_000)
        marks.append(time.perf_counter())
        times.append(np.diff(marks))
        assert outcome == Upsert(inserted=len(klines))
        assert dataset_hash(read) == dataset_hash(klines)
        assert len(day) == 1440
    write_s, read_s, day_s = np.min(times, axis=0)
    assert write_s < 0.8 * 2
    assert read_s < 0.15 * 2
    assert day_s < 0.01 * 2

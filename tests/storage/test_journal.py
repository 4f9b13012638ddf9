"""The journal keeps whole pages and drops torn ones, wherever it was cut."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from real_trade.model import StorageError
from real_trade.storage import journal
from real_trade.storage.journal import Page, decode, encode
from real_trade.storage.parquet import ParquetStore
from real_trade.storage.ports import Upsert
from real_trade.storage.rows import KLINE_SHAPE
from real_trade.testing.timeseries_contract import MINUTES, START_MS, make_klines, same_klines

if TYPE_CHECKING:
    from collections.abc import Callable

STEP_MS = 60_000


def page(count: int, seed: int = 1) -> Page:
    klines = make_klines(count, seed=seed)
    rows = {name: getattr(klines, name) for name in KLINE_SHAPE.columns}
    return Page(START_MS, START_MS + count * STEP_MS, rows)


@given(count=st.integers(0, 40), seed=st.integers(0, 1000))
@settings(max_examples=50, deadline=None)
def test_record_comes_back_exactly(count: int, seed: int) -> None:
    given_page = page(count, seed)
    record = encode(given_page)
    ((found,), tail) = decode(record, Path("journal"))
    assert (found.from_ms, found.to_ms) == (given_page.from_ms, given_page.to_ms)
    assert all(found.rows[name].tobytes() == given_page.rows[name].tobytes() for name in KLINE_SHAPE.columns)
    assert tail.end == len(record)


def test_every_cut_and_every_damage_is_noticed() -> None:
    first, second = encode(page(3)), encode(page(5, seed=2))
    for cut in range(len(second)):
        pages, tail = decode(first + second[:cut], Path("journal"))
        assert len(pages) == 1
        assert tail.end == len(first)
    for position in range(len(second)):
        damaged = bytearray(second)
        damaged[position] ^= 0x40
        pages, _ = decode(first + bytes(damaged), Path("journal"))
        assert len(pages) == 1


@pytest.mark.parametrize("cut", [1, 20, 31, 32, 33, 500, 1700])
def test_writing_goes_on_after_a_torn_page(tmp_path: Path, cut: int) -> None:
    klines = make_klines(90)
    store = ParquetStore(tmp_path)
    spans = [(START_MS + lo * STEP_MS, START_MS + (lo + 30) * STEP_MS) for lo in (0, 30, 60)]
    store.append_page(MINUTES, klines.take(slice(30)), *spans[0])
    store.append_page(MINUTES, klines.take(slice(30, 60)), *spans[1])
    path = next(tmp_path.rglob(journal.JOURNAL_NAME))
    os.truncate(path, path.stat().st_size - cut)
    fresh = ParquetStore(tmp_path)
    assert fresh.covered(MINUTES) == [spans[0]]
    assert same_klines(fresh.read_klines(MINUTES), klines.take(slice(30)))
    assert fresh.append_page(MINUTES, klines.take(slice(60, 90)), *spans[2]) == Upsert(inserted=30)
    assert fresh.append_page(MINUTES, klines.take(slice(30, 60)), *spans[1]) == Upsert(inserted=30)
    fresh.settle(MINUTES)
    assert same_klines(fresh.read_klines(MINUTES), klines)
    assert fresh.covered(MINUTES) == [(START_MS, START_MS + 90 * STEP_MS)]


def test_journal_of_another_version_is_left_alone(tmp_path: Path) -> None:
    store = ParquetStore(tmp_path)
    store.append_page(MINUTES, make_klines(3), START_MS, START_MS + 3 * STEP_MS)
    path = next(tmp_path.rglob(journal.JOURNAL_NAME))
    path.write_bytes(b"RTJ9" + path.read_bytes()[4:])
    before = path.read_bytes()
    with pytest.raises(StorageError, match="another version"):
        ParquetStore(tmp_path).append_page(MINUTES, make_klines(3), START_MS, START_MS + STEP_MS)
    assert path.read_bytes() == before


# Dies like a killed process at the n-th step that changes a file: no clean-up runs.
SETTLE_AND_DIE = """
import os, sys
from pathlib import Path
from real_trade.storage.parquet import ParquetStore
from real_trade.testing.timeseries_contract import MINUTES

left = int(sys.argv[2])

def dying(work):
    def call(*arguments, **keywords):
        global left
        if left == 0:
            os._exit(9)
        left -= 1
        return work(*arguments, **keywords)
    return call

os.fsync = dying(os.fsync)
for name in ("replace", "unlink"):
    setattr(Path, name, dying(getattr(Path, name)))
ParquetStore(Path(sys.argv[1])).settle(MINUTES)
"""


def test_death_at_any_step_of_settling_is_harmless(tmp_path: Path, start_python: Callable[..., object]) -> None:
    klines = make_klines(60)
    expected_span = [(START_MS, START_MS + 60 * STEP_MS)]
    for step in range(40):
        root = tmp_path / str(step)
        store = ParquetStore(root)
        store.write_klines(MINUTES, klines.take(slice(10)))
        for lo in (0, 25):
            span = START_MS + lo * STEP_MS, START_MS + (lo + 35) * STEP_MS
            store.append_page(MINUTES, klines.take(slice(lo, lo + 35)), *span)
        process = start_python("-c", SETTLE_AND_DIE, root, step)
        _, errors = process.communicate(timeout=60)
        assert same_klines(ParquetStore(root).read_klines(MINUTES), klines)
        assert ParquetStore(root).covered(MINUTES) == expected_span
        ParquetStore(root).settle(MINUTES)
        assert same_klines(store.read_klines(MINUTES), klines)
        assert store.covered(MINUTES) == expected_span
        assert not list(root.rglob("*.tmp"))
        assert not list(root.rglob(journal.JOURNAL_NAME))
        if process.returncode == 0:
            break
        assert process.returncode == 9, errors
    assert 8 < step < 39


def test_journal_removed_by_hand_is_begun_again(tmp_path: Path) -> None:
    klines, store = make_klines(60), ParquetStore(tmp_path)
    store.append_page(MINUTES, klines.take(slice(30)), START_MS, START_MS + 30 * STEP_MS)
    next(tmp_path.rglob(journal.JOURNAL_NAME)).unlink()
    span = START_MS + 30 * STEP_MS, START_MS + 60 * STEP_MS
    assert store.append_page(MINUTES, klines.take(slice(30, 60)), *span) == Upsert(inserted=30)
    assert store.covered(MINUTES) == [span]
    assert same_klines(store.read_klines(MINUTES), klines.take(slice(30, 60)))

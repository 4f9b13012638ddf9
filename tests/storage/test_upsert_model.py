"""Whatever is done to a store, it equals a dict that the same was done to."""

from __future__ import annotations

import math
import tempfile
from pathlib import Path

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from real_trade.model import Klines
from real_trade.storage.coverage import merge_spans
from real_trade.storage.parquet import ParquetStore
from real_trade.storage.ports import Upsert
from real_trade.testing.timeseries_contract import MINUTES, START_MS

STEP_MS = 60_000
Row = tuple[float, bool]
# Few times around a turn of the year, few values: collisions and revisions are common.
ROWS = st.lists(
    st.tuples(st.integers(0, 60), st.sampled_from([0.0, 1.0, 2.5, float("nan")]), st.booleans()),
    max_size=25,
)


def to_klines(rows: list[tuple[int, float, bool]]) -> Klines:
    stamps = [START_MS + STEP_MS * number for number, _, _ in rows]
    values = np.array([value for _, value, _ in rows], dtype=np.float64)
    flags = np.array([flag for _, _, flag in rows], dtype=np.bool_)
    return Klines.of(stamps, values, values + 1, values, values, values, values, flags)


def equal(left: Row, right: Row) -> bool:
    return (left[0] == right[0] or (math.isnan(left[0]) and math.isnan(right[0]))) and left[1] == right[1]


class StoreAndDict(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.store = ParquetStore(Path(self.folder.name))
        self.rows: dict[int, Row] = {}
        self.spans: list[tuple[int, int]] = []

    def teardown(self) -> None:
        self.folder.cleanup()

    def expect(self, rows: list[tuple[int, float, bool]]) -> Upsert:
        """Do to the dict what is done to the store."""
        new = {START_MS + STEP_MS * number: (value, flag) for number, value, flag in rows}
        known = [stamp for stamp in new if stamp in self.rows]
        unchanged = sum(equal(new[stamp], self.rows[stamp]) for stamp in known)
        self.rows |= new
        return Upsert(inserted=len(new) - len(known), unchanged=unchanged, revised=len(known) - unchanged)

    @rule(rows=ROWS)
    def write(self, rows: list[tuple[int, float, bool]]) -> None:
        assert self.store.write_klines(MINUTES, to_klines(rows)) == self.expect(rows)

    @rule(rows=ROWS, lo=st.integers(0, 60), size=st.integers(0, 30))
    def append(self, rows: list[tuple[int, float, bool]], lo: int, size: int) -> None:
        span = START_MS + STEP_MS * lo, START_MS + STEP_MS * (lo + size)
        assert self.store.append_page(MINUTES, to_klines(rows), *span) == self.expect(rows)
        self.spans.append(span)

    @rule()
    def settle(self) -> None:
        self.store.settle(MINUTES)

    @rule()
    def start_again(self) -> None:
        self.store = ParquetStore(Path(self.folder.name))

    @precondition(lambda self: self.rows)
    @rule(rows=ROWS)
    def another_process_writes(self, rows: list[tuple[int, float, bool]]) -> None:
        assert ParquetStore(Path(self.folder.name)).write_klines(MINUTES, to_klines(rows)) == self.expect(rows)

    @rule(lo=st.integers(-5, 65), hi=st.integers(-5, 65))
    def read_part(self, lo: int, hi: int) -> None:
        self.compare(START_MS + STEP_MS * lo, START_MS + STEP_MS * hi)

    @invariant()
    def same(self) -> None:
        self.compare(START_MS - STEP_MS, START_MS + 100 * STEP_MS)
        assert self.store.covered(MINUTES) == merge_spans(self.spans)

    def compare(self, from_ms: int, to_ms: int) -> None:
        read = self.store.read_klines(MINUTES, from_ms, to_ms)
        expected = sorted(stamp for stamp in self.rows if from_ms <= stamp < to_ms)
        assert read.timestamp.tolist() == expected
        found = zip(read.volume.tolist(), read.synthetic.tolist(), strict=True)
        assert all(equal(row, self.rows[stamp]) for row, stamp in zip(found, expected, strict=True))


TestStoreAndDict = StoreAndDict.TestCase
TestStoreAndDict.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)

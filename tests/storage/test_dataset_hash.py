"""The dataset hash changes with the data and with nothing else."""

from __future__ import annotations

import hashlib
import math
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from real_trade.model import Klines
from real_trade.model.series import COLUMNS
from real_trade.storage import dataset_hash
from real_trade.testing.timeseries_contract import START_MS, make_klines

QUIET_NAN = bytes.fromhex("000000000000f87f")


def by_definition(klines: Klines) -> str:
    """The documented definition, value by value."""
    content = b"real_trade klines 1\n" + struct.pack("<Q", len(klines))
    content += b"".join(struct.pack("<q", int(stamp)) for stamp in klines.timestamp)
    for name in ("open", "high", "low", "close", "volume"):
        for value in getattr(klines, name).tolist():
            content += QUIET_NAN if math.isnan(value) else struct.pack("<d", 0.0 if value == 0 else value)
    content += b"".join(struct.pack("?", bool(flag)) for flag in klines.synthetic)
    return hashlib.sha256(content).hexdigest()


@given(st.lists(st.tuples(st.floats(), st.floats(), st.booleans()), max_size=30))
@settings(max_examples=60, deadline=None)
def test_hash_is_as_documented(rows: list[tuple[float, float, bool]]) -> None:
    first, second, flags = (np.array([row[n] for row in rows]) for n in range(3))
    stamps = START_MS + 60_000 * np.arange(len(rows))
    klines = Klines.of(stamps, first, second, second, first, second, first, flags.astype(bool))
    assert dataset_hash(klines) == by_definition(klines)


def test_known_hash_stays() -> None:
    """Hashes are kept in results: a change of the definition needs a new version line."""
    klines = Klines.of([START_MS, START_MS + 60_000], [1.0, 2.0], [3.0, 4.0], [0.5, 1.5], [2.0, -0.0], [10.0, np.nan])
    assert dataset_hash(klines) == "acd2509a730e0196100979527208ac9e163f345d6930ca6f1c88251e8f1100a9"
    assert dataset_hash(Klines.empty()) == "668f622cc497a7d016a1c0a60aa7a017d035c567a74d0076361df49d92490f89"


@pytest.mark.parametrize("name", COLUMNS)
def test_every_column_counts_but_turnover(name: str) -> None:
    klines = make_klines(70_000)
    before = dataset_hash(klines)
    column = getattr(klines, name)
    column[-1] = ~column[-1] if name == "synthetic" else column[-1] + 1
    assert (dataset_hash(klines) == before) == (name == "turnover")


def test_layout_in_memory_does_not_count() -> None:
    klines = make_klines(1000)
    strided = Klines(*(np.repeat(getattr(klines, name), 2)[::2] for name in COLUMNS))
    signalling = make_klines(1000)
    odd_nan = np.frombuffer(struct.pack("<Q", 0xFFF8_0000_0000_0123), dtype="<f8")[0]
    klines.volume[3], signalling.volume[3] = np.nan, odd_nan
    assert dataset_hash(strided) == dataset_hash(make_klines(1000))
    assert dataset_hash(signalling) == dataset_hash(klines)


def test_order_and_length_count() -> None:
    klines = make_klines(10)
    hashes = {dataset_hash(klines.take(slice(n))) for n in range(11)} | {
        dataset_hash(klines.take(slice(None, None, -1)))
    }
    assert len(hashes) == 12

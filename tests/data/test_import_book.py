"""An order book's changes into the store: whole from a first snapshot on; a refusal leaves the store as it was."""

from __future__ import annotations

import gzip
import json
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from real_trade.data.book_files import read_book_file
from real_trade.data.book_import import import_book
from real_trade.data.file_names import read_claim
from real_trade.model import InputError, Market, MarketDataError, SeriesKey, SeriesKind
from real_trade.storage import ParquetStore

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from real_trade.model import BookChanges

START = 1_733_011_200_000  # 2024-12-01
KEY = SeriesKey("bybit", Market.LINEAR, "XRPUSDT", None, SeriesKind.BOOK)
HEADER = "timestamp,update,side,price,size,snapshot"


@pytest.fixture
def store(tmp_path: Path) -> ParquetStore:
    return ParquetStore(tmp_path / "store")


def message(update: int, bids: Sequence[Any], asks: Sequence[Any], kind: str = "delta", symbol: str = "XRPUSDT") -> str:
    data = {"s": symbol, "b": bids, "a": asks, "u": update, "seq": update * 7}
    line = {"topic": f"orderbook.500.{symbol}", "type": kind, "ts": START + update * 10, "data": data, "cts": START}
    return json.dumps(line)


ARCHIVE = [
    message(100, [["1.9531", "6203"], ["1.9530", "10"]], [["1.9532", "7"]], "snapshot"),
    message(101, [["1.9530", "0"]], [["1.9533", "12"]]),
    message(102, [], [["1.9532", "0"]]),
]


def book_of(changes: BookChanges) -> dict[tuple[int, float], float]:
    """Return what stands after all changes."""
    book: dict[tuple[int, float], float] = {}
    last = None
    for update, snapshot, side, price, size in zip(
        changes.update, changes.snapshot, changes.side, changes.price, changes.size, strict=True
    ):
        if snapshot and update != last:
            book = {}
        last = update if snapshot else None
        book[int(side), float(price)] = float(size)
    return {level: size for level, size in book.items() if size}


def write(path: Path, lines: Sequence[str]) -> Path:
    text = ("\n".join(lines) + "\n").encode()
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(path.stem, text)
    else:
        path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    return path


@pytest.mark.parametrize(
    "name", ["2024-12-01_XRPUSDT_ob500.data.zip", "2024-12-01_XRPUSDT_ob200.data", "mine.jsonl.gz"]
)
def test_an_archive_is_stored_as_it_is(store: ParquetStore, tmp_path: Path, name: str) -> None:
    report = import_book([write(tmp_path / name, ARCHIVE)], store, KEY)
    stored = store.read_book(KEY)
    assert stored.update.tolist() == [100, 100, 100, 101, 101, 102]
    assert stored.snapshot.tolist() == [True] * 3 + [False] * 3
    assert stored.side.tolist() == [1, 1, -1, 1, -1, -1]
    assert stored.timestamp.tolist() == [START + 10 * u for u in (100, 100, 100, 101, 101, 102)]
    assert book_of(stored) == {(1, 1.9531): 6203.0, (-1, 1.9533): 12.0}
    assert (report.rows, report.replaced, report.files) == (6, 0, (name,))
    assert store.read_instrument("bybit", Market.LINEAR, "XRPUSDT") == report.instrument
    assert import_book([tmp_path / name], store, KEY).replaced == 6
    assert "6 changes of levels" in report.text()


def test_the_name_of_an_archive_says_what_it_holds() -> None:
    from pathlib import Path

    claim = read_claim(Path("2024-12-01_XRPUSDT_ob500.data.zip"))
    assert (claim.venue, claim.promised_symbol, claim.from_ms) == ("bybit", "XRPUSDT", START)


def test_a_snapshot_that_was_asked_for_is_put_where_it_belongs(tmp_path: Path) -> None:
    """A recorder hears changes before its snapshot arrives: older ones are in it, younger ones go on from it."""
    heads = ("event_ms", "last_update_id", "first_update_id", "is_snapshot", "side", "price", "qty")
    rows = [
        (START + 1, 10, 8, False, "bid", 1.5, 1.0),
        (START + 2, 14, 11, False, "bid", 1.4, 2.0),
        (START + 3, 15, 15, False, "ask", 1.7, 3.0),
        (float("nan"), 12, float("nan"), True, "bid", 1.3, 4.0),
        (float("nan"), 12, float("nan"), True, "ask", 1.6, 5.0),
        (START + 4, 16, 16, False, "ask", 1.6, 0.0),
    ]
    columns = dict(zip(heads, map(list, zip(*rows, strict=True)), strict=True))
    pq.write_table(pa.table(columns), tmp_path / "binance_spot_XRPUSDT_depth.parquet")
    file = read_book_file(tmp_path / "binance_spot_XRPUSDT_depth.parquet")
    assert file.changes.update.tolist() == [12, 12, 14, 15, 16]
    assert file.changes.timestamp.tolist() == [START + 2, START + 2, START + 2, START + 3, START + 4]
    assert (file.left_out, file.gaps) == (1, 0)
    assert book_of(file.changes) == {(1, 1.3): 4.0, (1, 1.4): 2.0, (-1, 1.7): 3.0}


def test_after_a_lost_change_the_book_goes_on_at_the_next_snapshot(tmp_path: Path) -> None:
    lines = [*ARCHIVE, message(104, [["1.9531", "1"]], []), message(105, [["1.9531", "2"]], [])]
    lines += [message(1, [["1.9000", "5"]], [["1.9100", "6"]], "snapshot"), message(2, [], [["1.9100", "8"]])]
    file = read_book_file(write(tmp_path / "restart.jsonl", lines))
    assert (file.gaps, file.left_out) == (1, 2)
    assert book_of(file.changes) == {(1, 1.9): 5.0, (-1, 1.91): 8.0}
    assert bool((np.diff(file.changes.timestamp) >= 0).all())


BAD = {
    "no_snapshot": [f"{START},1,bid,1.5,1,false"],
    "bad_level": [f"{START},1,bid,1.5,1,true", f"{START},2,middle,1.5,1,false"],
    "bad_number": [f"{START},1,bid,cheap,1,true"],
    "bad_time": ["yesterday,1,bid,1.5,1,true"],
}


@pytest.mark.parametrize("code", BAD)
def test_what_no_book_can_have_is_refused(store: ParquetStore, tmp_path: Path, code: str) -> None:
    with pytest.raises(MarketDataError) as caught:
        import_book([write(tmp_path / "book.csv", [HEADER, *BAD[code]])], store, KEY)
    assert caught.value.code == code
    assert store.list_series() == []


def test_files_that_are_none_are_refused(store: ParquetStore, tmp_path: Path) -> None:
    def code_of(lines: Sequence[str], name: str = "book.csv") -> str:
        with pytest.raises(MarketDataError) as caught:
            import_book([write(tmp_path / name, lines)], store, KEY)
        return caught.value.code

    assert code_of(["timestamp,price,size", f"{START},1,1"]) == "unknown_columns"
    assert code_of(["1,2,3"]) == "unknown_columns"
    assert code_of([*ARCHIVE, '{"type":"delta"}'], "cut.jsonl") == "bad_row"
    assert code_of([*ARCHIVE, message(103, [["dear", "1"]], [])], "word.jsonl") == "bad_row"
    assert code_of([*ARCHIVE, message(103, [], [["2", "1"]], symbol="ADAUSDT")], "two.jsonl") == "several_symbols"
    assert code_of([message(1, [], [["2", "1"]], "snapshot", "ADAUSDT")], "other.jsonl") == "wrong_symbol"
    bitcoin = SeriesKey("bybit", Market.LINEAR, "BTCUSDT", None, SeriesKind.BOOK)
    rows = [f"{START},1,bid,{95_000 + tick / 10},1,true" for tick in range(500)]
    fine = write(tmp_path / "fine.csv", [HEADER, *rows, f"{START},1,bid,95315.37,1,true"])
    with pytest.raises(MarketDataError) as caught:
        import_book([fine], store, bitcoin)
    assert caught.value.code == "off_grid"
    whole = write(tmp_path / "one.jsonl", ARCHIVE)
    again = write(tmp_path / "two.jsonl", ARCHIVE)
    with pytest.raises(MarketDataError, match="same time"):
        import_book([whole, again], store, KEY)
    with pytest.raises(InputError):
        import_book([], store, KEY)
    with pytest.raises(InputError):
        import_book([whole], store, SeriesKey("bybit", Market.LINEAR, "XRPUSDT", None, SeriesKind.TRADE))
    assert store.list_series() == []


def test_recorded_books_are_whole(real_data: Path, store: ParquetStore) -> None:
    """Real recordings: no change is lost, and no bid meets an ask at the end of any update."""
    for name in ("binance_spot_BTCUSDT_2024-08-08T2354_depth.parquet", "bybit_XRPUSDT_ob500_raw.data.zip"):
        file = read_book_file(real_data / "ticks" / name)
        assert file.gaps == 0
        book = book_of(file.changes)
        bids, asks = ([price for side, price in book if side == sign] for sign in (1, -1))
        assert max(bids) < min(asks)

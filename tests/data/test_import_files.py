"""Files into the store: every known form, and every refusal leaves the store as it was."""

from __future__ import annotations

import gzip
import zipfile
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
import pytest
from series_for_checks import (
    MINUTE_MS,
    NAMES,
    START,
    changed,
    sound_series,
    without,
    write_csv,
    write_parquet,
)

from real_trade.data.importing import import_file, import_files
from real_trade.model import (
    HistoricalClock,
    InputError,
    Interval,
    Klines,
    Market,
    MarketDataError,
    SeriesKey,
)
from real_trade.storage import ParquetStore, dataset_hash

if TYPE_CHECKING:
    from pathlib import Path

KEY = SeriesKey("binance", Market.SPOT, "BTCUSDT", Interval("1m"))


@pytest.fixture
def store(tmp_path: Path) -> ParquetStore:
    return ParquetStore(tmp_path / "store")


def iso(klines: Klines, form: str) -> list[object]:
    return [datetime.fromtimestamp(int(t) / 1000, UTC).strftime(form) for t in klines.timestamp]


def dump_lines(klines: Klines, unit: int = 1) -> list[str]:
    lines = []
    for row, stamp in enumerate(klines.timestamp.tolist()):
        values = ",".join(f"{float(getattr(klines, name)[row]):.8f}" for name in NAMES[1:6])
        end = (stamp + MINUTE_MS) * unit - 1
        lines.append(f"{stamp * unit},{values},{end},1234.5,10,1.5,600.1,0")
    return lines


@pytest.mark.parametrize("form", ["parquet", "csv", "csv.gz", "iso", "offset", "header", "zip", "micro", "titles"])
def test_known_forms_are_stored_as_they_are(form: str, store: ParquetStore, tmp_path: Path) -> None:
    klines = sound_series(1440)
    path = tmp_path / "BTCUSDT-1m-2024-01-01.csv"
    if form == "parquet":
        path = write_parquet(tmp_path / "a.parquet", klines)
    elif form in {"csv", "csv.gz"}:
        write_csv(path, klines)
    elif form == "iso":
        write_csv(path, klines, stamps=iso(klines, "%Y-%m-%dT%H:%M:%SZ"))
    elif form == "offset":
        moved = Klines.of(klines.timestamp - 4 * 3_600_000, *(getattr(klines, n) for n in NAMES[1:6]))
        write_csv(path, klines, stamps=iso(moved, "%Y-%m-%d %H:%M:%S-04:00"))
    elif form == "titles":
        text = (
            write_csv(path, klines).read_text().replace("timestamp,open", "Open time,Open").replace("volume", "Volume")
        )
        path.write_text(text)
    else:
        header = "open_time,open,high,low,close,volume,close_time,quote_volume,count,"
        header += "taker_buy_volume,taker_buy_quote_volume,ignore"
        lines = dump_lines(klines, 1000 if form == "micro" else 1)
        path.write_text("\n".join([header, *lines] if form == "header" else lines))
    if form == "csv.gz":
        packed = path.with_suffix(".csv.gz")
        packed.write_bytes(gzip.compress(path.read_bytes()))
        path = packed
    if form == "zip":
        packed = path.with_suffix(".zip")
        with zipfile.ZipFile(packed, "w") as archive:
            archive.write(path, path.name)
        path = packed
    report = import_file(path, store, KEY)
    assert (report.rows, report.upsert.inserted, report.missing) == (1440, 1440, 0)
    assert report.instrument_source == "table"
    assert dataset_hash(store.read_klines(KEY)) == dataset_hash(klines)
    assert store.read_instrument("binance", Market.SPOT, "BTCUSDT") == report.instrument
    assert import_file(path, store, KEY).upsert.unchanged == 1440


def test_neighbouring_files_overlap_where_they_agree(store: ParquetStore, tmp_path: Path) -> None:
    klines = sound_series(600)
    first = write_csv(tmp_path / "a.csv", klines.take(slice(0, 400)))
    second = write_parquet(tmp_path / "b.parquet", klines.take(slice(350, 600)))
    report = import_files([second, first], store, KEY)
    assert (report.rows, report.files) == (600, ("a.csv", "b.parquet"))
    assert "50 rows were in two files" in report.text()
    other = write_csv(tmp_path / "c.csv", changed(klines, 380, volume=1.0).take(slice(350, 600)))
    with pytest.raises(MarketDataError, match="Two files give different values"):
        import_files([first, other], store, KEY)


def test_gaps_are_imported_and_said(store: ParquetStore, tmp_path: Path) -> None:
    report = import_file(write_csv(tmp_path / "a.csv", without(sound_series(), 100, 180)), store, KEY)
    assert report.missing == 80
    assert any("80 bars are missing" in note for note in report.notes)


def test_bars_that_have_not_ended_are_left_out(store: ParquetStore, tmp_path: Path) -> None:
    clock = HistoricalClock(START + 599 * MINUTE_MS + 30_000)
    report = import_file(write_csv(tmp_path / "a.csv", sound_series()), store, KEY, clock=clock)
    assert report.rows == 599
    assert "1 bars have not ended" in report.text()


BAD_FILES = (
    "no such file",
    "torn parquet",
    "torn gzip",
    "not a table",
    "no volume",
    "no rows",
    "text price",
    "missing field",
    "nan",
    "negative",
    "empty price",
    "infinite volume",
    "high below close",
    "off the grid",
    "repeated row",
    "out of order",
    "naive",
    "seconds",
    "mixed units",
    "no time",
    "other interval",
    "between minutes",
    "other symbol",
)


def bad_files(tmp: Path) -> dict[str, tuple[Path, str, str]]:
    """Name -> file, code of the error, words of its message."""
    good = sound_series()
    text = write_csv(tmp / "good.csv", good).read_text().splitlines()

    def csv_of(name: str, lines: list[str]) -> Path:
        path = tmp / f"{name}.csv"
        path.write_text("\n".join(lines))
        return path

    def with_line(name: str, row: int, line: str) -> Path:
        return csv_of(name, [*text[:row], line, *text[row + 1 :]])

    whole = write_parquet(tmp / "whole.parquet", good).read_bytes()
    torn = tmp / "torn.parquet"
    torn.write_bytes(whole[: len(whole) // 2])
    torn_gzip = tmp / "torn.csv.gz"
    torn_gzip.write_bytes(gzip.compress("\n".join(text).encode())[:4000])
    stamp = START + 49 * MINUTE_MS
    nan = write_parquet(tmp / "nan.parquet", changed(good, 99, close=np.nan))
    negative = write_parquet(tmp / "negative.parquet", changed(good, 99, low=-1.0))
    seconds = write_csv(tmp / "seconds.csv", good, stamps=[int(t) // 1000 for t in good.timestamp])
    mixed = write_csv(
        tmp / "mixed.csv", good, stamps=[int(t) * (1000 if i > 9 else 1) for i, t in enumerate(good.timestamp)]
    )
    five = sound_series(50)
    slow = Klines.of(START + np.arange(50) * 300_000, *(getattr(five, n) for n in NAMES[1:6]))
    half = Klines.of(good.timestamp + 30_000, *(getattr(good, n) for n in NAMES[1:6]))
    return {
        "no such file": (tmp / "absent.csv", "unreadable_file", "absent.csv cannot be read"),
        "torn parquet": (torn, "unreadable_file", "torn.parquet cannot be read"),
        "torn gzip": (torn_gzip, "unreadable_file", "damaged or cut short"),
        "not a table": (csv_of("words", ["this is no table"]), "unknown_columns", "words.csv"),
        "no volume": (
            csv_of("novol", ["timestamp,open,high,low,close", f"{START},1,1,1,1"]),
            "unknown_columns",
            "volume",
        ),
        "no rows": (csv_of("empty", text[:1]), "no_data", "no rows"),
        "text price": (with_line("text", 50, f"{stamp},1,2,1,abc,5"), "bad_number", "line 51, column close: 'abc'"),
        "missing field": (with_line("fields", 50, f"{stamp},1,2"), "bad_csv", "not a proper CSV"),
        "nan": (nan, "bad_price", "row 100, column close: nan"),
        "negative": (negative, "bad_price", "row 100, column low: -1"),
        "empty price": (with_line("hole", 50, f"{stamp},1,2,,1,5"), "bad_price", "line 51, column low"),
        "infinite volume": (with_line("inf", 50, f"{stamp},1,2,1,1,inf"), "bad_volume", "line 51, column volume"),
        "high below close": (with_line("ohlc", 50, f"{stamp},40000,40001,39999,40002,5"), "bad_price", "column high"),
        "off the grid": (with_line("grid", 50, f"{stamp},40000.005,40001,39999,40000,5"), "off_grid", "40000.005"),
        "repeated row": (csv_of("twice", [*text[:50], text[49], *text[50:]]), "duplicate", "line 51"),
        "out of order": (csv_of("order", [*text[:50], text[51], text[50], *text[52:]]), "disorder", "line 52"),
        "naive": (write_csv(tmp / "naive.csv", good, stamps=iso(good, "%Y-%m-%d %H:%M:%S")), "naive_time", "no zone"),
        "seconds": (seconds, "time_unit", "in seconds"),
        "mixed units": (mixed, "time_unit_mixed", "line 12"),
        "no time": (with_line("date", 50, "yesterday,1,2,1,1,5"), "bad_time", "'yesterday'"),
        "other interval": (write_csv(tmp / "slow.csv", slow), "wrong_interval", "bars of 5m"),
        "between minutes": (write_csv(tmp / "half.csv", half), "off_grid_time", "not the opening"),
        "other symbol": (write_csv(tmp / "ETHUSDT-1m-2024-01-01.csv", good), "wrong_symbol", "holds ETHUSDT"),
    }


def test_every_bad_file_has_its_name_here(tmp_path: Path) -> None:
    assert set(bad_files(tmp_path)) == set(BAD_FILES)


@pytest.mark.parametrize("name", BAD_FILES)
def test_refused_with_the_reason_and_the_store_as_it_was(name: str, store: ParquetStore, tmp_path: Path) -> None:
    path, code, words = bad_files(tmp_path)[name]
    good = write_csv(tmp_path / "january.csv", sound_series(start=START + 10 * 86_400_000))
    with pytest.raises(MarketDataError) as caught:
        import_files([good, path], store, KEY)
    assert caught.value.code == code
    assert words in caught.value.message
    assert caught.value.exit_code == 2
    assert caught.value.fix
    assert not list(store.list_series())
    assert store.read_instrument("binance", Market.SPOT, "BTCUSDT") is None


def test_an_unfit_series_is_refused_with_what_was_stored_kept(store: ParquetStore, tmp_path: Path) -> None:
    import_file(write_csv(tmp_path / "a.csv", sound_series()), store, KEY)
    before = dataset_hash(store.read_klines(KEY))
    with pytest.raises(MarketDataError):
        import_file(write_csv(tmp_path / "b.csv", changed(sound_series(seed=2), 5, open=np.nan)), store, KEY)
    assert dataset_hash(store.read_klines(KEY)) == before


def test_no_file_and_no_interval_are_refused(store: ParquetStore, tmp_path: Path) -> None:
    with pytest.raises(InputError):
        import_files([], store, KEY)
    with pytest.raises(InputError):
        import_file(tmp_path / "a.csv", store, SeriesKey("binance", Market.SPOT, "BTCUSDT", None))


def trades_csv(path: Path, trades: list[tuple[float, str, float, float]]) -> Path:
    lines = ["timestamp,symbol,side,size,price,tickDirection,trdMatchID,grossValue,homeNotional,foreignNotional"]
    lines += [f"{t},BTCUSDT,{side},{size},{price},PlusTick,abc,1,{size},1" for t, side, size, price in trades]
    path.write_bytes(gzip.compress("\n".join(lines).encode()))
    return path


def test_trades_become_bars(store: ParquetStore, tmp_path: Path) -> None:
    t = START / 1000
    trades = [(t + 0.5, "Buy", 0.1, 40000.0), (t + 30.1234, "Sell", 0.2, 39990.5), (t + 59.9999, "Buy", 0.3, 40010.0)]
    trades += [(t + 180.0, "Buy", 0.5, 40020.0)]
    key = SeriesKey("bybit", Market.LINEAR, "BTCUSDT", Interval("1m"))
    report = import_file(trades_csv(tmp_path / "BTCUSDT2024-01-01.csv.gz", trades), store, key)
    bars = store.read_klines(key)
    assert report.rows == 4
    assert bars.timestamp.tolist() == [START + i * MINUTE_MS for i in range(4)]
    assert bars.open.tolist() == [40000.0, 40010.0, 40010.0, 40020.0]
    assert bars.high.tolist() == [40010.0, 40010.0, 40010.0, 40020.0]
    assert bars.low.tolist() == [39990.5, 40010.0, 40010.0, 40020.0]
    assert bars.close.tolist() == [40010.0, 40010.0, 40010.0, 40020.0]
    assert bars.volume == pytest.approx([0.6, 0, 0, 0.5])
    assert bars.turnover[0] == pytest.approx(0.1 * 40000 + 0.2 * 39990.5 + 0.3 * 40010)
    assert not bars.synthetic.any()


def test_trades_are_added_up_like_a_plain_loop() -> None:
    from real_trade.data.trades import bars_of_trades

    rng = np.random.default_rng(5)
    times = START + np.sort(rng.integers(0, 3_600_000, 2000))
    price, size = rng.integers(1000, 2000, 2000) / 10, rng.integers(1, 100, 2000) / 10
    bars = bars_of_trades(times, price, size, Interval("5m"))
    expected: dict[int, list[float]] = {}
    for t, p, s in zip(times.tolist(), price.tolist(), size.tolist(), strict=True):
        bar = expected.setdefault(t // 300_000 * 300_000, [p, p, p, p, 0.0])
        bar[1], bar[2], bar[3], bar[4] = max(bar[1], p), min(bar[2], p), p, bar[4] + s
    assert bars.timestamp.tolist() == list(expected)
    for column, name in enumerate(NAMES[1:6]):
        assert getattr(bars, name) == pytest.approx([bar[column] for bar in expected.values()])


def test_a_trade_archive_of_another_symbol_is_refused(store: ParquetStore, tmp_path: Path) -> None:
    path = trades_csv(tmp_path / "trades.csv.gz", [(START / 1000, "Buy", 0.1, 40000.0)])
    with pytest.raises(MarketDataError, match="holds BTCUSDT"):
        import_file(path, store, SeriesKey("bybit", Market.LINEAR, "ETHUSDT", Interval("1m")))


def test_a_trade_without_a_price_is_refused(store: ParquetStore, tmp_path: Path) -> None:
    path = trades_csv(tmp_path / "BTCUSDT2024-01-01.csv.gz", [(START / 1000, "Buy", 0.1, -1.0)])
    with pytest.raises(MarketDataError, match=r"trade 1 has price -1"):
        import_file(path, store, SeriesKey("bybit", Market.LINEAR, "BTCUSDT", Interval("1m")))


@pytest.mark.shared
def test_real_files_are_imported(real_data: Path, store: ParquetStore) -> None:
    markets = {"spot": Market.SPOT, "usdm": Market.LINEAR, "linear": Market.LINEAR}
    for path in real_data.glob("klines*/*.parquet"):
        venue, market, symbol, interval = path.name.split("_")[:4]
        if "2023-01_2025-08" in path.name:
            continue
        key = SeriesKey(venue, markets[market], symbol, Interval(interval))
        report = import_file(path, store, key)
        assert report.instrument_source in {"table", "store"}, path.name
        assert report.missing == 0
    days = [real_data / "raw_defects" / f"binance_spot_BTCUSDT-1m-{day}.csv.gz" for day in ("2024-12-31", "2025-01-01")]
    report = import_files(days, store, KEY)
    assert (report.rows, report.missing) == (2880, 0)
    assert report.instrument.tick_size == Decimal("0.01")

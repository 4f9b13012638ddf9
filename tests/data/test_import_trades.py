"""Single trades into the store: every form of the venues' archives, and every refusal leaves the store as it was."""

from __future__ import annotations

import gzip
import zipfile
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from real_trade.data.file_names import read_claim
from real_trade.data.trade_files import in_order, read_trade_file
from real_trade.data.trade_import import import_trades
from real_trade.data.verify import verify_store
from real_trade.model import InputError, Interval, Market, MarketDataError, SeriesKey, SeriesKind, Trades
from real_trade.model.interval import DAY_MS
from real_trade.storage import ParquetStore
from real_trade.testing.timeseries_contract import same_trades

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

START = 1_704_412_800_000  # 2024-01-05
KEY = SeriesKey("binance", Market.LINEAR, "BTCUSDT", None, SeriesKind.TRADE)
HEADS = {
    "trades": "id,price,qty,quote_qty,time,is_buyer_maker",
    "aggTrades": "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker",
    "bybit": "timestamp,symbol,side,size,price,tickDirection,trdMatchID,grossValue,homeNotional,foreignNotional",
    "bybit spot": "id,timestamp,price,volume,side",
    "plain": "timestamp,price,size,side",
}


@pytest.fixture
def store(tmp_path: Path) -> ParquetStore:
    return ParquetStore(tmp_path / "store")


def sound_trades(count: int = 500, *, seed: int = 1, start: int = START, last: int = DAY_MS) -> Trades:
    """Trades on a grid of 0.1 over a day, a few on the same millisecond."""
    rng = np.random.default_rng(seed)
    steps = np.sort(rng.integers(0, last // 1000, count)) * 1000
    price = (430_000 + np.cumsum(rng.integers(-9, 10, count))) / 10
    return Trades.of(start + steps, price, rng.integers(1, 900, count) / 1000, rng.choice([-1, 1], count))


def line(form: str, row: int, stamp: int, price: float, size: float, side: int) -> str:
    maker = "true" if side < 0 else "false"
    word = "Buy" if side > 0 else "Sell"
    return {
        "trades": f"{row + 1},{price},{size},{price * size:.4f},{stamp},{maker}",
        "spot trades": f"{row + 1},{price:.8f},{size:.8f},{price * size:.8f},{stamp},{maker.title()},True",
        "aggTrades": f"{row + 1},{price},{size},{row * 3},{row * 3 + 2},{stamp},{maker}",
        "spot aggTrades": f"{row + 1},{price:.8f},{size:.8f},{row * 3},{row * 3 + 2},{stamp},{maker.title()},True",
        "bybit": f"{stamp / 1000:.4f},BTCUSDT,{word},{size},{price},PlusTick,{row:08x}-aa,1,{size},1",
        "bybit spot": f"{row + 1},{stamp},{price},{size},{word.lower()}",
        "plain": f"{stamp},{price},{size},{side}",
    }[form]


def write(path: Path, trades: Trades, form: str, *, head: bool = True, unit: int = 1) -> Path:
    columns = (trades.timestamp * unit, trades.price, trades.size, trades.side)
    rows = enumerate(zip(*(column.tolist() for column in columns), strict=True))
    lines = [line(form, row, *values) for row, values in rows]
    text = "\n".join(([HEADS[form]] if head and form in HEADS else []) + lines) + "\n"
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(path.stem + ".csv", text)
    else:
        path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


FORMS = [
    ("BTCUSDT-trades-2024-01-05.zip", "trades", True, 1),
    ("BTCUSDT-trades-2024-01-05.zip", "trades", False, 1),
    ("BTCUSDT-trades-2024-01-05.csv", "spot trades", False, 1),
    ("BTCUSDT-trades-2024-01-05.zip", "spot trades", False, 1000),
    ("BTCUSDT-aggTrades-2024-01-05.zip", "aggTrades", True, 1),
    ("BTCUSDT-aggTrades-2024-01-05.csv", "aggTrades", False, 1),
    ("BTCUSDT-aggTrades-2024-01-05.csv.gz", "spot aggTrades", False, 1000),
    ("BTCUSDT2024-01-05.csv.gz", "bybit", True, 1),
    ("BTCUSDT_2024-01-05.csv.gz", "bybit spot", True, 1),
    ("binance_linear_BTCUSDT.csv", "plain", True, 1),
]


@pytest.mark.parametrize(("name", "form", "head", "unit"), FORMS)
def test_known_forms_are_stored_as_they_are(
    store: ParquetStore, tmp_path: Path, name: str, form: str, head: bool, unit: int
) -> None:
    trades = sound_trades()
    path = write(tmp_path / name, trades, form, head=head, unit=unit)
    report = import_trades([path], store, KEY)
    assert same_trades(store.read_trades(KEY), trades)
    assert (report.rows, report.replaced, report.files) == (500, 0, (name,))
    assert report.instrument_source == "table"
    assert store.read_instrument("binance", Market.LINEAR, "BTCUSDT") == report.instrument
    assert ("microseconds" in report.text()) == (unit == 1000)
    again = import_trades([path], store, KEY)
    assert (again.rows, again.replaced) == (500, 500)
    assert same_trades(store.read_trades(KEY), trades)


def test_parquet_is_read_too(store: ParquetStore, tmp_path: Path) -> None:
    trades = sound_trades()
    columns = {name: getattr(trades, name) for name in ("timestamp", "price", "size", "side")}
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    import_trades([tmp_path / "a.parquet"], store, KEY)
    assert same_trades(store.read_trades(KEY), trades)


def test_the_name_of_an_archive_tells_what_is_replaced(store: ParquetStore, tmp_path: Path) -> None:
    whole, part = sound_trades(seed=1), sound_trades(50, seed=2, start=START + DAY_MS // 2, last=DAY_MS // 4)
    import_trades([write(tmp_path / "BTCUSDT2024-01-05.csv.gz", whole, "bybit")], store, KEY)
    report = import_trades([write(tmp_path / "mine.csv", part, "plain")], store, KEY)
    first, end = int(part.timestamp[0]), int(part.timestamp[-1]) + 1
    assert (report.from_ms, report.to_ms) == (first, end)
    assert report.replaced == len(whole.between(first, end))
    assert same_trades(store.read_trades(KEY, first, end), part)
    assert same_trades(store.read_trades(KEY, None, first), whole.between(0, first))
    assert same_trades(store.read_trades(KEY, end), whole.between(end, START + DAY_MS))
    report = import_trades([write(tmp_path / "BTCUSDT-trades-2024-01-05.zip", part, "trades")], store, KEY)
    assert (report.from_ms, report.to_ms) == (START, START + DAY_MS)
    assert same_trades(store.read_trades(KEY), part)


def test_a_month_covers_its_days(store: ParquetStore, tmp_path: Path) -> None:
    day = sound_trades(start=START + 2 * DAY_MS)
    import_trades([write(tmp_path / "BTCUSDT-trades-2024-01-07.zip", day, "trades")], store, KEY)
    month = write(tmp_path / "BTCUSDT-aggTrades-2024-01.zip", sound_trades(90), "aggTrades")
    assert import_trades([month], store, KEY).replaced == 500
    assert same_trades(store.read_trades(KEY), sound_trades(90))


def test_several_files_in_any_order(store: ParquetStore, tmp_path: Path) -> None:
    days = [sound_trades(seed=day, start=START + day * DAY_MS) for day in range(3)]
    paths = [write(tmp_path / f"BTCUSDT2024-01-0{5 + day}.csv.gz", trades, "bybit") for day, trades in enumerate(days)]
    report = import_trades([paths[2], paths[0], paths[1]], store, KEY)
    assert report.files == tuple(path.name for path in paths)
    assert (report.rows, report.to_dict()["from"]) == (1500, "2024-01-05T00:00:00Z")
    for day, trades in enumerate(days):
        assert same_trades(store.read_trades(KEY, START + day * DAY_MS, START + (day + 1) * DAY_MS), trades)


def test_files_that_descend_or_are_mixed_are_put_in_order(store: ParquetStore, tmp_path: Path) -> None:
    trades = sound_trades()
    turned = write(tmp_path / "a.csv", trades.take(slice(None, None, -1)), "plain")
    report = import_trades([turned], store, KEY)
    assert same_trades(store.read_trades(KEY), trades)
    assert "Put in the order of their times: the trades of a.csv." in report.notes
    swapped = np.arange(500)
    rows = int(np.flatnonzero(np.diff(trades.timestamp) > 0)[7])
    swapped[[rows, rows + 1]] = swapped[[rows + 1, rows]]
    assert same_trades(in_order(trades.take(swapped)), trades)
    assert in_order(trades) is trades


def test_sides(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(
        f"timestamp,price,size,side\n{START},1,1,Buy\n{START},1,1,SELL\n{START},1,1,\n{START},1,1,0\n{START},1,1,-1\n"
    )
    assert read_trade_file(path).trades.side.tolist() == [1, -1, 0, 0, -1]


def test_grids_are_guessed_from_every_price(store: ParquetStore, tmp_path: Path) -> None:
    key = SeriesKey("binance", Market.LINEAR, "NEWUSDT", None, SeriesKind.TRADE)
    path = write(tmp_path / "a.csv", sound_trades(), "plain")
    report = import_trades([path], store, key)
    assert (report.instrument_source, report.instrument.tick_size) == ("inferred", Decimal("0.1"))
    assert report.instrument.quantity_step == Decimal("0.001")
    assert any("guessed" in note for note in report.notes)


def spoilt(row: int, text: str, form: str = "plain") -> Callable[[Path], Path]:
    """Return a writer of a file with one line replaced."""

    def make(tmp: Path) -> Path:
        path = write(tmp / "spoilt.csv", sound_trades(), form)
        lines = path.read_text().splitlines()
        lines[row] = text
        path.write_text("\n".join(lines))
        return path

    return make


def named(name: str, start: int = START, form: str = "plain", unit: int = 1) -> Callable[[Path], Path]:
    return lambda tmp: write(tmp / name, sound_trades(start=start), form, unit=unit)


def words(name: str, content: str) -> Callable[[Path], Path]:
    def make(tmp: Path) -> Path:
        (tmp / name).write_text(content)
        return tmp / name

    return make


def mixed_units(tmp: Path) -> Path:
    trades = sound_trades()
    stamps = np.where(np.arange(500) < 250, trades.timestamp, trades.timestamp * 1000)
    return write(tmp / "mixed.csv", Trades(stamps, trades.price, trades.size, trades.side), "plain")


BAD: dict[str, tuple[Callable[[Path], Path], str, str]] = {
    "absent": (lambda tmp: tmp / "absent.csv", "unreadable_file", "absent.csv"),
    "bars": (words("bars.csv", "timestamp,open,high,low,close,volume\n1,1,1,1,1,1\n"), "unknown_columns", "no trades"),
    "words": (words("words.csv", "these are no trades\n"), "unknown_columns", "words.csv"),
    "a kline dump": (words("k.csv", f"{START},1,1,1,1,1,{START},1,1,1,1,0\n"), "unknown_columns", "k.csv"),
    "no side": (words("a.csv", f"timestamp,price,size\n{START},1,1\n"), "unknown_columns", "side"),
    "no rows": (words("a.csv", "timestamp,price,size,side\n"), "no_data", "no rows"),
    "no price": (spoilt(7, f"{START},,1,1"), "bad_trade", "line 8, column price"),
    "price of zero": (spoilt(7, f"{START},0,1,1"), "bad_trade", "line 8, column price: 0"),
    "negative size": (spoilt(7, f"{START},1,-2,1"), "bad_trade", "line 8, column size: -2"),
    "endless size": (spoilt(7, f"{START},1,inf,1"), "bad_trade", "line 8, column size: inf"),
    "text price": (spoilt(7, f"{START},abc,1,1"), "bad_number", "line 8, column price: 'abc'"),
    "a side of its own": (spoilt(7, f"{START},1,1,Bid"), "bad_trade", "line 8, column side: 'Bid'"),
    "no flag": (spoilt(7, f"9,1,1,1,{START},", "trades"), "bad_trade", "line 8, column is_buyer_maker"),
    "short line": (spoilt(7, f"{START},1"), "bad_csv", "spoilt.csv"),
    "no time": (spoilt(7, "yesterday,1,1,1"), "bad_time", "line 8"),
    "twice": (spoilt(7, f"6,43000,1,43000,{START},true", "trades"), "duplicate", "line 8, column id: trade 6"),
    "off the grid": (spoilt(7, f"{START},43000.05,1,1"), "off_grid", "line 8, column price: the price 43000.05"),
    "naive": (words("a.csv", "timestamp,price,size,side\n2024-01-05 00:00:00,1,1,1\n"), "naive_time", "no zone"),
    "two units": (mixed_units, "time_unit_mixed", "line 252"),
    "other symbol": (named("ETHUSDT-trades-2024-01-05.csv", form="trades"), "wrong_symbol", "ETHUSDT"),
    "symbol in the rows": (named("ETHUSDT2024-01-05.csv.gz", form="bybit"), "wrong_symbol", "was asked for"),
    "other day": (named("BTCUSDT2024-01-06.csv.gz", form="bybit"), "outside_span", "BTCUSDT2024-01-06.csv.gz"),
    "the day of another": (named("again.csv", START - DAY_MS), "duplicate", "BTCUSDT2024-01-04.csv.gz and again.csv"),
}


@pytest.mark.parametrize("name", BAD)
def test_refused_with_the_reason_and_the_store_as_it_was(name: str, store: ParquetStore, tmp_path: Path) -> None:
    make, code, said = BAD[name]
    good = write(tmp_path / "BTCUSDT2024-01-04.csv.gz", sound_trades(start=START - DAY_MS), "bybit")
    with pytest.raises(MarketDataError) as caught:
        import_trades([good, make(tmp_path)], store, KEY)
    assert caught.value.code == code
    assert said in caught.value.message
    assert caught.value.fix
    assert not list(store.list_series())
    assert store.read_instrument("binance", Market.LINEAR, "BTCUSDT") is None


def test_no_file_and_other_kinds_are_refused(store: ParquetStore, tmp_path: Path) -> None:
    with pytest.raises(InputError):
        import_trades([], store, KEY)
    path = write(tmp_path / "a.csv", sound_trades(), "plain")
    with pytest.raises(InputError) as caught:
        import_trades([path], store, SeriesKey("binance", Market.LINEAR, "BTCUSDT", Interval("1m")))
    assert caught.value.field == "kind"
    import_trades([path], store, KEY)
    with pytest.raises(InputError) as caught:
        verify_store(store, KEY)
    assert caught.value.code == "unknown_kind"


@pytest.mark.parametrize(
    ("name", "symbol", "days"),
    [
        ("BTCUSDT-trades-2024-01-05.zip", "BTCUSDT", 1),
        ("binance_BTCUSD_PERP-aggTrades-2024-01.csv.gz", "BTCUSD_PERP", 31),
        ("1000PEPEUSDT2024-01-05.csv.gz", "1000PEPEUSDT", 1),
        ("BTCUSDT_2024-01-05.csv.gz", "BTCUSDT", 1),
    ],
)
def test_names_of_archives(tmp_path: Path, name: str, symbol: str, days: int) -> None:
    claim = read_claim(tmp_path / name)
    assert (claim.promised_symbol, claim.interval) == (symbol, None)
    assert claim.from_ms is not None
    assert claim.to_ms == claim.from_ms + days * DAY_MS


@pytest.mark.shared
@pytest.mark.parametrize(("market", "word"), [(Market.SPOT, "spot"), (Market.LINEAR, "usdm")])
def test_recorded_trades(real_data: Path, store: ParquetStore, tmp_path: Path, market: Market, word: str) -> None:
    """Recorded in a table of its own, and spelt the way the venue spells its archives: the same trades."""
    key = SeriesKey("binance", market, "BTCUSDT", None, SeriesKind.TRADE)
    path = real_data / "ticks" / f"binance_{word}_BTCUSDT_2024-08-08T2354_trades.parquet"
    table = pq.read_table(path)
    report = import_trades([path], store, key)
    stored = store.read_trades(key)
    assert stored.timestamp.tolist() == table.column("trade_ms").to_pylist()
    assert stored.price.tolist() == table.column("price").to_pylist()
    assert stored.size.tolist() == table.column("qty").to_pylist()
    assert ((stored.side < 0) == table.column("buyer_is_maker").to_numpy()).all()
    assert (report.rows, report.instrument.tick_size) == (table.num_rows, Decimal("0.01" if word == "spot" else "0.1"))
    # The spot recording goes on for a second after midnight.
    evening = stored.between(0, 1_723_161_600_000)
    form, unit = ("spot trades", 1000) if word == "spot" else ("trades", 1)
    archive = write(tmp_path / "BTCUSDT-trades-2024-08-08.zip", evening, form, unit=unit)
    assert import_trades([archive], store, key).replaced == len(evening)
    assert same_trades(store.read_trades(key), stored)

"""A real month is replayed, and what a client hears and reads of it are the source's bars."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import aiohttp
import pyarrow.parquet as pq
import pytest
from bybit_clients import bybit_client

from real_trade.model import Interval, Klines, Market, SeriesKey, parse_time
from real_trade.storage import ParquetStore
from real_trade.testing.exchange_process import running_exchange

if TYPE_CHECKING:
    from pathlib import Path

    from real_trade.testing.exchange_process import RunningExchange

MINUTE, HOUR = 60_000, 3_600_000
FIRST, LAST = parse_time("2025-05-30"), parse_time("2025-06-29")
NAMES = ("open", "high", "low", "close", "volume")


def stored(real_data: Path, folder: Path) -> Klines:
    """Put a month of Bybit's minutes into a store; return it."""
    table = pq.read_table(real_data / "klines/bybit_linear_BTCUSDT_1m_2025-05-29_2025-06-29.parquet")
    columns = {name: table.column(name).to_numpy() for name in table.column_names}
    rows = (columns["timestamp"] >= FIRST) & (columns["timestamp"] < LAST)
    bars = Klines.of(columns["timestamp"][rows], *(columns[name][rows] for name in NAMES))
    ParquetStore(folder).write_klines(SeriesKey("bybit", Market.LINEAR, "BTCUSDT", Interval("1m")), bars)
    return bars


async def heard(exchange: RunningExchange, end_ms: int) -> dict[int, tuple[float, ...]]:
    """Let market time pass hour by hour; return the finished bars that the stream told of."""
    found: dict[int, tuple[float, ...]] = {}
    async with aiohttp.ClientSession() as session, session.ws_connect(exchange.info["ws_public"] + "/linear") as socket:
        await socket.send_json({"op": "subscribe", "args": ["kline.1.BTCUSDT"]})
        now = exchange.info["market_time_ms"]
        while now < end_ms:
            async with session.post(exchange.info["admin"] + "/advance", json={"ms": HOUR}) as answer:
                assert answer.status == 200
            now += HOUR
            while not any(start + MINUTE >= now for start in found):
                message = json.loads((await asyncio.wait_for(socket.receive(), 30)).data)
                for bar in message.get("data", ()):
                    if bar["confirm"]:
                        found[bar["start"]] = tuple(float(bar[name]) for name in NAMES)
    return found


Bars = dict[int, tuple[float, ...]]


def replayed(real_data: Path, folder: Path, start_ms: int, end_ms: int) -> tuple[Bars, Bars, Bars]:
    """Return the bars of a span: those of the source, as they were heard, and as they were read."""
    bars = stored(real_data, folder)
    rows = zip(*(getattr(bars, name).tolist() for name in NAMES), strict=True)
    source = {time: row for time, row in zip(bars.timestamp.tolist(), rows, strict=True) if start_ms <= time < end_ms}
    flags: dict[str, Any] = {"data": folder, "start": start_ms, "speed": 0, "server_time": "wall", "admin_port": 0}
    with running_exchange("bybit", **flags, rate_limits="off") as exchange:
        told = asyncio.run(heard(exchange, end_ms))
        client = bybit_client(exchange.info)
        client.load_markets()
        read: dict[int, tuple[float, ...]] = {}
        for since in range(start_ms, end_ms, 1_000 * MINUTE):
            page = client.fetch_ohlcv("BTC/USDT:USDT", "1m", since, 1_000)
            read |= {row[0]: tuple(row[1:]) for row in page if row[0] < end_ms}
        client.session.close()
    return source, told, read


@pytest.mark.conformance
def test_a_client_hears_and_reads_a_real_month(real_data: Path, tmp_path: Path) -> None:
    source, told, read = replayed(real_data, tmp_path / "store", FIRST, LAST)
    assert len(source) == 30 * 1_440
    assert told == source
    assert read == source


def test_a_client_hears_and_reads_two_real_hours(real_data: Path, tmp_path: Path) -> None:
    source, told, read = replayed(real_data, tmp_path / "store", LAST - 2 * HOUR, LAST)
    assert len(source) == 120
    assert told == source
    assert read == source

"""What the engine's tests may ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from real_trade.model import Klines

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(scope="session")
def long_klines(real_data: Path) -> Klines:
    """The long BTCUSDT file."""
    import pyarrow.parquet as pq

    table = pq.read_table(real_data / "klines" / "binance_spot_BTCUSDT_1m_2023-01_2025-08.parquet")
    names = ("timestamp", "open", "high", "low", "close", "volume")
    return Klines.of(*(table[name].to_numpy() for name in names))


@pytest.fixture
def strategy_file(tmp_path: Path) -> Callable[[str], str]:
    """Return a function that writes strategy source to a file and gives its path."""

    def write(source: str) -> str:
        path = tmp_path / "mine.py"
        path.write_text(source, encoding="utf-8")
        return str(path)

    return write

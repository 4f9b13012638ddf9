"""The embedded stores keep the contracts of their ports."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from real_trade.storage.parquet import ParquetStore
from real_trade.storage.sql import SqlStore
from real_trade.testing import RelationalContract, TimeSeriesContract

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class TestParquetStore(TimeSeriesContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> ParquetStore:
        return ParquetStore(tmp_path / "data")


class ForgetfulStore(ParquetStore):
    """Behaves as if every call came from a process of its own."""

    def __getattribute__(self, name: str) -> object:
        if name.startswith(("read", "write", "replace", "append", "settle", "covered", "list")):
            return getattr(ParquetStore(self.root), name)
        return super().__getattribute__(name)


class TestParquetStoreAcrossProcesses(TimeSeriesContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> ParquetStore:
        return ForgetfulStore(tmp_path / "data")


class TestSqliteStore(RelationalContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[SqlStore]:
        store = SqlStore(f"sqlite:///{tmp_path}/records.sqlite")
        yield store
        store.close()

"""What the relational store promises beyond the contract: its tables, its settings, its errors."""

from __future__ import annotations

import resource
import sqlite3
from typing import TYPE_CHECKING

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine
from sqlalchemy.dialects import mysql
from sqlalchemy.schema import CreateTable

from real_trade.model import HistoricalClock, InputError, StorageError
from real_trade.storage import engine as engines
from real_trade.storage.sql import SqlStore
from real_trade.storage.tables import METADATA, SCHEMA_REVISION
from real_trade.testing.relational_contract import TIME_MS, make_trade

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "records.sqlite"


@pytest.fixture
def url(path: Path) -> str:
    return f"sqlite:///{path}"


def test_migrations_lead_to_the_tables_of_the_code(path: Path, url: str) -> None:
    SqlStore(url).close()
    engine = create_engine(url)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
    engine.dispose()
    assert ScriptDirectory(str(engines._MIGRATIONS)).get_current_head() == SCHEMA_REVISION


def test_sqlite_is_durable_and_shared(path: Path, url: str) -> None:
    store = SqlStore(url)
    with store._engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 60_000
    store.save_trade(make_trade(price="0.10"))
    store.close()
    with sqlite3.connect(path) as plain:
        (row,) = plain.execute("SELECT id, price, typeof(price), time_ms, typeof(time_ms) FROM trades").fetchall()
    plain.close()
    assert row == (1, "0.10", "text", TIME_MS + 1, "integer")


def test_records_stay_when_opened_again(url: str) -> None:
    store = SqlStore(url, clock=HistoricalClock(TIME_MS))
    store.save_trade(make_trade())
    store.save_params("a", {"x": 1})
    store.close()
    again = SqlStore(url)
    assert len(again.trades()) == 1
    assert again.save_params("a", {"x": 2}) == 2
    with again._engine.connect() as connection:
        saved = connection.exec_driver_sql("SELECT saved_ms FROM strategy_params WHERE version = 1").scalar()
    again.close()
    assert saved == TIME_MS


def test_processes_open_and_write_at_once(
    tmp_path: Path, url: str, start_python: Callable[..., subprocess.Popen[str]]
) -> None:
    program = tmp_path / "writer.py"
    program.write_text(
        "import sys; from real_trade.storage.sql import SqlStore\n"
        "from real_trade.testing.relational_contract import make_trade\n"
        "store = SqlStore(sys.argv[1])\n"
        "for n in range(40):\n"
        "    store.save_trade(make_trade(n)); store.save_params('a', {'n': n})\n"
    )
    writers = [start_python(program, url) for _ in range(3)]
    for writer in writers:
        _, errors = writer.communicate(timeout=60)
        assert writer.returncode == 0, errors
    store = SqlStore(url)
    assert [trade["trade_id"] for trade in store.trades()] == [f"t-{n}" for n in range(40)]
    assert store.save_params("a", {}) == 121
    store.close()


def test_later_version_is_refused(path: Path, url: str) -> None:
    SqlStore(url).close()
    with sqlite3.connect(path) as plain:
        plain.execute("UPDATE alembic_version SET version_num = '9999'")
    plain.close()
    with pytest.raises(StorageError) as caught:
        SqlStore(url)
    assert caught.value.code == "later_version"


def test_file_that_is_no_database_is_named(path: Path, url: str) -> None:
    path.parent.mkdir()
    path.write_bytes(b"timestamp,open,high\n" * 200)
    with pytest.raises(StorageError) as caught:
        SqlStore(url)
    assert caught.value.code == "unreadable_file"
    assert caught.value.value == str(path)
    assert path.read_bytes().startswith(b"timestamp")


def test_full_disk_changes_nothing(url: str) -> None:
    store = SqlStore(url)
    store.save_trade(make_trade(1))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, before[1]))
    try:
        with pytest.raises(StorageError) as caught:
            store.save_trade(make_trade(2, extra={"note": "x" * 1_000_000}))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert caught.value.code == "disk_full"
    assert [trade["trade_id"] for trade in store.trades()] == ["t-1"]
    assert store.save_trade(make_trade(3)) == 2
    store.close()


@pytest.mark.parametrize(
    "address", ["nonsense", "sqlite://", "sqlite:///:memory:", "oracle+nodriver://u:hidden@host/x"]
)
def test_address_that_cannot_be_used(address: str) -> None:
    with pytest.raises(InputError) as caught:
        SqlStore(address)
    assert caught.value.field == "url"
    assert "hidden" not in str(caught.value.to_dict())


def test_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    with pytest.raises(StorageError):
        SqlStore(f"sqlite:///{tmp_path}/data/records.sqlite")


def test_tables_suit_mysql_too() -> None:
    statements = "".join(str(CreateTable(table).compile(dialect=mysql.dialect())) for table in METADATA.tables.values())
    assert "id BIGINT NOT NULL AUTO_INCREMENT" in statements
    assert "trade_id VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin" in statements
    assert "price VARCHAR(100)" in statements
    assert "FLOAT" not in statements
    assert "DOUBLE" not in statements

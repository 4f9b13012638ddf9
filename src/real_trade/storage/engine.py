"""What differs between databases: how one is opened, and who may change its tables. The rest is portable."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.exc import ArgumentError, DatabaseError, SQLAlchemyError

from real_trade.model.errors import InputError, StorageError
from real_trade.storage.lock import WriterLock
from real_trade.storage.tables import SCHEMA_REVISION

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import URL

_WAIT_S: Final = 60
# Marks connections that will write, so that SQLite takes its write lock at the start and never half-way.
_WRITES: Final = "real_trade_writes"
_MIGRATIONS: Final = Path(__file__).parent / "migrations"


@contextmanager
def database_errors(engine_name: str) -> Iterator[None]:
    """Turn SQLAlchemy's errors inside the block into `StorageError`."""
    try:
        yield
    except SQLAlchemyError as error:
        raise _translated(error, engine_name) from error


def open_engine(url: str | URL) -> Engine:
    """Return an engine for a database whose tables are those of this version; migrations run as needed.

    Raises:
        InputError: the address is none, or its driver is not installed.
        StorageError: the database is out of reach, damaged, or belongs to a later version.
    """
    try:
        engine = create_engine(url, **_engine_options(str(url)))
    except (ArgumentError, ModuleNotFoundError) as error:
        raise InputError(
            f"The address of the database cannot be used: {error}.",
            field="url",
            value=str(url).partition("://")[0],
            fix="Write it like sqlite:////folder/records.sqlite and install its driver.",
        ) from error
    if engine.dialect.name == "sqlite":
        _prepare_sqlite(engine)
    with ExitStack() as undo:
        undo.callback(engine.dispose)
        with database_errors(name_of(engine)), _migration_lock(engine), writer(engine).begin() as connection:
            _bring_up_to_date(connection)
        undo.pop_all()
    return engine


def writer(engine: Engine) -> Engine:
    """Return the engine for transactions that write."""
    return engine.execution_options(**{_WRITES: True})


def name_of(engine: Engine) -> str:
    """Return the database's address without its password."""
    return str(engine.url.database) if engine.dialect.name == "sqlite" else engine.url.render_as_string()


def _engine_options(url: str) -> dict[str, Any]:
    return {"connect_args": {"timeout": _WAIT_S}} if url.startswith("sqlite") else {"pool_pre_ping": True}


def _prepare_sqlite(engine: Engine) -> None:
    if engine.url.database in {None, "", ":memory:"}:
        raise InputError(
            "A SQLite database needs a file.",
            field="url",
            value=str(engine.url),
            fix="Write it like sqlite:////folder/records.sqlite.",
        )

    @event.listens_for(engine, "connect")
    def _connected(connection: Any, _record: object) -> None:
        # Python's own transaction handling is switched off; transactions begin below.
        connection.isolation_level = None
        with ExitStack() as undo:
            # A file that is no database shows only now, and then nobody else closes it.
            undo.callback(connection.close)
            with closing(connection.cursor()) as cursor:
                cursor.execute("PRAGMA journal_mode=WAL")
                cursor.execute("PRAGMA synchronous=FULL")
                cursor.execute("PRAGMA foreign_keys=ON")
            undo.pop_all()

    @event.listens_for(engine, "begin")
    def _begun(connection: Connection) -> None:
        immediate = connection.get_execution_options().get(_WRITES)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


def _migration_lock(engine: Engine) -> AbstractContextManager[object]:
    """Keep others from creating or changing the tables at the same time, where the database does not."""
    if engine.dialect.name != "sqlite":
        return nullcontext()
    return WriterLock(Path(str(engine.url.database)).parent, f"{os.getpid()}-{uuid4().hex}", _WAIT_S)


def _bring_up_to_date(connection: Connection) -> None:
    found = None
    if inspect(connection).has_table("alembic_version"):
        found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    if found == SCHEMA_REVISION:
        return
    if found is not None and found > SCHEMA_REVISION:
        raise StorageError(
            f"{name_of(connection.engine)} has tables of a later version ({found}).",
            code="later_version",
            field="data_dir",
            value=found,
            fix="Update this package.",
        )
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _translated(error: SQLAlchemyError, name: str) -> StorageError:
    reason = str(error.orig if isinstance(error, DatabaseError) else error).rstrip(".")
    if "disk is full" in reason or "disk I/O error" in reason:
        return StorageError(
            f"No room left to write {name}: {reason}.",
            code="disk_full",
            field="data_dir",
            value=name,
            fix="Free some space or choose another data directory; what was stored is unchanged.",
        )
    if "is locked" in reason:
        return StorageError(
            f"{name} is being written by another process; waited {_WAIT_S} s.",
            code="locked",
            field="data_dir",
            value=name,
            fix="Let that process finish, or end it, and try again.",
        )
    if "not a database" in reason or "malformed" in reason:
        return StorageError(
            f"{name} cannot be read: {reason}.",
            code="unreadable_file",
            field="data_dir",
            value=name,
            fix="Move this file away and restore it from a backup.",
        )
    return StorageError(f"{name} failed: {reason}.", field="data_dir", value=name, fix="Check the database.")

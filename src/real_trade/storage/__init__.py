"""Where market data and records of trades are kept; `ports` says what the house needs of a store.

Names are imported when first used: none of the libraries behind them is loaded before.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from real_trade.storage.calls import (
        get_latest_kline_from_db,
        open_records,
        open_store,
        query_kline_data,
        query_trade_history,
        save_strategy_params,
        save_trade_record,
        write_kline_data,
    )
    from real_trade.storage.hashing import dataset_hash
    from real_trade.storage.location import default_data_dir
    from real_trade.storage.parquet import ParquetStore
    from real_trade.storage.ports import RelationalStore, SeriesInfo, TimeSeriesStore, Trial, TrialStore, Upsert
    from real_trade.storage.sql import SqlStore

__all__ = [
    "ParquetStore",
    "RelationalStore",
    "SeriesInfo",
    "SqlStore",
    "TimeSeriesStore",
    "Trial",
    "TrialStore",
    "Upsert",
    "dataset_hash",
    "default_data_dir",
    "get_latest_kline_from_db",
    "open_records",
    "open_store",
    "query_kline_data",
    "query_trade_history",
    "save_strategy_params",
    "save_trade_record",
    "write_kline_data",
]

_HOMES: Final = {
    "calls": (
        "get_latest_kline_from_db",
        "open_records",
        "open_store",
        "query_kline_data",
        "query_trade_history",
        "save_strategy_params",
        "save_trade_record",
        "write_kline_data",
    ),
    "hashing": ("dataset_hash",),
    "location": ("default_data_dir",),
    "parquet": ("ParquetStore",),
    "ports": ("RelationalStore", "SeriesInfo", "TimeSeriesStore", "Trial", "TrialStore", "Upsert"),
    "sql": ("SqlStore",),
}
_HOME_OF: Final = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for."""
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)

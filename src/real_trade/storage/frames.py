"""Tables as people hold them (DataFrame, list of dicts) to and from the store's columns. pandas is imported on call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from real_trade.model.clock import parse_time
from real_trade.model.errors import InputError, MarketDataError
from real_trade.model.interval import Interval
from real_trade.model.series import COLUMNS, Klines
from real_trade.storage.records import TRADE_FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pandas as pd
    from numpy.typing import NDArray

_REQUIRED: Final = ("timestamp", "open", "high", "low", "close", "volume")
_NAMES: Final = ("symbol", "interval")


def klines_to_frame(klines: Klines) -> pd.DataFrame:
    """Return bars as a frame with the columns of `Klines`; ``timestamp`` is integer milliseconds UTC."""
    import pandas as pd

    return pd.DataFrame({name: getattr(klines, name) for name in COLUMNS})


def trades_to_frame(trades: Sequence[Mapping[str, object]]) -> pd.DataFrame:
    """Return trades as a frame; amounts are Decimal objects, ``time_ms`` integer milliseconds UTC."""
    import pandas as pd

    frame = pd.DataFrame(list(trades), columns=["id", *TRADE_FIELDS])
    return frame.astype({"id": "int64", "time_ms": "int64"})


def split_by_series(
    data: Klines | pd.DataFrame | Sequence[Mapping[str, object]],
    symbol: str | None = None,
    interval: str | Interval | None = None,
) -> Iterator[tuple[str, Interval, Klines]]:
    """Yield (symbol, interval, bars) for each series in ``data``.

    Args:
        data: bars; rows of a frame or of a list carry ``symbol`` and ``interval`` unless given here.
        symbol: symbol of all rows.
        interval: interval of all rows.

    Raises:
        InputError: a column is missing, unknown, or named twice; a time has no zone; a price is not a number.
    """
    if isinstance(data, Klines):
        _check_prices(data)
        yield _named("symbol", symbol), Interval.parse(_named("interval", interval)), data
        return
    import pandas as pd

    frame = data if isinstance(data, pd.DataFrame) else pd.DataFrame(list(data))
    if frame.empty:
        return
    given = {"symbol": symbol, "interval": None if interval is None else str(interval)}
    _check_columns(frame, given)
    klines = _frame_to_klines(frame)
    _check_prices(klines)
    names = {name: frame[name].astype(str).to_numpy() if given[name] is None else given[name] for name in _NAMES}
    keys = pd.DataFrame({name: np.broadcast_to(np.asarray(names[name], dtype=object), len(frame)) for name in _NAMES})
    for (one_symbol, one_interval), rows in keys.groupby(list(_NAMES), sort=True).indices.items():
        yield str(one_symbol), Interval.parse(str(one_interval)), klines.take(rows)


def _named(field: str, value: str | Interval | None) -> Any:
    if value is None:
        raise InputError(
            f"The rows carry no {field}.", code="missing_field", field=field, fix=f"Give {field} as a keyword."
        )
    return value


def _check_columns(frame: pd.DataFrame, given: Mapping[str, str | None]) -> None:
    for name in _REQUIRED:
        if name not in frame.columns:
            raise MarketDataError(
                f"Column {name} is missing.",
                code="missing_field",
                field=name,
                fix=f"Rows of bars need {', '.join(_REQUIRED)}.",
            )
    for name, value in given.items():
        if (value is None) == (name not in frame.columns):
            wrong = (
                "twice: as a keyword and as a column" if value is not None else "neither as a keyword nor as a column"
            )
            raise InputError(f"{name} is given {wrong}.", code="missing_field", field=name, fix="Give it once.")
    for name in frame.columns:
        if name not in {*COLUMNS, *_NAMES}:
            raise MarketDataError(
                f"Bars have no column {name!r}.", field=str(name), fix=f"Use {', '.join((*COLUMNS, *_NAMES))}."
            )


def _frame_to_klines(frame: pd.DataFrame) -> Klines:
    columns: dict[str, object] = {"timestamp": _times(frame["timestamp"])}
    for name in COLUMNS[1:]:
        if name in frame.columns:
            columns[name] = _flags(frame[name]) if name == "synthetic" else _floats(frame[name], name)
    return Klines.of(**columns)


def _times(column: pd.Series[Any]) -> NDArray[np.int64]:
    if column.dtype.kind in "iu":
        return np.asarray(column, dtype=np.int64)
    if column.dtype.kind == "M" and column.dt.tz is not None and not column.hasnans:
        return np.asarray(column.dt.tz_convert("UTC").dt.as_unit("ms").astype("int64"), dtype=np.int64)
    return np.array([parse_time(value, field="timestamp") for value in column], dtype=np.int64)


def _floats(column: pd.Series[Any], name: str) -> NDArray[np.float64]:
    try:
        return np.asarray(column.to_numpy(dtype=np.float64, na_value=np.nan))
    except (TypeError, ValueError) as error:
        raise MarketDataError(f"Column {name} holds what is no number: {error}.", field=name) from error


def _flags(column: pd.Series[Any]) -> NDArray[np.bool_]:
    if column.dtype.kind != "b":
        raise MarketDataError("Column synthetic must hold true and false.", field="synthetic", value=str(column.dtype))
    return np.asarray(column, dtype=np.bool_)


def _check_prices(klines: Klines) -> None:
    for name in ("open", "high", "low", "close"):
        bad = np.flatnonzero(~np.isfinite(getattr(klines, name)))
        if len(bad):
            raise MarketDataError(
                f"{name} is not a number at {int(klines.timestamp[bad[0]])}.",
                code="bad_price",
                field=name,
                value=float(getattr(klines, name)[bad[0]]),
                fix="Leave the bar out, or fill it in and flag it as synthetic.",
            )

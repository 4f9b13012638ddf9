"""Rows of a venue's page to model: the checks that every venue's bars pass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from real_trade.model.series import FundingRates, Klines
from real_trade.utils.http import Transient

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def bars_of(rows: Sequence[tuple[Any, ...]], *, newest_first: bool = False) -> Klines:
    """Return the bars of one page, ascending.

    Args:
        rows: opening time in ms, open, high, low, close and, where known, volume and turnover; numbers all.
        newest_first: the rows descend.

    Raises:
        Transient: a value is no number, or the rows are out of order: not what the venue meant to send.
    """
    if not rows:
        return Klines.empty()
    table = np.array(rows, dtype=np.float64)
    if newest_first:
        table = table[::-1]
    if not np.isfinite(table).all() or (np.diff(table[:, 0]) <= 0).any():
        raise Transient("the page holds a value that is no number, or bars out of order")
    columns = np.ascontiguousarray(table.T)
    if len(columns) > 5:
        volume, turnover = columns[5], columns[6]
    else:
        volume = turnover = np.full(len(table), np.nan)
    return Klines(
        timestamp=columns[0].astype(np.int64),
        open=columns[1],
        high=columns[2],
        low=columns[3],
        close=columns[4],
        volume=volume,
        turnover=turnover,
        synthetic=np.zeros(len(table), dtype=np.bool_),
    )


def rates_of(rows: Iterable[tuple[int, float]]) -> FundingRates:
    """Return settlements (time in ms, rate), ascending."""
    ordered = sorted(rows)
    return FundingRates(
        np.array([stamp for stamp, _ in ordered], dtype=np.int64),
        np.array([rate for _, rate in ordered], dtype=np.float64),
    )


def joined_rates(pages: Sequence[FundingRates]) -> FundingRates:
    """Return the settlements of all pages, in their order."""
    if not pages:
        return rates_of([])
    return FundingRates(
        np.concatenate([page.timestamp for page in pages]), np.concatenate([page.rate for page in pages])
    )

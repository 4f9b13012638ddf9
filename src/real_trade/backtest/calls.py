"""The backtest in two coroutines; each works in a thread and can be awaited from any event loop.

What the documents name comes first; the context (which market, where instrument facts lie, cash and fees) is keywords,
and where none is given the configured session: defaults, then the environment.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from real_trade.backtest.account import AccountSettings
from real_trade.backtest.given import one_series
from real_trade.backtest.run import backtest
from real_trade.backtest.signals import signals_frame
from real_trade.data.instruments import resolve_instrument
from real_trade.model.errors import InputError, StrategyError
from real_trade.model.instrument import Market
from real_trade.storage.calls import open_store
from real_trade.strategies.catalogue import READY
from real_trade.trading.loading import load_strategy
from real_trade.trading.strategy import Strategy

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeAlias

    import pandas as pd

    from real_trade.backtest.engine import Runner
    from real_trade.backtest.result import BacktestResult
    from real_trade.model.interval import Interval
    from real_trade.model.series import Klines
    from real_trade.utils.config import GlobalConfig

    Data: TypeAlias = Klines | pd.DataFrame | Sequence[Mapping[str, object]]
    Folder: TypeAlias = str | os.PathLike[str]


async def generate_signals(
    data: Data,
    *,
    strategy: type[Strategy] | Folder = "sma_cross",
    params: Mapping[str, object] | None = None,
    symbol: str | None = None,
    interval: str | Interval | None = None,
    venue: str | None = None,
    market: Market | str | None = None,
    data_dir: Folder | None = None,
    settings: AccountSettings | None = None,
) -> pd.DataFrame:
    """Return what a strategy decides on bars: one row for each order that it gives, in their order.

    They are the orders of `backtest_strategy` on the same data: the strategy sees its account, and the account follows
    from the fills. A bar on which it gives no order has no row, and one on which it gives several has several. An order
    that is rejected or taken back later is a signal too; one that is amended shows what it became.

    Args:
        data: as `backtest_strategy` takes them.
        strategy: as `backtest_strategy` takes it.
        params: the strategy's parameters; those not given take their defaults.
        symbol, interval, venue, market, data_dir, settings: as `backtest_strategy` takes them.

    Returns:
        ``timestamp`` (opening time of the bar that was decided on, ms UTC; the decision falls at its close),
        ``symbol``, ``interval``, ``bar`` (its number in ascending order, from 0), ``order_id``, ``side`` (buy, sell),
        ``type`` (market, limit, stop ...), ``quantity``, ``price`` (the limit) and ``trigger`` (of a trailing stop the
        distance), both NaN where there is none, ``flags`` (sum of `model.order.Flag` numbers) and ``entry_id`` (the
        order that this one is an exit of; 0 for none).

    Raises:
        InputError: data, a parameter or a setting that cannot be used.
        StrategyError: the strategy cannot be loaded, or fails.
    """
    result = await backtest_strategy(
        strategy,
        data,
        params,
        symbol=symbol,
        interval=interval,
        venue=venue,
        market=market,
        data_dir=data_dir,
        settings=settings,
    )
    return await asyncio.to_thread(signals_frame, result)


async def backtest_strategy(
    strategy: type[Strategy] | Folder,
    data: Data,
    params: Mapping[str, object] | None = None,
    *,
    symbol: str | None = None,
    interval: str | Interval | None = None,
    venue: str | None = None,
    market: Market | str | None = None,
    data_dir: Folder | None = None,
    settings: AccountSettings | None = None,
    strict: bool = False,
    runner: Runner = "compiled",
    trust: bool = False,
) -> BacktestResult:
    """Backtest a strategy on bars in memory.

    Args:
        strategy: name of a ready strategy, ``FILE[:Class]``, or a class.
        data: bars of one series in any order: a frame or a list of dicts with ``timestamp, open, high, low, close,
            volume`` and, if known, ``turnover`` and ``synthetic``, each row with its ``symbol`` and ``interval``; or
            `Klines`.
        params: the strategy's parameters; those not given take their defaults.
        symbol: symbol of all rows, where they do not carry it; None for the configured one.
        interval: interval of all rows, where they do not carry it; None for the configured one.
        venue: where the symbol is traded; None for the configured one.
        market: kind of market; None for the configured one.
        data_dir: folder of the store that is asked for the instrument's facts; None for the configured one.
        settings: cash, fees and leverage; None for the configured cash and fees.
        strict: a gap in the data ends the run.
        runner: ``compiled``, ``python`` or ``reference``; all give the same result.
        trust: also check the strategy for look-ahead and warm-up, and say how sure the result is.

    Raises:
        InputError: data, a parameter or a setting that cannot be used.
        StrategyError: the strategy cannot be loaded, or fails.
        JobFailed: ``strict`` and the data have a gap.
        StorageError: the store's facts of the instrument are damaged.
    """

    def work() -> BacktestResult:
        chosen, config = _chosen(strategy), _configured(venue, market, data_dir)
        kind = Market.parse(config.market_type)
        name, size, klines = one_series(data, symbol, interval, config)
        store = open_store(None if config.data_dir is None else Path(config.data_dir).expanduser())
        instrument, _ = resolve_instrument(config.exchange, kind, name, store=store, klines=klines)
        return backtest(
            chosen,
            klines,
            instrument,
            interval=size,
            params=_named_values(params),
            settings=_account(config) if settings is None else settings,
            strict=strict,
            runner=runner,
            verify=True,
            trust=trust,
        )

    return await asyncio.to_thread(work)


def _chosen(strategy: type[Strategy] | Folder) -> type[Strategy]:
    if isinstance(strategy, type) and issubclass(strategy, Strategy):
        return strategy
    if isinstance(strategy, str | os.PathLike):
        return load_strategy(os.fspath(strategy), READY)
    raise StrategyError(
        f"The strategy is given as {strategy!r}.",
        field="strategy",
        value=repr(strategy),
        fix="Give a name such as sma_cross, FILE[:Class], or a class that derives from Strategy.",
    )


def _configured(venue: str | None, market: Market | str | None, data_dir: Folder | None) -> GlobalConfig:
    from real_trade.utils.config import load_config

    given = {
        "exchange": venue,
        "market_type": None if market is None else str(market),
        "data_dir": None if data_dir is None else os.fspath(data_dir),
    }
    names = {"exchange": "venue", "market_type": "market", "data_dir": "data_dir"}
    return load_config(overrides=given, flags=names).config


def _account(config: GlobalConfig) -> AccountSettings:
    settings = AccountSettings(cash=Decimal(str(config.initial_cash)))
    if config.commission is None:
        return settings
    fee = Decimal(str(config.commission))
    return replace(settings, fee_taker=fee, fee_maker=fee)


def _named_values(params: Mapping[str, object] | None) -> Mapping[str, object]:
    if params is None or isinstance(params, Mapping):
        return params or {}
    raise InputError(
        f"Parameters are given as {params!r}.",
        code="bad_parameter",
        field="params",
        value=repr(params),
        fix='Give them by name, such as {"fast": 20}.',
    )

"""The words of the house: instruments, bars, orders, fills, time, errors. Knows no other room."""

from real_trade.model.clock import Clock, HistoricalClock, SystemClock, format_time, parse_time
from real_trade.model.errors import (
    ConfigError,
    InputError,
    JobFailed,
    MarketDataError,
    RateLimited,
    RealTradeError,
    SafetyRefusal,
    StorageError,
    StrategyError,
    UnreachableError,
    VenueError,
)
from real_trade.model.instrument import Instrument, Market, money, money_decimal
from real_trade.model.interval import Interval
from real_trade.model.order import (
    Fill,
    Order,
    OrderEvent,
    OrderIntent,
    OrderStatus,
    OrderType,
    RejectReason,
    Side,
    next_status,
)
from real_trade.model.series import BookChanges, FundingRates, Klines, SeriesKey, SeriesKind, Trades

__all__ = [
    "BookChanges",
    "Clock",
    "ConfigError",
    "Fill",
    "FundingRates",
    "HistoricalClock",
    "InputError",
    "Instrument",
    "Interval",
    "JobFailed",
    "Klines",
    "Market",
    "MarketDataError",
    "Order",
    "OrderEvent",
    "OrderIntent",
    "OrderStatus",
    "OrderType",
    "RateLimited",
    "RealTradeError",
    "RejectReason",
    "SafetyRefusal",
    "SeriesKey",
    "SeriesKind",
    "Side",
    "StorageError",
    "StrategyError",
    "SystemClock",
    "Trades",
    "UnreachableError",
    "VenueError",
    "format_time",
    "money",
    "money_decimal",
    "next_status",
    "parse_time",
]

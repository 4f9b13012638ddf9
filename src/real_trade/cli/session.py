"""What a command works on: the configuration of all layers, the series it names, and the store."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from real_trade.model.instrument import Market
from real_trade.model.interval import Interval
from real_trade.utils.config import LoadedConfig, load_config
from real_trade.utils.symbols import venue_symbol

if TYPE_CHECKING:
    import argparse

    from real_trade.cli.output import Output
    from real_trade.storage.ports import TimeSeriesStore
    from real_trade.utils.config import GlobalConfig, VenueSettings

# Setting -> (name in the parsed flags, the flag).
_FLAGS: Final[dict[str, tuple[str, str]]] = {
    "exchange": ("venue", "--venue"),
    "market_type": ("market", "--market"),
    "symbol": ("symbol", "--symbol"),
    "timeframe": ("interval", "--interval"),
    "data_dir": ("data_dir", "--data-dir"),
    "proxy": ("proxy", "--proxy"),
    "initial_cash": ("cash", "--cash"),
}


@dataclass(frozen=True, slots=True)
class Session:
    """The settings of one command.

    Attributes:
        loaded: configuration and origins.
        venue, market, symbols, interval: the series, in the venue's spelling; at least one symbol.
        data_dir: folder of the store.
    """

    loaded: LoadedConfig
    venue: str
    market: Market
    symbols: tuple[str, ...]
    interval: Interval
    data_dir: Path

    @property
    def symbol(self) -> str:
        """Return the first symbol, for verbs that work on one."""
        return self.symbols[0]

    @property
    def config(self) -> GlobalConfig:
        """Return the settings."""
        return self.loaded.config

    def endpoints(self) -> VenueSettings:
        """Return where the venue is, with the proxy that is in force."""
        settings = self.config.venue(self.venue)
        return settings.model_copy(update={"proxy": self.config.proxy_for(self.venue)})

    def open_store(self) -> TimeSeriesStore:
        """Return the store of the data folder."""
        from real_trade.storage import open_store

        return open_store(self.data_dir)


def load_settings(args: argparse.Namespace, out: Output) -> LoadedConfig:
    """Return the configuration of files, environment and flags; its warnings are said."""
    given = {key: getattr(args, name, None) for key, (name, _) in _FLAGS.items()}
    loaded = load_config(args.config, overrides=given, flags={key: flag for key, (_, flag) in _FLAGS.items()})
    for warning in loaded.warnings:
        out.warn(warning)
    return loaded


def open_session(args: argparse.Namespace, out: Output, *, several: bool = False) -> Session:
    """Return what the flags and the configuration name.

    Args:
        args: the parsed flags.
        out: where warnings are said.
        several: the symbol may be several with commas.
    """
    loaded = load_settings(args, out)
    config = loaded.config
    market = Market.parse(config.market_type)
    field = "--symbol" if getattr(args, "symbol", None) else "symbol"
    words = config.symbol.split(",") if several else [config.symbol]
    symbols = tuple(venue_symbol(word, config.exchange, market, field=field) for word in words)
    return Session(loaded, config.exchange, market, symbols, Interval.parse(config.timeframe), data_folder(config))


def data_folder(config: GlobalConfig) -> Path:
    """Return the folder of the store."""
    if config.data_dir is not None:
        return Path(config.data_dir).expanduser()
    from real_trade.storage.location import default_data_dir

    return default_data_dir()

"""The exchange on this machine: what clients believe to be a venue. An independent truth that shares words only."""

from real_trade.exchange.options import ExchangeOptions
from real_trade.exchange.serve import add_arguments, options_from, run

__all__ = ["ExchangeOptions", "add_arguments", "options_from", "run"]

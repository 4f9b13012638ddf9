"""Accounts and what is read off their fills."""

from real_trade.portfolio.account import Account
from real_trade.portfolio.round_trips import RoundTrip, round_trips

__all__ = ["Account", "RoundTrip", "round_trips"]

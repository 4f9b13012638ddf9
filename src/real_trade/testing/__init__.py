"""Contracts that any implementation of a port must pass, and servers to test against; they ship for those who extend.

Subclass a suite in a test module, under a name that pytest collects, and supply its fixture. The suites need pytest.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from real_trade.testing.relational_contract import RelationalContract
    from real_trade.testing.timeseries_contract import TimeSeriesContract
    from real_trade.testing.trial_contract import TrialContract

__all__ = ["RelationalContract", "TimeSeriesContract", "TrialContract"]

_HOMES: Final = {
    "RelationalContract": "relational_contract",
    "TimeSeriesContract": "timeseries_contract",
    "TrialContract": "trial_contract",
}


def __getattr__(name: str) -> object:
    """Import a suite when it is first asked for; pytest is no dependency of the package."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)

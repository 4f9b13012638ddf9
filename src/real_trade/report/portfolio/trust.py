"""What the trust checks say of a portfolio on its page: of each strategy, and of the account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from real_trade.report.portfolio.sides import names_of
from real_trade.report.trust import CHECKS, capacities, check_sections, check_word, subject_of
from real_trade.report.trust_contents import account_contents
from real_trade.report.waterfall import waterfall

if TYPE_CHECKING:
    from real_trade.backtest.portfolio_result import PortfolioResult
    from real_trade.report.portfolio.sides import Side

# Width of pictures that stand two abreast.
_WIDTH: Final = 480
_TONES: Final = {"passed": "up", "FAILED": "down", "not run": "quiet"}


def trust_contents(result: PortfolioResult, account: Side) -> dict[str, Any]:
    """Return the template's variables of everything that ``result.trust`` holds.

    Args:
        result: a finished backtest.
        account: its account.
    """
    found = result.trust or {}
    trades = np.concatenate([leg.trade_rows for leg in result.legs])
    net = trades["net"][np.argsort(trades["exit_ms"], kind="stable")]
    return {
        **account_contents(subject_of(names_of(result)), found, result.currency, result.initial_units, net),
        "waterfall": waterfall(account.stats, result.currency, found.get("costs"), _WIDTH),
        "checked": _checks(result) if "mandates" in found else [],
        "check_heads": list(CHECKS.values()),
        "capacities": capacities(found),
        # What one strategy in one symbol has, and an account of several has not.
        "capacity": None,
        "around_funding": [],
    }


def _checks(result: PortfolioResult) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return each strategy with the word and tone of each check."""
    columns = [check_sections(result.trust, name) for name in CHECKS]
    words = [[(check_word(section), _TONES[check_word(section)]) for _, section in column] for column in columns]
    return [(name, list(cells)) for (name, _), cells in zip(columns[0], zip(*words, strict=True), strict=True)]

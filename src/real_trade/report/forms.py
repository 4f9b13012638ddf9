"""The forms of a report, whichever kind of result it is of: one strategy, or several in one account."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from real_trade.backtest.portfolio_result import PortfolioResult
from real_trade.report import tables
from real_trade.report.markdown import render_markdown
from real_trade.report.page import render_page
from real_trade.report.portfolio import tables as portfolio_tables
from real_trade.report.portfolio.markdown import render_portfolio_markdown
from real_trade.report.portfolio.page import render_portfolio_page
from real_trade.report.portfolio.summary import portfolio_summary
from real_trade.report.portfolio.text import render_portfolio_text
from real_trade.report.summary import summary
from real_trade.report.text import render_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from real_trade.backtest.result import BacktestResult
    from real_trade.report.tables import Columns


class Forms(NamedTuple):
    """How one result is written; nothing is made before it is called.

    Attributes:
        page: HTML.
        document: JSON-ready; it names the page where that was written.
        markdown, text: of people.
        tables: CSV files by what they hold.
    """

    page: Callable[[], str]
    document: Callable[[str | Path | None], dict[str, Any]]
    markdown: Callable[[], str]
    text: Callable[[], str]
    tables: dict[str, Callable[[], Columns]]


def forms_of(result: BacktestResult | PortfolioResult) -> Forms:
    """Return the forms of a result."""
    if isinstance(result, PortfolioResult):
        return Forms(
            partial(render_portfolio_page, result),
            partial(portfolio_summary, result),
            partial(render_portfolio_markdown, result),
            partial(render_portfolio_text, result),
            {
                "trades": partial(portfolio_tables.trades_table, result),
                "fills": partial(portfolio_tables.fills_table, result),
                "orders": partial(portfolio_tables.orders_table, result),
                "funding": partial(portfolio_tables.funding_table, result),
                "equity": partial(portfolio_tables.equity_table, result),
            },
        )
    return Forms(
        partial(render_page, result),
        partial(summary, result),
        partial(render_markdown, result),
        partial(render_text, result),
        {
            "trades": partial(tables.trades_table, result),
            "fills": partial(tables.fills_table, result),
            "orders": partial(tables.orders_table, result),
            "funding": partial(tables.funding_table, result),
            "equity": partial(tables.equity_table, result),
        },
    )

"""What a portfolio's report says in each of its forms: title, ledgers, figures, symbols and settings as text."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final

import numpy as np

from real_trade.metrics.registry import METRICS
from real_trade.metrics.returns import bar_length_ms
from real_trade.metrics.trades import UNITS
from real_trade.model.clock import format_time
from real_trade.model.instrument import Market
from real_trade.report.account import account_words, funding_words, settings_in_words
from real_trade.report.formatting import one_line, show
from real_trade.report.marks import ambiguous_words, liquidation_fills, liquidation_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from real_trade.backtest.portfolio_result import LegResult, PortfolioResult, Sums
    from real_trade.model.instrument import Instrument
    from real_trade.report.portfolio.sides import Side

# Columns of the table of ledgers.
LEDGER: Final = (
    "Initial", "Realised", "Unrealised", "Fees", "Funding", "Net", "Equity", "Margin", "Fills", "Trades",
    "Liquidations",
)  # fmt: skip
# Figures shown side by side; summary.json has all.
SHOWN: Final = (
    "net_profit_pct", "cagr", "sharpe", "sortino", "calmar", "omega", "volatility", "recovery_factor", "max_drawdown",
    "max_drawdown_abs", "max_drawdown_start", "max_drawdown_end", "max_drawdown_recovery", "max_drawdown_days",
    "longest_drawdown_days", "time_under_water", "min_equity", "max_equity", "best_day", "worst_day", "winning_days",
    "losing_days", "win_rate", "profit_factor", "expectancy", "slippage", "volume_traded", "turnover", "cost_bps",
    "break_even_cost_bps", "maker_share", "ambiguous_fills", "orders", "rejected_orders",
)  # fmt: skip
# Columns of the table of symbols.
SYMBOLS: Final = (
    "Symbol", "Bars", "Missing", "Filled in", "Findings", "Price step", "Quantity step", "Taker fee", "Maker fee",
    "sha256",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One ledger in words.

    Attributes:
        name: whose; a symbol where it is a part of the one above.
        cells: one for each of `LEDGER`.
        net: in the settlement currency.
        liquidations: how many.
        is_part: of the ledger above.
    """

    name: str
    cells: tuple[str, ...]
    net: float
    liquidations: int
    is_part: bool = False


def title(sides: Sequence[Side]) -> str:
    """Return what it is a report of."""
    return f"Portfolio of {len(sides) - 1} strategies" if len(sides) > 2 else sides[1].name


def where(result: PortfolioResult) -> str:
    """Return venue, market, length of the bars, and span."""
    facts = [leg.data for leg in result.legs]
    series = " and ".join(dict.fromkeys(f"{one.venue} {one.market}" for one in facts))
    start, stop = span_ms(result)
    return f"{series}, {facts[0].interval} bars, {_minute(start)} to {_minute(stop)} UTC"


def span_ms(result: PortfolioResult) -> tuple[int, int]:
    """Return the start of the first bar, and the end of the last."""
    times = result.time_ms
    return int(times[0]), int(times[-1]) + bar_length_ms(times)


def share_text(side: Side) -> str:
    """Return a strategy's share of the cash.

    A third has no end as a decimal; it is shown to two digits of a per cent, and is exact in summary.json.
    """
    return f"{Decimal(side.share or 1):.2%}"


def ledger_rows(sides: Sequence[Side]) -> list[LedgerRow]:
    """Return the strategies' ledgers, under each of several symbols its parts, and last the account's."""
    rows, places = [], _places(sides[0].sums)
    for side in [*sides[1:], sides[0]]:
        rows.append(_ledger_row(side.name, side.sums, side.legs, places))
        if side.share is not None and len(side.legs) > 1:
            rows += [_ledger_row(leg.symbol, leg.sums(0), (leg,), places, is_part=True) for leg in side.legs]
    return rows


def _places(account: Sums) -> int:
    """Return the decimals of all ledgers, so that their columns can be added up by eye."""
    return 2 if account.initial >= 1000 * UNITS else 4 if account.initial >= 10 * UNITS else 8


def figure_rows(sides: Sequence[Side], currency: str) -> list[tuple[str, str, list[str]]]:
    """Return label, definition, and the text of each side, figure by figure."""
    rows = []
    for metric in (METRICS[name] for name in SHOWN):
        shown = [show(metric, side.stats[metric.name], currency) for side in sides]
        rows.append((f"{metric.label}, %" if metric.unit == "percent" else metric.label, metric.description, shown))
    return rows


def symbol_rows(result: PortfolioResult) -> list[list[str]]:
    """Return what each symbol's data are, one cell for each of `SYMBOLS`."""
    rows = []
    for symbol, leg in legs_by_symbol(result).items():
        facts, grid, terms = leg.data, leg.instrument, leg.terms
        fees = (f"{Decimal(rate).scaleb(-9).normalize():f}" for rate in (terms.taker_rate, terms.maker_rate))
        findings = "not run" if facts.findings is None else f"{len(facts.findings):,}"
        guessed = " guessed" if grid.inferred else ""
        gaps = f"{len(facts.gaps):,} gap{'s' if len(facts.gaps) > 1 else ''}"
        missing = f"{facts.missing_bars:,} in {gaps}" if facts.gaps else "none"
        rows.append(
            [
                symbol,
                f"{facts.bars:,}",
                missing,
                f"{facts.synthetic:,}",
                findings,
                f"{grid.tick_size}{guessed}",
                f"{grid.quantity_step}",
                *fees,
                facts.sha256[:16],
            ]
        )
    return rows


def legs_by_symbol(result: PortfolioResult) -> dict[str, LegResult]:
    """Return the first leg in each symbol: its data are those of all."""
    legs: dict[str, LegResult] = {}
    for leg in result.legs:
        legs.setdefault(leg.symbol, leg)
    return legs


def setting_rows(result: PortfolioResult) -> list[tuple[str, str]]:
    """Return the account's settings as (label, text); fees that differ stand with the symbols."""
    settings = dict(result.settings)
    for name, of_leg in (
        ("fee_taker", "taker_rate"),
        ("fee_maker", "maker_rate"),
        ("fee_liquidation", "liquidation_rate"),
    ):
        if len({getattr(leg.terms, of_leg) for leg in result.legs}) > 1:
            settings[name] = "by symbol"
    return settings_in_words(settings, result.runner, _an_instrument(result), _funding(result))


def account_line(result: PortfolioResult) -> str:
    """Return what decides most of a leveraged result, in one line."""
    words = account_words(result.settings, _an_instrument(result), _funding(result))
    return one_line(f"Account: {words}; money in {result.currency}")


def liquidation_line(sides: Sequence[Side]) -> str:
    """Return the sentence that names the liquidations, and whose they were; empty where there was none."""
    account, *strategies = sides
    counts = [(side.name, len(side.liquidated_ms)) for side in strategies if len(side.liquidated_ms)]
    whose = ", ".join(f"{name} {count:,}" if len(counts) > 1 else name for name, count in counts)
    return liquidation_words(account.liquidated_ms, whose)


def ambiguous_line(result: PortfolioResult) -> str:
    """Return the sentence that counts the fills that the policy decided; empty where there was none."""
    marks = np.concatenate([leg.fill_rows["ambiguous"] for leg in result.legs])
    return ambiguous_words(marks, result.settings.get("policy"))


def _ledger_row(name: str, sums: Sums, legs: Sequence[LegResult], places: int, *, is_part: bool = False) -> LedgerRow:
    net = sums.equity - sums.initial
    money = [sums.initial, sums.realised, sums.unrealised, sums.fees, sums.funding, net, sums.equity, sums.margin]
    # Adding nothing makes zero of minus zero, which would be written with its sign.
    texts = [f"{round(units / UNITS, places) + 0.0:,.{places}f}" for units in money]
    if is_part:  # cash belongs to the strategy, not to its symbols
        texts[0] = texts[6] = ""
    liquidations = sum(int(np.count_nonzero(liquidation_fills(leg))) for leg in legs)
    counts = [sum(len(leg.fill_rows) for leg in legs), sum(len(leg.trade_rows) for leg in legs), liquidations]
    return LedgerRow(name, (*texts, *(f"{count:,}" for count in counts)), net / UNITS, liquidations, is_part)


def _an_instrument(result: PortfolioResult) -> Instrument:
    """Return one that is not spot where there is one: it has all the settings that any has."""
    instruments = [leg.instrument for leg in result.legs]
    return next((one for one in instruments if one.market != Market.SPOT), instruments[0])


def _funding(result: PortfolioResult) -> str:
    return funding_words(result.settings, charged=any(len(leg.payment_rows) for leg in result.legs))


def _minute(time_ms: int) -> str:
    return format_time(time_ms)[:16].replace("T", " ")

"""The text block: what a trader reads in the terminal after a backtest, in ASCII, which every terminal shows.

Its first line says how far the rest can be trusted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from real_trade.metrics.registry import METRICS
from real_trade.model.clock import format_time
from real_trade.report.account import account_line, units_of
from real_trade.report.formatting import one_line, show
from real_trade.report.marks import ambiguous_line, liquidation_line
from real_trade.report.trust import findings, first_line, trust_rows

if TYPE_CHECKING:
    from real_trade.backtest.result import BacktestResult
    from real_trade.report.account import Units

# (label, metric or metrics shown side by side); None draws a line.
_ROWS: Final[tuple[tuple[str, tuple[str, ...]] | None, ...]] = (
    ("Trades / per day", ("trades", "trades_per_day")),
    ("Start balance", ("initial_equity",)),
    ("Final balance", ("final_equity",)),
    ("Net profit", ("net_profit", "net_profit_pct")),
    ("Profit before fees and funding", ("gross_profit",)),
    ("Realised / unrealised", ("realised", "unrealised")),
    ("Fees", ("fees",)),
    ("Funding", ("funding",)),
    ("Slippage", ("slippage",)),
    ("Cost paid / break-even", ("cost_bps", "break_even_cost_bps")),
    ("CAGR", ("cagr",)),
    ("Sharpe / Sortino", ("sharpe", "sortino")),
    ("Calmar / Omega", ("calmar", "omega")),
    ("Profit factor", ("profit_factor",)),
    ("Expectancy (ratio)", ("expectancy", "expectancy_ratio")),
    ("SQN / Kelly", ("sqn", "kelly")),
    ("Value traded", ("volume_traded",)),
    ("Maker share", ("maker_share",)),
    ("Exposure", ("exposure",)),
    None,
    ("Wins / draws / losses", ("wins", "draws", "losses")),
    ("Win rate", ("win_rate",)),
    ("Average win / loss", ("avg_win", "avg_loss")),
    ("Long / short trades", ("long_trades", "short_trades")),
    ("Long / short profit", ("long_net", "short_net")),
    ("Best / worst trade", ("best_trade", "worst_trade")),
    ("Best / worst day", ("best_day", "worst_day")),
    ("Days won / flat / lost", ("winning_days", "flat_days", "losing_days")),
    ("Holding, wins", ("avg_holding_minutes_wins",)),
    ("Holding, losses", ("avg_holding_minutes_losses",)),
    ("Longest run, wins / losses", ("max_consecutive_wins", "max_consecutive_losses")),
    ("Orders / fills", ("orders", "fills")),
    ("Rejected / canceled", ("rejected_orders", "canceled_orders")),
    ("Liquidations", ("liquidations",)),
    ("Ambiguous fills", ("ambiguous_fills",)),
    ("Position at the end", ("open_position",)),
    None,
    ("Lowest / highest balance", ("min_equity", "max_equity")),
    ("Time under water", ("time_under_water",)),
    ("Max drawdown", ("max_drawdown", "max_drawdown_abs")),
    ("Drawdown from", ("max_drawdown_start",)),
    ("Drawdown low", ("max_drawdown_end",)),
    ("Drawdown recovered", ("max_drawdown_recovery",)),
    ("Drawdown length", ("max_drawdown_days",)),
    ("Market change", ("market_change",)),
    ("Buy and hold", ("buy_and_hold",)),
)
# Findings of the trust checks in the block; summary.json has all.
_FINDINGS: Final = 10


def render_text(result: BacktestResult) -> str:
    """Return the text block of a backtest, without a final line break."""
    facts, units = result.data, units_of(result.instrument)
    table: list[tuple[str, str] | None] = [
        ("From", _minute(facts.from_ms)),
        ("To", _minute(facts.to_ms)),
        *(_row(entry, result, units) for entry in _ROWS),
    ]
    if trust := trust_rows(result.trust, units.money):
        table += [None, *trust]
    label_width = max(len(row[0]) for row in table if row)
    value_width = max(len(row[1]) for row in table if row)
    rule = f"+{'-' * (label_width + 2)}+{'-' * (value_width + 2)}+"
    lines = [" ".join(verdict.text for verdict in first_line(result.strategy, result.trust))]
    lines += [*_findings(result), *filter(None, [liquidation_line(result)]), _title(result), rule]
    lines += [rule if row is None else f"| {row[0]:<{label_width}} | {row[1]:>{value_width}} |" for row in table]
    below = (_data_line(result), account_line(result), ambiguous_line(result))
    lines += [rule, *filter(None, below), *(f"Warning: {warning}" for warning in result.warnings)]
    return "\n".join(lines)


def _row(entry: tuple[str, tuple[str, ...]] | None, result: BacktestResult, units: Units) -> tuple[str, str] | None:
    if entry is None:
        return None
    label, names = entry
    shown = [show(METRICS[name], result.stats[name], units.money, units.quantity) for name in names]
    if label.endswith("(ratio)"):
        return label, f"{shown[0]} ({shown[1]})"
    return label, " / ".join(shown)


def _findings(result: BacktestResult) -> list[str]:
    found = findings(result.trust)
    lines = [f"Finding: {finding}" for finding in found[:_FINDINGS]]
    if len(found) > _FINDINGS:
        lines.append(f"and {len(found) - _FINDINGS:,} more in summary.json")
    return lines


def _title(result: BacktestResult) -> str:
    params = " ".join(f"{name}={value}" for name, value in result.params.items())
    return one_line(f"{result.strategy} {params}")


def _minute(time_ms: int) -> str:
    return format_time(time_ms).replace("T", " ").replace("Z", "").removesuffix(":00")


def _data_line(result: BacktestResult) -> str:
    facts = result.data
    gaps = "no gaps"
    if facts.gaps:
        gaps = f"{len(facts.gaps)} gap{'s' if len(facts.gaps) > 1 else ''} ({facts.missing_bars:,} bars missing)"
    synthetic = f", {facts.synthetic:,} filled in" if facts.synthetic else ""
    return (
        f"Data: {facts.venue} {facts.market} {facts.symbol} {facts.interval}, {facts.bars:,} bars, "
        f"{gaps}{synthetic}, sha256 {facts.sha256[:16]}"
    )

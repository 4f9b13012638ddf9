"""`real-trade backtest`: a strategy over stored history; the figures, and if asked the report's files."""

from __future__ import annotations

import argparse
import os
from contextlib import closing
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from real_trade.cli.account_flags import account_settings, add_account_flags
from real_trade.cli.options import add_series_flags, check_span, read_params
from real_trade.cli.portfolio_file import read_portfolio
from real_trade.cli.session import Session, open_session
from real_trade.model.errors import InputError

if TYPE_CHECKING:
    from real_trade.backtest.portfolio import Allocation
    from real_trade.backtest.portfolio_result import PortfolioResult
    from real_trade.backtest.result import BacktestResult
    from real_trade.cli.output import Output
    from real_trade.storage.ports import TimeSeriesStore


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the flags."""
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--strategy", metavar="NAME|FILE[:Class]", help="a ready strategy, or a file of your own")
    what.add_argument(
        "--portfolio", type=Path, metavar="FILE.toml", help="several strategies in one account, each with its symbols"
    )
    parser.add_argument(
        "--param", action="append", nargs="+", default=[], metavar="K=V", help="a parameter; may be repeated"
    )
    add_series_flags(parser, several=True)
    add_account_flags(parser)
    parser.add_argument("--report", type=Path, metavar="DIR", help="write the report's files to this folder")
    parser.add_argument(
        "--trust",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="check the strategy for look-ahead and warm-up, count the trial, and say how sure the result is (default)",
    )
    parser.add_argument("--strict", action="store_true", help="a gap in the data ends the run")
    parser.add_argument(
        "--runner",
        choices=("compiled", "python", "reference"),
        default="compiled",
        help="all give the same result; compiled is fast, the others are for reading along (default: %(default)s)",
    )


def run(args: argparse.Namespace, out: Output) -> int:
    """Run it and print the figures."""
    check_span(args.from_ms, args.to_ms)
    params = read_params(args.param)
    session = open_session(args, out, several=True)
    if session.config.cache_dir is not None:
        # The engine knows no configuration; like Numba's own, its cache is a matter of the process.
        os.environ["RT_CACHE_DIR"] = session.config.cache_dir
    store = session.open_store()
    try:
        result = _backtest(args, session, store, params)
    except InputError as error:
        if error.code != "no_data":
            raise
        raise _no_data(error, session, store) from None
    if args.trust:
        result = _counted(result, session)
    if out.as_json:  # the text block ends with them
        for warning in result.warnings:
            out.warn(warning)
    page = _write(args.report, result)
    document, text = _shown(result, page, as_json=out.as_json)
    out.result(document, text)
    return 0 if _is_honest(result) else 1


def _is_honest(result: BacktestResult | PortfolioResult) -> bool:
    from real_trade.backtest.judgement import is_honest

    return result.trust is None or is_honest(result.trust)


def _backtest(
    args: argparse.Namespace, session: Session, store: TimeSeriesStore, params: dict[str, str]
) -> BacktestResult | PortfolioResult:
    from real_trade.strategies.catalogue import READY
    from real_trade.trading.loading import load_strategy

    if args.portfolio is not None:
        _refuse_beside_portfolio(args)
        return _in_one_account(args, session, store, read_portfolio(args.portfolio, session.venue, session.market))
    strategy = load_strategy(args.strategy, READY)
    if strategy.symbols > 1 or len(session.symbols) > 1:
        from real_trade.backtest.portfolio import Allocation

        return _in_one_account(args, session, store, [Allocation(strategy, session.symbols, None, params)])
    from real_trade.backtest.run import run_backtest

    return run_backtest(
        args.strategy,
        store=store,
        venue=session.venue,
        market=str(session.market),
        symbol=session.symbol,
        interval=str(session.interval),
        from_ms=args.from_ms,
        to_ms=args.to_ms,
        params=params,
        settings=account_settings(args, session.config),
        strict=args.strict,
        runner=args.runner,
        trust=args.trust,
    )


def _in_one_account(
    args: argparse.Namespace, session: Session, store: TimeSeriesStore, allocations: list[Allocation]
) -> PortfolioResult:
    from real_trade.backtest.portfolio import run_portfolio

    try:
        return run_portfolio(
            allocations,
            store=store,
            venue=session.venue,
            market=str(session.market),
            interval=str(session.interval),
            from_ms=args.from_ms,
            to_ms=args.to_ms,
            settings=account_settings(args, session.config),
            strict=args.strict,
            runner=args.runner,
            trust=args.trust,
        )
    except InputError as error:
        if error.field in {"symbol", "symbols"}:
            error.field = "symbols" if args.portfolio is not None else "--symbol"
        raise


def _refuse_beside_portfolio(args: argparse.Namespace) -> None:
    for flag, value in (("--symbol", args.symbol), ("--param", args.param)):
        if value:
            raise InputError(
                f"{flag} is given beside --portfolio, whose file has the symbols and parameters.",
                code="bad_usage",
                field=flag,
                value=value if isinstance(value, str) else " ".join(word for words in value for word in words),
                fix="Leave it out, or write it into the file.",
            )


def _counted(result: BacktestResult | PortfolioResult, session: Session) -> BacktestResult | PortfolioResult:
    from real_trade.backtest.judgement import count_trial
    from real_trade.storage import open_records

    with closing(open_records(session.data_dir)) as trials:
        return count_trial(result, trials)


def _no_data(error: InputError, session: Session, store: TimeSeriesStore) -> InputError:
    """Return the error with the stored symbols that look like the one asked for."""
    stored = {
        info.key.symbol
        for info in store.list_series()
        if (info.key.venue, info.key.market) == (session.venue, session.market)
    }
    asked = str(error.value)
    if asked in stored or not stored:
        return error
    near = get_close_matches(asked, stored, n=2) or sorted(stored)[:5]
    return InputError(
        f"The store holds no symbol {asked} of {session.venue} {session.market}.",
        code="unknown_symbol",
        field=error.field,
        value=asked,
        fix=f"It holds {', '.join(near)}; see: real-trade list-data",
    )


def _write(folder: Path | None, result: BacktestResult | PortfolioResult) -> Path | None:
    if folder is None:
        return None
    from real_trade.report.files import write_report

    return write_report(result, folder)["html"]


def _shown(result: BacktestResult | PortfolioResult, page: Path | None, *, as_json: bool) -> tuple[dict[str, Any], str]:
    from real_trade.report.forms import forms_of

    forms = forms_of(result)
    if as_json:
        return forms.document(page), ""
    return {}, forms.text() + (f"\nReport: {page}" if page else "")

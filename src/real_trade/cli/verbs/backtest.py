"""`real-trade backtest`: a strategy over stored history; the figures, and if asked the report's files."""

from __future__ import annotations

import argparse
import os
from contextlib import closing
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from real_trade.cli.options import add_series_flags, check_span, decimal_flag, read_params, whole_flag
from real_trade.cli.session import Session, open_session
from real_trade.model.errors import InputError

if TYPE_CHECKING:
    from real_trade.backtest.account import AccountSettings
    from real_trade.backtest.result import BacktestResult
    from real_trade.cli.output import Output
    from real_trade.storage.ports import TimeSeriesStore


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the flags."""
    parser.add_argument(
        "--strategy", required=True, metavar="NAME|FILE[:Class]", help="a ready strategy, or a file of your own"
    )
    parser.add_argument(
        "--param", action="append", nargs="+", default=[], metavar="K=V", help="a parameter; may be repeated"
    )
    add_series_flags(parser)
    account = parser.add_argument_group("account")
    account.add_argument(
        "--cash",
        type=decimal_flag("--cash", above="0"),
        metavar="MONEY",
        help="starting money in the settlement currency (default: the configuration)",
    )
    for side in ("taker", "maker"):
        flag = f"--fee-{side}"
        account.add_argument(
            flag,
            type=decimal_flag(flag, least="0", below="1"),
            metavar="FRACTION",
            help=f"{side} fee as a fraction, such as 0.001 (default: the configuration, then the instrument)",
        )
    account.add_argument(
        "--leverage",
        type=whole_flag("--leverage", least=1),
        default=1,
        metavar="TIMES",
        help="position value allowed per unit of equity, on linear markets (default: %(default)s)",
    )
    fills = parser.add_argument_group("how orders are filled")
    fills.add_argument(
        "--queue",
        choices=("touch", "through"),
        default="touch",
        help="a limit order fills when its price is touched, or when it is passed by a tick (default: %(default)s)",
    )
    fills.add_argument(
        "--volume-share",
        type=decimal_flag("--volume-share", least="0", most="1"),
        default=Decimal(0),
        metavar="PART",
        help="part of a bar's volume that orders may take, such as 0.1, the rest waits; 0 for no bound (default)",
    )
    fills.add_argument(
        "--policy",
        choices=("pessimistic", "optimistic", "path"),
        default="pessimistic",
        help="who wins where one bar could hit both the stop and the target of a position (default: %(default)s)",
    )
    fills.add_argument(
        "--slippage",
        default="none",
        metavar="MODEL[:NUMBER]",
        help="how much worse than the bar's price a taker is filled: none, basis_points:2, half_spread:1, "
        "volume_share:0.1, volatility:0.05 (default: %(default)s)",
    )
    parser.add_argument("--report", type=Path, metavar="DIR", help="write the report's files to this folder")
    parser.add_argument(
        "--trust",
        action=argparse.BooleanOptionalAction,
        default=False,
        help="check the strategy for look-ahead and warm-up, count the trial, and say how sure the result is",
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
    session = open_session(args, out)
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


def _is_honest(result: BacktestResult) -> bool:
    """Tell whether nothing of the strategy's knowledge came from the future, as far as was checked."""
    return result.trust is None or bool(result.trust["lookahead"]["ok"])


def _backtest(
    args: argparse.Namespace, session: Session, store: TimeSeriesStore, params: dict[str, str]
) -> BacktestResult:
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
        settings=_account(args, session),
        strict=args.strict,
        runner=args.runner,
        trust=args.trust,
    )


def _counted(result: BacktestResult, session: Session) -> BacktestResult:
    from real_trade.backtest.judgement import count_trial
    from real_trade.storage import open_records

    with closing(open_records(session.data_dir)) as trials:
        return count_trial(result, trials)


def _account(args: argparse.Namespace, session: Session) -> AccountSettings:
    from real_trade.backtest.account import AccountSettings

    config = session.config
    commission = None if config.commission is None else Decimal(str(config.commission))
    return AccountSettings(
        cash=Decimal(str(config.initial_cash)) if args.cash is None else args.cash,
        fee_taker=commission if args.fee_taker is None else args.fee_taker,
        fee_maker=commission if args.fee_maker is None else args.fee_maker,
        leverage=args.leverage,
        queue=args.queue,
        volume_share=args.volume_share,
        policy=args.policy,
        slippage=args.slippage,
    )


def _no_data(error: InputError, session: Session, store: TimeSeriesStore) -> InputError:
    """Return the error with the stored symbols that look like the one asked for."""
    stored = {
        info.key.symbol
        for info in store.list_series()
        if (info.key.venue, info.key.market) == (session.venue, session.market)
    }
    if session.symbol in stored or not stored:
        return error
    near = get_close_matches(session.symbol, stored, n=2) or sorted(stored)[:5]
    return InputError(
        f"The store holds no symbol {session.symbol} of {session.venue} {session.market}.",
        code="unknown_symbol",
        field="symbol",
        value=session.symbol,
        fix=f"It holds {', '.join(near)}; see: real-trade list-data",
    )


def _write(folder: Path | None, result: BacktestResult) -> Path | None:
    if folder is None:
        return None
    from real_trade.report.files import write_report

    return write_report(result, folder)["html"]


def _shown(result: BacktestResult, page: Path | None, *, as_json: bool) -> tuple[dict[str, Any], str]:
    if as_json:
        from real_trade.report.summary import summary

        return summary(result, page), ""
    from real_trade.report.text import render_text

    return {}, render_text(result) + (f"\nReport: {page}" if page else "")

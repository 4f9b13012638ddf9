"""`real-trade import-data`: files into the store, all of them or none.

Venue, market, symbol and interval come from the flags, else from the configuration where it says so, else from the
files' names. They are never assumed: bars under a wrong name are worse than none.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from real_trade.cli.options import add_series_flags
from real_trade.cli.session import Session, open_session
from real_trade.model.errors import InputError
from real_trade.model.instrument import Market
from real_trade.model.series import SeriesKey, SeriesKind

if TYPE_CHECKING:
    import argparse

    from real_trade.cli.output import Output
    from real_trade.data.event_report import EventsReport
    from real_trade.data.importing import ImportReport

# Setting -> flag, in the order in which a missing one is asked for.
_NEEDED: Final = {"exchange": "--venue", "market_type": "--market", "symbol": "--symbol", "timeframe": "--interval"}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the flags."""
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="Parquet, CSV(.gz), or a venue's archive")
    add_series_flags(parser, span=False)
    events = parser.add_mutually_exclusive_group()
    events.add_argument(
        "--trades", action="store_true", help="keep single trades (Bybit's archives, Binance's trades and aggTrades)"
    )
    events.add_argument(
        "--book", action="store_true", help="keep an order book's changes (Bybit's archives, recorded streams)"
    )
    parser.add_argument(
        "--instrument", type=Path, metavar="FILE", help='facts as JSON, such as {"tick_size": "0.01", ...}'
    )


def run(args: argparse.Namespace, out: Output) -> int:
    """Import and say what was stored."""
    if (args.trades or args.book) and args.interval is not None:
        raise InputError(
            "Single trades and books have no interval.",
            code="bad_usage",
            field="--interval",
            value=args.interval,
            fix="Leave out --interval, or --trades to make bars of them.",
        )
    _take_names(args)
    session = open_session(args, out)
    _refuse_assumed(session, events=args.trades or args.book)
    store, names = session.open_store(), (session.venue, session.market, session.symbol)
    report: ImportReport | EventsReport
    if args.trades:
        from real_trade.data.trade_import import import_trades

        key = SeriesKey(*names, None, SeriesKind.TRADE)
        report = import_trades(args.files, store, key, instrument_file=args.instrument)
    elif args.book:
        from real_trade.data.book_import import import_book

        report = import_book(
            args.files, store, SeriesKey(*names, None, SeriesKind.BOOK), instrument_file=args.instrument
        )
    else:
        from real_trade.data.importing import import_files

        key = SeriesKey(*names, session.interval)
        report = import_files(args.files, store, key, instrument_file=args.instrument)
    out.result(report.to_dict(), report.text())
    return 0


def _take_names(args: argparse.Namespace) -> None:
    """Complete the flags by what the files' names say, where they agree."""
    from real_trade.data.file_names import read_claim

    claims = [read_claim(path) for path in args.files]
    for name in ("venue", "market", "symbol", "interval"):
        said = {str(value) for claim in claims if (value := getattr(claim, name)) is not None}
        if name == "market":
            said &= {str(market) for market in Market}
        if getattr(args, name) is None and len(said) == 1:
            setattr(args, name, said.pop())


def _refuse_assumed(session: Session, *, events: bool) -> None:
    needed = [flag for key, flag in _NEEDED.items() if session.loaded.origins[key] == "default"]
    missing = [flag for flag in needed if not (events and flag == "--interval")]
    if missing:
        raise InputError(
            f"The files' names do not say of what they are: {', '.join(missing)} missing.",
            code="series_not_named",
            field=missing[0],
            fix=f"Add {', '.join(missing)}.",
        )

"""`real-trade verify-data`: judge files or a stored series, and repair the latter when asked.

Exit code 0: no error (there may be warnings); 1: errors were found.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from real_trade.cli.options import add_series_flags, check_span
from real_trade.cli.session import open_session
from real_trade.model.errors import InputError
from real_trade.model.interval import Interval
from real_trade.model.series import EVENTS, Klines, SeriesKey, SeriesKind

if TYPE_CHECKING:
    import argparse

    from real_trade.cli.output import Output
    from real_trade.data.findings import VerificationReport


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the flags."""
    parser.add_argument(
        "files", nargs="*", type=Path, metavar="FILE", help="files of one series; none: judge the store"
    )
    add_series_flags(parser)
    parser.add_argument(
        "--kind",
        choices=[str(kind) for kind in SeriesKind if kind not in EVENTS],
        default="kline",
        help="stored series (default: %(default)s)",
    )
    parser.add_argument(
        "--against", action="append", default=[], type=Path, metavar="FILE", help="final bars known to be right"
    )
    parser.add_argument(
        "--repair",
        choices=("refetch", "fill"),
        help="first ask the venue again for missing bars, or fill them in, flat and marked as synthetic",
    )
    parser.add_argument("--calendar", type=Path, metavar="FILE.svg", help="draw a cell per day: whole, short, empty")


def run(args: argparse.Namespace, out: Output) -> int:
    """Judge, print the report, and return 1 if there is an error in it."""
    check_span(args.from_ms, args.to_ms)
    report, document = _judge_files(args) if args.files else _judge_store(args, out)
    text = report.text()
    if "repaired" in document:
        text = f"{args.repair}: {document['repaired']} bars\n{text}"
    if "calendar" in document:
        text = f"{text}\ncalendar: {document['calendar']}"
    out.result({**report.to_dict(), **document}, text)
    return 0 if report.ok else 1


def _judge_files(args: argparse.Namespace) -> tuple[VerificationReport, dict[str, object]]:
    from real_trade.data.verify import verify_files

    if args.repair:
        raise InputError(
            "Files are judged, not repaired.",
            code="bad_usage",
            field="--repair",
            value=args.repair,
            fix="Import them first, then repair the stored series.",
        )
    interval = None if args.interval is None else Interval.parse(args.interval)
    report = verify_files(
        args.files, against=args.against or None, interval=interval, from_ms=args.from_ms, to_ms=args.to_ms
    )
    if args.calendar is None:
        return report, {}
    from real_trade.data.readers import read_file

    klines = Klines.concat([read_file(path, interval=interval).klines for path in args.files])
    return report, _draw(args, klines.take(klines.timestamp.argsort(kind="stable")), report, ", ".join(report.files))


def _judge_store(args: argparse.Namespace, out: Output) -> tuple[VerificationReport, dict[str, object]]:
    from real_trade.data.verify import verify_store

    session = open_session(args, out)
    store = session.open_store()
    kind = SeriesKind(args.kind)
    interval = None if kind is SeriesKind.FUNDING else session.interval
    key = SeriesKey(session.venue, session.market, session.symbol, interval, kind)
    span = (args.from_ms, args.to_ms)
    document: dict[str, object] = {"series": str(key)}
    if args.repair:
        from real_trade.cli import repairing

        done = (
            repairing.fill(store, key, span) if args.repair == "fill" else repairing.refetch(session, store, key, span)
        )
        document["repaired"] = done
    report = verify_store(store, key, *span, against=args.against or None)
    if args.calendar is not None:
        document |= _draw(args, store.read_klines(key, *span), report, str(key))
    return report, document


def _draw(args: argparse.Namespace, klines: Klines, report: VerificationReport, title: str) -> dict[str, object]:
    from real_trade.data.calendar import coverage_svg

    if report.interval == "funding":
        raise InputError(
            "The calendar shows bars, not funding rates.",
            code="unknown_kind",
            field="--calendar",
            value=str(args.calendar),
            fix="Leave out --calendar.",
        )
    interval = Interval.parse(report.interval)
    picture = coverage_svg(klines, interval, args.from_ms, args.to_ms, title=title, findings=report.findings)
    args.calendar.write_text(picture, encoding="utf-8")
    return {"calendar": str(args.calendar)}

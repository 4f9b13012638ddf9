"""`real-trade download-data`: bring the store up to what the venue has; run it again to go on where it stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from real_trade.cli.options import add_series_flags, check_span
from real_trade.cli.progress import download_progress
from real_trade.cli.session import Session, open_session
from real_trade.model.clock import SystemClock
from real_trade.model.errors import InputError
from real_trade.model.series import EVENTS, SeriesKind

if TYPE_CHECKING:
    import argparse

    from real_trade.cli.output import Output


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the flags."""
    add_series_flags(parser, several=True)
    parser.add_argument(
        "--kind",
        default="kline",
        metavar="KINDS",
        help="kline, mark, index, funding; several with commas (default: %(default)s)",
    )
    parser.add_argument("--refresh", action="store_true", help="read stored pages again and count what was revised")
    parser.add_argument(
        "--proxy", metavar="URL", help='proxy; "" for none (default: the configuration, then the system)'
    )


def run(args: argparse.Namespace, out: Output) -> int:
    """Download and say what came."""
    from real_trade.data.download import run_download

    kinds = _kinds(args.kind)
    session = open_session(args, out, several=True)
    from_ms, to_ms = _span(args, session)
    store, endpoints = session.open_store(), session.endpoints()
    with download_progress() as progress:
        reports = [
            run_download(
                session.venue,
                session.market,
                symbol,
                session.interval,
                from_ms,
                to_ms,
                store=store,
                endpoints=endpoints,
                kinds=kinds,
                refresh=args.refresh,
                progress=progress,
            )
            for symbol in dict.fromkeys(session.symbols)
        ]
    for note in (note for report in reports for note in report.notes):
        out.warn(note)
    documents = [report.to_dict() for report in reports]
    text = "\n".join(_line(series) for document in documents for series in _rows(document))
    out.result(documents[0] if len(documents) == 1 else {"downloads": documents}, text)
    return 0


def _kinds(text: str) -> list[SeriesKind]:
    offered = {str(kind): kind for kind in SeriesKind if kind not in EVENTS}
    kinds = []
    for word in text.split(","):
        kind = offered.get(word.strip().lower())
        if kind is None:
            raise InputError(
                f"Unknown kind {word!r}.",
                code="unknown_kind",
                field="--kind",
                value=word,
                fix=f"Use {', '.join(offered)}; several with commas. Trades come from archives: import-data --trades.",
            )
        kinds.append(kind)
    return list(dict.fromkeys(kinds))


def _span(args: argparse.Namespace, session: Session) -> tuple[int, int]:
    """Return the span asked for; without ``--from``, so many bars as the configuration says."""
    check_span(args.from_ms, args.to_ms)
    to_ms = SystemClock().now_ms() if args.to_ms is None else args.to_ms
    if args.from_ms is not None:
        return args.from_ms, to_ms
    interval = session.interval
    return interval.next_open(interval.floor(to_ms), -session.config.historical_limit), to_ms


def _rows(document: dict[str, object]) -> list[dict[str, Any]]:
    rows: Any = document["series"]
    return list(rows)


def _line(row: dict[str, Any]) -> str:
    counts = f"{row['bars']:,} rows in {row['pages']:,} pages"
    if not row["pages"]:
        return f"{row['series']}: nothing was missing from {row['from']} to {row['to']}"
    facts = [f"{row['inserted']:,} new"]
    facts += [f"{row['revised']:,} revised by the venue"] if row["revised"] else []
    facts += [f"{len(row['gaps']):,} gaps at the venue"] if row["gaps"] else []
    facts += [f"{row['retries']:,} requests repeated"] if row["retries"] else []
    facts += [f"{row['waited_s']:.0f} s waited"] if row["waits"] else []
    return f"{row['series']}: {row['from']} to {row['to']}, {counts} ({', '.join(facts)}), {row['seconds']:.1f} s"

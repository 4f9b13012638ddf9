"""The exchange as a process: flags, the first line, the end."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from real_trade.exchange.faults import FAULTS, FaultPlan
from real_trade.exchange.options import (
    DEFAULT_FROM,
    DEFAULT_SYMBOLS,
    DEFAULT_TO,
    VENUES,
    ExchangeOptions,
    parse_rate_limit,
)
from real_trade.model import UnreachableError, parse_time

if TYPE_CHECKING:
    import argparse

    from real_trade.exchange.answers import VenueFace
    from real_trade.exchange.source import MarketSource
    from real_trade.model import Clock


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags of the exchange to a parser."""
    parser.add_argument("--venue", required=True, choices=VENUES, help="whose interface to serve")
    parser.add_argument("--host", default="127.0.0.1", help="loopback address to listen on (default 127.0.0.1)")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    origin = parser.add_mutually_exclusive_group()
    origin.add_argument("--data", metavar="DIR", type=Path, help="replay the store in this folder")
    origin.add_argument("--seed", type=int, default=1, help="rehearsal market of this seed (default 1)")
    parser.add_argument("--from", dest="from_time", metavar="TIME", default=DEFAULT_FROM, help="rehearsal begins")
    parser.add_argument("--to", dest="to_time", metavar="TIME", default=DEFAULT_TO, help="rehearsal ends (exclusive)")
    parser.add_argument("--symbols", default=",".join(DEFAULT_SYMBOLS), help="rehearsal lists these")
    parser.add_argument("--now", metavar="TIME", help="market time at the start (default: end of the data)")
    parser.add_argument("--speed", type=float, default=1.0, help="market seconds per second (default 1)")
    parser.add_argument(
        "--rate-limit", default="on", metavar="on|off|N/S", help="venue's own, none, or N per S seconds"
    )
    parser.add_argument("--ban-seconds", type=float, default=600.0, help="length of a ban (default 600)")
    parser.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="NAME=RATE[:ARG]",
        help=f"what may go wrong, repeatable: {', '.join(FAULTS)}",
    )
    parser.add_argument("--fault-seed", type=int, default=0, help="decides when faults strike")
    parser.add_argument("--log", metavar="FILE", type=Path, help="one JSON line per request")


def options_from(args: argparse.Namespace) -> ExchangeOptions:
    """Return the options that parsed flags mean.

    Raises:
        InputError: a value that cannot be used.
        SafetyRefusal: an address that others can reach.
    """
    return ExchangeOptions(
        venue=args.venue,
        host=args.host,
        port=args.port,
        data=args.data,
        seed=args.seed,
        from_ms=parse_time(args.from_time, field="from"),
        to_ms=parse_time(args.to_time, field="to"),
        symbols=tuple(word.strip().upper() for word in args.symbols.split(",") if word.strip()),
        now_ms=None if args.now is None else parse_time(args.now, field="now"),
        speed=args.speed,
        rate_limit=parse_rate_limit(args.rate_limit),
        ban_s=args.ban_seconds,
        faults=tuple(FaultPlan.parse(text) for text in args.fault),
        fault_seed=args.fault_seed,
        log=args.log,
    )


def run(options: ExchangeOptions) -> int:
    """Serve until SIGTERM or SIGINT; return the exit code 0.

    The first line on stdout is one JSON object with venue, pid, base URLs, market time and seed; nothing else is
    written there.

    Raises:
        UnreachableError: the address cannot be listened on.
        InputError: the store holds nothing of this venue.
    """
    import asyncio

    return asyncio.run(_serve(options))


async def _serve(options: ExchangeOptions) -> int:
    import asyncio

    from aiohttp import web

    from real_trade.exchange.clock import MarketClock
    from real_trade.exchange.faults import FaultDice
    from real_trade.exchange.server import HistoryServer, RequestLog
    from real_trade.model import SystemClock

    stop = asyncio.Event()
    for word in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(word, stop.set)
    machine = SystemClock()
    source = _source(options)
    market_clock = MarketClock(machine, source.end_ms if options.now_ms is None else options.now_ms, options.speed)
    face = _face(options, source, market_clock, machine)
    log = RequestLog(options.log)
    server = HistoryServer(face, FaultDice(options.faults, options.fault_seed), log, machine)
    runner = web.ServerRunner(web.Server(server.handle, access_log=None))
    await runner.setup()
    site = web.TCPSite(runner, options.host, options.port, shutdown_timeout=0.2)
    try:
        await site.start()
        port = runner.addresses[0][1]
        host = f"[{options.host}]" if ":" in options.host else options.host
        _announce(options, face.addresses(f"http://{host}:{port}"), market_clock, source)
        await stop.wait()
    except OSError as error:
        raise UnreachableError(
            f"Cannot listen on {options.host}:{options.port}: {error.strerror}.",
            code="cannot_listen",
            field="port",
            value=options.port,
            fix="Use --port 0 for a free one.",
        ) from error
    finally:
        await runner.cleanup()
        log.close()
    return 0


def _source(options: ExchangeOptions) -> MarketSource:
    if options.data is not None:
        from real_trade.exchange.replay import StoredMarket
        from real_trade.storage import open_store

        return StoredMarket(open_store(options.data), options.venue)
    from real_trade.exchange.market import SeededMarket

    return SeededMarket(options.seed, options.venue, options.symbols, options.from_ms, options.to_ms)


def _face(options: ExchangeOptions, source: MarketSource, market_clock: Clock, machine: Clock) -> VenueFace:
    if options.venue == "bybit":
        from real_trade.exchange.bybit import BybitFace
        from real_trade.exchange.limits import BurstLimit, Rate

        limit = BurstLimit(options.rate_limit or Rate(600, 5.0), options.ban_s, machine)
        return BybitFace(source, market_clock, machine, limit)
    from real_trade.exchange.binance import BinanceFace

    return BinanceFace(source, market_clock, machine, options.rate_limit, options.ban_s)


def _announce(options: ExchangeOptions, addresses: dict[str, str], market_clock: Clock, source: MarketSource) -> None:
    line: dict[str, object] = {
        "venue": options.venue,
        "pid": os.getpid(),
        **addresses,
        "market_time_ms": market_clock.now_ms(),
        "from_ms": source.start_ms,
        "to_ms": source.end_ms,
        "seed": source.seed,
    }
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()

"""The exchange as a process: flags, the first line, the end."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from real_trade.exchange.faults import FAULTS, FaultPlan, read_plan
from real_trade.exchange.members import DEFAULT, Member
from real_trade.exchange.options import (
    DEFAULT_SYMBOLS,
    HISTORY_MS,
    MINUTE_MS,
    VENUES,
    ExchangeOptions,
    parse_rate_limit,
)
from real_trade.model import SystemClock, UnreachableError, parse_time

if TYPE_CHECKING:
    import argparse

    from aiohttp.web import ServerRunner

    from real_trade.exchange.answers import VenueFace
    from real_trade.exchange.pages import History
    from real_trade.exchange.source import MarketSource
    from real_trade.exchange.world import World
    from real_trade.model import Clock


# How long connections may take to end.
_SHUTDOWN_S = 0.2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags of the exchange to a parser."""
    parser.add_argument("--venue", required=True, choices=VENUES, help="whose interface to serve")
    parser.add_argument("--host", default="127.0.0.1", help="loopback address to listen on (default 127.0.0.1)")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    origin = parser.add_mutually_exclusive_group()
    origin.add_argument("--data", metavar="DIR", type=Path, help="replay the store in this folder")
    origin.add_argument("--seed", type=int, default=1, help="rehearsal market of this seed (default 1)")
    parser.add_argument(
        "--from", dest="from_time", metavar="TIME", help="first bar of the seeded market (default: 30 days before --to)"
    )
    parser.add_argument(
        "--to", dest="to_time", metavar="TIME", help="end of its history (default: where market time starts)"
    )
    parser.add_argument("--symbols", default=",".join(DEFAULT_SYMBOLS), help="the seeded market lists these")
    parser.add_argument(
        "--start", metavar="TIME|now", help="market time at the start (default: end of the history, which is now)"
    )
    parser.add_argument(
        "--server-time",
        choices=("wall", "market"),
        default="wall",
        help="what the venue's own clock says, by which it judges signatures (default wall)",
    )
    parser.add_argument("--speed", default="1", metavar="X|max", help="market seconds per second (default 1)")
    parser.add_argument(
        "--account",
        action="append",
        default=[],
        metavar="KEY:SECRET:COIN=AMOUNT,...[:TIER]",
        help="who may trade, repeatable, perhaps at a fee tier such as vip1 (default key:secret:USDT=100000)",
    )
    parser.add_argument(
        "--rate-limits",
        default="documented",
        metavar="documented|off|N/S",
        help="the venue's own, none, or N per S seconds",
    )
    parser.add_argument("--ban-seconds", type=float, default=600.0, help="length of a ban (default 600)")
    parser.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="NAME=RATE[:ARG]",
        help=f"what may go wrong, repeatable: {', '.join(FAULTS)}",
    )
    parser.add_argument("--faults", type=Path, metavar="PLAN.json", help="a plan of what goes wrong, and when")
    parser.add_argument("--fault-seed", type=int, default=0, help="decides when faults strike")
    parser.add_argument(
        "--admin-port", type=int, metavar="N", help="a door for the keeper of the rehearsal: time, faults, the truth"
    )
    parser.add_argument("--allow-remote", action="store_true", help="let --host be an address that others can reach")
    parser.add_argument("--log", metavar="FILE", type=Path, help="one JSON line per request")


def options_from(args: argparse.Namespace) -> ExchangeOptions:
    """Return the options that parsed flags mean.

    Raises:
        InputError: a value that cannot be used.
        SafetyRefusal: an address that others can reach.
    """
    start_ms = None if args.start in (None, "now") else parse_time(args.start, field="start")
    now_ms = SystemClock().now_ms()
    if args.to_time is not None:
        to_ms = parse_time(args.to_time, field="to")
    else:
        to_ms = (now_ms if start_ms is None else start_ms) // MINUTE_MS * MINUTE_MS
        if start_ms is None and args.data is None:
            start_ms = now_ms
    if args.start == "now":
        start_ms = now_ms
    planned, plan_seed = ((), None) if args.faults is None else read_plan(args.faults)
    from_ms = to_ms - HISTORY_MS if args.from_time is None else parse_time(args.from_time, field="from")
    return ExchangeOptions(
        venue=args.venue,
        host=args.host,
        port=args.port,
        data=args.data,
        seed=args.seed,
        from_ms=from_ms,
        to_ms=to_ms,
        symbols=tuple(word.strip().upper() for word in args.symbols.split(",") if word.strip()),
        start_ms=start_ms,
        speed=_speed(args.speed),
        server_time=args.server_time,
        accounts=tuple(Member.parse(text) for text in args.account) or (DEFAULT,),
        rate_limit=parse_rate_limit(args.rate_limits),
        ban_s=args.ban_seconds,
        faults=(*planned, *(FaultPlan.parse(text) for text in args.fault)),
        fault_seed=args.fault_seed if plan_seed is None else plan_seed,
        log=args.log,
        admin_port=args.admin_port,
        allow_remote=args.allow_remote,
    )


def _speed(text: str) -> float:
    try:
        return float("inf") if text == "max" else float(text)
    except ValueError:
        return -1.0


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

    from real_trade.exchange.admin import Admin
    from real_trade.exchange.clock import MarketClock, SkewedClock, SteppingClock
    from real_trade.exchange.faults import FaultDice
    from real_trade.exchange.pages import History
    from real_trade.exchange.server import RequestLog, VenueServer
    from real_trade.exchange.shocks import Shocks
    from real_trade.exchange.world import World

    stop = asyncio.Event()
    for word in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(word, stop.set)
    machine = SystemClock()
    source = _source(options)
    start_ms = source.end_ms if options.start_ms is None else options.start_ms
    market_clock: MarketClock | SteppingClock = MarketClock(machine, start_ms, options.speed)
    if options.speed == float("inf"):
        market_clock = SteppingClock(start_ms)
    venue_clock = SkewedClock(market_clock if options.server_time == "market" else machine)
    history = History(source, newest_first=options.venue == "bybit")
    world = World(source, history, start_ms, source.seed or 0)
    face = _face(options, source, history, world, market_clock, venue_clock, machine)
    log = RequestLog(options.log)
    dice = FaultDice(options.faults, options.fault_seed, market_clock, log.write)
    server = VenueServer(face, dice, Shocks(world), log, machine, market_clock, venue_clock)
    runner = web.ServerRunner(web.Server(server.handle, access_log=None), shutdown_timeout=_SHUTDOWN_S)
    await runner.setup()
    site = web.TCPSite(runner, options.host, options.port)
    admin_door = Admin(face, world, dice, market_clock, server.step)
    door = web.ServerRunner(web.Server(admin_door.handle, access_log=None), shutdown_timeout=_SHUTDOWN_S)
    try:
        await site.start()
        admin = await _open_door(door, options.admin_port)
        port = runner.addresses[0][1]
        host = f"[{options.host}]" if ":" in options.host else options.host
        addresses: dict[str, object] = {**face.addresses(f"http://{host}:{port}"), "admin": admin}
        _announce(options, addresses, market_clock, source)
        pulse = asyncio.create_task(server.pulse())
        await asyncio.wait({pulse, asyncio.create_task(stop.wait())}, return_when=asyncio.FIRST_COMPLETED)
        if pulse.done():
            pulse.result()
        pulse.cancel()
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
        await door.cleanup()
        log.close()
    return 0


async def _open_door(door: ServerRunner, port: int | None) -> str | None:
    """Open the keeper's door, on loopback whatever the rest listens on; return its address."""
    from aiohttp import web

    if port is None:
        return None
    await door.setup()
    await web.TCPSite(door, "127.0.0.1", port).start()
    return f"http://127.0.0.1:{door.addresses[0][1]}"


def _source(options: ExchangeOptions) -> MarketSource:
    if options.data is not None:
        from real_trade.exchange.replay import StoredMarket
        from real_trade.storage import open_store

        return StoredMarket(open_store(options.data), options.venue)
    from real_trade.exchange.market import SeededMarket

    return SeededMarket(options.seed, options.venue, options.symbols, options.from_ms, options.to_ms)


def _face(
    options: ExchangeOptions,
    source: MarketSource,
    history: History,
    world: World,
    market_clock: Clock,
    venue_clock: Clock,
    machine: Clock,
) -> VenueFace:
    if options.venue == "bybit":
        from real_trade.exchange.bybit.venue import BybitVenue
        from real_trade.exchange.limits import BurstLimit, Pace, Rate

        rate = options.rate_limit or Rate(600, 5.0)
        return BybitVenue(
            source,
            history,
            world,
            options.accounts,
            venue_clock,
            BurstLimit(rate, options.ban_s, machine),
            pace=None if rate.units is None else Pace(machine),
            seed=source.seed or 0,
        )
    from real_trade.exchange.binance.venue import BinanceVenue

    return BinanceVenue(
        source,
        history,
        world,
        options.accounts,
        market_clock,
        venue_clock,
        machine,
        rate=options.rate_limit,
        ban_s=options.ban_s,
        seed=source.seed or 0,
    )


def _announce(
    options: ExchangeOptions, addresses: dict[str, object], market_clock: Clock, source: MarketSource
) -> None:
    line: dict[str, object] = {
        "venue": options.venue,
        "pid": os.getpid(),
        **addresses,
        "api_key": options.accounts[0].key,
        "api_secret": options.accounts[0].secret,
        "speed": "max" if options.speed == float("inf") else options.speed,
        "market_time_ms": market_clock.now_ms(),
        "from_ms": source.start_ms,
        "to_ms": source.end_ms,
        "seed": source.seed,
    }
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()

"""`real-trade exchange`: a venue's history interface on this machine, until SIGTERM.

The first line on stdout is one JSON object with at least ``venue, pid, rest, market_time_ms``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from real_trade.exchange import serve

if TYPE_CHECKING:
    import argparse

    from real_trade.cli.output import Output


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the flags."""
    serve.add_arguments(parser)


def run(args: argparse.Namespace, out: Output) -> int:  # noqa: ARG001 - the server writes its one line itself
    """Serve."""
    return serve.run(serve.options_from(args))

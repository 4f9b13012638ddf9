"""`real-trade list-strategies`: the ready strategies, or one of a file, with their parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from real_trade.cli.table import table

if TYPE_CHECKING:
    import argparse

    from real_trade.cli.output import Output


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the flags."""
    parser.add_argument("--strategy", metavar="NAME|FILE[:Class]", help="only this one")


def run(args: argparse.Namespace, out: Output) -> int:
    """Print them."""
    from real_trade.strategies.catalogue import READY
    from real_trade.trading.loading import load_strategy

    names = [args.strategy] if args.strategy else sorted(READY)
    described = [load_strategy(name, READY).describe() for name in names]
    out.result({"strategies": described}, "\n\n".join(map(_text, described)))
    return 0


def _text(strategy: dict[str, Any]) -> str:
    rows = [
        [f"  {row['name']}", str(row["kind"]), str(row["default"]), _bounds(row), str(row["doc"])]
        for row in strategy["parameters"]
    ]
    header = ["  parameter", "kind", "default", "bounds", "meaning"]
    return f"{strategy['name']}\n  {strategy['doc'].splitlines()[0]}\n{table(header, rows)}"


def _bounds(row: dict[str, Any]) -> str:
    return " | ".join(row["options"]) if "options" in row else f"{row['low']} to {row['high']}"

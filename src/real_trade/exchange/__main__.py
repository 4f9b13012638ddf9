"""`python -m real_trade.exchange`: the history server on its own."""

from __future__ import annotations

import argparse
import sys

from real_trade.exchange.serve import add_arguments, options_from, run
from real_trade.model import RealTradeError


def main() -> int:
    """Parse the flags, serve, return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m real_trade.exchange", description="History server on loopback.")
    add_arguments(parser)
    try:
        return run(options_from(parser.parse_args()))
    except RealTradeError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())

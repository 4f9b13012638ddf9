"""`real-trade new-strategy`: a strategy of one page that runs, to start from."""

from __future__ import annotations

import keyword
import re
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from real_trade.cli.files import write_new
from real_trade.model.errors import InputError

if TYPE_CHECKING:
    import argparse

    from real_trade.cli.output import Output


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the flags."""
    parser.add_argument("name", help="name of the strategy, such as my_idea; also that of the file")
    parser.add_argument("--dir", default=".", metavar="DIR", help="folder to write to (default: here)")


def run(args: argparse.Namespace, out: Output) -> int:
    """Write the file."""
    name = args.name.removesuffix(".py").replace("-", "_")
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,60}", name) or keyword.iskeyword(name):
        raise InputError(
            f"{args.name!r} cannot name a strategy.",
            code="bad_name",
            field="name",
            value=args.name,
            fix="Use small letters, digits and underscores, such as my_idea.",
        )
    path = Path(args.dir) / f"{name}.py"
    class_name = "".join(word.capitalize() for word in name.split("_"))
    template = files("real_trade.cli").joinpath("templates/strategy.py.txt").read_text(encoding="utf-8")
    write_new(path, template.replace("{{class}}", class_name).replace("{{file}}", path.name))
    document = {"path": str(path), "class": class_name}
    out.result(document, f"wrote {path}\nrun it with: real-trade backtest --strategy {path}")
    return 0

"""Write the generated pages of this folder: the JSON Schema, the command line, the findings and the metrics."""

# ruff: noqa: INP001 - a script, not a package
from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from real_trade.cli.main import verb_parser
from real_trade.cli.registry import VERBS
from real_trade.data.findings import FINDING_CODES
from real_trade.exchange.faults import FAULTS
from real_trade.metrics import METRICS
from real_trade.utils.config import config_schema

if TYPE_CHECKING:
    import argparse

HERE = Path(__file__).parent
NOTE = "<!-- Written by docs/generate.py (make docs); do not edit. -->\n\n"


def pages() -> dict[str, str]:
    """Return every generated page by its file name."""
    return {
        "config.schema.json": json.dumps(config_schema(), indent=2, ensure_ascii=False) + "\n",
        "command-line.md": command_line(),
        "findings.md": findings(),
        "metrics.md": metrics(),
        "faults.md": faults(),
    }


def command_line() -> str:
    """Return the flags of every command."""
    parts = [f"# Command line\n\n{NOTE}Exit codes and the form of errors: see the README.\n"]
    for name, verb in VERBS.items():
        rows = [_flag(action) for action in verb_parser(name)._actions if action.dest != "help"]  # noqa: SLF001 - read
        example = "\n".join(verb.example.splitlines())
        parts.append(
            f"## real-trade {name}\n\n{verb.summary[0].upper()}{verb.summary[1:]}.\n\n```sh\n{example}\n```\n\n"
            + _table(["flag", "meaning"], rows)
        )
    return "\n".join(parts)


def findings() -> str:
    """Return every kind of finding."""
    rows = [[f"`{code}`", str(kind.severity), kind.meaning] for code, kind in FINDING_CODES.items()]
    return f"# Findings of verify-data\n\n{NOTE}{_table(['code', 'severity', 'meaning'], rows)}"


def faults() -> str:
    """Return every fault of the exchange."""
    rows = []
    for name, fault in FAULTS.items():
        number = f"{fault.argument} ({fault.default:g})" if fault.argument else ""
        rows.append(
            [f"`{name}`", str(fault.where), fault.about, number, "" if fault.endpoint == "*" else fault.endpoint]
        )
    table = _table(["kind", "strikes", "what the client meets", "argument (default)", "where, unless told"], rows)
    return f"# Faults of the exchange\n\n{NOTE}How to use them: [Rehearse](rehearse.md).\n\n{table}"


def metrics() -> str:
    """Return every figure of a backtest."""
    rows = [[f"`{m.name}`", m.label, m.unit, m.description] for m in METRICS.values()]
    return f"# Figures of a backtest\n\n{NOTE}{_table(['name', 'label', 'unit', 'how'], rows)}"


def _flag(action: argparse.Action) -> list[str]:
    words = ", ".join(f"`{word}`" for word in action.option_strings) or f"`{action.metavar or action.dest}`"
    if action.option_strings and action.nargs != 0:
        value = action.metavar or ("|".join(map(str, action.choices)) if action.choices else action.dest.upper())
        words += f" `{value}`"
    return [words, (action.help or "") % {"default": action.default}]


def _table(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, [":---"] * len(header), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def main() -> int:
    """Write the pages."""
    for name, text in pages().items():
        (HERE / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

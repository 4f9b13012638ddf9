"""`real-trade show-config`: every setting, its value and where the value came from; secrets masked."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from real_trade.cli.options import add_series_flags
from real_trade.cli.session import load_settings
from real_trade.cli.table import table
from real_trade.utils.config import config_schema

if TYPE_CHECKING:
    import argparse

    from real_trade.cli.output import Output


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the flags."""
    parser.add_argument("--schema", action="store_true", help="print the JSON Schema of a configuration file")
    add_series_flags(parser, span=False)


def run(args: argparse.Namespace, out: Output) -> int:
    """Print the settings."""
    if args.schema:
        schema = config_schema()
        out.result(schema, json.dumps(schema, indent=2, ensure_ascii=False))
        return 0
    loaded = load_settings(args, out)
    values = loaded.config.to_dict()
    settings = {key: {"value": _value(values, key), "origin": origin} for key, origin in loaded.origins.items()}
    rows = [[key, _text(setting["value"]), str(setting["origin"])] for key, setting in settings.items()]
    out.result({"settings": settings, "warnings": list(loaded.warnings)}, table(["setting", "value", "origin"], rows))
    return 0


def _value(values: dict[str, Any], key: str) -> Any:
    value: Any = values
    for part in key.split("."):
        value = value[part]
    return value


def _text(value: Any) -> str:
    return "-" if value is None else json.dumps(value, ensure_ascii=False)

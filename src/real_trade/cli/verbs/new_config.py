"""`real-trade new-config`: a configuration file with every setting explained, readable by its owner only."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from real_trade.cli.files import write_new
from real_trade.model.errors import InputError
from real_trade.utils.config import config_schema

if TYPE_CHECKING:
    import argparse

    from real_trade.cli.output import Output

_HEAD = """\
# Settings of real_trade. A line that begins with # is a remark; remove the # to set the value.
# Later layers win: this file, then the environment (RT_SYMBOL, RT_BYBIT__REST_URL ...), then flags.
"""
_KEYS_REMARK = "# Keys are better kept in the environment: RT_APIKEY and RT_SECRET."
_VENUES = ("bybit", "binance")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the flags."""
    parser.add_argument(
        "file", nargs="?", default="real-trade.toml", help="where to write; .toml or .json (default: %(default)s)"
    )


def run(args: argparse.Namespace, out: Output) -> int:
    """Write the file."""
    path = Path(args.file)
    writers = {".toml": _toml, ".json": _json}
    if path.suffix not in writers:
        raise InputError(
            f"{path} does not end in .toml or .json.",
            code="unknown_config_kind",
            field="file",
            value=str(path),
            fix="Use, for instance, real-trade.toml.",
        )
    write_new(path, writers[path.suffix](config_schema()), mode=0o600)
    out.result({"path": str(path)}, f"wrote {path}")
    return 0


def _toml(schema: dict[str, Any]) -> str:
    lines = [_HEAD]
    for name, field in _settings(schema):
        if name == "apikey":
            lines.append(_KEYS_REMARK)
        lines.append(f"# {field['description']}")
        value = _toml_value(field)
        lines.append(f"{name} = {value}\n" if _is_set(field) else f"# {name} = {value}\n")
    urls = schema["$defs"]["VenueSettings"]["properties"]
    for venue in _VENUES:
        lines.append(f"[{venue}]")
        for name in ("rest_url", "ws_url", "proxy"):
            lines += [f"# {urls[name]['description']}", f'# {name} = "{_sample(name)}"']
        lines.append(f'# one market only: spot.rest_url = "{_sample("rest_url")}"\n')
    return "\n".join(lines)


def _json(schema: dict[str, Any]) -> str:
    values: dict[str, Any] = {name: field["default"] for name, field in _settings(schema) if _is_set(field)}
    return json.dumps(values, indent=2) + "\n"


def _settings(schema: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    left_out = {*_VENUES, "cash", "$schema"}
    return [(name, field) for name, field in schema["properties"].items() if name not in left_out]


def _is_set(field: dict[str, Any]) -> bool:
    return field["default"] is not None and not field.get("writeOnly")


def _toml_value(field: dict[str, Any]) -> str:
    default = field["default"]
    if default is not None:
        return json.dumps(default)  # JSON and TOML write these the same way
    return "0.001" if any(kind.get("type") == "number" for kind in field["anyOf"]) else '""'


def _sample(name: str) -> str:
    return {"rest_url": "https://...", "ws_url": "wss://...", "proxy": "http://127.0.0.1:7890"}[name]

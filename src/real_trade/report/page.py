"""The page: one HTML file that holds all it shows and asks no server for anything.

Names come from strategies, files and venues, so that every text is escaped by the template engine, the data block
carries no character that could end it, and the page's own policy lets no other script run and nothing be loaded.
"""

from __future__ import annotations

import json
from base64 import b64encode
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from real_trade import __version__
from real_trade.model.order import Flag, OrderStatus, OrderType, RejectReason
from real_trade.report.contents import page_contents
from real_trade.report.series import chart_data

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from enum import IntEnum

    from real_trade.backtest.result import BacktestResult

_SCRIPTS: Final = (
    "coding.js", "scale.js", "drawing.js", "chart.js", "panes.js", "marks.js", "pointer.js", "tables.js", "main.js",
)  # fmt: skip


def render_page(result: BacktestResult) -> str:
    """Return the report of a backtest as a self-contained HTML page."""
    values = chart_data(result)
    named = values | {
        "typeNames": _names(OrderType),
        "statusNames": _names(OrderStatus),
        "reasonNames": ["" if name == "none" else name for name in _names(RejectReason)],
        "flagNames": [[int(flag), str(flag.name).lower().replace("_", "-")] for flag in Flag],
    }
    contents = page_contents(result) | {"result": result, "detail": _detail(values["bucket"])}
    return assemble("page.html.j2", contents, scripts=_SCRIPTS, data=named)


def assemble(template: str, contents: Mapping[str, Any], *, scripts: Sequence[str], data: Mapping[str, Any]) -> str:
    """Return a page of one of the package's templates, its style, scripts and data in it.

    Args:
        template: name of the asset.
        contents: its variables; texts are escaped there.
        scripts: names of the assets that make the one script, in order.
        data: what the script draws, JSON-ready.
    """
    from jinja2 import Environment, FunctionLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=FunctionLoader(_asset),
    )
    script = f'"use strict";\n{"".join(_asset(name) for name in scripts)}'
    digest = b64encode(sha256(script.encode()).digest()).decode("ascii")
    return environment.get_template(template).render(
        contents,
        version=__version__,
        style=Markup(_asset("page.css")),  # noqa: S704 - the package's own file
        script=Markup(script),  # noqa: S704 - the package's own files
        script_hash=f"sha256-{digest}",
        data=Markup(_data_block(data)),  # noqa: S704 - no markup can be in it
    )


def _detail(bucket: int) -> str:
    return "Close up, every bar is there, exact." if bucket == 1 else f"Close up, {bucket} bars are drawn as one."


def _data_block(values: Mapping[str, Any]) -> str:
    """Return the charts' data as JSON in which nothing can be taken for markup."""
    text = json.dumps(values, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _names(kind: type[IntEnum]) -> list[str]:
    return [kind(number).name.lower().replace("_", " ") for number in range(len(kind))]


def _asset(name: str) -> str:
    return files("real_trade.report").joinpath("assets", name).read_text(encoding="utf-8")

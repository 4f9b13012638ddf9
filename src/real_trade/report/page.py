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
from real_trade.model.order import OrderStatus, OrderType, RejectReason
from real_trade.report.contents import page_contents
from real_trade.report.series import chart_data

if TYPE_CHECKING:
    from enum import IntEnum

    from real_trade.backtest.result import BacktestResult

_SCRIPTS: Final = ("coding.js", "scale.js", "chart.js", "panes.js", "pointer.js", "tables.js", "main.js")


def render_page(result: BacktestResult) -> str:
    """Return the report of a backtest as a self-contained HTML page."""
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    script = f'"use strict";\n{"".join(_asset(name) for name in _SCRIPTS)}'
    digest = b64encode(sha256(script.encode()).digest()).decode("ascii")
    values = chart_data(result)
    return environment.from_string(_asset("page.html.j2")).render(
        page_contents(result),
        result=result,
        version=__version__,
        detail=_detail(values["bucket"]),
        style=Markup(_asset("page.css")),  # noqa: S704 - the package's own file
        script=Markup(script),  # noqa: S704 - the package's own files
        script_hash=f"sha256-{digest}",
        data=Markup(_data_block(values)),  # noqa: S704 - no markup can be in it
    )


def _detail(bucket: int) -> str:
    return "Close up, every bar is there, exact." if bucket == 1 else f"Close up, {bucket} bars are drawn as one."


def _data_block(values: dict[str, Any]) -> str:
    """Return the charts' data as JSON in which nothing can be taken for markup."""
    named = values | {
        "typeNames": _names(OrderType),
        "statusNames": _names(OrderStatus),
        "reasonNames": ["" if name == "none" else name for name in _names(RejectReason)],
    }
    text = json.dumps(named, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _names(kind: type[IntEnum]) -> list[str]:
    return [kind(number).name.lower().replace("_", " ") for number in range(len(kind))]


def _asset(name: str) -> str:
    return files("real_trade.report").joinpath("assets", name).read_text(encoding="utf-8")

"""Where a verb speaks: the result to stdout, everything else to stderr."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping, Sequence
from decimal import Decimal


class Output:
    """The result once, as text or as one JSON document, and remarks beside it.

    Args:
        as_json: write the document instead of the text.
    """

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json

    def result(self, document: object, text: str) -> None:
        """Write the result of the job; called once per run."""
        if self.as_json:
            print(json_text(document))
        else:
            print(_masked(text))
        sys.stdout.flush()

    def note(self, text: str) -> None:
        """Say something beside the result."""
        print(_masked(text), file=sys.stderr, flush=True)

    def warn(self, text: str) -> None:
        """Warn of something that does not stop the job."""
        self.note(f"warning: {text}")


def json_text(document: object) -> str:
    """Return strict JSON: numbers that JSON does not have become null, exact decimals stay exact as text."""
    return json.dumps(_plain(document), ensure_ascii=False, allow_nan=False, indent=2)


def _plain(value: object) -> object:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        return _masked(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, Sequence | set | frozenset):
        return [_plain(item) for item in value]
    if hasattr(value, "item"):  # a number of NumPy's
        return _plain(value.item())
    return _masked(str(value))


def _masked(text: str) -> str:
    # Without a configuration there is no secret to mask, and pydantic need not be loaded.
    module = sys.modules.get("real_trade.utils.settings_secret")
    return text if module is None else str(module.mask_secrets(text))

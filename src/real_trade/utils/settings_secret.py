"""Secrets: text that is used as it is and shown as three stars."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from pydantic_core import core_schema

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue

MASK: Final = "***"
# A shorter text would be found inside ordinary words, and masking it would tell more than it hides.
_SHORTEST: Final = 4
# More than a process ever has; the oldest is forgotten beyond it.
_MOST: Final = 256
_registered: dict[str, None] = {}
_USERINFO: Final = re.compile(r"(?<=://)[^/@\s]*:[^/@\s]*(?=@)")


class Secret(str):
    """A key or password. It is the text itself (it signs, compares and encodes as such); its ``repr`` is masked.

    >>> Secret("abcdef"), Secret("abcdef") == "abcdef", Secret("")
    ('***', True, '')
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return f"'{MASK}'" if self else "''"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        """Tell pydantic: any text becomes a secret, and is written as stars unless the context says ``reveal``."""
        return core_schema.no_info_after_validator_function(
            cls,
            core_schema.str_schema(),
            serialization=core_schema.plain_serializer_function_ser_schema(_written, info_arg=True),
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Mark the field for whoever reads the JSON Schema."""
        return {"type": "string", "format": "password", "writeOnly": True}


class ProxyUrl(str):
    """Address of a proxy; a user and password in it are masked in its ``repr``.

    >>> ProxyUrl("http://me:word@host:8080")
    'http://***@host:8080'
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return repr(mask_userinfo(self))

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        """Tell pydantic: as text, and without its password unless the context says ``reveal``."""
        return core_schema.no_info_after_validator_function(
            cls,
            core_schema.str_schema(),
            serialization=core_schema.plain_serializer_function_ser_schema(_written, info_arg=True),
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Describe it as the address it is."""
        return {"type": "string"}


def register_secret(text: str) -> None:
    """Have `mask_secrets` hide this text from now on. Texts of fewer than four characters are not hidden."""
    if len(text) >= _SHORTEST:
        _registered[str(text)] = None
        while len(_registered) > _MOST:
            del _registered[next(iter(_registered))]


def mask_secrets(text: str) -> str:
    """Return the text with every registered secret, and every password inside a URL, replaced by stars.

    >>> mask_secrets("proxy http://me:word@host failed")
    'proxy http://***@host failed'
    """
    # The longest first: one secret may be part of another.
    for secret in sorted(_registered, key=len, reverse=True):
        text = text.replace(secret, MASK)
    return mask_userinfo(text)


def mask_userinfo(text: str) -> str:
    """Return the text with ``user:password@`` of any URL in it replaced by stars."""
    return _USERINFO.sub(MASK, str(text))


def _written(value: str, info: core_schema.SerializationInfo) -> str:
    if isinstance(info.context, dict) and info.context.get("reveal"):
        return str(value)
    if isinstance(value, ProxyUrl):
        return mask_userinfo(value)
    return MASK if value else ""

"""Addresses of venues: encrypted, or on this machine; never with a password in them."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from real_trade.model.errors import ConfigError, SafetyRefusal
from real_trade.utils.settings_secret import MASK

if TYPE_CHECKING:
    from collections.abc import Mapping

PROXY_SCHEMES: Final = ("http", "https", "socks4", "socks5", "socks5h")
# By the last word of the key: the encrypted scheme and the plain one.
URL_SCHEMES: Final[Mapping[str, tuple[str, str]]] = {"rest_url": ("https", "http"), "ws_url": ("wss", "ws")}


def check_url(key: str, url: str) -> None:
    """Check one address.

    Args:
        key: its dotted key, which ends in ``rest_url`` or ``ws_url``.
        url: the address.

    Raises:
        ConfigError: it is none.
        SafetyRefusal: it is plain http or ws beyond loopback, or carries a user name.
    """
    safe, plain = URL_SCHEMES[key.rpartition(".")[2]]
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname or "", parts.port
    except ValueError:
        parts, host = urlsplit(""), ""
    if parts.scheme not in {safe, plain} or not host:
        raise ConfigError(
            f"{key} is not an address: it should begin with {safe}:// and name a host.",
            code="bad_config_value",
            field=key,
            value=MASK if "@" in url else url,
            fix=f"Write {safe}://host or, on this machine, {plain}://127.0.0.1:port.",
        )
    if parts.username is not None or parts.password is not None:
        raise SafetyRefusal(
            f"{key} carries a user name or password.",
            code="secret_in_url",
            field=key,
            value=MASK,
            fix="Remove it; venues take keys by apikey and secret.",
        )
    if parts.scheme == plain and not is_loopback(host):
        raise SafetyRefusal(
            f"{key} {url} is not encrypted and not on this machine.",
            code="insecure_url",
            field=key,
            value=url,
            fix=f"Use {safe}://; {plain}:// is allowed to 127.0.0.1, ::1 and localhost only.",
        )


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine: 127.0.0.0/8, ::1 or the word localhost.

    >>> is_loopback("127.0.0.1"), is_loopback("127.0.0.1.example.org")
    (True, False)
    """
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False

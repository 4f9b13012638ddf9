"""Layers of settings: later ones win, every value remembers where it came from, unknown keys are refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final

from real_trade.model.errors import ConfigError

# Two spellings of one key. Within one layer they must agree.
SYNONYMS: Final[Mapping[str, str]] = {"cash": "initial_cash"}
# Editors find the JSON Schema of a file by this key; it is no setting.
_SCHEMA_KEY: Final = "$schema"
# Environment names that lack the second underscore, kept because they are documented.
ENVIRONMENT_ALIASES: Final[Mapping[str, str]] = {
    "BYBIT_REST_URL": "bybit.rest_url",
    "BYBIT_WS_URL": "bybit.ws_url",
    "BINANCE_REST_URL": "binance.rest_url",
    "BINANCE_WS_URL": "binance.ws_url",
}


@dataclass(frozen=True, slots=True)
class Setting:
    """One value of one layer.

    Attributes:
        value: as it was written.
        origin: where: ``config.toml:3``, ``environment RT_SYMBOL``, ``flag --symbol``.
        spelling: the key as it was written there.
    """

    value: object
    origin: str
    spelling: str


Layer = dict[str, Setting]


def file_layer(values: Mapping[str, Any], origin_of: Any, known: Iterable[str]) -> Layer:
    """Return the settings of a file's nested tables.

    Args:
        values: nested mappings.
        origin_of: a function from the dotted key to where it stands.
        known: every dotted key there is.

    Raises:
        ConfigError: an unknown key, a table where a value belongs, or the reverse.
    """
    layer: Layer = {}
    keys = frozenset(known)
    sections = {key.rpartition(".")[0] for key in keys} | {key.partition(".")[0] for key in keys if "." in key}
    _walk(values, "", origin_of, keys, sections - {""}, layer)
    return layer


def environment_layer(environment: Mapping[str, str], prefix: str, known: Iterable[str]) -> Layer:
    """Return the settings of the environment: the prefix, then the key in capitals, ``__`` between levels.

    Raises:
        ConfigError: a variable with the prefix that names no key.
    """
    layer: Layer = {}
    keys = frozenset(known)
    for name in sorted(environment):
        if not name.startswith(prefix):
            continue
        rest = name.removeprefix(prefix)
        key = ENVIRONMENT_ALIASES.get(rest.upper()) or rest.lower().replace("__", ".")
        origin = f"environment {name}"
        if SYNONYMS.get(key, key) not in keys:
            names = {prefix + known_key.replace(".", "__").upper(): known_key for known_key in keys}
            near = get_close_matches(name.upper(), names, n=1, cutoff=0.5)
            raise _unknown(name, origin, near or sorted(names)[:3], field=name)
        _put(layer, key, Setting(environment[name], origin, name))
    return layer


def flag_layer(overrides: Mapping[str, object], flags: Mapping[str, str], known: Iterable[str]) -> Layer:
    """Return the settings given as flags; ``None`` means that the flag was not given."""
    layer: Layer = {}
    keys = frozenset(known)
    for key, value in overrides.items():
        if SYNONYMS.get(key, key) not in keys:
            raise _unknown(key, "flags", _near(key, keys), field=key)
        if value is not None:
            flag = flags.get(key, f"--{key}")
            _put(layer, key, Setting(value, f"flag {flag}", flag))
    return layer


def merge(layers: Iterable[Layer]) -> Layer:
    """Return every key's last setting."""
    merged: Layer = {}
    for layer in layers:
        merged.update(layer)
    return merged


def nested(layer: Layer) -> dict[str, Any]:
    """Return the values as nested tables."""
    tree: dict[str, Any] = {}
    for key, setting in layer.items():
        *path, last = key.split(".")
        table = tree
        for part in path:
            table = table.setdefault(part, {})
        table[last] = setting.value
    return tree


def unify_synonyms(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return top-level values with synonyms replaced by the key they stand for.

    Raises:
        ConfigError: both spellings are there and differ.
    """
    unified = dict(values)
    for synonym, key in SYNONYMS.items():
        if synonym in unified:
            value = unified.pop(synonym)
            if key in unified and not _same(unified[key], value):
                raise _two_values(key, synonym, value)
            unified.setdefault(key, value)
    return unified


def unknown_key(key: str, known: Iterable[str]) -> ConfigError:
    """Return the error for a key that does not exist, with the nearest that do."""
    return _unknown(key, None, _near(key, frozenset(known)), field=key)


def _walk(
    values: Mapping[str, Any],
    prefix: str,
    origin_of: Any,
    known: frozenset[str],
    sections: set[str],
    layer: Layer,
) -> None:
    for name, value in values.items():
        key = f"{prefix}{name}"
        origin = origin_of(key)
        if key == _SCHEMA_KEY:
            continue
        if key in sections:
            if not isinstance(value, Mapping):
                raise ConfigError(
                    f"{key} is a table of settings, not a value ({origin}).",
                    code="bad_config_value",
                    field=key,
                    fix=f"Write, for instance, {key}.{_first_in(key, known)}.",
                )
            _walk(value, f"{key}.", origin_of, known, sections, layer)
        elif SYNONYMS.get(key, key) in known:
            _put(layer, key, Setting(value, origin, key))
        else:
            raise _unknown(key, origin, _near(key, known), field=key)


def _put(layer: Layer, key: str, setting: Setting) -> None:
    key = SYNONYMS.get(key, key)
    before = layer.get(key)
    if before is not None and not _same(before.value, setting.value):
        raise _two_values(before.spelling, setting.spelling, setting.value, setting.origin)
    layer[key] = setting


def _same(one: object, other: object) -> bool:
    try:
        return one == other or float(str(one)) == float(str(other))
    except ValueError:
        return False


def _near(key: str, known: frozenset[str]) -> list[str]:
    words = [*known, *SYNONYMS]
    near = get_close_matches(key, words, n=2)
    if not near:  # the right word in the wrong table, or the reverse
        last = key.rpartition(".")[2]
        near = [word for word in sorted(words) if word.rpartition(".")[2] == last][:2]
    return near


def _first_in(section: str, known: frozenset[str]) -> str:
    return min(key.removeprefix(f"{section}.") for key in known if key.startswith(f"{section}."))


def _unknown(key: str, origin: str | None, near: list[str], *, field: str) -> ConfigError:
    place = f" ({origin})" if origin and key not in origin else ""
    return ConfigError(
        f"Unknown setting {key!r}{place}.",
        code="unknown_setting",
        field=field,
        value=key,
        fix=f"Did you mean {' or '.join(near)}?" if near else "List the settings with: real-trade show-config",
    )


def _two_values(one: str, other: str, value: object, origin: str = "") -> ConfigError:
    place = f" ({origin})" if origin else ""
    return ConfigError(
        f"{one} and {other} are one setting and have two values{place}.",
        code="two_values",
        field=one,
        value=value if isinstance(value, int | float) else None,
        fix="Keep one of them.",
    )

"""The one configuration: defaults, then files, then the environment, then flags; later ones win.

    config = GlobalConfig(exchange="binance", symbol="BTC/USDT")      # in code
    config = GlobalConfig.from_json("config.json")                    # one file
    config = GlobalConfig.from_env("RT_")                             # the environment
    loaded = load_config(["base.toml", "mine.yaml"], os.environ)      # all layers, each value with its origin

Keys and passwords hold their text and are masked in ``repr``, in logs and in `GlobalConfig.to_dict`.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from real_trade.model.errors import ConfigError, InputError, RealTradeError, SafetyRefusal
from real_trade.model.instrument import Market
from real_trade.model.interval import Interval
from real_trade.utils.registry import VENUE_HISTORY
from real_trade.utils.settings_files import read_settings_file
from real_trade.utils.settings_layers import (
    Layer,
    Setting,
    environment_layer,
    file_layer,
    flag_layer,
    merge,
    nested,
    unify_synonyms,
    unknown_key,
)
from real_trade.utils.settings_secret import MASK, ProxyUrl, Secret, register_secret
from real_trade.utils.settings_urls import PROXY_SCHEMES, URL_SCHEMES, check_url

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["GlobalConfig", "LoadedConfig", "MarketUrls", "VenueSettings", "config_schema", "load_config"]

_SECRET_KEYS: Final = frozenset({"apikey", "secret"})


def _number(value: object) -> object:
    # pydantic would read true as 1.0, which no one who writes it means.
    if isinstance(value, bool):
        raise PydanticCustomError("number", "Input should be a number")
    return value


_NO_BOOL: Final = BeforeValidator(_number)
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False), _NO_BOOL]
Fraction = Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False), _NO_BOOL]


class _Section(BaseModel):
    """Frozen, and closed to keys that do not exist."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    @field_validator("rest_url", "ws_url", mode="after", check_fields=False)
    @classmethod
    def _tidy_url(cls, url: str | None) -> str | None:
        return url.strip().rstrip("/") if url else None

    @field_validator("proxy", mode="after", check_fields=False)
    @classmethod
    def _check_proxy(cls, proxy: ProxyUrl | None) -> ProxyUrl | None:
        if proxy:
            parts = urlsplit(proxy)
            if parts.scheme not in PROXY_SCHEMES or not parts.hostname:
                schemes = ", ".join(PROXY_SCHEMES)
                raise PydanticCustomError("proxy", f"Input should be an address such as http://host:8080 ({schemes})")
        return proxy


class MarketUrls(_Section):
    """Addresses of one market of a venue, where they differ from the venue's."""

    rest_url: str | None = Field(default=None, description="REST base URL of this market")
    ws_url: str | None = Field(default=None, description="WebSocket base URL of this market")


class VenueSettings(_Section):
    """Addresses of one venue. Without any, the venue's public ones are used."""

    rest_url: str | None = Field(default=None, description="REST base URL of every market of the venue")
    ws_url: str | None = Field(default=None, description="WebSocket base URL of every market of the venue")
    proxy: ProxyUrl | None = Field(default=None, description="proxy for this venue; none given: the general one")
    spot: MarketUrls = Field(default_factory=MarketUrls)
    linear: MarketUrls = Field(default_factory=MarketUrls)
    inverse: MarketUrls = Field(default_factory=MarketUrls)

    def rest_for(self, market: str) -> str | None:
        """Return the REST base URL of a market (``spot``, ``linear``, ``inverse``), or None for the public one."""
        return self._of(market).rest_url or self.rest_url

    def ws_for(self, market: str) -> str | None:
        """Return the WebSocket base URL of a market, or None for the public one."""
        return self._of(market).ws_url or self.ws_url

    def _of(self, market: str) -> MarketUrls:
        urls: MarketUrls = getattr(self, str(Market.parse(market)))
        return urls


class GlobalConfig(_Section):
    """Every setting there is; frozen, checked when built.

    Raises:
        ConfigError: an unknown key or a value that cannot be used.
        SafetyRefusal: an address that is not encrypted and not on this machine.
    """

    exchange: str = Field(default="bybit", description="venue: bybit or binance")
    apikey: Secret = Field(default=Secret(""), description="API key; better in the environment than in a file")
    secret: Secret = Field(default=Secret(""), description="API secret; better in the environment than in a file")
    testnet: bool = Field(
        default=True, description="trade on the venue's test network; history always comes from the real one"
    )
    symbol: str = Field(default="BTCUSDT", min_length=1, description="BTCUSDT, BTC/USDT or BTC/USDT:USDT")
    timeframe: str = Field(default="1m", description="bar length: 1m 5m 1h 1d ..., or Bybit's 1, 60, D")
    paper_trading: bool = Field(default=True, description="fills are simulated, no order leaves this machine")
    initial_cash: Positive = Field(default=10000.0, description="starting money, in the settlement currency")
    commission: Fraction | None = Field(
        default=None,
        description="fee as a fraction of the value traded; none given: the instrument's own rates",
    )
    market_type: Literal["spot", "linear", "inverse"] = Field(default="linear", description="spot, linear or inverse")
    data_dir: str | None = Field(default=None, description="folder of the store; none given: the user's data folder")
    cache_dir: str | None = Field(
        default=None, description="folder of compiled strategies; none given: the user's cache folder"
    )
    proxy: ProxyUrl | None = Field(
        default=None, description='http://host:8080, socks5://host:1080; "" for none; none given: the system\'s'
    )
    historical_limit: Annotated[int, Field(ge=1, le=1_000_000), _NO_BOOL] = Field(
        default=1000, description="bars of history when no dates are given"
    )
    timeout: Positive = Field(default=10.0, description="seconds to wait for a venue's answer")
    reconnect: Annotated[int, Field(ge=-1), _NO_BOOL] = Field(
        default=3, description="attempts after a lost connection; -1 without end, 0 never"
    )
    rate_limit: bool = Field(default=True, description="pace requests by the venue's documented limits")
    bybit: VenueSettings = Field(default_factory=VenueSettings)
    binance: VenueSettings = Field(default_factory=VenueSettings)

    @property
    def cash(self) -> float:
        """Return ``initial_cash``; both words may be used to set it."""
        return self.initial_cash

    @classmethod
    def from_json(cls, filepath: str | Path) -> Self:
        """Return the configuration of one file; YAML, TOML and literal Python files are read too."""
        file = read_settings_file(filepath)
        return cls.from_layers([file_layer(file.values, file.origin, _leaves())])

    @classmethod
    def from_env(cls, prefix: str = "RT_") -> Self:
        """Return the configuration of the environment: ``RT_SYMBOL``, ``RT_BYBIT__REST_URL`` and so on."""
        return cls.from_layers([environment_layer(os.environ, prefix, _leaves())])

    def to_dict(self, *, reveal: bool = False) -> dict[str, Any]:
        """Return nested plain values; keys and passwords are ``***`` unless ``reveal``."""
        return self.model_dump(context={"reveal": reveal})

    def venue(self, name: str | None = None) -> VenueSettings:
        """Return the addresses of a venue, by default of ``exchange``."""
        settings: VenueSettings = getattr(self, (name or self.exchange).lower())
        return settings

    def proxy_for(self, name: str | None = None) -> str | None:
        """Return the proxy of a venue: None for the system's, empty for none, else its address."""
        own = self.venue(name).proxy
        return self.proxy if own is None else own

    @classmethod
    def from_layers(cls, layers: Sequence[Layer]) -> Self:
        """Return the configuration of layers of settings, the last one strongest; see `load_config`."""
        merged = merge(layers)
        try:
            return cls.model_validate(nested(merged))
        except (ConfigError, SafetyRefusal) as error:
            setting = merged.get(error.field or "")
            if setting is None:
                raise
            raise _with_origin(error, setting) from None

    @field_validator("exchange", mode="after")
    @classmethod
    def _check_exchange(cls, name: str) -> str:
        word = name.strip().lower()
        if word not in VENUE_HISTORY:
            raise PydanticCustomError("venue", f"Input should be {' or '.join(sorted(VENUE_HISTORY))}")
        return word

    @field_validator("market_type", mode="before")
    @classmethod
    def _check_market(cls, word: object) -> str:
        try:
            return str(Market.parse(str(word)))
        except InputError as error:
            raise PydanticCustomError("market", "Input should be spot, linear or inverse") from error

    @field_validator("timeframe", mode="after")
    @classmethod
    def _check_timeframe(cls, word: str) -> str:
        try:
            Interval.parse(word)
        except InputError as error:
            raise PydanticCustomError("interval", "Input should be a bar length such as 1m, 1h or 1d") from error
        return word

    @field_validator("timeout", mode="after")
    @classmethod
    def _check_timeout(cls, seconds: float) -> float:
        if seconds >= 1000:
            raise PydanticCustomError("seconds", "Input should be in seconds, fewer than 1000")
        return seconds

    @model_validator(mode="wrap")
    @classmethod
    def _speak_plainly(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """Turn pydantic's findings into the house's errors, and refuse what is unsafe."""
        if isinstance(data, dict):
            data = unify_synonyms(data)
        try:
            config = handler(data)
        except ValidationError as error:
            raise _config_error(error) from None
        for key, url in _urls_of(config):
            check_url(key, url)
        for text in (config.apikey, config.secret):
            register_secret(text)
        return config


@dataclass(frozen=True, slots=True)
class LoadedConfig:
    """A configuration and where each value came from.

    Attributes:
        config: the settings.
        origins: by dotted key: ``default``, ``config.toml:3``, ``environment RT_SYMBOL``, ``flag --symbol``.
        warnings: sentences for the reader.
    """

    config: GlobalConfig
    origins: Mapping[str, str]
    warnings: tuple[str, ...] = ()


def load_config(
    files: Sequence[str | Path] = (),
    env: Mapping[str, str] | None = None,
    overrides: Mapping[str, object] | None = None,
    *,
    flags: Mapping[str, str] | None = None,
    prefix: str = "RT_",
) -> LoadedConfig:
    """Return the settings of all layers: defaults < files in their order < environment < flags.

    Args:
        files: configuration files; a later one wins.
        env: the environment; by default that of the process.
        overrides: values given as flags by dotted key; None where not given.
        flags: name of the flag by key, for the origin; by default ``--key``.
        prefix: what the environment's names begin with.

    Raises:
        ConfigError: an unreadable file, an unknown key, a value that cannot be used.
        SafetyRefusal: an unencrypted address beyond this machine; a secret given as a flag.
    """
    overrides = overrides or {}
    for key in _SECRET_KEYS & overrides.keys():
        raise SafetyRefusal(
            f"{key} cannot be given as a flag, where other users of the machine can read it.",
            code="secret_in_flag",
            field=key,
            value=MASK,
            fix=f"Set {prefix}{key.upper()} in the environment, or use a file that only you can read.",
        )
    read = [read_settings_file(path) for path in files]
    layers = [file_layer(file.values, file.origin, _leaves()) for file in read]
    warnings = [w for f, layer in zip(read, layers, strict=True) for w in _permission_warnings(f.path, layer)]
    layers.append(environment_layer(os.environ if env is None else env, prefix, _leaves()))
    layers.append(flag_layer(overrides, flags or {}, _leaves()))
    merged = merge(layers)
    origins = {key: merged[key].origin if key in merged else "default" for key in _leaves()}
    return LoadedConfig(GlobalConfig.from_layers(layers), origins, tuple(warnings))


def config_schema() -> dict[str, Any]:
    """Return the JSON Schema of a configuration file."""
    schema = GlobalConfig.model_json_schema()
    properties: dict[str, Any] = schema["properties"]
    properties["cash"] = {**properties["initial_cash"], "title": "Cash", "description": "the same as initial_cash"}
    properties["$schema"] = {"type": "string", "description": "where this schema is; for editors"}
    properties["exchange"]["enum"] = sorted(VENUE_HISTORY)
    title = "Configuration of real_trade"
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": title,
        "description": "Settings of real_trade",
    }


@cache
def _leaves() -> dict[str, str]:
    """Return every dotted key and its meaning, in the order of the fields."""
    return _leaves_of(GlobalConfig, "")


def _urls_of(config: GlobalConfig) -> list[tuple[str, str]]:
    """Return key and value of every address that is set."""
    found: list[tuple[str, str]] = []
    for key in _leaves():
        *path, last = key.split(".")
        if last in URL_SCHEMES:
            section: Any = config
            for part in path:
                section = getattr(section, part)
            if url := getattr(section, last):
                found.append((key, url))
    return found


def _leaves_of(model: type[BaseModel], prefix: str) -> dict[str, str]:
    keys: dict[str, str] = {}
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            keys |= _leaves_of(kind, f"{prefix}{name}.")
        else:
            keys[prefix + name] = field.description or ""
    return keys


def _config_error(error: ValidationError) -> ConfigError:
    first = error.errors(include_url=False, include_input=True)[0]
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return unknown_key(key, _leaves())
    value = first["input"]
    shown = MASK if key in _SECRET_KEYS or key.endswith("proxy") else str(value)[:80]
    reason = first["msg"].removeprefix("Input ")
    return ConfigError(
        f"{key} {shown!r} cannot be used: it {reason}.",
        code="bad_config_value",
        field=key,
        value=shown,
        fix=f"Meaning: {_leaves()[key]}." if key in _leaves() else None,
    )


def _with_origin(error: RealTradeError, setting: Setting) -> RealTradeError:
    """Return the error said in the words of the layer: a flag by its name, anything else with its place."""
    field, message = error.field or "", f"{error.message.rstrip('.')} ({setting.origin})."
    if setting.origin.startswith("flag "):
        field, message = setting.spelling, error.message.replace(field, setting.spelling, 1)
    return type(error)(message, code=error.code, field=field, value=error.value, fix=error.fix)


def _permission_warnings(path: Path, layer: Layer) -> list[str]:
    secret = any(key in _SECRET_KEYS or (key.endswith("proxy") and "@" in str(s.value)) for key, s in layer.items())
    if not secret or os.name != "posix":
        return []
    try:
        mode = path.stat().st_mode
    except OSError:
        return []
    if not mode & (stat.S_IRWXG | stat.S_IRWXO):
        return []
    return [f"{path} holds a secret and can be read by other users; run: chmod 600 {path}"]

"""The one configuration: its fields, its secrets, its layers and its refusals."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from real_trade.model.errors import ConfigError, SafetyRefusal
from real_trade.utils.config import GlobalConfig, config_schema, load_config

SCHEMA_FILE = Path(__file__).parents[2] / "docs" / "config.schema.json"
# A value of each kind of setting that differs from its default, as it may stand in a file.
OTHER = {
    "exchange": "binance",
    "apikey": "key-0123456789",
    "secret": "word-0123456789",
    "testnet": False,
    "symbol": "ETH/USDT",
    "timeframe": "1h",
    "paper_trading": False,
    "initial_cash": 2500.5,
    "commission": 0.0004,
    "market_type": "spot",
    "data_dir": "somewhere",
    "cache_dir": "elsewhere",
    "proxy": "socks5://127.0.0.1:1080",
    "historical_limit": 77,
    "timeout": 3.5,
    "reconnect": -1,
    "rate_limit": False,
    "bybit.rest_url": "https://one.example",
    "bybit.ws_url": "wss://one.example",
    "bybit.proxy": "http://127.0.0.1:1",
    "binance.linear.rest_url": "http://127.0.0.1:9",
    "binance.rest_url": "https://two.example",
}


def value_of(config: GlobalConfig, key: str) -> Any:
    value: Any = config
    for part in key.split("."):
        value = getattr(value, part)
    return value


def nest(flat: dict[str, Any]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for key, value in flat.items():
        *path, last = key.split(".")
        table = tree
        for part in path:
            table = table.setdefault(part, {})
        table[last] = value
    return tree


def as_environment(flat: dict[str, Any]) -> dict[str, str]:
    return {"RT_" + key.replace(".", "__").upper(): str(value) for key, value in flat.items()}


def test_the_nine_fields_are_first_and_take_what_the_documents_show() -> None:
    assert list(GlobalConfig.model_fields)[:9] == [
        "exchange", "apikey", "secret", "testnet", "symbol", "timeframe", "paper_trading", "initial_cash", "commission",
    ]  # fmt: skip
    config = GlobalConfig(
        exchange="binance",
        apikey="your_api_key",
        secret="your_secret",
        testnet=True,
        symbol="BTC/USDT",
        timeframe="1h",
        paper_trading=True,
        initial_cash=10000.0,
        commission=0.001,
    )
    assert (config.exchange, config.apikey, config.symbol) == ("binance", "your_api_key", "BTC/USDT")
    assert config.cash == config.initial_cash == 10000.0


def test_secrets_hold_their_text_and_never_show_it() -> None:
    config = GlobalConfig(apikey="key-0123456789", secret="word-0123456789", proxy="http://me:pass-word@h:1")
    assert config.secret.encode() == b"word-0123456789"
    shown = [repr(config), str(config), str(config.to_dict()), config.model_dump_json(), repr(config.secret)]
    for text in shown:
        assert "0123456789" not in text
        assert "pass-word" not in text
    assert config.to_dict(reveal=True)["secret"] == "word-0123456789"
    assert config.to_dict(reveal=True)["proxy"] == "http://me:pass-word@h:1"
    assert GlobalConfig(**config.to_dict(reveal=True)) == config


def test_a_configuration_does_not_change() -> None:
    with pytest.raises(ValueError, match="frozen"):
        GlobalConfig().symbol = "ETHUSDT"


@pytest.mark.parametrize(
    ("given_values", "field", "words"),
    [
        ({"symbl": "X"}, "symbl", "Did you mean symbol?"),
        ({"bybit": {"rest_ur": "x"}}, "bybit.rest_ur", "Did you mean bybit.rest_url"),
        ({"cash": 1, "initial_cash": 2}, "initial_cash", "two values"),
        ({"testnet": "maybe"}, "testnet", "valid boolean"),
        ({"initial_cash": True}, "initial_cash", "a number"),
        ({"initial_cash": 0}, "initial_cash", "greater than 0"),
        ({"initial_cash": float("nan")}, "initial_cash", "it should be"),
        ({"commission": -0.001}, "commission", "greater than or equal to 0"),
        ({"commission": float("inf")}, "commission", "it should be"),
        ({"timeout": 10_000}, "timeout", "in seconds"),
        ({"exchange": "bybt"}, "exchange", "binance or bybit"),
        ({"market_type": "options"}, "market_type", "spot, linear or inverse"),
        ({"timeframe": "7m"}, "timeframe", "a bar length"),
        ({"symbol": ""}, "symbol", "at least 1 character"),
        ({"proxy": "127.0.0.1:7890"}, "proxy", "an address"),
        ({"bybit": {"rest_url": "api.bybit.com"}}, "bybit.rest_url", "begin with https://"),
        ({"bybit": {"ws_url": "https://api.bybit.com"}}, "bybit.ws_url", "begin with wss://"),
        ({"bybit": 5}, "bybit", "it should be"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_key(given_values: dict[str, Any], field: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        GlobalConfig(**given_values)
    assert caught.value.field == field
    assert words in str(caught.value)
    assert caught.value.exit_code == 2


def test_cash_and_initial_cash_are_one() -> None:
    assert GlobalConfig(cash=5).initial_cash == 5.0
    assert GlobalConfig(cash=5, initial_cash=5.0).cash == 5.0


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://api.example", True),
        ("http://127.0.0.1:8701", True),
        ("http://127.8.8.8", True),
        ("http://[::1]:8701", True),
        ("http://localhost:1", True),
        ("http://api.example", False),
        ("http://127.0.0.1.example", False),
        ("http://localhost.example", False),
        ("http://127.0.0.1@example.org", False),
        ("http://10.0.0.1", False),
        ("https://me:word@api.example", False),
    ],
)
def test_plain_http_reaches_this_machine_only(url: str, *, safe: bool) -> None:
    for key in ("bybit.rest_url", "binance.spot.rest_url"):
        if safe:
            assert value_of(GlobalConfig(**nest({key: url})), key) == url
            continue
        with pytest.raises(SafetyRefusal) as caught:
            GlobalConfig(**nest({key: url}))
        assert caught.value.field == key
        assert caught.value.exit_code == 4


def test_a_market_address_wins_over_the_venue_address() -> None:
    config = GlobalConfig(
        **nest({"binance.rest_url": "https://all.example", "binance.inverse.rest_url": "https://coin"})
    )
    assert config.binance.rest_for("spot") == "https://all.example"
    assert config.binance.rest_for("inverse") == "https://coin"
    assert config.bybit.rest_for("linear") is None
    assert config.venue("BINANCE") is config.binance


def test_a_venue_takes_the_general_proxy_unless_it_has_one() -> None:
    config = GlobalConfig(**nest({"proxy": "http://h:1", "binance.proxy": ""}))
    assert config.proxy_for("bybit") == "http://h:1"
    assert config.proxy_for("binance") == ""


LAYERS = st.lists(st.sets(st.sampled_from(sorted(OTHER))), min_size=4, max_size=4)


@given(LAYERS)
def test_later_layers_win_and_every_value_knows_its_origin(tmp_path_factory: Any, chosen: list[set[str]]) -> None:
    """Each layer sets a drawn subset; what is in force must be the last one that set it."""
    folder = tmp_path_factory.mktemp("layers")
    default = GlobalConfig()
    in_json, in_toml, in_env, in_flags = chosen
    # The JSON layer holds other values than the rest, so that a lost layer shows; the others are told apart by origin.
    (folder / "a.json").write_text(json.dumps(nest({k: OTHER[k] for k in in_json})))
    (folder / "b.toml").write_text("".join(f"{k} = {json.dumps(OTHER[k])}\n" for k in sorted(in_toml)))
    for file in folder.iterdir():
        file.chmod(0o600)
    flags = {k: OTHER[k] for k in in_flags - {"apikey", "secret"}}
    loaded = load_config([folder / "a.json", folder / "b.toml"], as_environment({k: OTHER[k] for k in in_env}), flags)
    for key, origin in loaded.origins.items():
        if key in flags:
            expected = "flag"
        elif key in in_env:
            expected = "environment"
        elif key in in_toml:
            expected = str(folder / "b.toml")
        elif key in in_json:
            expected = str(folder / "a.json")
        else:
            expected = "default"
        assert origin.startswith(expected), key
        assert value_of(loaded.config, key) == (value_of(default, key) if expected == "default" else OTHER[key])
    assert loaded.warnings == ()


def test_each_layer_overrides_the_one_before(tmp_path: Path) -> None:
    first, second = tmp_path / "1.yaml", tmp_path / "2.json"
    first.write_text("symbol: ONE\ninitial_cash: 1\ntimeframe: 1h\nhistorical_limit: 1\n")
    second.write_text('{"symbol": "TWO", "cash": 2, "timeframe": "2h"}')
    config = load_config([first, second], {"RT_SYMBOL": "THREE", "RT_CASH": "3"}, {"symbol": "FOUR"}).config
    assert (config.symbol, config.initial_cash, config.timeframe, config.historical_limit) == ("FOUR", 3.0, "2h", 1)


def test_the_documented_environment_names_and_their_aliases() -> None:
    for venue in ("bybit", "binance"):
        for kind, url in (("rest_url", "http://127.0.0.1:1"), ("ws_url", "ws://127.0.0.1:1")):
            for name in (f"RT_{venue}_{kind}".upper(), f"RT_{venue}__{kind}".upper()):
                loaded = load_config(env={name: url})
                assert value_of(loaded.config, f"{venue}.{kind}") == url
                assert loaded.origins[f"{venue}.{kind}"] == f"environment {name}"
    with pytest.raises(ConfigError, match="two values"):
        load_config(env={"RT_BYBIT_REST_URL": "https://a", "RT_BYBIT__REST_URL": "https://b"})
    with pytest.raises(ConfigError, match="Did you mean RT_SYMBOL"):
        load_config(env={"RT_SYMBL": "X"})


def test_errors_name_the_place(tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_text('symbol = "X"\n\n[bybit]\nrest_url = "http://far.example"\n')
    with pytest.raises(SafetyRefusal, match=r"c\.toml:4"):
        load_config([file], {})
    with pytest.raises(ConfigError, match="environment RT_TESTNET"):
        load_config(env={"RT_TESTNET": "perhaps"})
    with pytest.raises(ConfigError, match="--venue 'bybt'") as caught:
        load_config(env={}, overrides={"exchange": "bybt"}, flags={"exchange": "--venue"})
    assert caught.value.field == "--venue"


def test_secrets_are_not_taken_as_flags() -> None:
    with pytest.raises(SafetyRefusal) as caught:
        load_config(env={}, overrides={"secret": "word-0123456789"})
    assert "0123456789" not in json.dumps(caught.value.to_dict())


def test_a_wrong_secret_is_not_quoted(tmp_path: Path) -> None:
    file = tmp_path / "c.json"
    file.write_text('{"apikey": ["key-0123456789"]}')
    with pytest.raises(ConfigError) as caught:
        GlobalConfig.from_json(file)
    assert "0123456789" not in json.dumps(caught.value.to_dict()) + repr(caught.value)


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_a_secret_that_others_can_read_is_warned_of(tmp_path: Path) -> None:
    file = tmp_path / "c.json"
    file.write_text('{"secret": "word-0123456789"}')
    file.chmod(0o644)
    assert "chmod 600" in load_config([file], {}).warnings[0]
    file.chmod(0o600)
    assert load_config([file], {}).warnings == ()


def test_from_json_and_from_env(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "config.json"
    file.write_text('{"exchange": "binance", "bybit": {"rest_url": "https://x.example/"}}')
    config = GlobalConfig.from_json(str(file))
    assert (config.exchange, config.bybit.rest_url) == ("binance", "https://x.example")
    monkeypatch.setenv("QQ_EXCHANGE", "binance")
    monkeypatch.setenv("QQ_BINANCE__LINEAR__REST_URL", "https://y.example")
    config = GlobalConfig.from_env("QQ_")
    assert (config.exchange, config.binance.rest_for("linear")) == ("binance", "https://y.example")


def test_the_published_schema_is_current_and_judges_like_the_program() -> None:
    schema = config_schema()
    assert json.loads(SCHEMA_FILE.read_text()) == schema, "run: make docs"
    jsonschema.Draft202012Validator.check_schema(schema)
    judge = jsonschema.Draft202012Validator(schema)
    assert judge.is_valid(nest(OTHER))
    assert judge.is_valid({"$schema": "x", "cash": 5})
    for wrong in ({"symbl": "X"}, {"testnet": 7}, {"exchange": "bybt"}, {"bybit": {"rest": "x"}}, {"commission": -1}):
        assert not judge.is_valid(wrong)

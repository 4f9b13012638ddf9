"""Configuration files: four kinds, exact lines, nothing executed, broken ones refused in one sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from real_trade.model.errors import ConfigError
from real_trade.utils.config import GlobalConfig
from real_trade.utils.settings_files import read_settings_file

if TYPE_CHECKING:
    from pathlib import Path


GOOD = {
    "a.json": '{\n  "symbol": "X:{",\n  "bybit": {\n    "rest_url": "https://b"\n  },\n  "timeout": 5\n}',
    "a.yaml": "symbol: 'X:{'\n\nbybit:\n  rest_url: https://b\n\ntimeout: 5\n",
    "a.toml": 'symbol = "X:{"\n# remark\ntimeout = 5\n[bybit]\nrest_url = "https://b"\n',
    "a.py": '"""Mine."""\n\nsymbol = "X:{"\ntimeout: int = 5\nbybit = {\n    "rest_url": "https://b",\n}\n',
    "b.py": '{\n"symbol": "X:{", "timeout": 5,\n"bybit": {"rest_url": "https://b"}}\n',
}
LINES = {
    "a.json": {"symbol": 2, "bybit.rest_url": 4, "timeout": 6},
    "a.yaml": {"symbol": 1, "bybit.rest_url": 4, "timeout": 6},
    "a.toml": {"symbol": 1, "bybit.rest_url": 5, "timeout": 3},
    "a.py": {"symbol": 3, "bybit.rest_url": 6, "timeout": 4},
    "b.py": {"symbol": 2, "bybit.rest_url": 3, "timeout": 2},
}


@pytest.mark.parametrize("name", GOOD)
def test_each_kind_says_the_same_and_knows_its_lines(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text(GOOD[name])
    file = read_settings_file(path)
    assert file.values == {"symbol": "X:{", "timeout": 5, "bybit": {"rest_url": "https://b"}}
    for key, line in LINES[name].items():
        assert file.origin(key) == f"{path}:{line}"
    assert GlobalConfig.from_json(path).bybit.rest_url == "https://b"


BROKEN = [
    ("a.json", '{"symbol": "X",\n "timeout": }', 2),
    ("a.json", '{"symbol": "X", "symbol": "Y"}', None),
    ("a.json", '{"timeout": NaN}', None),
    ("a.json", "[1, 2]", None),
    ("a.json", "[" * 50_000, None),
    ("a.yaml", "symbol: X\n  timeout: 5\n", 2),
    ("a.yaml", "symbol: X\nsymbol: Y\n", 2),
    ("a.yaml", "a: &one [1]\nb: [*one, *one]\n", None),
    ("a.yaml", "symbol: !!python/object/apply:os.getcwd []\n", 1),
    ("a.yaml", "symbol: 2024-99-99\n", None),
    ("a.yaml", "just words", None),
    ("a.toml", "symbol = 'X'\ntimeout = \n", 2),
    ("a.toml", "symbol = 'X'\nsymbol = 'Y'\n", 2),
    ("a.py", "symbol = 'X'\nimport os\n", 2),
    ("a.py", "symbol = open('/etc/passwd').read()\n", 1),
    ("a.py", "symbol = 'X'\nsymbol = 'Y'\n", 2),
    ("a.py", "symbol = (\n", 1),
    ("a.py", "{'a': 1, 'a': 2}\n", 1),
]


@pytest.mark.parametrize(("name", "text", "line"), BROKEN)
def test_a_broken_file_is_refused_with_name_and_line(tmp_path: Path, name: str, text: str, line: int | None) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        GlobalConfig.from_json(path)
    assert caught.value.code == "unreadable_config"
    assert str(path) in caught.value.message
    if line is not None:
        assert f"line {line}" in caught.value.message
    assert "\n" not in caught.value.message


def test_a_python_file_is_never_run(tmp_path: Path) -> None:
    path = tmp_path / "c.py"
    path.write_text(f"symbol = 'X'\nopen({str(tmp_path / 'proof')!r}, 'w')\n")
    with pytest.raises(ConfigError, match="not run"):
        GlobalConfig.from_json(path)
    assert not (tmp_path / "proof").exists()


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read_settings_file(tmp_path / "absent.json")
    (tmp_path / "folder.json").mkdir()
    with pytest.raises(ConfigError, match="cannot be read"):
        read_settings_file(tmp_path / "folder.json")
    (tmp_path / "a.ini").write_text("[x]\n")
    with pytest.raises(ConfigError, match="no known kind"):
        read_settings_file(tmp_path / "a.ini")
    (tmp_path / "big.json").write_text(" " * 1_000_001)
    with pytest.raises(ConfigError, match="larger than"):
        read_settings_file(tmp_path / "big.json")
    (tmp_path / "latin.toml").write_bytes(b'a = 1\nsymbol = "\xff"\n')
    with pytest.raises(ConfigError, match="line 2"):
        read_settings_file(tmp_path / "latin.toml")


def test_an_unknown_key_names_its_line(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text('[bybit]\nrest_ulr = "https://b"\n')
    with pytest.raises(ConfigError, match=r"c\.toml:2.*Did you mean bybit\.rest_url"):
        GlobalConfig.from_json(path)
    path.write_text("bybit = 5\n")
    with pytest.raises(ConfigError, match="is a table"):
        GlobalConfig.from_json(path)
    path.write_text("cash = 5\ninitial_cash = 6\n")
    with pytest.raises(ConfigError, match="two values"):
        GlobalConfig.from_json(path)

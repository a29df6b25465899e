"""`conch serve`: what its words come to. The server itself is tested in tests/server."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click
import pytest

from conch.cli.serve import command
from conch.config.serve import ServeConfig
from conch.core import env
from conch.server import run
from tests.cli.program import call


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[ServeConfig]:
    """The configs that would have been served."""
    monkeypatch.delenv("CONCH_API_KEY", raising=False)
    configs: list[ServeConfig] = []
    monkeypatch.setattr(run, "serve", lambda config, *_: configs.append(config))
    return configs


def test_without_options_the_config_decides(served: list[ServeConfig]) -> None:
    assert call("serve", "m").code == 0
    assert served == [ServeConfig(model="m")]


def test_every_setting_has_an_option(served: list[ServeConfig]) -> None:
    options = {option for param in command.params for option in param.opts}
    renamed = {"--model", "--adapters", "--enable-thinking", "--cors-origins"}
    fields = {f"--{name.replace('_', '-')}" for name in ServeConfig.model_fields} - renamed
    assert fields <= options
    assert [p.name for p in command.params if isinstance(p, click.Option) and not p.help] == []
    words = (
        "serve m --adapter shop=x --name mine --host localhost --port 1 --template chatml "
        "--require-key --cors-origin https://a.example --adapter-dir dir "
        "--no-thinking --trust-remote-code --max-new-tokens 5 --max-concurrent-requests 6 "
        "--max-parallel-answers 7 --request-seconds 8 "
        "--engine transformers --context-length 512 --gguf-type bf16"
    )
    assert call(*words.split()).code == 0
    expected: dict[str, Any] = {
        "model": "m",
        "adapters": {"shop": "x"},
        "engine": "transformers",
        "context_length": 512,
        "gguf_type": "bf16",
        "name": "mine",
        "host": "localhost",
        "port": 1,
        "api_key": None,
        "require_key": True,
        "cors_origins": ("https://a.example",),
        "adapter_dir": "dir",
        "enable_thinking": False,
        "template": "chatml",
        "trust_remote_code": True,
        "max_new_tokens": 5,
        "max_concurrent_requests": 6,
        "max_parallel_answers": 7,
        "request_seconds": 8.0,
    }
    assert served[0].model_dump() == expected


def test_an_empty_name_is_a_usage_error(served: list[ServeConfig]) -> None:
    assert call("serve", "").code == 2
    assert served == []


def test_a_key_from_a_file_or_the_environment(
    served: list[ServeConfig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "key"
    file.write_text(" from-file \n")
    monkeypatch.setenv("CONCH_API_KEY", "from-environment")
    assert env.api_key() == "from-environment"
    for words in ([], ["--api-key", "from-words"], ["--api-key-file", str(file)]):
        assert call("serve", "m", *words).code == 0
    assert [config.api_key for config in served] == ["from-environment", "from-words", "from-file"]
    monkeypatch.setenv("CONCH_API_KEY", "")
    call("serve", "m")
    assert served[-1].api_key is None


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "0 lines"),
        (b" \n", "0 lines"),
        (b"one\ntwo\n", "2 lines"),
        (b"\xff\xfe\x00", "UTF-8"),
        (None, "No such"),
    ],
)
def test_files_that_hold_no_key(
    served: list[ServeConfig], tmp_path: Path, content: bytes | None, reason: str
) -> None:
    file = tmp_path / "key"
    if content is not None:
        file.write_bytes(content)
    ended = call("serve", "m", "--api-key-file", str(file))
    assert ended.code == 2
    assert str(file) in ended.err
    assert reason in ended.err
    assert served == []


def test_two_keys_are_one_too_many(served: list[ServeConfig], tmp_path: Path) -> None:
    ended = call("serve", "m", "--api-key", "x", "--api-key-file", str(tmp_path / "key"))
    assert ended.code == 2
    assert "both" in ended.err


def test_engines_that_there_are_not(served: list[ServeConfig]) -> None:
    other = call("serve", "m", "--engine", "warp")
    assert other.code == 2
    assert re.search(r"one of auto, llamacpp, transformers\b", other.err)
    assert served == []

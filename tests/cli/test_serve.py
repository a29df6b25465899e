"""`conch serve`: what its words come to. The server itself is tested in tests/server."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import pytest

from conch.cli.serve import command
from conch.config.serve import ServeConfig
from conch.core import env
from conch.inference.vllm import environment
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
        "--engine vllm --context-length 512 --gguf-type bf16 "
        "--vllm-url http://a:1 --vllm-key-file k"
    )
    assert call(*words.split()).code == 0
    expected: dict[str, Any] = {
        "model": "m",
        "adapters": {"shop": "x"},
        "engine": "vllm",
        "upstream": (),
        "upstream_key_file": None,
        "context_length": 512,
        "gguf_type": "bf16",
        "vllm_url": "http://a:1",
        "vllm_key_file": "k",
        "vllm_args": "",
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


def test_a_gateway_has_upstreams_and_no_model(served: list[ServeConfig], tmp_path: Path) -> None:
    words = ("--upstream", "http://a:8001", "--upstream", "https://b/llm", "--upstream-key-file", "k")
    assert call("serve", *words, "--port", "80", "--max-concurrent-requests", "500").code == 0
    urls = ("http://a:8001", "https://b/llm")
    expected = ServeConfig(upstream=urls, upstream_key_file="k", port=80, max_concurrent_requests=500)
    file = write(tmp_path, "upstream: [http://a:8001, https://b/llm]\nport: 80\nupstream_key_file: k\n")
    assert call("serve", file, "--max-concurrent-requests", "500").code == 0
    assert served == [expected, expected]


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["m", "--upstream", "http://a"], ["model", "gateway"]),
        (["--upstream", "http://a", "--engine", "vllm", "--name", "x"], ["engine", "name"]),
        (["--upstream", "a:8000"], ["a:8000", "http://host:8000"]),
        (["--upstream", "http://a", "--upstream", "http://a"], ["upstream", "each once"]),
        (["--upstream", "http://user:secret@a"], ["upstream", "without user and key"]),
        (["--upstream", "http://a:port"], ["upstream"]),
        (["m", "--upstream-key-file", "k"], ["upstream_key_file", "without upstream"]),
        (["m", "--vllm-key-file", "k"], ["vllm_key_file", "without vllm_url"]),
        (["m", "--vllm-url", "http://a", "--vllm-args", "x"], ["vllm_args", "beside vllm_url"]),
        (["m", "--engine", "llamacpp", "--vllm-args", "x"], ["vllm_args", "another engine"]),
        (["m", "--vllm-url", "a:8000"], ["vllm_url", "http://host:8000"]),
        (["m", "--engine", "vllm", "--vllm-args", '--x "y'], ["vllm_args", "every quote closed"]),
        (["--upstream", "http://\x01a"], ["upstream", "http://host:8000"]),
        (["--upstream", "http://bad host:1"], ["upstream", "http://host:8000"]),
        (["m", "--vllm-url", "http://a", "--engine", "llamacpp"], ["engine", "beside vllm_url"]),
        ([], ["a model", "--upstream"]),
    ],
)
def test_gateways_that_make_no_sense(served: list[ServeConfig], words: list[str], named: list[str]) -> None:
    ended = call("serve", *words)
    assert ended.code == 2
    assert [word for word in named if word not in ended.err] == [], ended.err
    assert "Traceback" not in ended.err
    assert "secret" not in ended.err
    assert served == []


def test_a_log_that_nobody_reads_any_more_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A gateway tells what it sees in the very task that looks at its servers."""
    told: list[Callable[[str], None]] = []
    monkeypatch.setattr(run, "serve", lambda config, announce, notify: told.append(notify))
    assert call("serve", "--upstream", "http://a").code == 0

    def gone(line: str) -> None:
        raise BrokenPipeError

    monkeypatch.setattr("conch.cli.serve.whisper", gone)
    told[0]("http://a is down")


def test_vllm_is_installed_only_by_whoever_wants_it(
    served: list[ServeConfig], monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[bool] = []
    monkeypatch.setattr(environment, "make", lambda notify: made.append(True))
    ended = call("serve", "m", "--engine", "vllm")
    assert ended.code == 1
    assert "--install-vllm" in ended.err
    assert served == made == []
    assert call("serve", "m", "--engine", "vllm", "--install-vllm").code == 0
    assert made == [True]
    assert call("serve", "m", "--engine", "vllm", "--vllm-url", "http://a:1").code == 0
    monkeypatch.setattr(environment, "is_ready", lambda: True)
    assert call("serve", "m", "--engine", "vllm").code == 0
    assert made == [True]
    assert len(served) == 3
    assert call("serve", "m", "--engine", "vllm", "--vllm-args", "--enforce-eager").code == 0
    assert served[-1].vllm_args == "--enforce-eager"


@pytest.mark.parametrize("wanted", [True, False])
def test_who_sits_at_a_terminal_is_asked_first(
    served: list[ServeConfig], monkeypatch: pytest.MonkeyPatch, wanted: bool
) -> None:
    made: list[bool] = []
    monkeypatch.setattr(environment, "make", lambda notify: made.append(True))
    monkeypatch.setattr("conch.cli.serve.sys.stdin", SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr(click, "confirm", lambda *_, **__: wanted)
    ended = call("serve", "m", "--engine", "vllm")
    assert "-m pip install vllm" in ended.err
    assert (ended.code, len(made), len(served)) == ((0, 1, 1) if wanted else (1, 0, 0))


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
    assert re.search(r"one of auto, llamacpp, transformers, vllm\b", other.err)
    assert served == []


def write(folder: Path, text: str, name: str = "serve.yaml") -> str:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return str(file)


def test_a_file_says_what_is_served_and_options_go_before_it(
    served: list[ServeConfig], tmp_path: Path
) -> None:
    file = write(tmp_path, "model: m\nadapters: {shop: RUN1, legal: RUN2}\nport: 6006\nmax_new_tokens: 9\n")
    assert call("serve", file).code == 0
    assert call("serve", file, "--port", "8000", "--adapter", "only=RUN3").code == 0
    assert served == [
        ServeConfig(model="m", adapters={"shop": "RUN1", "legal": "RUN2"}, port=6006, max_new_tokens=9),
        ServeConfig(model="m", adapters={"only": "RUN3"}, port=8000, max_new_tokens=9),
    ]


def test_an_inference_file_of_llama_factory_is_understood(served: list[ServeConfig], tmp_path: Path) -> None:
    file = write(
        tmp_path,
        "model_name_or_path: m\nadapter_name_or_path: saves/m/lora/sft\ntemplate: qwen\n"
        "infer_backend: huggingface\ntrust_remote_code: true\n",
    )
    assert call("serve", file).code == 0
    assert served == [
        ServeConfig(
            model="m",
            adapters={"sft": "saves/m/lora/sft"},
            template="qwen",
            engine="transformers",
            trust_remote_code=True,
        )
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("model: m\nprot: 8000\n", ["prot", "line 2", "port"]),
        ("port: 8000\n", ["model"]),
        ("model: m\nport: eighty\nengine: warp\n", ["port", "engine", "line 2", "line 3"]),
        ("- m\n", ["serve.yaml"]),
        ("model: m\nadapters: [a, b]\n", ["adapters", "line 2"]),
    ],
)
def test_every_problem_of_a_file_is_told_with_its_line(
    served: list[ServeConfig], tmp_path: Path, text: str, words: list[str]
) -> None:
    ended = call("serve", write(tmp_path, text))
    assert ended.code == 2
    assert [word for word in words if word not in ended.err] == []
    assert "Traceback" not in ended.err
    assert served == []


def test_a_file_that_is_not_there(served: list[ServeConfig], tmp_path: Path) -> None:
    write(tmp_path, "model: m\n")
    ended = call("serve", str(tmp_path / "server.yaml"))
    assert ended.code == 2
    assert "serve.yaml" in ended.err


def test_a_key_of_the_environment_goes_before_that_of_a_file(
    served: list[ServeConfig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(tmp_path, "model: m\napi_key: of-file\n")
    assert call("serve", file).code == 0
    monkeypatch.setenv("CONCH_API_KEY", "of-environment")
    assert call("serve", file).code == 0
    assert [config.api_key for config in served] == ["of-file", "of-environment"]

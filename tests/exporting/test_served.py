"""A running server is held against the model that it should serve."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from conch.cli import run as conch
from conch.config import load_export
from conch.config.serve import ServeConfig
from conch.core.errors import ExportError
from conch.exporting.merge import prove_server
from conch.exporting.served import ServedProof, Server
from conch.once import serving
from conch.server.loading import open_service
from tests.server.scripted import client_of
from tests.tiny import CHATML, save_tiny, write_rows
from tests.training.helpers import train


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A base, and an adapter that changes what it says."""
    folder = tmp_path_factory.mktemp("served")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONCH_HOME", str(folder / "home"))
        patch.setenv("CONCH_LANG", "en")
        base = save_tiny(folder / "base", "llama")
        settings = {"num_train_epochs": 6, "learning_rate": 1e-2, "output_dir": str(folder / "out")}
        return base, train(base, write_rows(folder / "rows.json"), **settings).output


def prove(source: Path, asked_as: str, **serve: Any) -> ServedProof:
    """What is found of a server in this process, asked for the model `asked_as`."""
    config = ServeConfig(**{"engine": "transformers", "name": "base", **serve})
    client = client_of(open_service(config, lambda _: None), config)

    def send(path: str, asked: dict[str, Any] | None) -> dict[str, Any]:
        answer = client.get(path) if asked is None else client.post(path, json=asked)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    values = {"model_name_or_path": str(source), "export_dir": "-"}
    return prove_server(load_export(values=values).config, Server("http://here/v1/", asked_as, send=send))


def failed(proof: ServedProof) -> set[str]:
    return {check.name for check in proof.checks if not check.holds}


@pytest.mark.parametrize("engine", ["transformers", "llamacpp"])
def test_what_is_served_is_what_was_trained(trained: tuple[Path, Path], engine: str) -> None:
    base, adapter = trained
    for source, serve in (
        (adapter, {"model": str(adapter), "name": "it"}),
        (adapter, {"model": str(base), "adapters": {"it": str(adapter)}}),
    ):
        proof = prove(source, "it", engine=engine, **serve)
        assert proof.holds, proof.to_dict()
        assert {check.name for check in proof.checks} >= {"prompt_tokens", "next_token", "adapter_share"}
        assert proof.max_logprob_difference < (1e-3 if engine == "transformers" else 0.5)
        assert proof.positions > 60
    assert proof.same_answers == proof.prompts or engine == "llamacpp"


def test_a_server_without_the_adapter_is_found_out(trained: tuple[Path, Path]) -> None:
    base, adapter = trained
    assert "adapter_share" in failed(prove(adapter, "base", model=str(base)))
    assert failed(prove(base, "base", model=str(adapter)))


def test_a_server_with_another_template_is_found_out(trained: tuple[Path, Path], tmp_path: Path) -> None:
    other = tmp_path / "other.jinja"
    other.write_text(CHATML.replace("<|im_start|>assistant\n", "<|im_start|>assistant: "))
    assert failed(prove(trained[1], "base", model=str(trained[1]), template=str(other))) == {"prompt_tokens"}


def test_another_base_is_found_out(trained: tuple[Path, Path], tmp_path: Path) -> None:
    other = save_tiny(tmp_path / "other", "llama", seed=5)
    assert failed(prove(trained[1], "base", model=str(other))) >= {"largest", "mean"}


def test_the_command_adds_to_the_proof_of_an_export(
    trained: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base, adapter = trained
    target = tmp_path / "merged"
    assert conch(["export", str(adapter), "--to", str(target)]) == 0
    capsys.readouterr()
    with serving([str(target), "--engine", "transformers"], tmp_path / "log", tmp_path, 120) as address:
        asked = ["export", str(adapter), "--to", str(target), "--served", address]
        assert conch(asked) == 0
        shown = capsys.readouterr().out
        assert "✗" not in shown
        assert shown.count("✓") >= 4
        kept = json.loads((target / "export_proof.json").read_text(encoding="utf-8"))
        assert kept["holds"] is True
        assert kept["served"]["holds"] is True
        assert kept["served"]["url"] == address
        assert conch(["export", str(base), "--served", address, "--json"]) == 1
        assert json.loads(capsys.readouterr().out)["served"]["holds"] is False
        assert conch(["export", str(base), "--served", address]) == 1
        assert "does not answer as its source" in capsys.readouterr().err
        assert conch(["export", str(base), "--served", address, "--allow-difference"]) == 0
        assert conch(["export", str(base), "--served", address, "--served-model", "nobody"]) == 1
        assert "--served-model" in capsys.readouterr().err


def test_a_server_that_is_not_there(trained: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    for address in ("http://127.0.0.1:9", "nonsense"):
        assert conch(["export", str(trained[1]), "--served", address]) == 1
        assert "http://127.0.0.1:8000" in capsys.readouterr().err


def test_one_of_several_models_must_be_named() -> None:
    def send(path: str, asked: dict[str, Any] | None) -> dict[str, Any]:
        return {"data": [{"id": "a"}, {"id": "b"}]}

    with pytest.raises(ExportError, match="a, b"):
        Server("http://here", send=send)


@pytest.mark.parametrize(
    "logprobs",
    [None, {"token_logprobs": [None, -1.0]}, {"token_logprobs": [None, -1.0], "top_logprobs": [None, {}]}],
)
def test_a_server_that_says_it_otherwise_is_told_of(logprobs: Any) -> None:
    def send(path: str, asked: dict[str, Any] | None) -> dict[str, Any]:
        return {"choices": [{"logprobs": logprobs}]}

    server = Server("http://here", "it", send=send)
    for ask in (
        lambda: Server("http://here", send=send),
        lambda: server.tokens("Hello?", chat=True),
        lambda: server.weigh([1, 2, 3]),
        lambda: server.answer([1, 2]),
    ):
        with pytest.raises(ExportError) as caught:
            ask()
        assert caught.value.key == "export.served_odd"


def test_the_key_is_for_the_server_alone() -> None:
    class Elsewhere(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append((self.path, self.headers["authorization"]))
            self.send_response(302 if self.path == "/v1/models" else 200)
            self.send_header("location", "/elsewhere")
            self.end_headers()
            self.wfile.write(b'{"data": [{"id": "it"}]}')

        def log_message(self, *_: Any) -> None:
            pass

    seen: list[tuple[str, str | None]] = []
    with HTTPServer(("127.0.0.1", 0), Elsewhere) as there:
        Thread(target=there.serve_forever, daemon=True).start()
        try:
            Server(f"http://127.0.0.1:{there.server_port}", api_key="sesame")
        finally:
            there.shutdown()
    assert seen == [("/v1/models", "Bearer sesame"), ("/elsewhere", None)]

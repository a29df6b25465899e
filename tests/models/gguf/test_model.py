"""llama.cpp reads what is written, and computes with it what transformers computes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from conch.core.errors import ExportError
from conch.exporting.llamacpp import LlamaCpp
from conch.models.gguf import FORMATS, write_model
from tests.tiny import ARCHITECTURES, save_tiny

TEXT = "<|im_start|>user\nWho are you? 你是谁？<|im_end|>\n<|im_start|>assistant\n"
LLAMA3_ROPE = {
    "rope_type": "llama3", "rope_theta": 10000.0, "factor": 8.0, "low_freq_factor": 1.0,
    "high_freq_factor": 4.0, "original_max_position_embeddings": 16,
}  # fmt: skip
YARN = {"rope_type": "yarn", "rope_theta": 10000.0, "factor": 4.0, "original_max_position_embeddings": 16}
LINEAR = {"rope_type": "linear", "rope_theta": 10000.0, "factor": 4.0}
LONG = {
    "rope_type": "longrope", "rope_theta": 10000.0, "original_max_position_embeddings": 4096,
    "short_factor": [1.0, 1.1, 1.3, 1.7], "long_factor": [1.0, 2.0, 4.0, 8.0],
}  # fmt: skip
GEMMA_ROPE = {
    "sliding_attention": {"rope_type": "default", "rope_theta": 500.0},
    "full_attention": {"rope_type": "linear", "rope_theta": 20000.0, "factor": 8.0},
}
SHAPES = {
    **{architecture: (architecture, {}) for architecture in ARCHITECTURES},
    "phi3": ("phi3", {}),
    "llama, untied head": ("llama", {"tie_word_embeddings": False}),
    "qwen2, tied head": ("qwen2", {"tie_word_embeddings": True}),
    "qwen3, wide heads": ("qwen3", {"head_dim": 16}),
    "llama 3.1 rope": ("llama", {"rope_parameters": LLAMA3_ROPE}),
    "yarn rope": ("qwen3", {"rope_parameters": YARN}),
    "linear rope": ("llama", {"rope_parameters": LINEAR}),
    "gemma3, six layers": ("gemma3_text", {"num_hidden_layers": 6, "rope_parameters": GEMMA_ROPE}),
    "phi3, long rope": (
        "phi3",
        {"rope_parameters": LONG, "original_max_position_embeddings": 4096, "max_position_embeddings": 32768},
    ),
    "biases": ("llama", {"attention_bias": True, "mlp_bias": True}),
}


def folder_of(name: str, folder: Path) -> Path:
    architecture, changes = SHAPES[name]
    return save_tiny(folder / architecture, architecture, **changes)


def expected(folder: Path, ids: list[int]) -> np.ndarray:
    """Log-probabilities by transformers, [position, vocabulary]."""
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    with torch.no_grad():
        return model(torch.tensor([ids])).logits[0].log_softmax(-1).numpy()


def lively(folder: Path) -> Path:
    """Norms and biases away from where they start, so that a wrong one shows."""
    from safetensors.torch import load_file, save_file

    file = folder / "model.safetensors"
    tensors = load_file(file)
    generator = torch.Generator().manual_seed(1)
    for name, tensor in tensors.items():
        if tensor.ndim == 1:
            tensors[name] = tensor + 0.3 * torch.randn(tensor.shape, generator=generator)
    save_file(tensors, file, metadata={"format": "pt"})
    return folder


def differences(folder: Path, file: Path) -> tuple[float, float]:
    """Largest difference of log-probabilities, and the share of the same next tokens."""
    ids = AutoTokenizer.from_pretrained(folder).encode(TEXT, add_special_tokens=False)
    wanted = expected(folder, ids)
    with LlamaCpp(file, threads=1) as reader:
        assert reader.tokens(TEXT) == ids
        found = np.stack([reader.next_logprobs(ids[: end + 1], wanted.shape[1]) for end in range(len(ids))])
    same = (found.argmax(-1) == wanted.argmax(-1)).mean()
    return float(np.abs(found - wanted).max()), float(same)


@pytest.mark.parametrize("name", SHAPES)
def test_llama_cpp_computes_the_same(tmp_path: Path, name: str) -> None:
    folder = lively(folder_of(name, tmp_path))
    written = write_model(folder, tmp_path / "model.gguf", "f32")
    assert written.bytes == (tmp_path / "model.gguf").stat().st_size
    largest, same = differences(folder, written.file)
    # llama.cpp looks Gemma's GELU up in a table of fp16
    assert largest < (1e-2 if "gemma" in name else 1e-3)
    assert same == 1.0


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_is_read(tmp_path: Path, kind: str) -> None:
    wide = {"hidden_size": 256, "intermediate_size": 256, "initializer_range": 0.1, "num_hidden_layers": 3}
    folder = save_tiny(tmp_path / "wide", **wide)
    write_model(folder, tmp_path / "model.gguf", kind)
    largest, _ = differences(folder, tmp_path / "model.gguf")
    bounds = {"f32": 1e-3, "f16": 0.05, "bf16": 0.3, "q8_0": 0.5}
    assert largest < bounds.get(kind, 8)

"""llama.cpp reads what is written, and computes with it what transformers computes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from conch.core.errors import ExportError
from conch.exporting.llamacpp import LlamaCpp
from conch.models.gguf import FORMATS, model, write_model
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


def change(folder: Path, name: str, how: Callable[[torch.Tensor], torch.Tensor]) -> None:
    from safetensors.torch import load_file, save_file

    tensors = load_file(folder / "model.safetensors")
    tensors[name] = how(tensors[name])
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


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


def types_in(file: Path) -> dict[str, str]:
    from gguf import GGUFReader

    return {str(tensor.name): tensor.tensor_type.name for tensor in GGUFReader(file).tensors}


def test_attention_and_head_of_a_small_model_are_rounded_less(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = save_tiny(tmp_path / "tiny")
    write_model(folder, tmp_path / "small.gguf", "q8_0")
    found = types_in(tmp_path / "small.gguf")
    assert {
        found[name] for name in ("token_embd.weight", "blk.0.attn_q.weight", "blk.1.attn_output.weight")
    } == {"F16"}
    assert {found[name] for name in ("blk.0.ffn_up.weight", "blk.1.ffn_down.weight")} == {"Q8_0"}
    monkeypatch.setattr(model, "SMALL", 0)
    write_model(folder, tmp_path / "large.gguf", "q8_0")
    whole = types_in(tmp_path / "large.gguf")
    assert {kind for name, kind in whole.items() if "norm" not in name} == {"Q8_0"}


def test_importing_it_brings_no_torch() -> None:
    code = "import sys, conch.models.gguf, conch.exporting.gguf; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("stored", ["bfloat16", "float16"])
def test_short_formats_are_read(tmp_path: Path, stored: str) -> None:
    model = AutoModelForCausalLM.from_pretrained(save_tiny(tmp_path / "tiny"), dtype=getattr(torch, stored))
    model.save_pretrained(tmp_path / "tiny", max_shard_size="50KB")
    (tmp_path / "tiny" / "model.safetensors").unlink()
    write_model(tmp_path / "tiny", tmp_path / "model.gguf", "f32")
    assert differences(tmp_path / "tiny", tmp_path / "model.gguf")[0] < 1e-3


def test_numbers_too_large_for_fp16_are_refused(tmp_path: Path) -> None:
    folder = save_tiny(tmp_path / "tiny")
    change(folder, "model.layers.0.mlp.up_proj.weight", lambda tensor: tensor * 1e6)
    with pytest.raises(ExportError, match="too large for f16"):
        write_model(folder, tmp_path / "model.gguf", "f16")
    assert not (tmp_path / "model.gguf").exists()
    write_model(folder, tmp_path / "model.gguf", "bf16")


def test_what_is_no_number_is_refused(tmp_path: Path) -> None:
    folder = save_tiny(tmp_path / "tiny")
    change(folder, "model.norm.weight", lambda tensor: tensor * float("nan"))
    with pytest.raises(ExportError, match="no numbers"):
        write_model(folder, tmp_path / "model.gguf", "f32")


def test_a_file_that_is_there_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "model.gguf").write_text("mine")
    with pytest.raises(ExportError, match="already"):
        write_model(save_tiny(tmp_path / "tiny"), tmp_path / "model.gguf", "f32")
    assert (tmp_path / "model.gguf").read_text() == "mine"


def test_too_small_a_disk_is_seen_before_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from conch.core import disk

    monkeypatch.setattr(disk, "free_bytes", lambda _: 1000)
    with pytest.raises(ExportError, match="MB free"):
        write_model(save_tiny(tmp_path / "tiny"), tmp_path / "model.gguf", "f32")


@pytest.mark.parametrize(
    ("architecture", "changes", "said"),
    [
        ("gpt2", {}, "gpt2"),
        ("llama", {"rope_parameters": {**LINEAR, "rope_type": "dynamic"}}, "rotary"),
        ("qwen2", {"rope_parameters": LLAMA3_ROPE}, "rotary"),
        ("gemma3_text", {"query_pre_attn_scalar": 32}, "Gemma 3"),
        ("gemma3_text", {"final_logit_softcapping": 30.0}, "Gemma 3"),
    ],
)
def test_what_llama_cpp_does_not_compute_is_refused(
    tmp_path: Path, architecture: str, changes: dict, said: str
) -> None:
    folder = save_tiny(tmp_path / "tiny", architecture, **changes)
    with pytest.raises(ExportError, match=said):
        write_model(folder, tmp_path / "model.gguf", "f32")
    assert not (tmp_path / "model.gguf").exists()


def test_a_window_that_llama_cpp_does_not_keep_is_told(tmp_path: Path) -> None:
    folder = save_tiny(tmp_path / "tiny", "mistral", sliding_window=64)
    assert "64" in write_model(folder, tmp_path / "model.gguf", "f32").notices[0].message

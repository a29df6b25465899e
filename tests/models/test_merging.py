"""Merging tensor by tensor gives the numbers of peft's own merge, and never holds the model."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM, PreTrainedModel

from conch.core.env import child_environment
from conch.models.merging import EMBEDDINGS, HEAD, NotMergeableError, merged
from tests.tiny import save_tiny

LAYERS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
WAYS: dict[str, dict[str, Any]] = {
    "plain": {},
    "rslora": {"use_rslora": True},
    "dora": {"use_dora": True},
    "patterns": {"rank_pattern": {"q_proj": 2, "layers.1.mlp.up_proj": 6}, "alpha_pattern": {"v_proj": 32}},
    "head saved": {"modules_to_save": ["lm_head"]},
    "embeddings saved": {"modules_to_save": ["embed_tokens"]},
    "both saved": {"modules_to_save": ["embed_tokens", "lm_head"]},
    "lora on the head": {"target_modules": ["q_proj", "lm_head"]},
    "lora on embeddings": {"target_modules": ["q_proj", "embed_tokens"]},
    "norms saved": {"modules_to_save": ["input_layernorm"]},
}


def open_base(folder: Path) -> PreTrainedModel:
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)


def adapter_on(base: Path, folder: Path, seed: int = 3, **settings: Any) -> Path:
    """An adapter whose every trained weight was moved."""
    given = {"r": 4, "lora_alpha": 8, "task_type": "CAUSAL_LM", "target_modules": LAYERS, **settings}
    adapted = get_peft_model(open_base(base), LoraConfig(**given))
    generator = torch.Generator().manual_seed(seed)
    for parameter in adapted.parameters():
        if parameter.requires_grad:
            parameter.data += 0.1 * torch.randn(parameter.shape, generator=generator)
    adapted.save_pretrained(folder)
    return folder


def by_peft(base: Path, adapters: list[Path]) -> Any:
    model: Any = open_base(base)
    for adapter in adapters:
        model = PeftModel.from_pretrained(model, adapter).merge_and_unload()
    return model


def loaded(base: Path, adapters: list[Path]) -> tuple[Any, bool]:
    """The merged tensors in a model, untied where they are."""
    from transformers import AutoConfig

    found = merged(base, adapters, base)
    config = AutoConfig.from_pretrained(base)
    if found.untied:
        config.tie_word_embeddings = False
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    state = {name: torch.from_numpy(tensor.values().copy()) for name, tensor in found.tensors.items()}
    missing, strange = model.load_state_dict(state, strict=False)
    assert not strange
    assert set(missing) <= {HEAD}
    model.tie_weights()
    return model.eval(), found.untied


def assert_same_answers(one: Any, other: Any) -> None:
    ids = torch.arange(3, 40)[None]
    with torch.no_grad():
        torch.testing.assert_close(one(ids).logits, other(ids).logits, rtol=0, atol=1e-5)


@pytest.mark.parametrize("tied", [True, False], ids=["tied", "untied"])
@pytest.mark.parametrize("way", WAYS)
def test_the_same_as_peft(tmp_path: Path, way: str, tied: bool) -> None:
    base = save_tiny(tmp_path / "base", "qwen2", tie_word_embeddings=tied)
    adapter = adapter_on(base, tmp_path / "adapter", **WAYS[way])
    adapted = PeftModel.from_pretrained(open_base(base), adapter).eval()
    model, untied = loaded(base, [adapter])
    assert_same_answers(model, adapted)
    assert untied == (tied and any(word in way for word in ("head", "embeddings", "both")))


def test_several_adapters_in_their_order(tmp_path: Path) -> None:
    base = save_tiny(tmp_path / "base", "llama")
    adapters = [adapter_on(base, tmp_path / f"adapter-{n}", seed=n) for n in (1, 2, 3)]
    model, _ = loaded(base, adapters)
    assert_same_answers(model, by_peft(base, adapters))


@pytest.mark.parametrize("settings", [{"init_lora_weights": "pissa"}, {"lora_bias": True}])
def test_what_is_not_known_is_left_to_peft(tmp_path: Path, settings: dict[str, Any]) -> None:
    changes = {"attention_bias": True, "mlp_bias": True}
    base = save_tiny(tmp_path / "base", "llama", **changes)
    adapter = adapter_on(base, tmp_path / "adapter", **settings)
    with pytest.raises(NotMergeableError):
        merged(base, [adapter], base)


def test_an_adapter_for_other_modules_is_left_to_peft(tmp_path: Path) -> None:
    base = save_tiny(tmp_path / "base", "llama")
    adapter = adapter_on(base, tmp_path / "adapter")
    other = save_tiny(tmp_path / "phi3", "phi3")
    with pytest.raises(NotMergeableError):
        merged(other, [adapter], other)


def test_embeddings_that_grew_stay_one_with_the_head(tmp_path: Path) -> None:
    base = save_tiny(tmp_path / "base", "llama")
    model = open_base(base)
    model.resize_token_embeddings(448)
    adapted = get_peft_model(model, LoraConfig(r=4, task_type="CAUSAL_LM", target_modules=LAYERS))
    adapted.save_pretrained(tmp_path / "adapter", save_embedding_layers=True)
    found = merged(base, [tmp_path / "adapter"], base)
    assert found.rows() == 448
    assert not found.untied
    assert HEAD not in found.tensors
    wanted = model.get_input_embeddings().weight.detach()
    assert torch.equal(torch.from_numpy(found.tensors[EMBEDDINGS].values()), wanted)


CODE = """
import json, resource, sys
from pathlib import Path
import torch
from conch.exporting.shards import write_shards
from conch.models.merging import merged
base, adapter, out = map(Path, sys.argv[1:])
out.mkdir()
write_shards(out, {}, "float32", 1)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
model = merged(base, [adapter], base)
begun = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
write_shards(out, model.tensors, "bfloat16", 40_000_000)
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
size = sum(file.stat().st_size for file in out.glob("model-*.safetensors"))
print(json.dumps({"grown": (after - begun) * 1024, "size": size, "files": len(list(out.glob("model-*")))}))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in kB on Linux")
def test_memory_is_that_of_a_tensor_not_of_the_model(tmp_path: Path) -> None:
    wide = {"hidden_size": 1024, "intermediate_size": 2048, "num_hidden_layers": 10, "head_dim": 256}
    base = save_tiny(tmp_path / "base", "llama", **wide)
    adapter = adapter_on(base, tmp_path / "adapter")
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(base), str(adapter), str(tmp_path / "out")],
        env=child_environment(), capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["size"] > 170_000_000
    assert told["files"] >= 4
    largest = 2048 * 1024 * 4
    assert told["grown"] < 12 * largest  # a tensor, what is added to it, and what they become

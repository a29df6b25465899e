"""Model and adapter folders as tests need them."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def add_adapter(base: Path, folder: Path, seed: int = 1, **settings: Any) -> Path:
    """A LoRA adapter for the model in `base` that changes its answers, saved to `folder`."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    options = {"r": 2, "lora_alpha": 4, "target_modules": ["q_proj", "v_proj"], "task_type": "CAUSAL_LM"}
    model = get_peft_model(AutoModelForCausalLM.from_pretrained(base), LoraConfig(**(options | settings)))
    torch.manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(torch.randn_like(parameter) * 0.1)
    model.save_pretrained(folder)
    return folder

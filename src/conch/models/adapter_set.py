"""Adapters by name over one base, whose weights they share."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel

from conch.core.errors import ModelError
from conch.models.adapters import check_names, reading_adapter, same_numbers
from conch.models.headers import read_header

WEIGHTS = "adapter_model.safetensors"


def may_share(folder: Path) -> bool:
    """Whether an adapter leaves its base as it is: LoRA matrices, and nothing else.

    Not those that bring whole weights or new tokens, or that were started from parts of the base
    which the base then lacks (PiSSA). Raises ModelError where the adapter can't be read.
    """
    try:
        settings = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError("models.bad_adapter", folder=folder, reason="adapter_config.json") from error
    if settings.get("peft_type") != "LORA" or settings.get("bias", "none") != "none":
        return False
    if str(settings.get("init_lora_weights", True)).lower() not in {"true", "false", "gaussian"}:
        return False
    return all(".lora_" in name for name in read_header(folder / WEIGHTS))


def rank_of(folder: Path) -> int:
    """The largest rank of an adapter's matrices. Raises ModelError where the adapter can't be read."""
    try:
        settings = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
        return max([int(settings["r"]), *map(int, (settings.get("rank_pattern") or {}).values())])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError("models.bad_adapter", folder=folder, reason="adapter_config.json") from error


class AdapterSet:
    """One base with many adapters, one of them, or none, in use at a time. `model` is what computes."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self._whole = isinstance(model, PeftModel)
        self._inner: dict[str, str] = {}
        self._count = 0
        self._used: str | None = None

    def load(self, name: str, folder: Path) -> None:
        """Put an adapter beside the others; one of the same name goes.

        Raises ModelError where it can't be read, was made for another model, or can't share the base.
        """
        if self._whole or not may_share(folder):
            raise ModelError("models.adapter_alone", folder=folder)
        self._count += 1
        inner = f"adapter{self._count}"  # peft names modules so: no dots, and never the same twice
        with reading_adapter(folder), same_numbers():
            if isinstance(self.model, PeftModel):
                self.model.load_adapter(folder, inner, torch_device=str(self.model.device))
            else:
                self.model = PeftModel.from_pretrained(self.model, folder, inner).eval()
            self._show(None)
            check_names(self.model, folder, inner)
        self.unload(name)
        self._inner[name] = inner

    def unload(self, name: str) -> None:
        inner = self._inner.pop(name, None)
        if inner is None:
            return
        self._show(None)
        if self._inner:
            self.model.delete_adapter(inner)
        elif len(self.model.peft_config) == 1:
            self.model = self.model.unload()  # the base, as it was
        else:
            self.model.delete_adapter(inner)

    def has(self, name: str) -> bool:
        return name in self._inner

    def use(self, name: str | None) -> None:
        """Compute with this adapter, or with the base alone, from now on."""
        if name != self._used:
            self._show(name)

    def _show(self, name: str | None) -> None:
        if isinstance(self.model, PeftModel) and not self._whole:
            layers = self.model.base_model
            if name is None:
                layers.disable_adapter_layers()
            else:
                layers.enable_adapter_layers()
                with torch.inference_mode(False):
                    self.model.set_adapter(self._inner[name], inference_mode=True)
        self._used = name

"""LoRA adapters through peft: made, put on, merged. And which weights of a model train."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig as PeftLoraConfig
from peft import PeftModel, TaskType, get_peft_model, get_peft_model_state_dict
from transformers import PreTrainedModel

from conch.config.method import FreezeConfig, LoraConfig
from conch.core.errors import ModelError, TrainingError, first_line
from conch.core.text import tr
from conch.models.headers import read_header


def new_lora(model: PreTrainedModel, config: LoraConfig) -> PeftModel:
    """A fresh LoRA adapter on `model`; the base is frozen.

    `lora_target: all` means every linear layer but the output head. Raises TrainingError where a
    named module does not exist.
    """
    targets: Any = "all-linear" if config.lora_target == ("all",) else list(config.lora_target)
    settings = PeftLoraConfig(
        task_type=TaskType.CAUSAL_LM,
        r=config.lora_rank,
        lora_alpha=config.alpha(),
        lora_dropout=config.lora_dropout,
        target_modules=targets,
        modules_to_save=list(config.additional_target) or None,
        use_rslora=config.use_rslora,
        use_dora=config.use_dora,
        init_lora_weights=_initialisation(config),
    )
    missing = _missing(model, [*([] if targets == "all-linear" else targets), *config.additional_target])
    if missing:
        raise TrainingError(
            "training.no_module", names=", ".join(missing), known=", ".join(linear_names(model))
        )
    if config.pissa_init:
        with same_numbers():
            return get_peft_model(model, settings)
    return get_peft_model(model, settings)


@contextmanager
def same_numbers() -> Iterator[None]:
    """The same random numbers each time, and as if none had been drawn.

    PiSSA takes its starting weights out of the base by a randomised decomposition, anew whenever
    the adapter is put on. A saved adapter fits only the base that the same numbers leave.
    """
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def _initialisation(config: LoraConfig) -> bool | str:
    """PiSSA (Meng et al. 2024, arXiv:2404.02948) if asked for, else B = 0."""
    if not config.pissa_init:
        return True
    return "pissa" if config.pissa_iter < 0 else f"pissa_niter_{config.pissa_iter}"


def _missing(model: PreTrainedModel, names: Sequence[str]) -> list[str]:
    known = [name for name, _ in model.named_modules()]
    return [
        name for name in names if not any(module == name or module.endswith(f".{name}") for module in known)
    ]


def linear_names(model: PreTrainedModel) -> list[str]:
    """The last parts of the names of all linear layers, such as `q_proj`."""
    found = {
        name.rpartition(".")[2]
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear)
    }
    return sorted(found)


def attach(model: PreTrainedModel, folders: Sequence[Path], *, trainable: bool = False) -> Any:
    """Put adapters on `model`: all but the last are merged into it, the last stays on top.

    Raises ModelError where an adapter can't be read or was made for another model.
    """
    current: Any = model
    for number, folder in enumerate(folders, 1):
        last = number == len(folders)
        current = _read(current, folder, trainable=trainable and last)
        if not last:
            current = current.merge_and_unload()
    return current


def _read(model: PreTrainedModel, folder: Path, *, trainable: bool) -> PeftModel:
    if not (folder / "adapter_model.safetensors").is_file():
        if (folder / "adapter_model.bin").is_file():
            raise ModelError("models.pickle", folder=folder, file="adapter_model.bin")
        raise ModelError("models.bad_adapter", folder=folder, reason="adapter_model.safetensors")
    with reading_adapter(folder), same_numbers():
        adapted = PeftModel.from_pretrained(model, folder, is_trainable=trainable)
        check_names(adapted, folder)
    return adapted


@contextmanager
def reading_adapter(folder: Path) -> Iterator[None]:
    """What peft raises over an adapter, as a ModelError that says what is wrong with it."""
    try:
        yield
    except ModelError:
        raise
    except Exception as error:  # shapes of another model, a damaged file, an unknown kind of adapter
        reason = _shapes(str(error)) or first_line(error)
        raise ModelError("models.bad_adapter", folder=folder, reason=reason) from error


_MISMATCH = re.compile(
    r"size mismatch for (\S+): copying a param with shape torch\.Size\(\[(.*?)\]\)"
    r".*?the shape in current model is torch\.Size\(\[(.*?)\]\)"
)


def _shapes(said: str) -> str:
    """What peft says of weights whose shapes differ, in our words; empty where it says something else."""
    found = _MISMATCH.findall(said)
    if not found:
        return ""
    name, theirs, ours = found[0]
    return tr("models.other_shapes", count=len(found), name=name, theirs=theirs, ours=ours)


def check_names(model: PeftModel, folder: Path, name: str = "default") -> None:
    """Refuse what peft would only warn of: weights that are missing, or that the model has no place for."""
    wanted = set(get_peft_model_state_dict(model, adapter_name=name, save_embedding_layers=False))
    found = set(read_header(folder / "adapter_model.safetensors"))
    strange = sorted((wanted - found) | {name for name in found - wanted if ".lora_" in name})
    if strange:
        reason = tr("models.other_adapter", count=len(strange), name=strange[0])
        raise ModelError("models.bad_adapter", folder=folder, reason=reason)


def freeze_layers(model: PreTrainedModel, config: FreezeConfig) -> None:
    """Train only the last (or, if negative, first) layers' modules, and the extra modules named."""
    count = int(model.config.num_hidden_layers)
    wanted = min(abs(config.freeze_trainable_layers), count)
    chosen = range(count - wanted, count) if config.freeze_trainable_layers > 0 else range(wanted)
    everything = config.freeze_trainable_modules == ("all",)
    trained = 0
    for name, parameter in model.named_parameters():
        layer = re.search(r"\.layers\.(\d+)\.|\.h\.(\d+)\.", name)
        index = int(next(group for group in layer.groups() if group)) if layer else -1
        in_layer = index in chosen and (everything or _named(name, config.freeze_trainable_modules))
        parameter.requires_grad_(in_layer or (index < 0 and _named(name, config.freeze_extra_modules)))
        trained += parameter.requires_grad
    if not trained:
        names = ", ".join([*config.freeze_trainable_modules, *config.freeze_extra_modules])
        raise TrainingError("training.no_module", names=names, known=", ".join(linear_names(model)))


def _named(parameter: str, modules: Sequence[str]) -> bool:
    return any(module in parameter.split(".") for module in modules)

"""Our config → transformers' TrainingArguments. Pure translation, one place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from transformers import TrainingArguments

from conch.config.train import TrainConfig
from conch.models.hardware import Device, Precision


def training_arguments(
    config: TrainConfig, folder: Path, precision: Precision, device: Device, has_eval: bool
) -> TrainingArguments:
    """The arguments for a run that writes to `folder`."""
    optimisation, output = config.optimisation, config.output
    when = output.eval_when(has_eval)
    values: dict[str, Any] = {
        "output_dir": str(folder),
        "per_device_train_batch_size": optimisation.per_device_train_batch_size,
        "per_device_eval_batch_size": optimisation.per_device_eval_batch_size,
        "gradient_accumulation_steps": optimisation.gradient_accumulation_steps,
        "num_train_epochs": optimisation.num_train_epochs,
        "max_steps": optimisation.max_steps,
        "learning_rate": optimisation.learning_rate,
        "weight_decay": optimisation.weight_decay,
        "max_grad_norm": optimisation.max_grad_norm,
        "optim": optimisation.optim,
        "lr_scheduler_type": optimisation.lr_scheduler_type,
        "lr_scheduler_kwargs": optimisation.lr_scheduler_kwargs,
        # transformers reads a share of all steps where this is below 1
        "warmup_steps": optimisation.warmup_steps or optimisation.warmup_ratio,
        "neftune_noise_alpha": optimisation.neftune_noise_alpha,
        "seed": optimisation.seed,
        "data_seed": optimisation.data_seed,
        "bf16": precision.dtype == "bfloat16" and not config.precision.pure_bf16,
        "fp16": precision.dtype == "float16",
        "use_cpu": device.kind == "cpu",
        "use_liger_kernel": config.precision.enable_liger_kernel and device.kind == "cuda",
        "logging_steps": output.logging_steps,
        "logging_first_step": output.logging_first_step,
        "save_strategy": output.save_strategy,
        "save_steps": output.save_steps,
        "save_total_limit": output.save_total_limit,
        "save_only_model": output.save_only_model,
        "eval_strategy": when,
        "eval_steps": output.eval_steps or (output.logging_steps if when == "steps" else None),
        "load_best_model_at_end": output.load_best_model_at_end,
        "metric_for_best_model": output.metric_for_best_model,
        "greater_is_better": output.greater_is_better,
        "report_to": "none",
        "run_name": output.run_name,
        "remove_unused_columns": False,
        "disable_tqdm": True,
        "label_names": ["labels"],
        "logging_nan_inf_filter": False,
        "dataloader_pin_memory": device.kind == "cuda",
    }
    if config.data.streaming:  # our batches are no tensors of one length that could be cut into shares
        values["accelerator_config"] = {"dispatch_batches": False}
    values |= config.passthrough
    if config.precision.disable_gradient_checkpointing:
        values["gradient_checkpointing"] = False
    return TrainingArguments(**values)

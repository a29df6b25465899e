"""What a training run would do, worked out before anything heavy is loaded."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from conch.config.train import TrainConfig
from conch.data.prepared import Prepared
from conch.data.tokens import Examples
from conch.models.headers import ModelFiles, read_model_files
from conch.models.memory import MemoryEstimate, estimate, trainable_parameters
from conch.training.fitting import part_tokens
from conch.training.ground import adapter_notices, lay_ground


@dataclass(frozen=True)
class Plan:
    train_rows: int | None
    """None where rows are streamed, as are those of `tokens` and `trained_tokens`."""
    eval_rows: int
    truncated_rows: int
    tokens: int | None
    """In one epoch."""
    trained_tokens: int | None
    packed_rows: int | None
    batch_rows: int
    """Rows behind one optimiser step."""
    steps: int
    epochs: float
    parameters: int
    trainable_parameters: int
    dtype: str
    dtype_reason: str
    memory: MemoryEstimate
    warnings: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def make_plan(config: TrainConfig) -> Plan:
    """Read and tokenise the data, read the model's headers, and count."""
    ground = lay_ground(config)
    precision, template = ground.precision, ground.template
    files = read_model_files(ground.located.folder)
    prepared = ground.method.prepare(template, config.optimisation.seed, None)
    facts = prepared.facts()
    steps = count_steps(config, prepared.row_count())
    per_step = (
        config.optimisation.per_device_train_batch_size * config.optimisation.gradient_accumulation_steps
    )
    return Plan(
        train_rows=facts.train_rows,
        eval_rows=facts.eval_rows,
        truncated_rows=facts.truncated_rows,
        tokens=facts.tokens,
        trained_tokens=facts.trained_tokens,
        packed_rows=facts.packed_rows,
        batch_rows=per_step,
        steps=steps,
        epochs=config.optimisation.num_train_epochs,
        parameters=files.parameters,
        trainable_parameters=trainable_parameters(files, config),
        dtype=precision.dtype,
        dtype_reason=precision.reason,
        memory=foretold_memory(config, files, precision.dtype, prepared, ground.device.kind),
        warnings=tuple(
            notice.message
            for notice in (
                *precision.notices,
                *template.notices,
                *prepared.notices,
                *adapter_notices(ground),
            )
        ),
    )


def count_steps(config: TrainConfig, rows: int) -> int:
    """Optimiser steps, as transformers counts them: the last of an epoch may be smaller."""
    optimisation = config.optimisation
    if optimisation.max_steps > 0:
        return optimisation.max_steps
    batches = math.ceil(rows / optimisation.per_device_train_batch_size)
    an_epoch = max(1, math.ceil(batches / optimisation.gradient_accumulation_steps))
    return math.ceil(optimisation.num_train_epochs * an_epoch)


def foretold_memory(
    config: TrainConfig, files: ModelFiles, dtype: str, prepared: Prepared, device: str
) -> MemoryEstimate:
    """What the heaviest micro batch that shuffling could bring together takes, or its heaviest part."""
    tokens, labels = heaviest_batch(config, prepared)
    limit = part_tokens(device)
    if limit is None or tokens <= limit:
        return estimate(files, config, dtype, tokens, labels, device=device)
    part = max(limit, longest_text(config, prepared))
    return estimate(
        files, config, dtype, min(tokens, part), min(labels, part), device=device, in_parts=part < tokens
    )


def heaviest_batch(config: TrainConfig, prepared: Prepared) -> tuple[int, int]:
    """Tokens and labels of the heaviest micro batch. Of a stream: what rows may hold at most."""
    count = config.optimisation.per_device_train_batch_size
    if prepared.stream is not None:
        return (count * config.data.cutoff_len,) * 2
    weights = prepared.weights()
    chosen = [weights[row] for row in prepared.heaviest_rows(count)]
    return sum(tokens for tokens, _ in chosen), sum(labels for _, labels in chosen)


def longest_text(config: TrainConfig, prepared: Prepared) -> int:
    """Tokens of the longest example, which is never cut."""
    if prepared.stream is not None:
        return config.data.cutoff_len
    return max(Examples.of_any(prepared.train).lengths(), default=0)

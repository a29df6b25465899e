"""Which fused steps a model trains with: those that fit, and that compute what the model computes.

The parts are tried on two short sequences. Where loss or gradients come out otherwise than without
them, each is tried by itself, and what differs stays plain.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel

from conch.training.kernels.parts import PARTS
from conch.training.kernels.patch import Patch, applied
from conch.training.kernels.segments import segmented
from conch.training.loss import score

LOSS_TOLERANCE = 1e-4
GRADIENT_TOLERANCE = 1e-3
"""How far loss and gradients may be off, relative to the largest: room for another order of summing in
fp32, not for another computation."""
WATCHED = 16
"""Weights whose gradients are compared, spread over the model."""
HEAD = "head"


@dataclass(frozen=True)
class FastPath:
    """The chosen parts, to be put in for as long as the model trains."""

    patches: tuple[Patch, ...] = ()
    head: nn.Linear | None = None
    names: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    """Parts that were found, tried, and computed something else."""

    @contextmanager
    def applied(self) -> Iterator[None]:
        with applied(self.patches):
            yield


PLAIN = FastPath()


def choose(model: Any) -> FastPath:
    """The fused steps for a model that reads packed rows, on a CPU in fp32; none elsewhere."""
    if any(p.device.type != "cpu" or p.dtype != torch.float32 for p in model.parameters()):
        return PLAIN
    found = {name: tuple(find(model)) for name, find in PARTS.items()}
    found = {name: patches for name, patches in found.items() if patches}
    head = output_head(model)
    wanted = _tried(model, PLAIN)
    everything = _path(found, head)
    if _agree(_tried(model, everything), wanted):
        return everything
    good = {
        name: patches for name, patches in found.items() if _agree(_tried(model, FastPath(patches)), wanted)
    }
    good_head = head if _agree(_tried(model, FastPath(head=head)), wanted) else None
    left = tuple(name for name in _path(found, head).names if name not in _path(good, good_head).names)
    return _path(good, good_head, left)


def _path(
    found: dict[str, tuple[Patch, ...]], head: nn.Linear | None, left: tuple[str, ...] = ()
) -> FastPath:
    patches = tuple(patch for part in found.values() for patch in part)
    return FastPath(patches, head, (*found, *([HEAD] if head is not None else [])), left)


def output_head(model: PreTrainedModel) -> nn.Linear | None:
    """The model's output layer, where it is a plain product without bias."""
    head = model.get_output_embeddings()
    return head if type(head) is nn.Linear and head.bias is None else None


Outcome = tuple[torch.Tensor, ...]


def _tried(model: Any, path: FastPath) -> Outcome | None:
    """Loss and some gradients on two short sequences; None where the model can't be run so."""
    batch = _two_sequences(model.get_input_embeddings().num_embeddings)
    watched = _watched([p for p in model.parameters() if p.requires_grad])
    was_training = model.training
    model.eval()
    try:
        with segmented(model), path.applied(), torch.enable_grad():
            nll = score(model, batch, head=path.head).nll
            return (nll.detach(), *torch.autograd.grad(nll, watched, allow_unused=True))
    except (TypeError, ValueError, RuntimeError, AttributeError):
        return None
    finally:
        model.train(was_training)


def _two_sequences(size: int) -> dict[str, Any]:
    first, second = torch.arange(7) % size, (torch.arange(5) * 3 + 1) % size
    ids = torch.cat([first, second])[None]
    labels = ids.clone()
    labels[0, 0] = labels[0, 7] = -100
    positions = torch.cat([torch.arange(7), torch.arange(5)])[None]
    return {"input_ids": ids, "labels": labels, "position_ids": positions, "segments": [7, 5]}


def _watched(trained: Sequence[nn.Parameter]) -> list[nn.Parameter]:
    step = max(1, len(trained) // WATCHED)
    return list(trained[::step])


def _agree(one: Outcome | None, other: Outcome | None) -> bool:
    if one is None or other is None:
        return False
    loss_off = (one[0] - other[0]).abs() / other[0].abs().clamp_min(1e-6)
    return bool(loss_off <= LOSS_TOLERANCE) and all(
        _close(a, b) for a, b in zip(one[1:], other[1:], strict=True)
    )


def _close(one: torch.Tensor | None, other: torch.Tensor | None) -> bool:
    if one is None or other is None:
        return one is other
    return bool((one - other).abs().max() <= GRADIENT_TOLERANCE * other.abs().max())

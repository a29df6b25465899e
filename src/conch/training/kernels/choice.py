"""Which fused steps a model trains with: those that fit, and that compute what the model computes.

The parts are tried on two short sequences. Where loss or gradients come out otherwise than without
them, each is tried by itself, and what differs stays plain.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel

from conch.data.example import IGNORED
from conch.models.patch import Patch, applied
from conch.training.kernels.parts import PARTS
from conch.training.kernels.segments import CANNOT_RUN, segmented, two_sequences
from conch.training.loss import score


@dataclass(frozen=True)
class Tolerance:
    """How far loss and gradients may be off, relative to the loss and to a gradient's length."""

    loss: float
    gradient: float


TOLERANCE = Tolerance(1e-4, 1e-3)
"""Room for another order of summing in fp32, not for another computation."""
COARSE_TOLERANCE = Tolerance(0.02, 0.15)
"""Both sides round to bf16 or int8, and a last bit that differs before that may be a step afterwards."""
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
    half: bool = False
    """Weights are held and multiplied in bf16, and all else is fp32, without autocast."""

    @contextmanager
    def applied(self) -> Iterator[None]:
        with applied(self.patches):
            yield


PLAIN = FastPath()


def choose(model: Any, *, mixed: bool = False) -> FastPath:
    """The fused steps for a model that reads packed rows: on a CPU all, elsewhere the loss.

    On a CPU, what trains must be fp32. What does not may be held in bf16, where all parts must fit, since
    between them values are fp32. Weights that train in fp32 in a `mixed` precision stay plain: autocast
    has fast products for them, and these parts have none.
    """
    parameters = list(model.parameters())
    if any(p.device.type != "cpu" for p in parameters):
        return loss_alone(model)
    if any(p.requires_grad and p.dtype != torch.float32 for p in parameters):
        return PLAIN
    formats = {p.dtype for p in parameters}
    half = torch.bfloat16 in formats
    if mixed and not half:
        return PLAIN
    tolerance = COARSE_TOLERANCE if formats & {torch.bfloat16, torch.int8} else TOLERANCE
    found, head = _found(model), output_head(model)
    with torch.autocast("cpu", torch.bfloat16, enabled=half):
        wanted = _tried(model, PLAIN)
    everything = replace(_path(found, head), half=half)
    if _agree(_tried(model, everything), wanted, tolerance):
        return everything
    if half:
        return FastPath(left=everything.names)
    good = {
        name: patches
        for name, patches in found.items()
        if _agree(_tried(model, FastPath(patches)), wanted, tolerance)
    }
    good_head = head if _agree(_tried(model, FastPath(head=head)), wanted, tolerance) else None
    left = tuple(name for name in _path(found, head).names if name not in _path(good, good_head).names)
    return _path(good, good_head, left)


def path_of(model: Any, names: Collection[str], left: tuple[str, ...], *, half: bool) -> FastPath:
    """The path that `choose` found for such a model."""
    found = {name: tuple(PARTS[name](model)) for name in PARTS if name in names}
    head = output_head(model) if HEAD in names else None
    return replace(_path(found, head, left), half=half)


def _found(model: Any) -> dict[str, tuple[Patch, ...]]:
    """The parts that fit somewhere in the model."""
    found = {name: tuple(find(model)) for name, find in PARTS.items()}
    return {name: patches for name, patches in found.items() if patches}


def loss_alone(model: Any) -> FastPath:
    """The loss by chunks of the vocabulary's logits, in the mixed precision that the model trains in."""
    head = output_head(model)
    device = next(model.parameters()).device.type
    dtype = torch.bfloat16 if head is None or head.weight.dtype == torch.float32 else head.weight.dtype
    with torch.autocast(device, dtype):
        wanted, got = _tried(model, PLAIN), _tried(model, FastPath(head=head))
    if head is None or wanted is None:
        return PLAIN
    if _agree(got, wanted, COARSE_TOLERANCE):
        return FastPath(head=head, names=(HEAD,))
    return FastPath(left=(HEAD,))


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
    batch = two_sequences(model)
    batch["labels"] = batch["input_ids"].clone()
    batch["labels"][0, [0, batch["segments"][0]]] = IGNORED
    watched = _watched([p for p in model.parameters() if p.requires_grad])
    was_training = model.training
    model.eval()
    try:
        with segmented(model), path.applied(), torch.enable_grad():
            nll = score(model, batch, head=path.head).nll
            return (nll.detach(), *torch.autograd.grad(nll, watched, allow_unused=True))
    except CANNOT_RUN:
        return None
    finally:
        model.train(was_training)


def _watched(trained: Sequence[nn.Parameter]) -> list[nn.Parameter]:
    step = max(1, len(trained) // WATCHED)
    return list(trained[::step])


def _agree(one: Outcome | None, other: Outcome | None, tolerance: Tolerance) -> bool:
    if one is None or other is None:
        return False
    loss_off = (one[0] - other[0]).abs() / other[0].abs().clamp_min(1e-6)
    return bool(loss_off <= tolerance.loss) and all(
        _close(a, b, tolerance.gradient) for a, b in zip(one[1:], other[1:], strict=True)
    )


def _close(one: torch.Tensor | None, other: torch.Tensor | None, allowed: float) -> bool:
    if one is None or other is None:
        return one is other
    return bool((one - other).norm() <= allowed * other.norm())

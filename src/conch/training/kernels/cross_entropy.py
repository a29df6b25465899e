"""Cross entropy of a vocabulary without its logits: made, scored and turned into the gradient chunk
by chunk, so that no more than one chunk of logits exists at a time, forward or backward."""

from __future__ import annotations

from typing import Any

import torch

from conch.models.memory import LOGIT_CHUNK
from conch.models.native import native_for


class HeadLoss(torch.autograd.Function):
    """Summed negative log-likelihood (nats) of `targets` [N]: head [vocabulary, dim] on `hidden` [N, dim].

    Gives the sum and how many targets were the likeliest token. The gradients are made while the
    logits are there, and only kept. A head in bf16 is multiplied in bf16; all else is in fp32.
    """

    @staticmethod
    def forward(ctx: Any, hidden: torch.Tensor, weight: torch.Tensor, targets: torch.Tensor) -> Any:
        exact = torch.float64 if hidden.dtype == torch.float64 else torch.float32
        nll, hits = hidden.new_zeros((), dtype=exact), 0
        gradient = torch.empty_like(hidden) if ctx.needs_input_grad[0] else None
        of_weight = torch.zeros_like(weight) if ctx.needs_input_grad[1] else None
        chunk = max(1, LOGIT_CHUNK // (weight.shape[0] * hidden.element_size()))
        # one buffer for all chunks: the system hands out fresh memory slower than it is computed with
        buffer = hidden.new_empty(min(chunk, len(targets)), len(weight))
        for begin in range(0, len(targets), chunk):
            part = slice(begin, min(begin + chunk, len(targets)))
            logits = buffer[: part.stop - begin]
            multiply(hidden[part], weight.T, logits)
            lost, right = scored_in_place(logits, targets[part], any(ctx.needs_input_grad))
            nll += lost
            hits += right
            if gradient is not None:
                multiply(logits, weight, gradient[part])
            if of_weight is not None:
                of_weight.addmm_(logits.T.to(weight.dtype), hidden[part].to(weight.dtype))
        ctx.gradients = gradient, of_weight
        return nll, torch.tensor(hits)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> Any:
        made = (None if g is None else g * gradients[0].to(g.dtype) for g in ctx.gradients)
        return (*made, None)


def multiply(values: torch.Tensor, weight: torch.Tensor, into: torch.Tensor) -> None:
    """`values weight`, in the format of the weight."""
    if weight.dtype == values.dtype:
        torch.mm(values, weight, out=into)
    else:
        into.copy_(values.to(weight.dtype) @ weight)


def scored_in_place(logits: torch.Tensor, targets: torch.Tensor, grad: bool) -> tuple[torch.Tensor, int]:
    """Summed loss and hits of logits [N, vocabulary]; with `grad` they become their own gradient."""
    rows, vocabulary = logits.shape
    library = native_for(logits)
    if library is not None:
        nll, hit = logits.new_empty(rows), targets.new_empty(rows)
        library.call("cross_entropy", logits, targets.contiguous(), nll, hit, rows, vocabulary, int(grad))
        return nll.sum(), int(hit.sum())
    hits = int((logits.argmax(-1) == targets).sum())
    wide = logits if logits.dtype == torch.float64 else logits.float()
    log_probabilities = torch.log_softmax(wide, -1)
    nll = -log_probabilities.gather(1, targets[:, None]).sum()
    if grad:
        logits.copy_(log_probabilities.exp_())
        logits[torch.arange(rows, device=logits.device), targets] -= 1
    return nll, hits

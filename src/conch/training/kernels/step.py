"""Calling a step of autograd of our own."""

from __future__ import annotations

from typing import Any

import torch


def step(function: type[torch.autograd.Function], *arguments: Any) -> Any:
    """What `function` computes, with its own gradient."""
    return function.apply(*arguments)  # type: ignore[no-untyped-call]  # torch leaves it without types

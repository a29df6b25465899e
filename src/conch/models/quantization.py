"""How the frozen weights are quantised on a device. No torch."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Literal

from conch.config.quantization import QuantizationConfig
from conch.core.errors import TrainingError
from conch.models.hardware import Device

Quantization = Literal["bnb", "int8"]


def choose_quantization(device: Device, asked: QuantizationConfig) -> Quantization | None:
    """How to quantise as asked; None where nothing is asked for.

    Raises TrainingError where the device or a missing package does not allow it.
    """
    bits, method = asked.quantization_bit, asked.quantization_method
    if bits is None:
        return None
    if device.kind == "cuda":
        if method == "int8":
            raise TrainingError("training.int8_needs_cpu")
        if find_spec("bitsandbytes") is None:
            raise TrainingError("training.no_bitsandbytes")
        return "bnb"
    if bits == 8 and method in {None, "int8"} and device.kind == "cpu":
        return "int8"
    raise TrainingError("training.bnb_needs_cuda", bits=bits, device=device.kind)

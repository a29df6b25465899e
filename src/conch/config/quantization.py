"""In how many bits the frozen weights are held."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator

from conch.config.types import Node, whole


def _short(name: Any) -> Any:
    return "bnb" if name == "bitsandbytes" else name


Bits = Annotated[Literal[4, 8], BeforeValidator(whole)]
Method = Annotated[Literal["bnb", "int8"], BeforeValidator(_short)]


class QuantizationConfig(Node):
    """`quantization_bit` unset: in the format that they are multiplied in.

    `bnb` is bitsandbytes, which needs a CUDA GPU (Dettmers et al. 2023, arXiv:2305.14314, for 4 bits);
    `int8` is for CPUs. Unset: what the device can do.
    """

    quantization_bit: Bits | None = None
    quantization_method: Method | None = None
    quantization_type: Literal["nf4", "fp4"] = "nf4"
    double_quantization: bool = True

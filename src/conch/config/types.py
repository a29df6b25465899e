"""The kinds of value that keys take, each with the conversions that users expect.

`1e-4`, `1.0e-4` and `"0.0001"` are one number; `a,b` is a list; `true` is never a number.
"""

from __future__ import annotations

import math
import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError


class Node(BaseModel):
    """Base of all config nodes: frozen, and strict about names."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=(), validate_default=True)


def _not_bool(value: Any) -> Any:
    if isinstance(value, bool):
        raise PydanticCustomError("number_wanted", "a number")
    return value


def whole(value: Any) -> Any:
    """`1e3` and `1000.0` are the whole number 1000."""
    value = _not_bool(value)
    if isinstance(value, str):
        try:
            value = float(value) if not value.strip().lstrip("+-").isdigit() else int(value)
        except ValueError:
            return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise PydanticCustomError("finite_number", "a finite number")
    return value


def _text(value: Any) -> Any:
    """A YAML name such as `123` is still a name."""
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value


def read_names(value: Any) -> Any:
    """`a,b` is the list of both; a single number is a name."""
    value = _text(value)
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def read_switch(value: Any) -> Any:
    """The words that YAML takes for true and false, also from a command line."""
    words = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
    return words.get(value.lower(), value) if isinstance(value, str) else value


DTYPES = {"bf16": "bfloat16", "fp16": "float16", "fp32": "float32"}
"""Short names of number formats."""


def read_dtype(value: Any) -> Any:
    """`bf16` is the same number format as `bfloat16`."""
    return DTYPES.get(value, value) if isinstance(value, str) else value


_EXPONENT = re.compile(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+")


_BYTES = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(i?)b?", re.IGNORECASE)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}


def read_bytes(value: Any) -> Any:
    """`2GB` is two thousand million bytes, as disks are sold; `2GiB` is 2 * 1024 ** 3."""
    if not isinstance(value, str):
        return whole(value)
    match = _BYTES.fullmatch(value.strip())
    size = float(match[1]) * (1024 if match[3] else 1000) ** _POWERS[match[2].lower()] if match else math.inf
    if not math.isfinite(size):
        raise PydanticCustomError("size_wanted", "a size")
    return round(size)


def read_numbers(value: Any) -> Any:
    """Inside a mapping, what YAML 1.1 takes for text although it is a number: `{min_lr: 1e-5}`."""
    if isinstance(value, str) and _EXPONENT.fullmatch(value):
        return float(value)
    if isinstance(value, dict):
        return {key: read_numbers(item) for key, item in value.items()}
    return [read_numbers(item) for item in value] if isinstance(value, list) else value


Int = Annotated[int, BeforeValidator(whole)]
# A bound stands before the conversions, so that JSON Schema shows it as `minimum`.
Count = Annotated[int, Field(ge=1), BeforeValidator(whole)]
Size = Annotated[int, Field(ge=0), BeforeValidator(whole)]
Float = Annotated[float, BeforeValidator(_not_bool), AfterValidator(_finite)]
Positive = Annotated[float, Field(gt=0), BeforeValidator(_not_bool), AfterValidator(_finite)]
NotNegative = Annotated[float, Field(ge=0), BeforeValidator(_not_bool), AfterValidator(_finite)]
Share = Annotated[float, Field(ge=0, le=1), BeforeValidator(_not_bool), AfterValidator(_finite)]
PositiveShare = Annotated[float, Field(gt=0, le=1), BeforeValidator(_not_bool), AfterValidator(_finite)]
Str = Annotated[str, BeforeValidator(_text)]
Names = Annotated[tuple[Str, ...], BeforeValidator(read_names)]
Shares = Annotated[tuple[PositiveShare, ...], BeforeValidator(read_names)]
"""Shares of a whole: `0.3,0.7`, a list, or one number."""
Bytes = Annotated[int, Field(ge=1), BeforeValidator(read_bytes)]
"""A size: `2GB`, `500 MB`, `1.5GiB`, or a number of bytes."""
Dtype = Annotated[Literal["auto", "float16", "bfloat16", "float32"], BeforeValidator(read_dtype)]
Settings = Annotated[dict[str, Any], BeforeValidator(read_numbers)]

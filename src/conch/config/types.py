"""The kinds of value that keys take, each with the conversions that users expect.

`1e-4`, `1.0e-4` and `"0.0001"` are one number; `a,b` is a list; `true` is never a number.
"""

from __future__ import annotations

import math
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError


class Node(BaseModel):
    """Base of all config nodes: frozen, and strict about names."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=(), validate_default=True)


def _not_bool(value: Any) -> Any:
    if isinstance(value, bool):
        raise PydanticCustomError("number_wanted", "a number")
    return value


def _whole(value: Any) -> Any:
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


def _names(value: Any) -> Any:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


Int = Annotated[int, BeforeValidator(_whole)]
Count = Annotated[int, BeforeValidator(_whole), Field(ge=1)]
Size = Annotated[int, BeforeValidator(_whole), Field(ge=0)]
Float = Annotated[float, BeforeValidator(_not_bool), AfterValidator(_finite)]
Positive = Annotated[float, BeforeValidator(_not_bool), AfterValidator(_finite), Field(gt=0)]
NotNegative = Annotated[float, BeforeValidator(_not_bool), AfterValidator(_finite), Field(ge=0)]
Share = Annotated[float, BeforeValidator(_not_bool), AfterValidator(_finite), Field(ge=0, le=1)]
Str = Annotated[str, BeforeValidator(_text)]
Names = Annotated[tuple[Str, ...], BeforeValidator(_names)]

"""What a user can ask for: small frozen nodes, one file each. No torch here.

The names below are imported when first used: `conch options train` needs none of the nodes.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from conch.config.export import ExportConfig
    from conch.config.load import Loaded, load_export, load_train
    from conch.config.serve import ServeConfig
    from conch.config.train import TrainConfig
    from conch.config.values import build

__all__ = ["ExportConfig", "Loaded", "ServeConfig", "TrainConfig", "build", "load_export", "load_train"]

_PLACES = {"ExportConfig": "export", "ServeConfig": "serve", "TrainConfig": "train", "build": "values"}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'conch.config' has no attribute {name!r}")
    return getattr(import_module(f"conch.config.{_PLACES.get(name, 'load')}"), name)

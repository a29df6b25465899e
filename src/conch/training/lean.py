"""Importing the libraries of a training without what they would only look at.

On import transformers, peft and accelerate ask which other libraries there are, and import what they
find: datasets with pandas and pyarrow, torch's compiler, tensors that are spread over machines (with
a whole algebra system). A training in one process on a CPU calls none of it, and it is a third of
what the imports take. So for that moment the libraries are told that these are not there. What they
import without asking is replaced by modules of a few names; whoever asks for more gets the real ones.

Only for a process that does nothing but train. No torch unless called.
"""

from __future__ import annotations

import gc
import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

from conch.config.train import TrainConfig
from conch.core import env
from conch.training.contents import kept_contents

UNUSED = (
    "datasets",
    "pandas",
    "pyarrow",
    "sklearn",
    "scipy",
    "tabulate",
    "IPython",
    "torchvision",
    "torchaudio",
)
"""Libraries that others import where they are there. Ours import what they need afterwards."""
COMPILING = ("torch_compile", "deepspeed", "fsdp", "parallelism")
"""Beginnings of the names of arguments for which the real modules are needed."""
COMPILER, CONTEXT = "torch._dynamo", "torch._dynamo._trace_wrapped_higher_order_op"
SPREAD = "torch.distributed.tensor"


@contextmanager
def imports(config: TrainConfig) -> Iterator[None]:
    """Import within it what the training needs. On machines with a GPU nothing is held back.

    What is made while importing lives as long as the process, so nobody looks whether it is garbage:
    not now, and never again.
    """
    env.quiet_libraries()
    gc.disable()
    try:
        with kept_contents(), _held_back() if _suits(config) else nullcontext():
            yield
    finally:
        gc.freeze()
        gc.enable()


def _suits(config: TrainConfig) -> bool:
    """Whether this is a training on a CPU, in one process, that compiles nothing."""
    if COMPILER in sys.modules or env.one_of_several():
        return False
    if any(key.startswith(COMPILING) for key in config.passthrough):
        return False
    import torch

    return not (torch.cuda.is_available() or torch.backends.mps.is_available() or torch.xpu.is_available())


@contextmanager
def _held_back() -> Iterator[None]:
    import torch

    absent = [name for name in UNUSED if name not in sys.modules]
    for name in absent:
        sys.modules[name] = None  # type: ignore[assignment]  # to Python: there is no such module
    for name, known in STAND_INS.items():
        StandIn(name, known).take_place()
    is_available = torch.distributed.is_available
    torch.distributed.is_available = lambda: False
    try:
        yield
    finally:
        torch.distributed.is_available = is_available
        for name in absent:
            if sys.modules.get(name, torch) is None:
                del sys.modules[name]


class StandIn(ModuleType):
    """In the place of a module: the few names of it that others ask for without need.

    Whoever asks for anything else gets the real modules, which are in their own places from then on.
    """

    def __init__(self, name: str, known: dict[str, Any]) -> None:
        super().__init__(name)
        parent, _, own = name.rpartition(".")
        self.__path__ = [str(Path(folder, own)) for folder in sys.modules[parent].__path__]
        vars(self).update(known)

    def take_place(self) -> None:
        parent, _, own = self.__name__.rpartition(".")
        sys.modules[self.__name__] = self
        setattr(sys.modules[parent], own, self)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # the import system looks for its own
            raise AttributeError(name)
        return getattr(real(self.__name__), name)


def real(name: str) -> ModuleType:
    """The module itself, in its place."""
    for stand_in in STAND_INS:
        if isinstance(sys.modules.get(stand_in), StandIn):
            del sys.modules[stand_in]
    for stand_in in STAND_INS:
        importlib.import_module(stand_in)
    return importlib.import_module(name)


def unchanged(function: Any = None, *_: Any, **__: Any) -> Any:
    """What the compiler is told of, as it is; also as a decorator with arguments."""
    return unchanged if function is None else function


def nothing(*_: Any, **__: Any) -> None:
    """Where there is no graph, none is broken."""


class Nobody:
    """A kind of model or tensor of which there is none here."""


def index_context() -> Any:
    """What transformers makes some masks within."""
    return real(CONTEXT).TransformGetItemToIndex()


STAND_INS: dict[str, dict[str, Any]] = {
    COMPILER: {
        "disable": unchanged,
        "allow_in_graph": unchanged,
        "assume_constant_result": unchanged,
        "graph_break": nothing,
        "eval_frame": SimpleNamespace(OptimizedModule=Nobody),
    },
    CONTEXT: {"TransformGetItemToIndex": index_context},
    SPREAD: {"DTensor": Nobody},
}
"""Modules that are imported in vain, and what stands in them instead."""

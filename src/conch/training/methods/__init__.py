"""Stage name → method. A new method is a new file here and one line in the table."""

from __future__ import annotations

from collections.abc import Callable

from conch.config.data import DataConfig
from conch.training.method import Method
from conch.training.methods.pretrain import Pretraining
from conch.training.methods.sft import SupervisedFineTuning

METHODS: dict[str, Callable[[DataConfig], Method]] = {
    "sft": SupervisedFineTuning,
    "pt": Pretraining,
}

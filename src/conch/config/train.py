"""One training job, complete and frozen. Flat outside, grouped inside."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from conch.config.data import DataConfig
from conch.config.method import FreezeConfig, LoraConfig, MethodConfig
from conch.config.model import SECRETS, ModelConfig
from conch.config.notify import NotifyConfig
from conch.config.optimisation import OptimisationConfig, PrecisionConfig
from conch.config.output import GenerationConfig, OutputConfig
from conch.config.prediction import PredictionConfig
from conch.config.quantization import QuantizationConfig
from conch.config.samples import SamplesConfig
from conch.config.trackers import TrackersConfig
from conch.config.types import Node


class TrainConfig(Node):
    """Every setting of a run, in nodes. Users write the keys flat; `conch.config.load` groups them."""

    model: ModelConfig
    data: DataConfig = DataConfig()
    method: MethodConfig = MethodConfig()
    lora: LoraConfig = LoraConfig()
    freeze: FreezeConfig = FreezeConfig()
    optimisation: OptimisationConfig = OptimisationConfig()
    precision: PrecisionConfig = PrecisionConfig()
    quantization: QuantizationConfig = QuantizationConfig()
    output: OutputConfig = OutputConfig()
    samples: SamplesConfig = SamplesConfig()
    notify: NotifyConfig = NotifyConfig()
    trackers: TrackersConfig = TrackersConfig()
    generation: GenerationConfig = GenerationConfig()
    prediction: PredictionConfig = PredictionConfig()
    passthrough: dict[str, Any] = Field(default_factory=dict)
    """Fields of transformers' TrainingArguments that Conch hands on by their own names."""

    def rows(self) -> DataConfig:
        """The data's node: without a source of its own, datasets come from where the model does.

        The model's access tokens are for datasets, too.
        """
        source = self.data.dataset_source or self.model.model_source
        return self.data.model_copy(update={"dataset_source": source}).with_tokens(self.model.tokens())

    def to_flat(self, *, secrets: bool = False) -> dict[str, Any]:
        """The flat form, every key, as `config.yaml` holds it. Secrets are left out unless asked for."""
        flat: dict[str, Any] = {}
        for name in NODES:
            flat.update(getattr(self, name).model_dump(mode="json"))
        flat.update(self.passthrough)
        return flat if secrets else {key: value for key, value in flat.items() if key not in SECRETS}


NODES: dict[str, type[Node]] = {
    name: info.annotation
    for name, info in TrainConfig.model_fields.items()
    if isinstance(info.annotation, type) and issubclass(info.annotation, Node)
}
"""Node name to node class, in the order in which users meet them."""

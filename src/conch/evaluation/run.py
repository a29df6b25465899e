"""A prediction's config → a loaded model that answers its rows."""

from __future__ import annotations

from dataclasses import replace

from conch.config.train import TrainConfig
from conch.evaluation.predict import Prediction, Told, predict
from conch.inference.open import open_chat, sampling_of
from conch.models.load import load


def predict_with(config: TrainConfig, told: Told = lambda done, total: None) -> Prediction:
    """Load the model that `config` names, answer its dataset, write the files."""
    loaded = load(config.model, template=config.data.template)
    sampling = replace(sampling_of(loaded, config.generation), seed=config.optimisation.seed)
    chat = open_chat(loaded, config.data.enable_thinking)
    about = "\n".join(str(path) for path in (loaded.located.folder, *loaded.located.adapters))
    about += f"\n{chat.template.source}\n{config.data.enable_thinking}"
    return predict(config, chat, sampling, about, told)

"""A prediction's config → a loaded model that answers its rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from conch.config.compare import ReadingConfig
from conch.config.train import TrainConfig
from conch.core.errors import UsageError
from conch.evaluation.opening import Opened, opened
from conch.evaluation.predict import Prediction, Told, predict
from conch.inference.beams import Beams, BeamSearch
from conch.inference.engines.transformers import TransformersEngine


def predict_with(
    config: TrainConfig, told: Told = lambda done, total: None, notify: Callable[[str], None] = lambda _: None
) -> Prediction:
    """Load the model that `config` names, answer its dataset, write the files."""
    with opened(config.model, _reading(config), config.generation, notify) as model:
        beams = Beams(config.prediction.num_beams, config.prediction.length_penalty)
        chat = model.chat
        if beams.count > 1:
            chat = replace(chat, engine=_beam_search(model, beams))
        sampling = replace(model.sampling, seed=config.optimisation.seed)
        return predict(config, chat, sampling, _about(config, model, beams), told)


def _reading(config: TrainConfig) -> ReadingConfig:
    return ReadingConfig(
        engine=config.prediction.engine(),
        template=config.data.template,
        enable_thinking=config.data.enable_thinking,
        trust_remote_code=config.model.trust_remote_code,
    )


def _beam_search(model: Opened, beams: Beams) -> BeamSearch:
    """Raises UsageError where the model's own generation config draws answers."""
    if model.sampling.temperature > 0:
        raise UsageError("evaluation.beams_sample")
    engine = model.chat.engine
    assert isinstance(engine, TransformersEngine), "config's own rules see to it"
    return BeamSearch(engine.model, beams)


def _about(config: TrainConfig, model: Opened, beams: Beams) -> str:
    """What an earlier attempt must have in common with this one, so that it can be gone on with."""
    located = model.located
    told = [str(path) for path in (located.folder, *located.adapters)]
    told += [model.chat.engine.name, str(beams), model.chat.template.source, str(config.data.enable_thinking)]
    return "\n".join(told)

"""The prediction that ends a run: `do_predict`. What was saved is loaded anew and answers the rows held out.

So what is scored is what a user will load. The prediction is part of the run: it is followed, stopped and
resumed like one, and a run that was trained already is not trained again for it. No torch unless it works.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conch.config.train import TrainConfig
from conch.core.events import Phase, Stopped
from conch.runs.checkpoints import step_of
from conch.runs.log import EventLog
from conch.runs.run import Run
from conch.runs.summary import open_log
from conch.training.checkpoint import latest
from conch.training.conclusion import weights_are_whole

TRAINED, PREDICTING, PREDICTED = "trained", "predicting", "predicted"
UNTRAINED = {"step": 0, "train_seconds": 0.0, "tokens": 0, "tokens_per_second": 0.0}
"""How a training ended that there was none of."""


class _StopWantedError(Exception):
    """Somebody wants the run to stop. Its arguments are the rows answered, and all rows."""


@dataclass(frozen=True)
class LastPart:
    """The prediction of one run."""

    run: Run
    config: TrainConfig
    log: EventLog
    wants_stop: Callable[[], bool]

    def is_all(self, resume: Path | None) -> dict[str, Any] | None:
        """How the training ended where nothing but the prediction is left to do; None where there is more.

        `resume` is the checkpoint that the run is to go on from.
        """
        if not self.config.output.do_predict:
            return None
        if not self.config.output.trains():
            return UNTRAINED
        with open_log(self.run.events_path) as log:
            told = log.last(Phase, f'"name": "{TRAINED}"'.encode())
        ended = dict(told.facts or {}) if told else {}
        if ended.pop("until", None) != self._until() or not weights_are_whole(self.run.output):
            return None
        return ended if resume is None or step_of(resume) == ended["step"] else None

    def do(self, ended: dict[str, Any]) -> bool:
        """Predict after a training that went as `ended` says; whether all rows are answered."""
        if not self.config.output.do_predict:
            return True
        if self.config.output.trains():
            self.log.write(Phase, name=TRAINED, facts={**ended, "until": self._until()})
        self.log.write(Phase, name=PREDICTING)
        from conch.evaluation.run import predict_with  # heavy

        try:
            found = predict_with(self._asked(), self._tell, self._doing)
        except _StopWantedError as stop:
            done, total = stop.args
            self.log.warn("evaluation.stopped", done=done, total=total, run=self.run.id)
            checkpoint = latest(self.run.output)
            self.log.write(Stopped, step=ended["step"], checkpoint=str(checkpoint) if checkpoint else None)
            return False
        facts = {
            "rows": found.rows,
            "folder": str(found.folder),
            "again": found.again,
            "scores": found.scores,
        }
        self.log.write(Phase, name=PREDICTED, facts=facts)
        return True

    def _asked(self) -> TrainConfig:
        """The same settings, for what the run saved."""
        model = self.config.model
        if self.config.output.trains():
            saved = {"model_name_or_path": str(self.run.output), "adapter_name_or_path": ()}
            model = model.model_copy(update=saved)
        output = self.config.output.model_copy(update={"output_dir": str(self.run.output)})
        return self.config.model_copy(update={"model": model, "output": output})

    def _tell(self, done: int, total: int) -> None:
        self.log.write(Phase, name=PREDICTING, facts={"done": done, "of": total})
        if done < total and self.wants_stop():
            raise _StopWantedError(done, total)

    def _doing(self, text: str) -> None:
        self.log.write(Phase, name=PREDICTING, facts={"doing": text})

    def _until(self) -> list[float]:
        """Where the training is to end: another end asks for more of it."""
        optimisation = self.config.optimisation
        return [optimisation.num_train_epochs, optimisation.max_steps]

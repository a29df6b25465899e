"""`conch runs show RUN --samples`: what the model answered as training went on."""

from __future__ import annotations

from conch.cli.layout import fold
from conch.cli.output import emit, say
from conch.core.events import Sample
from conch.core.text import tr
from conch.runs import Run, read_events


def show_samples(run: Run, *, as_json: bool) -> None:
    samples = [event for event in read_events(run.events_path) if isinstance(event, Sample)]
    if as_json:
        told = [{"step": event.step, "prompt": event.prompt, "answer": event.answer} for event in samples]
        emit({"id": run.id, "samples": told})
        return
    if not samples:
        say(tr("cli.runs.no_samples", run=run.id))
    for prompt in dict.fromkeys(event.prompt for event in samples):
        say(tr("cli.runs.sample_prompt", prompt=prompt))
        for event in samples:
            if event.prompt == prompt:
                said = tr("cli.runs.sample_answer", step=event.step, answer=" ".join(event.answer.split()))
                say(fold(said, 4))

"""Samples as a model would be trained on them: their token sequences, not yet cut."""

from __future__ import annotations

from dataclasses import dataclass, replace

from conch.core.conversation import Conversation, Document, Feedback, Message, Preference
from conch.data.example import Example, encode, encode_text
from conch.data.rows import Sample
from conch.data.template import ChatTemplate


@dataclass(frozen=True)
class Measure:
    """A model's tokenizer and template, and the length that rows are cut to."""

    template: ChatTemplate
    cutoff_len: int = 2048

    def examples(self, sample: Sample) -> list[Example]:
        """The sequences of `sample`. Raises DataError where the template refuses it."""
        match sample:
            case Conversation():
                return encode(sample, self.template)
            case Preference():
                return [e for a in (sample.chosen, sample.rejected) for e in self._answered(sample.prompt, a)]
            case Feedback():
                return self._answered(sample.prompt, sample.answer)
            case Document():
                return [encode_text(sample, self.template)]

    def _answered(self, prompt: Conversation, answer: Message) -> list[Example]:
        """One answer trained; those before it are context."""
        before = (replace(message, trained=False) for message in prompt.messages)
        return encode(replace(prompt, messages=(*before, answer)), self.template)

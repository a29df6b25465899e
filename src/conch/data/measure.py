"""Samples as a model would be trained on them: their token sequences, not yet cut."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from conch.config.data import DataConfig
from conch.core.conversation import Conversation, Document, Feedback, Message, Preference
from conch.data.example import Example, encode, encode_text, told_of_row
from conch.data.rows import Sample
from conch.data.template import ChatTemplate


@dataclass(frozen=True)
class Measure:
    """A model's tokenizer and template, and the settings that rows would be trained with."""

    template: ChatTemplate
    config: DataConfig = field(default_factory=DataConfig)

    @property
    def cutoff_len(self) -> int:
        return self.config.cutoff_len

    def examples(self, sample: Sample) -> list[Example]:
        """The sequences of `sample`. Raises RowError where the template refuses it."""
        with told_of_row(sample.origin):
            match sample:
                case Conversation():
                    return self._conversation(sample)
                case Preference():
                    answers = (sample.chosen, sample.rejected)
                    return [example for answer in answers for example in self._answered(sample, answer)]
                case Feedback():
                    return self._answered(sample, sample.answer)
                case Document():
                    return [encode_text(sample, self.template)]

    def _conversation(self, sample: Conversation) -> list[Example]:
        asked = {"train_on_prompt": self.config.train_on_prompt, "mask_history": self.config.mask_history}
        return encode(sample, self.template, **asked)

    def _answered(self, sample: Preference | Feedback, answer: Message) -> list[Example]:
        """One answer trained; those before it are context."""
        before = (replace(message, trained=False) for message in sample.prompt.messages)
        return encode(replace(sample.prompt, messages=(*before, answer)), self.template)

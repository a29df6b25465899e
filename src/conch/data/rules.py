"""What is asked of every sample, one rule a function. Rules look at one sample each.

Rules of `ERRORS` stop a training; those of `WARNINGS` are told by `conch data check`.
Rules that compare rows with one another are in `conch.data.repeats`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any, TypeAlias

from conch.core.conversation import Conversation, Document, Feedback, Message, Origin, Preference
from conch.core.errors import DataError, RowError
from conch.data.example import IGNORED, Example
from conch.data.measure import Measure
from conch.data.rows import Sample
from conch.data.scripts import script_name, script_of


class Look:
    """A sample as rules look at it. Each part is made when the first rule asks for it."""

    def __init__(self, sample: Sample) -> None:
        self.sample = sample
        self.origin = sample.origin or Origin("-", 0)

    def error(self, key: str, **values: Any) -> RowError:
        return RowError(key, file=self.origin.file, row=self.origin.row, **values)

    @cached_property
    def turns(self) -> tuple[Message, ...]:
        """Every turn before the answers of a pair; every turn of a conversation."""
        match self.sample:
            case Conversation():
                return self.sample.messages
            case Preference() | Feedback():
                return self.sample.prompt.messages
            case Document():
                return ()

    @cached_property
    def answers(self) -> tuple[Message, ...]:
        """What may be trained."""
        match self.sample:
            case Conversation():
                return tuple(turn for turn in self.turns if turn.role == "assistant")
            case Preference():
                return self.sample.chosen, self.sample.rejected
            case Feedback():
                return (self.sample.answer,)
            case Document():
                return ()

    @cached_property
    def asked(self) -> str:
        """What the last answer answers: every text before it but the system's."""
        before = self.turns[:-1] if isinstance(self.sample, Conversation) else self.turns
        return "\n".join(turn.content for turn in before if turn.role != "system")

    @cached_property
    def text(self) -> str:
        """Every text of the sample but the system's, which rows often share."""
        if isinstance(self.sample, Document):
            return self.sample.text
        answers = () if isinstance(self.sample, Conversation) else self.answers
        told = [turn.content for turn in (*self.turns, *answers) if turn.role != "system"]
        calls = [str(call.arguments) for turn in self.turns for call in turn.tool_calls]
        return "\n".join([*told, *calls])


Rule: TypeAlias = Callable[[Look], Iterator[RowError]]


# errors


def turns_are_in_order(look: Look) -> Iterator[RowError]:
    """After an optional system text, user and assistant take turns; results of tools follow their calls."""
    turns = look.turns[1:] if look.turns[:1] and look.turns[0].role == "system" else look.turns
    offset = len(look.turns) - len(turns)
    before = ""
    for number, turn in enumerate(turns, offset + 1):
        if not before and turn.role != "user":
            yield look.error("check.first_turn", role=turn.role)
            return
        if before and turn.role not in _MAY_FOLLOW[before]:
            yield look.error("check.turn_order", turn=number, role=turn.role, before=before)
            return
        before = turn.role


_MAY_FOLLOW = {
    "user": ("assistant",),
    "assistant": ("user", "tool"),
    "tool": ("tool", "assistant"),
}


def the_end_is_an_answer(look: Look) -> Iterator[RowError]:
    """A conversation ends with the assistant; what is answered elsewhere does not."""
    if isinstance(look.sample, Document):
        return
    whole = isinstance(look.sample, Conversation)
    if not look.answers:
        yield look.error("check.no_answer")
    elif whole and look.turns[-1].role != "assistant":
        yield look.error("check.last_turn", role=look.turns[-1].role)
    elif not whole and (not look.turns or look.turns[-1].role == "assistant"):
        yield look.error("check.answered_already")


def an_answer_is_trained(look: Look) -> Iterator[RowError]:
    """OpenAI's `weight: 0` may not stand at every answer."""
    if look.answers and not any(answer.trained for answer in look.answers):
        yield look.error("check.all_untrained")


def results_follow_calls(look: Look) -> Iterator[RowError]:
    """A tool's result answers a call of the assistant's turn before it."""
    calls: tuple[str | None, ...] = ()
    before = ""
    for number, turn in enumerate(look.turns, 1):
        if turn.role == "assistant":
            calls = tuple(call.id for call in turn.tool_calls)
        elif turn.role == "tool" and before in {"assistant", "tool"}:
            named = {call for call in calls if call is not None}
            if not calls:
                yield look.error("check.result_without_call", turn=number)
                return
            if turn.tool_call_id is not None and named and turn.tool_call_id not in named:
                yield look.error("check.result_of_other_call", turn=number, id=turn.tool_call_id)
                return
        before = turn.role


ERRORS: tuple[Rule, ...] = (
    turns_are_in_order,
    the_end_is_an_answer,
    an_answer_is_trained,
    results_follow_calls,
)


def errors_in(sample: Sample) -> Iterator[RowError]:
    """Everything for which `sample` can't be trained on, without looking at tokens."""
    look = Look(sample)
    for rule in ERRORS:
        yield from rule(look)


# warnings

_PLACEHOLDER = re.compile(
    r"\{\{\s*[A-Za-z_][\w. -]{0,30}\}\}"
    r"|\[(?:insert|your|todo)\b[^\]\n]{0,40}\]"
    r"|<(?:insert|your)\b[^>\n]{0,40}>",
    re.IGNORECASE,
)
_OTHER_LANGUAGE = re.compile(
    r"translat|english|chinese|mandarin|翻译|译[成为文]|英[文语]|中[文语]|双语|\bcode\b|代码",
    re.IGNORECASE,
)
_SHORT = 12
"""Answers of fewer letters, such as "OK", are in no language."""


def no_placeholder_is_left(look: Look) -> Iterator[RowError]:
    """Templates that were never filled in, such as `{{name}}`."""
    text = look.text
    if "{{" in text or "[" in text or "<" in text:
        found = _PLACEHOLDER.search(text)
        if found:
            yield look.error("check.placeholder", found=found[0])


def answers_are_in_the_language_of_the_question(look: Look) -> Iterator[RowError]:
    """Chinese is answered in Chinese and English in English, unless a translation or code is asked for."""
    if not look.answers or not look.asked:
        return
    answer = look.answers[-1].content if isinstance(look.sample, Conversation) else look.answers[0].content
    asked, answered = script_of(look.asked), script_of(answer)
    if {asked, answered} != {"zh", "latin"} or len(answer.strip()) < _SHORT:
        return
    told = (turn.content for turn in look.turns if turn.role != "assistant")
    if "```" not in answer and not any(map(_OTHER_LANGUAGE.search, told)):
        yield look.error("check.language", asked=script_name(asked), answered=script_name(answered))


def the_answers_of_a_pair_differ(look: Look) -> Iterator[RowError]:
    """Two answers that are the same teach nothing."""
    if isinstance(look.sample, Preference) and look.sample.chosen == look.sample.rejected:
        yield look.error("check.same_answers")


WARNINGS: tuple[Rule, ...] = (
    no_placeholder_is_left,
    answers_are_in_the_language_of_the_question,
    the_answers_of_a_pair_differ,
)


# with a model's tokenizer


def token_rule(measure: Measure) -> Rule:
    """What only tokens show, of every sequence that a sample becomes."""

    def rule(look: Look) -> Iterator[RowError]:
        try:
            examples = measure.examples(look.sample)
        except DataError as error:
            reason = error.reason if isinstance(error, RowError) else error.message
            yield look.error("check.template", reason=reason)
            return
        for example in examples:
            found = _first_trouble(look, example, measure)
            if found:
                yield found
                return

    return rule


def _first_trouble(look: Look, example: Example, measure: Measure) -> RowError | None:
    if isinstance(look.sample, Document):  # goes on in the next block
        return None
    values = {"length": len(example), "cutoff": measure.cutoff_len}
    first = next((i for i, label in enumerate(example.labels) if i and label != IGNORED), None)
    if first is None:
        return look.error("check.nothing_trained")
    if measure.template.end_of_turn not in example.labels:
        return look.error("check.end_not_trained")
    if first >= measure.cutoff_len:
        return look.error("check.long_prompt", prompt=first, **values)
    if len(example) > measure.cutoff_len:
        return look.error("check.answer_cut", **values)
    return None

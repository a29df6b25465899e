"""Chat: any model, run or checkpoint; two side by side on the same question."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

import gradio as gr

from conch.core.text import tr
from conch.data.keeping import keep_row
from conch.webui import choices, parts
from conch.webui.handlers import note, told
from conch.webui.held import Held
from conch.webui.page import Page
from conch.webui.pages import chat_shown
from conch.webui.talks import Settings, Talk, Talks
from conch.webui.words import word

ALONE, BASE = "", "base:"
"""What stands beside the model: nothing, or what it was tuned from."""
THINKING = {"own": None, "on": True, "off": False}
SAMPLING = {
    "max_tokens": {"value": 512, "minimum": 1, "precision": 0},
    "temperature": {"minimum": 0, "maximum": 2, "step": 0.1},
    "top_p": {"minimum": 0, "maximum": 1, "step": 0.05},
    "top_k": {"minimum": 0, "precision": 0},
    "repetition_penalty": {"minimum": 0.5, "maximum": 2, "step": 0.05},
    "seed": {"precision": 0},
}
"""The fields of the sampling, by the API's own names; what is left empty is as the model's config says."""
DRAW_SECONDS = 0.12
OWN = "window.localStorage.getItem('conch.talk') || ''"
CAME = (
    "(talk, asked, ...more) => { const at = new URL(window.location); asked = at.searchParams.get('model') || '';"
    " if (asked) { at.searchParams.delete('model'); window.history.replaceState({}, '', at); }"
    f" return [{OWN}, asked, ...more]; }}"
)
"""The conversation that this browser has, and the model that the address names."""
REMEMBER = "(talk) => { window.localStorage.setItem('conch.talk', talk); return [talk]; }"
STICK = "window.conch.stick(element);"


def build(page: Page) -> None:
    talks = Talks(Held())
    parts.head("chat")
    talk, asked_model = gr.Textbox(visible=False), gr.Textbox(visible=False)
    editing = gr.State(None)
    with gr.Column(elem_classes="card", min_width=0):
        model, beside = _models()
        sampling = _sampling()
    shown = parts.html(elem_id="chat-talk", js_on_load=f"{parts.ACTIONS} {STICK}")
    with gr.Column(elem_classes="card ask", min_width=0):
        banner = parts.acting(elem_id="chat-editing")
        text = gr.Textbox(
            show_label=False,
            placeholder=word("studio.chat.text"),
            elem_id="chat-text",
            lines=1,
            max_lines=12,
            container=False,
        )
        with gr.Row(elem_classes="row-actions"):
            send = gr.Button(word("studio.chat.send"), variant="primary", elem_id="chat-send")
            stop = gr.Button(word("studio.chat.stop"), elem_id="chat-stop")
            new = gr.Button(word("studio.chat.new"), elem_id="chat-new")
    with gr.Accordion(word("studio.chat.keep"), open=False, elem_id="chat-keep"):
        dataset, side, keep = _keeping()
    settings = [model, beside, *sampling]

    def follow(name: str) -> Iterator[str]:
        """The conversation as it goes on, drawn no more often than eyes can follow."""
        found, drawn = talks.get(name), -1
        while found.version != drawn or found.going:
            if found.version != drawn:
                drawn = found.version
                yield chat_shown.talk(found)
            time.sleep(DRAW_SECONDS)

    def ask(name: str, text: str, edit: Any, *given: Any) -> list[Any]:
        found = talks.get(name)
        if edit is not None and edit["side"] is not None:
            talks.correct(found, edit["at"], edit["side"], text)
        elif not text.strip():
            raise told(tr("studio.chat.no_text"), tr("studio.chat.text"))
        else:
            talks.ask(found, _chosen(given), text.strip(), at=edit["at"] if edit else None)
        return [found.id, "", None, "", chat_shown.talk(found)]

    def act(name: str, event: gr.EventData, *given: Any) -> list[Any]:
        """The buttons at a message: edit a question, edit an answer, answer anew."""
        found = talks.get(name)
        at, _, side = event.key.partition(".")
        turn = found.turns[int(at)]
        if event.act == "retry":
            talks.ask(found, _chosen(given), turn.asked, at=int(at))
            return [gr.skip(), None, "", chat_shown.talk(found)]
        edit = {"at": int(at), "side": int(side) if side else None}
        old = turn.answers[int(side)].said if side else turn.asked
        return [old, edit, chat_shown.editing(edit), gr.skip()]

    def end(name: str) -> str:
        found = talks.get(name)
        talks.stop(found)
        return chat_shown.talk(found)

    def come(name: str, wanted: str, model: str | None, beside: str | None, edit: Any) -> Iterator[list[Any]]:
        """The page for whoever opens it: what can be chosen, and their conversation as it goes on."""
        found = talks.get(name)
        yield [found.id, *_offered(found, wanted, model, beside), chat_shown.editing(edit), gr.skip()]
        for drawn in follow(found.id):
            yield [*[gr.skip()] * 4, drawn]

    def keep_talk(name: str, dataset: str, side: int) -> None:
        found = talks.get(name)
        if not any(turn.answers and turn.answers[0].said for turn in found.turns):
            raise told(tr("studio.chat.nothing_to_keep"))
        sides = len(found.turns[-1].answers)
        rows = keep_row(dataset.strip(), found.conversation(min(int(side), sides - 1)))
        note(tr("studio.chat.kept", name=dataset.strip(), rows=rows))

    stream: dict[str, Any] = {"concurrency_limit": None}
    for event in (send.click, text.submit):
        asked = page.on(event, ask, [talk, text, editing, *settings], [talk, text, editing, banner, shown])
        page.on(page.on(asked.success, None, [talk], [talk], js=REMEMBER).then, follow, [talk], [shown], **stream)
    done = page.on(shown.act, act, [talk, *settings], [text, editing, banner, shown])
    page.on(done.then, follow, [talk], [shown], **stream)
    page.on(banner.act, lambda: ["", None, ""], None, [text, editing, banner])
    page.on(stop.click, end, [talk], [shown])
    blank = page.on(new.click, lambda: ["", "", None, "", chat_shown.talk(Talk(""))], None,
                    [talk, text, editing, banner, shown])  # fmt: skip
    page.on(blank.then, None, [talk], [talk], js=REMEMBER)
    page.on(keep.click, keep_talk, [talk, dataset, side], None)
    page.fresh(
        come, [talk, asked_model, model, beside, editing], [talk, model, beside, banner, shown], js=CAME
    )


def _models() -> tuple[Any, Any]:
    with gr.Row():
        model = gr.Dropdown(
            [],
            label=word("studio.chat.model"),
            info=word("studio.chat.model_why"),
            allow_custom_value=True,
            elem_id="chat-model",
            min_width=240,
        )
        beside = gr.Dropdown(
            [],
            label=word("studio.chat.beside"),
            info=word("studio.chat.beside_why"),
            allow_custom_value=True,
            elem_id="chat-beside",
            min_width=240,
        )
    return model, beside


def _sampling() -> list[Any]:
    """Fields in the order of `_chosen`."""
    with gr.Accordion(word("studio.chat.settings"), open=False, elem_id="chat-settings"):
        system = gr.Textbox(label=word("studio.chat.system"), lines=2, max_lines=8, elem_id="chat-system")
        with gr.Row():
            numbers = [
                gr.Number(
                    **{"value": None, **how},
                    label=word(f"studio.chat.{name}"),
                    info=word(f"studio.chat.{name}.why"),
                    min_width=170,
                    elem_id=f"chat-{name}",
                )
                for name, how in SAMPLING.items()
            ]
        thinking = gr.Radio(
            [(word(f"studio.chat.thinking.{name}"), name) for name in THINKING],
            value="own",
            label=word("studio.chat.thinking"),
            elem_id="chat-thinking",
        )
    return [system, *numbers, thinking]


def _keeping() -> tuple[Any, Any, Any]:
    parts.html(f"<p class='why'>{word('studio.chat.keep_why')}</p>")
    with gr.Row():
        dataset = gr.Textbox("from_chat", label=word("studio.data.name"), elem_id="chat-dataset", min_width=200)
        side = gr.Radio(
            [(word("studio.chat.left"), 0), (word("studio.chat.right"), 1)],
            value=0,
            label=word("studio.chat.which"),
            min_width=200,
        )
    with gr.Row(elem_classes="row-actions"):
        keep = gr.Button(word("studio.chat.keep_it"), elem_id="chat-keep-it")
    return dataset, side, keep


def _offered(found: Talk, wanted: str, model: str | None, beside: str | None) -> list[Any]:
    """The choices of both fields. What was chosen stays; at first it is what the conversation was held with."""
    known = choices.models()
    last = found.settings.models
    first = wanted or model or next(iter(last), None) or next((value for _, value in known), None)
    second = beside if model else (last[1] if len(last) > 1 else ALONE)
    others = [(tr("studio.chat.alone"), ALONE), (tr("studio.chat.base"), BASE), *known]
    return [gr.update(choices=known, value=first), gr.update(choices=others, value=second or ALONE)]


def _chosen(given: Sequence[Any]) -> Settings:
    """The fields as settings."""
    model, beside, system, *numbers, thinking = given
    if not model:
        raise told(tr("studio.chat.no_model"), tr("studio.chat.no_model.what"))
    values = {name: value for name, value in zip(SAMPLING, numbers, strict=True) if value is not None}
    return Settings(
        models=[model, *_second(model, beside)],
        system=system.strip(),
        enable_thinking=THINKING[thinking],
        **values,
    )


def _second(model: str, beside: str | None) -> list[str]:
    if beside != BASE:
        return [beside] if beside else []
    base = choices.base_of(model)
    if base is None:
        raise told(tr("studio.chat.no_base"), tr("studio.chat.no_base.what"))
    return [base]

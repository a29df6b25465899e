"""Chat: any model, run or checkpoint; two side by side on the same question."""

from __future__ import annotations

import threading
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
SAMPLING: dict[str, type[int] | type[float]] = {
    "max_tokens": int,
    "temperature": float,
    "top_p": float,
    "top_k": int,
    "repetition_penalty": float,
    "seed": int,
}
"""The fields of the sampling, by the API's own names; what is left empty is as the model's config says."""
MAX_TOKENS = "512"
DRAW_SECONDS = 0.12
LEAVE_SECONDS = 3.0
"""How long to wait for a drawing that isn't wanted any more: a browser that is gone may keep it."""
OWN = "window.localStorage.getItem('conch.talk') || ''"
CAME = (
    "(talk, asked, ...more) => { const at = new URL(window.location);"
    " asked = at.searchParams.get('model') || '';"
    " if (asked) { at.searchParams.delete('model'); window.history.replaceState({}, '', at); }"
    f" return [{OWN}, asked, ...more]; }}"
)
"""The conversation that this browser has, and the model that the address names."""
REMEMBER = "(talk) => { window.localStorage.setItem('conch.talk', talk); return [talk]; }"
FORGET = "() => { window.localStorage.removeItem('conch.talk'); return []; }"
STICK = "window.conch.stick(element);"


def build(page: Page) -> None:
    desk = Desk()
    parts.head("chat")
    talk, asked_model = gr.Textbox(visible=False), gr.Textbox(visible=False)
    editing = gr.State(None)
    with gr.Column(elem_classes="card", min_width=0):
        model, beside = _models()
        sampling = _sampling()
    shown = parts.html(elem_id="chat-talk", js_on_load=f"{parts.ACTIONS} {STICK}")
    with gr.Column(elem_classes="card ask", min_width=0):
        banner = parts.acting(elem_id="chat-editing")
        text, send, stop, new = _asking()
    with gr.Accordion(word("studio.chat.keep"), open=False, elem_id="chat-keep"):
        dataset, side, keep = _keeping()
    settings, told_of = [model, beside, *sampling], [talk, text, editing, banner, shown]
    follow: list[Any] = [desk.follow, [talk], [shown]]
    for event in (send.click, text.submit):
        asked = page.on(event, desk.ask, [talk, text, editing, *settings], told_of)
        kept = page.on(asked.success, None, [talk], [talk], js=REMEMBER)
        page.on(kept.then, *follow, concurrency_limit=None)
    # one at a time: what is asked of a conversation while an answer comes would change under it
    done = page.acts(shown, desk.act, [talk, *settings], [text, editing, banner, shown], trigger_mode="once")
    page.on(done.then, *follow, concurrency_limit=None)
    page.acts(banner, lambda: ["", None, ""], None, [text, editing, banner])
    page.on(stop.click, desk.end, [talk], [shown])
    page.on(new.click, desk.begin, None, told_of, js=FORGET)
    page.on(keep.click, desk.keep, [talk, dataset, side], None)
    page.fresh(
        desk.come, [talk, asked_model, model, beside, editing], [talk, model, beside, banner, shown], js=CAME
    )


class Drawing:
    """One that draws a conversation for a page. It is asked for the next picture after the last was sent."""

    def __init__(self) -> None:
        self.unwanted = False
        self.left = threading.Event()


class Desk:
    """What the page does."""

    def __init__(self) -> None:
        self._talks = Talks(Held())
        self._latest: dict[str | None, Drawing] = {}
        self._turn = threading.Lock()

    def follow(self, name: str, viewer: gr.Request) -> Iterator[str]:
        """The conversation as it goes on, drawn no more often than eyes can follow.

        Of two that draw for one page the later goes on: it may speak another language.
        """
        found, drawn, own = self._talks.get(name), -1, Drawing()
        self._end_drawing(viewer, own)
        try:
            while (found.version != drawn or found.going) and not own.unwanted:
                if found.version != drawn:
                    drawn = found.version
                    yield chat_shown.talk(found)
                time.sleep(DRAW_SECONDS)
        finally:
            own.left.set()
            with self._turn:
                if self._latest.get(viewer.session_hash) is own:
                    del self._latest[viewer.session_hash]

    def _end_drawing(self, viewer: gr.Request, later: Drawing | None = None) -> None:
        """Whoever draws for this page leaves, and nothing of theirs comes after what the caller shows.

        `later` takes their place at once, so that it is told in its turn, however long this takes.
        """
        with self._turn:
            earlier = self._latest.pop(viewer.session_hash, None)
            if later is not None:
                self._latest[viewer.session_hash] = later
        if earlier is not None:
            earlier.unwanted = True
            earlier.left.wait(LEAVE_SECONDS)

    def ask(self, name: str, text: str, edit: Any, *given: Any) -> list[Any]:
        found = self._talks.get(name)
        if edit is not None and edit["side"] is not None:
            self._talks.correct(found, edit["at"], edit["side"], text)
        elif not text.strip():
            raise told(tr("studio.chat.no_text"), tr("studio.chat.text"))
        else:
            self._talks.ask(found, _chosen(given), text.strip(), at=edit["at"] if edit else None)
        return [found.id, "", None, "", chat_shown.talk(found)]

    def act(self, name: str, event: gr.EventData, *given: Any) -> list[Any]:
        """The buttons at a message: edit a question, edit an answer, answer anew."""
        found = self._talks.get(name)
        at, _, side = event.key.partition(".")
        turn = found.turns[int(at)]
        if event.act == "retry":
            self._talks.ask(found, _chosen(given), turn.asked, at=int(at))
            return [gr.skip(), None, "", chat_shown.talk(found)]
        edit = {"at": int(at), "side": int(side) if side else None}
        old = turn.answers[int(side)].said if side else turn.asked
        return [old, edit, chat_shown.editing(edit), gr.skip()]

    def end(self, name: str) -> str:
        found = self._talks.get(name)
        self._talks.stop(found)
        return chat_shown.talk(found)

    def come(
        self, name: str, wanted: str, model: str | None, beside: str | None, edit: Any, viewer: gr.Request
    ) -> Iterator[list[Any]]:
        """The page for whoever opens it: what can be chosen, and their conversation as it goes on."""
        found = self._talks.get(name)
        yield [found.id, *_offered(found, wanted, model, beside), chat_shown.editing(edit), gr.skip()]
        for drawn in self.follow(found.id, viewer):
            yield [*[gr.skip()] * 4, drawn]

    def begin(self, viewer: gr.Request) -> list[Any]:
        """Nothing said yet; whoever still draws the old conversation for this page leaves."""
        self._end_drawing(viewer)
        return ["", "", None, "", chat_shown.talk(Talk(""))]

    def keep(self, name: str, dataset: str, side: int) -> None:
        """The conversation as a row of a dataset."""
        found = self._talks.get(name)
        sides = len(found.turns[-1].answers) if found.turns else 0
        row = found.conversation(min(int(side), sides - 1)) if sides else None
        if row is None or not any(message.role == "assistant" for message in row.messages):
            raise told(tr("studio.chat.nothing_to_keep"))
        rows = keep_row(dataset.strip(), row)
        note(tr("studio.chat.kept", name=dataset.strip(), rows=rows))


def _asking() -> list[Any]:
    """The field to ask in, and the buttons below it."""
    text = gr.Textbox(
        label=word("studio.chat.text"),
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
    return [text, send, stop, new]


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
                gr.Textbox(
                    MAX_TOKENS if name == "max_tokens" else "",
                    label=word(f"studio.chat.{name}"),
                    info=word(f"studio.chat.{name}.why"),
                    placeholder=word("studio.chat.own"),
                    min_width=128,
                    max_lines=1,
                    elem_id=f"chat-{name}",
                )
                for name in SAMPLING
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
        dataset = gr.Textbox(
            "from_chat", label=word("studio.data.name"), elem_id="chat-dataset", min_width=200
        )
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
    """The choices of both fields. What was chosen stays; at first what the talk was held with."""
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
    written = {
        name: text.strip() for name, text in zip(SAMPLING, numbers, strict=True) if (text or "").strip()
    }
    values: dict[str, Any] = {name: _number(name, text) for name, text in written.items()}
    return Settings(
        models=[model, *_second(model, beside)],
        system=(system or "").strip(),
        enable_thinking=THINKING[thinking],
        **values,
    )


def _number(name: str, text: str) -> float:
    """What was typed. Bounds are the API's to judge."""
    try:
        return SAMPLING[name](text)
    except ValueError:
        raise told(tr("studio.chat.no_number", name=tr(f"studio.chat.{name}"), text=text)) from None


def _second(model: str, beside: str | None) -> list[str]:
    if beside != BASE:
        return [beside] if beside else []
    base = choices.base_of(model)
    if base is None:
        raise told(tr("studio.chat.no_base"), tr("studio.chat.no_base.what"))
    return [base]

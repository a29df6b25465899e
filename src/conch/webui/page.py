"""What a page is given to build itself with, and what it hands back to the frame around all pages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from conch.webui.handlers import handler

QUIET: dict[str, Any] = {"show_progress": "hidden", "show_progress_on": [], "api_visibility": "private"}
"""How events of pages are called: without a veil over what is there, and not as a public API.

What shows progress "on" nothing also costs nothing: with each step of each event, Gradio's page tells every
component on which an event ever showed progress how far that one has come.
"""
BUSY: dict[str, Any] = {"show_progress": "minimal", "show_progress_on": None}
"""Beside `QUIET`, for what takes long: its place shows that it is being filled."""


@dataclass
class Refresh:
    """What brings a page up to date: when it is opened, and in another language."""

    function: Callable[..., Any]
    inputs: Sequence[Any]
    outputs: Sequence[Any]
    js: str | None = None


@dataclass
class Page:
    """One page while it is built. Its address is `?at=NAME` (`page` is a word of Gradio's)."""

    name: str
    studio: Studio
    refreshes: list[Refresh] = field(default_factory=list)
    timers: list[tuple[gr.Timer, float]] = field(default_factory=list)

    def on(
        self, event: Callable[..., Any], function: Callable[..., Any] | None, *args: Any, **how: Any
    ) -> Any:
        """Call `function` (inputs, outputs) when `event` comes, such as `button.click`."""
        told = handler(function) if function is not None else None
        return event(told, *args, **{**QUIET, **how})

    def acts(self, area: gr.HTML, function: Callable[..., Any], *args: Any, **how: Any) -> Any:
        """Call `function` for every press of a button in `area` (`parts.acting`).

        None is dropped because the answer to the one before it is still on its way.
        """
        return self.on(area.act, function, *args, **{"trigger_mode": "multiple", **how})

    def fresh(
        self,
        function: Callable[..., Any],
        inputs: Sequence[Any] = (),
        outputs: Sequence[Any] = (),
        js: str | None = None,
    ) -> None:
        """Call `function` whenever the page is opened or the language changes. `js` may give the inputs."""
        self.refreshes.append(Refresh(handler(function), list(inputs), list(outputs), js))

    def every(
        self,
        seconds: float,
        function: Callable[..., Any],
        inputs: Sequence[Any],
        outputs: Sequence[Any],
        js: str | None = None,
    ) -> None:
        """Call `function` again and again while the page is the one that is looked at."""
        timer = gr.Timer(seconds, active=False)
        self.timers.append((timer, seconds))
        self.on(
            timer.tick,
            function,
            list(inputs),
            list(outputs),
            trigger_mode="once",
            concurrency_limit=None,
            js=js,
        )


@dataclass
class Studio:
    """What all pages share: components by which one hands work to another, and the server's parts."""

    service: Any = None
    """The API's service, in which models can be put."""
    opened: dict[str, Page] = field(default_factory=dict)
    shared: dict[str, Any] = field(default_factory=dict)
    """Components that other pages fill, by a name such as `train.dataset`. Built pages only."""

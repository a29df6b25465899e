"""What happens on a click: in the reader's language, and with errors told as the shell tells them."""

from __future__ import annotations

import functools
import html
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import gradio as gr
from gradio.context import LocalContext

from conch.core.errors import ConchError, first_line
from conch.core.text import speaking, tr
from conch.webui.words import language_of


def handler(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function` as Gradio may call it. May be a generator."""
    if inspect.isgeneratorfunction(function):

        @functools.wraps(function)
        def stream(*given: Any) -> Iterator[Any]:
            parts = function(*given)
            while True:
                with _answering():
                    try:
                        part = next(parts)
                    except StopIteration:
                        return
                yield part

        return stream

    @functools.wraps(function)
    def answer(*given: Any) -> Any:
        with _answering():
            return function(*given)

    return answer


@contextmanager
def _answering() -> Iterator[None]:
    with speaking(asked_language()):
        try:
            yield
        except (gr.Error, StopIteration):
            raise
        except ConchError as error:
            raise told(error.message, error.hint) from error
        except OSError as error:
            raise told(tr("cli.disk", place=error.filename or "-", reason=error.strerror or error)) from error
        except Exception as error:
            kind, reason = type(error).__name__, first_line(error)
            raise told(tr("cli.unexpected", kind=kind, reason=reason), tr("cli.unexpected.fix")) from error


def asked_language() -> str:
    """The language of whoever made the request in hand."""
    request = LocalContext.request.get(None)
    asked = getattr(request, "request", None) or request
    if asked is None:
        return "en"
    return language_of(asked.headers.get, getattr(asked, "cookies", None) or {})


def told(message: str, hint: str = "") -> gr.Error:
    """An error for the reader's eyes: what happened, and what to do."""
    lines = [html.escape(part).replace("\n", "<br>") for part in (message, hint) if part]
    return gr.Error("<br>".join(lines), duration=12, title=tr("studio.failed"), print_exception=False)


def note(message: str) -> None:
    """A short word that something was done."""
    gr.Info(html.escape(message), duration=4, title=tr("studio.done"))

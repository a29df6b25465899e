"""Downloads that go on whoever looks: seen from every browser, resumed by starting again."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

from conch.core.errors import ConchError, ModelError, first_line
from conch.core.text import language, speaking
from conch.models.locate import Request, locate
from conch.models.pull_events import Fetched, Listed, PullEvent, sentence


class CancelledError(ModelError):
    """Somebody wanted no more of a download. What has arrived stays, for the next try."""

    def __init__(self, name: str) -> None:
        super().__init__("studio.models.cancelled", name=name)


@dataclass
class Pull:
    """One download. Read by pages while its thread writes it."""

    name: str
    source: str | None
    folder: str = ""
    said: str = ""
    fetched: Fetched | None = None
    error: ConchError | None = None
    reason: str = ""
    """Why it ended, where that is no error of ours."""
    done: bool = False
    _cancelled: threading.Event = field(default_factory=threading.Event)

    def cancel(self) -> None:
        self._cancelled.set()

    @property
    def cancelling(self) -> bool:
        return self._cancelled.is_set() and not self.done

    def run(self, tongue: str) -> None:
        with speaking(tongue):
            try:
                request = Request(self.name, notify=self._hear, source=self.source, report=self._report)
                self.folder = str(locate(request).folder)
            except ConchError as error:
                self.error = error
            except Exception as error:
                self.reason = first_line(error)
            finally:
                self.done = True

    def _hear(self, text: str) -> None:
        self._leave()
        self.said = text

    def _report(self, event: PullEvent) -> None:
        self._leave()
        match event:
            case Fetched():
                self.fetched = event
            case Listed():
                self.folder = event.folder
            case _:
                self.said = sentence(event) or self.said

    def _leave(self) -> None:
        if self._cancelled.is_set():
            raise CancelledError(self.name)


class Pulls:
    """All downloads of this server, the newest first."""

    def __init__(self) -> None:
        self._pulls: dict[str, Pull] = {}
        self._turn = threading.Lock()

    def start(self, name: str, source: str | None) -> Pull:
        """Begin to fetch a model, unless that is being done already."""
        with self._turn:
            known = self._pulls.get(name)
            if known is not None and not known.done:
                return known
            pull = Pull(name, source)
            self._pulls = {name: pull, **{key: old for key, old in self._pulls.items() if key != name}}
        given: Any = (language(),)
        threading.Thread(target=pull.run, args=given, name=f"pull-{name}", daemon=True).start()
        return pull

    def all(self) -> list[Pull]:
        return list(self._pulls.values())

    def find(self, name: str) -> Pull | None:
        return self._pulls.get(name)

    def forget(self, name: str) -> None:
        """No longer show a download that has ended."""
        with self._turn:
            self._pulls = {key: pull for key, pull in self._pulls.items() if key != name or not pull.done}

"""A vLLM server that somebody else started, at an address that the user gave."""

from __future__ import annotations

from collections.abc import Callable


class GivenServer:
    """It is asked, and left alone otherwise. The key is shown nowhere."""

    def __init__(self, url: str, key: str | None = None) -> None:
        self._url = url
        self.key = key
        self.when_restarted: Callable[[], None] = lambda: None  # never known

    @property
    def url(self) -> str:
        return self._url

    def close(self) -> None:
        """It is not ours to end."""

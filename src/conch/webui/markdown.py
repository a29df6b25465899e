"""What a model says, as HTML: Markdown, without anything that would ask another host or run a script."""

from __future__ import annotations

from functools import lru_cache

from markdown_it import MarkdownIt


@lru_cache(maxsize=1)
def _reader() -> MarkdownIt:
    # `js-default` escapes HTML and refuses addresses such as `javascript:`
    reader = MarkdownIt("js-default", {"breaks": True, "linkify": False})
    return reader.disable(["image"])


def as_html(text: str) -> str:
    """`text` as safe HTML. Pictures are left as they are written: they would be fetched."""
    return str(_reader().render(text))

"""In which script a text is written: enough to tell Chinese from English, not to tell languages apart."""

from __future__ import annotations

import re

from conch.core.text import tr

_LOOKED_AT = 1000
_SCRIPTS = {
    "ja": re.compile(r"[\u3040-\u30ff]"),
    "ko": re.compile(r"[\uac00-\ud7af\u1100-\u11ff]"),
    "zh": re.compile(r"[\u3400-\u9fff\uf900-\ufaff]"),
    "cyrillic": re.compile(r"[\u0400-\u04ff]"),
    "arabic": re.compile(r"[\u0600-\u06ff]"),
    "devanagari": re.compile(r"[\u0900-\u097f]"),
    "thai": re.compile(r"[\u0e00-\u0e7f]"),
}
_LATIN = re.compile(r"[A-Za-z\u00c0-\u024f]+")
OTHER = "other"
"""No letters, or those of other scripts."""


def script_name(script: str) -> str:
    """A script in the reader's language."""
    return tr(f"check.script.{script}")


def script_of(text: str) -> str:
    """`zh`, `latin`, `ja`, `ko`, …: the script of most words, by the beginning of `text`.

    A Chinese character weighs as much as a Latin word. Kana makes a text Japanese.
    """
    text = text[:_LOOKED_AT]
    if text.isascii():
        return "latin" if _LATIN.search(text) else OTHER
    counts = {"latin": len(_LATIN.findall(text))}
    counts |= {name: len(letters.findall(text)) for name, letters in _SCRIPTS.items()}
    if counts.get("ja", 0) * 5 > counts.get("zh", 0) and counts.get("ja", 0):
        return "ja"
    script, most = max(counts.items(), key=lambda item: item[1])
    return script if most else OTHER

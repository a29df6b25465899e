"""Whether the hubs answer. Asked for only: an examination by itself goes nowhere."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from conch.core import env
from conch.core.hubs import HF_MIRROR, HUGGINGFACE
from conch.models.connection import answers_in
from conch.models.doctor.finding import Finding

SECONDS = 10.0


def hubs(seconds: float = SECONDS) -> Iterator[Finding]:
    """How fast each hub answers; one is enough."""
    if env.offline():
        yield Finding("network", "note", "network_forbidden")
        return
    named = env.hub_endpoint()
    urls = list(dict.fromkeys([named or HUGGINGFACE, HF_MIRROR, env.modelscope_endpoint()]))
    with ThreadPoolExecutor(len(urls)) as pool:
        answers = list(pool.map(lambda url: answers_in(url, seconds), urls))
    reached = any(answer is not None for answer in answers)
    for url, answer in zip(urls, answers, strict=True):
        if answer is not None:
            yield Finding("network", "ok", "hub", {"url": url, "seconds": f"{answer:.1f}"})
        else:
            yield Finding("network", "note", "hub_silent", {"url": url, "within": f"{seconds:g}"})
    if not reached:
        yield Finding("network", "fix", "no_hub", {"urls": ", ".join(urls)})

"""A chat template that was taken apart, written in Go's words, as Ollama reads them.

Ollama finds out by the text whether a model calls tools and thinks: behind `if .ToolCalls` must stand what
opens a call, and around `.Thinking` what opens and closes a thought.
"""

from __future__ import annotations

import json

from conch.exporting.frames import SYSTEM, Calls, Frames, Listing, Thoughts

_END = "{{ end }}"
_ASKED = (
    "{{ $asked := -1 }}{{ range $i, $_ := .Messages }}"
    '{{ if eq .Role "user" }}{{ $asked = $i }}{{ end }}{{ end }}'
)


def go_template(frames: Frames, begins_by_itself: str = "") -> str:
    """The Go template, without the beginning-of-text token where Ollama writes it itself."""
    text = _variables(frames) + _head(frames) + _loop(frames) + _prompt(frames)
    return text.replace(_literal(begins_by_itself), "", 1) if begins_by_itself else text


def _variables(frames: Frames) -> str:
    found = _ASKED if frames.thoughts else ""
    if frames.in_question:
        found += "{{ $system := .System }}"
    if frames.tools and frames.tools.calls.between_results is not None:
        found += '{{ $role := "" }}'
    if frames.tools and frames.tools.without.in_question:
        found += '{{ $tools := .Tools }}{{ if .System }}{{ $tools = "" }}{{ end }}'
    return found


def _head(frames: Frames) -> str:
    """What stands before the first turn."""
    begin = _literal(frames.begin)
    if frames.tools is None:
        return begin
    bare, system = begin, frames.roles.get("system")
    if system is not None:
        bare = f"{_literal(frames.begin + system.before)}{{{{ .System }}}}{_literal(system.behind)}"
    with_system, without = frames.tools.with_system, frames.tools.without
    listed = begin if without.in_question else _listing(without)
    return (
        f"{{{{ if .Tools }}}}{{{{ if .System }}}}{_listing(with_system)}"
        f"{{{{ else }}}}{listed}{_END}"
        f"{{{{ else if .System }}}}{bare}{{{{ else }}}}{begin}{_END}"
    )


def _listing(listing: Listing) -> str:
    item = "{{ json $tool.Function }}" if listing.functions else "{{ json $tool }}"
    between = f"{{{{ if $at }}}}{_literal(listing.between)}{_END}"
    loop = f"{{{{ range $at, $tool := $.Tools }}}}{between}{item}{_END}"
    return _with_system(listing.before) + loop + _with_system(listing.behind)


def _with_system(text: str) -> str:
    return "{{ $.System }}".join(_literal(part) for part in text.split(SYSTEM))


def _loop(frames: Frames) -> str:
    merged = frames.tools is not None and frames.tools.calls.between_results is not None
    parts = [("user", _question(frames)), ("assistant", _answer(frames))]
    if frames.tools:
        parts.append(("tool", _result(frames.tools.calls)))
    elif "system" in frames.roles:
        system = frames.roles["system"]
        parts.insert(0, ("system", f"{_literal(system.before)}{{{{ .Content }}}}{_literal(system.behind)}"))
    cases = "".join(
        f'{{{{ {"else if" if number else "if"} eq .Role "{role}" }}}}{text}'
        for number, (role, text) in enumerate(parts)
    )
    range_ = "range $i, $_ := .Messages" if frames.thoughts else "range .Messages"
    closes = _closes_results(frames) if merged else ""
    remembers = "{{ $role = .Role }}" if merged else ""
    return f"{{{{ {range_} }}}}{closes}{cases}{_END}{remembers}{_END}"


def _closes_results(frames: Frames) -> str:
    """What ends the turn of several results, once something else follows."""
    assert frames.tools is not None
    behind = _literal(frames.tools.calls.result.behind)
    return f'{{{{ if and (eq $role "tool") (ne .Role "tool") }}}}{behind}{_END}'


def _question(frames: Frames) -> str:
    frame, inner = frames.roles["user"], frames.in_question
    system = ""
    if inner is not None:
        written = f"{_literal(inner.before)}{{{{ $system }}}}{_literal(inner.behind)}"
        system = f'{{{{ if $system }}}}{written}{{{{ $system = "" }}}}{_END}'
    listed = ""
    if frames.tools is not None and frames.tools.without.in_question:
        listed = f'{{{{ if $tools }}}}{_listing(frames.tools.without)}{{{{ $tools = "" }}}}{_END}'
    return f"{_literal(frame.before)}{system}{{{{ .Content }}}}{listed}{_literal(frame.behind)}"


def _answer(frames: Frames) -> str:
    frame, thoughts = frames.roles["assistant"], frames.thoughts
    said = f"{_literal(frame.before)}{_thought(thoughts, bare=False)}{{{{ .Content }}}}"
    if frames.tools is None:
        return said + _literal(frame.behind)
    calls = frames.tools.calls
    only_calls = _literal(calls.bare) + _thought(thoughts, bare=True)
    says = f"{{{{ if or .Content (not .ToolCalls) }}}}{said}{{{{ else }}}}{only_calls}{_END}"
    if not calls.says:  # what opens the calls stands within `if .ToolCalls`, where Ollama looks for it
        says = f"{{{{ if or (not .ToolCalls) }}}}{said}{_END}"
    opens = "" if calls.says else only_calls
    return (
        f"{says}{{{{ if .ToolCalls }}}}{opens}{_calls(calls)}{_literal(calls.end)}"
        f"{{{{ else }}}}{_literal(frame.behind)}{_END}"
    )


def _thought(thoughts: Thoughts | None, *, bare: bool) -> str:
    if thoughts is None:
        return ""
    frame = thoughts.bare if bare else thoughts.frame
    shown = "gt $i $asked" if thoughts.always else "and .Thinking (gt $i $asked)"
    return f"{{{{ if {shown} }}}}{_literal(frame.before)}{{{{ .Thinking }}}}{_literal(frame.behind)}{_END}"


def _calls(calls: Calls) -> str:
    holes = ["{{ .Function.Name }}", "{{ json .Function.Arguments }}"]
    first, second = holes if calls.name_first else reversed(holes)
    one = f"{_literal(calls.opening)}{first}{_literal(calls.middle)}{second}{_literal(calls.closing)}"
    if not calls.between:
        return f"{{{{ range .ToolCalls }}}}{one}{_END}"
    apart = f"{{{{ if $at }}}}{_literal(calls.between)}{_END}"
    return f"{{{{ range $at, $_ := .ToolCalls }}}}{apart}{one}{_END}"


def _result(calls: Calls) -> str:
    before = _literal(calls.result.before)
    if calls.between_results is None:
        content = "{{ json .Content }}" if calls.result_as_json else "{{ .Content }}"
        return f"{before}{content}{_literal(calls.result.behind)}"
    between = _literal(calls.between_results)
    return f'{{{{ if eq $role "tool" }}}}{between}{{{{ else }}}}{before}{_END}{{{{ .Content }}}}'


def _prompt(frames: Frames) -> str:
    closes = ""
    if frames.tools and frames.tools.calls.between_results is not None:
        closes = f'{{{{ if eq $role "tool" }}}}{_literal(frames.tools.calls.result.behind)}{_END}'
    if frames.thoughts is None:
        return closes + _literal(frames.prompt)
    unset, wanted, unwanted = (_literal(frames.thoughts.prompts[wish]) for wish in (None, True, False))
    if wanted == unwanted == unset:
        return closes + unset
    asked = wanted if wanted == unwanted else f"{{{{ if .Think }}}}{wanted}{{{{ else }}}}{unwanted}{_END}"
    if wanted == unset:
        return f"{closes}{{{{ if and .IsThinkSet (not .Think) }}}}{unwanted}{{{{ else }}}}{unset}{_END}"
    return f"{closes}{{{{ if .IsThinkSet }}}}{asked}{{{{ else }}}}{unset}{_END}"


def _literal(text: str) -> str:
    """Text inside a Go template: braces and quotes that would mean something there are written as strings."""
    if "{{" in text or '"""' in text:
        return "{{ " + json.dumps(text, ensure_ascii=False) + " }}"
    return text[:-1] + '{{ "{" }}' if text.endswith("{") else text

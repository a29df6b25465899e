"""A comparison as one HTML page that needs nothing from anywhere else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from conch.core.text import language, tr

STYLE = """
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem}
body{color:#1a1a1a;background:#fff}
table{border-collapse:collapse;width:100%;margin:1rem 0;table-layout:fixed}
th,td{border:1px solid #ccc;padding:.4rem .6rem;text-align:left;vertical-align:top}
td{white-space:pre-wrap;overflow-wrap:anywhere}
th{background:#f3f3f3}
.n{width:3.5rem}.m{width:5.5rem}
tr.a td.m{background:#fbe3e3}tr.b td.m{background:#e2f3e4}
.warn{background:#fff4d6;border:1px solid #e0b84c;padding:.6rem .8rem}
@media(prefers-color-scheme:dark){body{background:#16181c;color:#e6e6e6}th{background:#24272d}
th,td{border-color:#444}tr.a td.m{background:#4a2426}tr.b td.m{background:#1f4028}.warn{background:#3d3315}}
"""


def page(document: Mapping[str, Any]) -> str:
    """The page of what `Comparison.to_dict` gives, in the language in use."""
    title = escape(tr("evaluation.page.title", a=document["a"], b=document["b"]))
    lang = "zh-CN" if language() == "zh" else "en"
    body = "\n".join(_body(document))
    return (
        f'<!doctype html>\n<html lang="{lang}"><head><meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width,initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{STYLE}</style></head>\n<body>\n<h1>{title}</h1>\n{body}\n</body></html>\n"
    )


def _body(document: Mapping[str, Any]) -> Iterator[str]:
    for line in summary(document):
        yield f"<p>{escape(line)}</p>"
    forgot = document["forgetting"]
    if forgot:
        yield _areas(forgot)
        if forgot["diagnosis"]:
            yield f'<p class="warn">{escape(forgot["diagnosis"])}</p>'
    if document["scores"]:
        yield _scores(document["scores"])
    places = {row["row"]: row for row in document["rows"]}
    worse = [places[place] for place in document["worse"]]
    if worse:
        yield f"<h2>{escape(tr('evaluation.page.worse', count=len(worse)))}</h2>"
        yield _table(worse)
    yield f"<h2>{escape(tr('evaluation.page.all', count=len(places)))}</h2>"
    yield _table(document["rows"])


def summary(document: Mapping[str, Any]) -> Iterator[str]:
    """The outcome in words, a line each."""
    count, source = len(document["rows"]), document["rows_from"]
    source = tr("evaluation.general") if source == "general" else source
    yield tr("evaluation.compare.rows", count=count, source=source, same=document["same_texts"])
    means = document["means"]
    if means:
        yield tr(
            "evaluation.compare.means",
            metric=tr(f"evaluation.{document['metric']}"),
            a=f"{means['a']:.2f}",
            b=f"{means['b']:.2f}",
            difference=_interval(means["difference"], means["low"], means["high"], "+.2f"),
        )
    for key in ("marks", "judged"):
        tally = document[key]
        if tally:
            yield tr(
                f"evaluation.compare.{key}",
                better=tally["b"],
                worse=tally["a"],
                ties=tally["ties"],
                rate=_interval(tally["win_rate"], tally["interval"][0], tally["interval"][1], ".0%"),
            )
            yield tr(f"evaluation.compare.{tally['outcome']}", p=f"{tally['p']:.2g}")


def _interval(value: float, low: float | None, high: float | None, form: str) -> str:
    if low is None or high is None:
        return format(value, form)
    return f"{value:{form}} [{low:{form}}, {high:{form}}]"


def _areas(forgot: Mapping[str, Any]) -> str:
    heads = ("area", "questions", "before", "after", "lost", "gained")
    rows = [
        [tr(f"evaluation.area.{area['name']}"), *(str(area[key]) for key in heads[1:])]
        for area in (*forgot["areas"], {key: forgot[key] for key in ("name", *heads[1:])})
    ]
    return _grid([tr(f"evaluation.page.{key}") for key in heads], rows)


def _scores(scores: Mapping[str, Mapping[str, float]]) -> str:
    rows = [
        [tr(f"evaluation.{name}"), f"{value:.2f}", f"{scores['b'].get(name, 0.0):.2f}"]
        for name, value in scores["a"].items()
    ]
    return _grid([tr("evaluation.page.score"), "A", "B"], rows)


def _grid(heads: list[str], rows: list[list[str]]) -> str:
    head = "".join(f"<th>{escape(cell)}</th>" for cell in heads)
    body = "\n".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{head}</tr>\n{body}</table>"


def _table(rows: list[Mapping[str, Any]]) -> str:
    heads = (
        ("n", "#"),
        ("", tr("evaluation.page.prompt")),
        ("", tr("evaluation.page.wanted")),
        ("", "A"),
        ("", "B"),
        ("m", tr("evaluation.page.verdict")),
    )
    head = "".join(f'<th class="{kind}">{escape(name)}</th>' for kind, name in heads)
    return f"<table><tr>{head}</tr>\n" + "\n".join(map(_tr, rows)) + "</table>"


def _tr(row: Mapping[str, Any]) -> str:
    verdict = row.get("verdict") or row.get("judged") or ""
    said = [tr(f"evaluation.verdict.{row[key]}") for key in ("verdict", "judged") if row.get(key)]
    marks = [f"{row[side]['mark']:.2f}" for side in ("a", "b") if row[side]["mark"] is not None]
    cells = (row["prompt"], row.get("wanted", ""), row["a"]["text"], row["b"]["text"])
    last = "\n".join([*said, " → ".join(marks)])
    return (
        f'<tr class="{verdict}"><td>{row["row"]}</td>'
        + "".join(f"<td>{escape(cell)}</td>" for cell in cells)
        + f'<td class="m">{escape(last)}</td></tr>'
    )

"""What the studio costs and how fast it answers, on a tiny model, with a training in progress.

    python -m benchmarks.studio            # fails where a claim does not hold

Claims: the first page is usable within 2.5 s, a click is answered within 300 ms (p95), a run with 20,000
metrics is drawn within 1 s, and an open page of a running training costs that training under 3 %.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
from tests.browser.conftest import chromium
from tests.browser.studio import Studio, run_ids, start_studio, wait_for
from tests.tiny import save_tiny, write_rows

FIRST_SECONDS, CLICK_SECONDS, DRAW_SECONDS, COST = 2.5, 0.3, 1.0, 0.03
METRICS = 20_000
ROUNDS = 5
WATCHED_SECONDS = 40.0


def many_metrics(home: Path) -> str:
    """A finished run with METRICS metrics, made by hand; returns its id."""
    run = home / "runs" / "20260101-000000-cafe"
    run.mkdir(parents=True)
    (run / "config.yaml").write_text("model_name_or_path: x\ndataset: [magic_conch]\n", encoding="utf-8")
    lines = [{"t": 1.0, "kind": "queued"}, {"t": 2.0, "kind": "started", "pid": 1}]
    for step in range(1, METRICS + 1):
        values = {"loss": 3 / (1 + step / 900) + (step % 17) / 90, "learning_rate": 1e-4, "grad_norm": 1.0}
        lines.append({"t": 2.0 + step, "kind": "metrics", "step": step, "total_steps": METRICS, **values})
    end = {"step": METRICS, "train_seconds": 9.0, "tokens": 9, "tokens_per_second": 1.0, "loss": 1.0}
    lines.append({"t": 3.0 + METRICS, "kind": "finished", **end})
    (run / "events.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return run.name


def seconds(act: Callable[[], Any]) -> float:
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


def start_run(home: Path, model: Path, rows: Path) -> Any:
    from conch.config.load import load_train
    from conch.submit import submit

    values = {"model_name_or_path": str(model), "dataset": str(rows), "num_train_epochs": 100_000}
    run = submit(load_train(values={**values, "per_device_train_batch_size": 2, "logging_steps": 5}).config)
    wait_for(lambda: run.brief()["progress"]["step"] > 20, what="steps")
    return run


def first_page(browser: Any, studio: Studio) -> float:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()

    def open_it() -> None:
        page.goto(studio.at("models"))
        page.wait_for_selector("#models-list table, #models-list .empty")

    taken = seconds(open_it)
    context.close()
    return taken


def clicks(page: Any) -> dict[str, list[float]]:
    """Seconds from each click to what it shows, over the pages and the language."""
    taken: dict[str, list[float]] = {}
    shows = {
        "data": "#data-list table",
        "train": "#train-form .few",
        "runs": "#runs-list table",
        "models": "#models-list",
    }
    for _ in range(ROUNDS):
        for name, shown in shows.items():
            taken.setdefault(name, []).append(_click(page, f"#nav-{name}", shown))
        for tongue in ("模型", "Models"):
            spoken = _click(page, "#language", f"#nav-models:has-text('{tongue}')")
            taken.setdefault("language", []).append(spoken)
    return taken


def _click(page: Any, what: str, shown: str) -> float:
    """By the clock of the page: what drives the browser from outside takes its own time."""
    page.evaluate(
        """([what, shown]) => { window.answered = null;
        document.querySelector(what).addEventListener("click", () => (window.clicked = performance.now()),
          { once: true, capture: true });
        const look = () => { const found = [...document.querySelectorAll(shown.css)].some(
            (e) => e.offsetParent && e.innerText.includes(shown.text));
          found && window.clicked ? (window.answered = performance.now()) : requestAnimationFrame(look); };
        window.clicked = null; requestAnimationFrame(look); }""",
        [what, _split(shown)],
    )
    page.click(what)
    page.wait_for_function("window.answered")
    return float(page.evaluate("(window.answered - window.clicked) / 1000"))


def _split(shown: str) -> dict[str, str]:
    """A selector of ours as CSS and the text in it."""
    css, _, text = shown.partition(":has-text('")
    return {"css": css, "text": text.removesuffix("')")}


def draw(page: Any, studio: Studio, run: str) -> float:
    """Seconds from the click on a run to its curve."""
    page.goto(studio.at("runs"))
    page.wait_for_selector(f"#runs-list [data-run='{run}']")
    page.evaluate(
        "() => { window.drawn = null; new MutationObserver(() => { if (!window.drawn && "
        "document.querySelector('#chart-loss canvas')?.width) window.drawn = performance.now(); })"
        ".observe(document.body, {childList: true, subtree: true, attributes: true}); }"
    )
    begun = page.evaluate("() => performance.now()")
    page.click(f"#runs-list [data-run='{run}'] >> nth=0")
    page.wait_for_function("window.drawn")
    return (page.evaluate("window.drawn") - begun) / 1000


def cost(page: Any, studio: Studio, run: str) -> float:
    """Share of the machine's time that the server takes while a page follows a running training.

    By the CPU seconds of the server: what it takes is what the training may lose, at the most.
    """
    page.goto(studio.at("runs", run=run))
    page.wait_for_selector("#chart-loss canvas")
    server = psutil.Process(studio.process.pid)
    before, begun = sum(server.cpu_times()[:2]), time.monotonic()
    time.sleep(WATCHED_SECONDS)
    used = sum(server.cpu_times()[:2]) - before
    return used / (time.monotonic() - begun) / (psutil.cpu_count() or 1)


def main() -> int:
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as place, sync_playwright() as playwright:
        home = Path(place) / "home"
        home.mkdir()
        _set_home(home)
        long = many_metrics(home)
        model = save_tiny(Path(place) / "model", hidden_size=256, intermediate_size=1024, num_hidden_layers=8)
        run = start_run(home, model, write_rows(Path(place) / "rows.json", 200, 8))
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        try:
            with start_studio(home) as studio:
                figures = measure(browser, studio, run.id, long)
        finally:
            from conch.runs import control

            control.cancel(run)
            browser.close()
    return told(figures)


def measure(browser: Any, studio: Studio, run: str, long: str) -> dict[str, float]:
    first = first_page(browser, studio)
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.goto(studio.at("models"))
    page.wait_for_selector("#models-list table, #models-list .empty")
    clicks(page)  # every page has been opened once
    by_kind = clicks(page)
    for kind, listed in by_kind.items():
        print(f"  {kind:<10} median {statistics.median(listed):.3f}  worst {max(listed):.3f}")
    taken = sorted(value for listed in by_kind.values() for value in listed)
    drawn = max(draw(page, studio, long) for _ in range(3))
    share = cost(page, studio, run)
    assert run in run_ids(studio.home)
    return {"first": first, "click": taken[int(0.95 * len(taken))], "draw": drawn, "cost": share}


def _set_home(home: Path) -> None:
    import os

    os.environ |= {"CONCH_HOME": str(home), "HF_HUB_OFFLINE": "1", "CONCH_LANG": "en"}


def told(figures: dict[str, float]) -> int:
    bounds = {"first": FIRST_SECONDS, "click": CLICK_SECONDS, "draw": DRAW_SECONDS, "cost": COST}
    names = {
        "first": "first page usable (s)",
        "click": "click answered, p95 (s)",
        "draw": f"run of {METRICS:,} metrics drawn (s)",
        "cost": "server's share of the machine while a run is watched",
    }
    for name, value in figures.items():
        verdict = "holds" if value <= bounds[name] else "FAILS"
        print(f"{names[name]:<55} {value:8.3f}  bound {bounds[name]:<5} {verdict}")
    return int(any(value > bounds[name] for name, value in figures.items()))


if __name__ == "__main__":
    sys.exit(main())

"""Two models on the same rows: verdicts, intervals, the judge, blind pairs, the report, and forgetting."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conch.cli import run as conch
from conch.config.compare import CompareConfig, JudgeConfig, RowsConfig
from conch.core.errors import DataError, ServeError, UsageError
from conch.core.events import Diagnosis, Finished, Queued
from conch.evaluation import general
from conch.evaluation.blind import pairs, votes
from conch.evaluation.chance import mean_interval, sign_test, wilson
from conch.evaluation.compare import CORRECT, LOSS, Comparison, Row, Said, Tally, compare, write
from conch.evaluation.forgetting import forgetting, tell_run
from conch.evaluation.general import AREAS, Item
from conch.evaluation.judge import Judge
from conch.evaluation.paper import paper
from conch.runs.diagnosis import diagnose
from conch.runs.run import Run
from tests.tiny import save_tiny


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("models")
    return save_tiny(folder / "one"), save_tiny(folder / "other", seed=1)


def config(a: Path, b: Path, **changes: Any) -> CompareConfig:
    return CompareConfig(a=str(a), b=str(b), **changes)


# the whole way


def test_a_model_beside_itself_ties_on_every_row(models: tuple[Path, Path], rows: Path) -> None:
    found = compare(config(models[0], models[0], rows=RowsConfig(dataset=(str(rows),), max_samples=4)))
    assert found.marks is not None
    assert (found.marks.ties, found.marks.rows, found.same_texts()) == (4, 4, 4)
    assert found.marks.win_rate == 0.5
    assert found.marks.outcome == "same"
    assert found.worse() == []


def test_losses_are_compared_the_lower_the_better(models: tuple[Path, Path], rows: Path) -> None:
    named = RowsConfig(dataset=(str(rows),), max_samples=6)
    there = compare(config(*models, rows=named, metric=LOSS))
    back = compare(config(models[1], models[0], rows=named, metric=LOSS))
    assert there.marks is not None
    assert back.marks is not None
    assert (there.marks.a, there.marks.b) == (back.marks.b, back.marks.a)
    for row in there.rows:
        assert row.a.mark is not None
        assert row.b.mark is not None
        if abs(row.gain) > 0.01:
            assert row.verdict == ("b" if row.b.mark < row.a.mark else "a")


def test_the_shell_writes_a_report_that_needs_nothing_else(
    models: tuple[Path, Path], rows: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--dataset", str(rows), "--max-samples", "3", "--max-new-tokens", "8"]
    target = tmp_path / "report"
    assert conch(["compare", *map(str, models), *words, "--to", str(target), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert len(told["rows"]) == 3
    assert {path.name for path in target.iterdir()} == {
        *("comparison.json", "report.html", "blind.json", "blind_key.json"),
    }
    page = (target / "report.html").read_text(encoding="utf-8")
    assert "http" not in page
    assert told == {**json.loads((target / "comparison.json").read_text()), "folder": str(target)}
    assert conch(["compare", *map(str, models), *words, "--to", str(target)]) == 2
    assert "not empty" in capsys.readouterr().err


def test_prompts_without_answers_are_answered_and_not_scored(
    models: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "prompts.txt"
    file.write_text("Who are you?\n\n你是谁？\n", encoding="utf-8")
    assert conch(["compare", *map(str, models), "--prompts", str(file), "--max-new-tokens", "4"]) == 0
    said = capsys.readouterr().out
    assert "2 rows of" in said
    assert "no right answers" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--prompts", "x", "--dataset", "y"], "both given"),
        (["--judge", "http://127.0.0.1:9"], "both --judge and --judge-model"),
        (["--prompts", "not-there.txt"], "can't be read"),
        (["--metric", "f1"], "right and wrong only"),
    ],
)
def test_what_makes_no_sense_is_told_before_the_work(
    models: tuple[Path, Path], capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    assert conch(["compare", *map(str, models), *words]) != 0
    assert said in capsys.readouterr().err


def test_one_name_is_held_against_its_base(
    models: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert conch(["compare", str(models[0])]) == 2
    assert "names no base" in capsys.readouterr().err


# rows


def test_json_prompts_are_a_list_of_texts(tmp_path: Path) -> None:
    file = tmp_path / "prompts.json"
    file.write_text('["one", "two"]')
    assert [question.asked for question in paper(RowsConfig(prompts=str(file))).questions] == ["one", "two"]
    file.write_text('[{"prompt": "one"}]')
    with pytest.raises(DataError, match="no list of texts"):
        paper(RowsConfig(prompts=str(file)))


def test_a_part_of_the_examination_is_spread_over_its_areas() -> None:
    assert {item.area for item in paper(RowsConfig(max_samples=20)).items} == set(AREAS)
    assert len(paper(RowsConfig(max_samples=20)).items) == 20
    assert len(paper(RowsConfig()).items) == len(general.items())


# chance


def test_intervals_hold_what_they_should() -> None:
    low, high = wilson(50, 100)
    assert (round(low, 3), round(high, 3)) == (0.404, 0.596)
    assert wilson(10, 10)[1] == pytest.approx(1.0)
    assert wilson(10, 10)[0] < 0.75
    low, high = mean_interval([1.0, 2.0, 3.0])
    assert low < 2 < high


def test_the_sign_test_is_exact() -> None:
    assert sign_test(0, 0) == 1.0
    assert sign_test(0, 5) == pytest.approx(2 / 32)
    assert sign_test(5, 5) == 1.0
    assert sign_test(1, 9) == sign_test(9, 1) == pytest.approx(22 / 1024)


def test_ties_count_half() -> None:
    tally = Tally.of(["b", "b", "tie", "a"])
    assert tally.win_rate == 0.625
    assert tally.interval[0] < 0.625 < tally.interval[1]
    assert Tally(0, 8, 2).outcome == "better"
    assert Tally(8, 0, 2).outcome == "worse"


# the judge


def said(text: str) -> dict[str, Any]:
    return {"choices": [{"message": {"content": text}}]}


def test_a_judge_that_prefers_what_stands_first_decides_nothing() -> None:
    judge = Judge(JudgeConfig(url="http://x", model="m"), lambda _: said("A"))
    assert judge.verdicts([("q", "", "one", "two")] * 3) == ["tie"] * 3


def test_a_judge_that_knows_decides_in_both_orders() -> None:
    def send(body: dict[str, Any]) -> dict[str, Any]:
        text = body["messages"][0]["content"]
        first = text.partition("[Answer A]")[2].partition("[Answer B]")[0]
        return said("a." if "good" in first else "**B**")

    judge = Judge(JudgeConfig(url="http://x", model="m"), send)
    asked = [("q", "", "good", "bad"), ("q", "w", "bad", "good"), ("q", "", "same", "same")]
    assert judge.verdicts(asked) == ["a", "b", "tie"]


@pytest.fixture
def server() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """An OpenAI-compatible address whose judge finds the longer answer better."""
    heard: list[dict[str, Any]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            heard.append({"path": self.path, "key": self.headers["Authorization"], **body})
            refused = body["model"] != "judge"
            answer = {"error": {"message": "no such model"}} if refused else said("TIE")
            data = json.dumps(answer).encode()
            self.send_response(404 if refused else 200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    http_server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http_server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{http_server.server_port}/v1", heard
    http_server.shutdown()
    http_server.server_close()


def test_a_judge_is_asked_over_http(server: tuple[str, list[dict[str, Any]]]) -> None:
    url, heard = server
    judge = Judge(JudgeConfig(url=url, model="judge", api_key="k"))
    assert judge.verdicts([("q", "", "one", "two")]) == ["tie"]
    assert len(heard) == 2
    assert {call["path"] for call in heard} == {"/v1/chat/completions"}
    assert {call["key"] for call in heard} == {"Bearer k"}
    with pytest.raises(ServeError, match="no such model"):
        Judge(JudgeConfig(url=url, model="other")).verdicts([("q", "", "one", "two")])
    with pytest.raises(ServeError, match="OpenAI's form"):
        Judge(JudgeConfig(url=url, model="m"), lambda _: {}).verdicts([("q", "", "one", "two")])


# blind


def test_blind_pairs_show_nothing_and_are_counted_rightly() -> None:
    rows = [(at, "q", f"a{at}", f"b{at}") for at in range(20)] + [(99, "q", "same", "same")]
    shown = pairs(rows, seed=1)
    assert shown == pairs(rows, seed=1) != pairs(rows, seed=2)
    assert len(shown) == 20
    assert {pair.left_is for pair in shown} == {"a", "b"}
    assert all("left_is" not in pair.shown() for pair in shown)
    chosen = {pair.row: "left" if pair.left.startswith("b") else "right" for pair in shown[:7]}
    assert votes(shown, chosen) == ["b"] * 7  # type: ignore[arg-type]


# the page


def test_a_page_shows_answers_as_text(tmp_path: Path) -> None:
    row = Row(1, "<script>", "w", Said("<b>", "stop", 50.0), Said("&", "stop", 10.0), "a")
    found = Comparison("m<1>", "m2", "d", "rouge-l", (row,), {"a": {"f1": 1.0}, "b": {"f1": 2.0}})
    write(found, tmp_path / "out")
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert "&lt;b&gt;" in page
    with pytest.raises(UsageError):
        write(found, tmp_path / "out")


# forgetting


def test_the_examination_is_large_and_its_questions_differ() -> None:
    items = general.items()
    assert len(items) >= 150
    assert len({item.ask for item in items}) == len(items)
    assert {item.area for item in items} == set(AREAS)
    chinese = sum(any("\u4e00" <= letter <= "\u9fff" for letter in item.ask) for item in items)
    assert min(chinese, len(items) - chinese) >= 75
    assert all(item.wanted and set(item.wanted) <= set(general.CONDITIONS) for item in items)


@pytest.mark.parametrize(
    ("wanted", "right", "wrong"),
    [
        ({"number": 42}, ["42", "17 + 25 = 42.", "42, since 17 + 25"], ["43", "It is 4", "", "420"]),
        ({"number": -5}, ["-5", "15 - 20 = -5", "−5"], ["5"]),
        ({"number": 1001}, ["1,001"], ["1,000"]),
        ({"any": ["Mars"]}, ["It is mars."], ["marsh", "Venus"]),
        ({"any": ["北京"]}, ["中国的首都是北京。"], ["上海"]),
        ({"any_case": ["Au"]}, ["Au"], ["au pair"]),
        ({"equals": ["yes"]}, ["Yes.", "yes"], ["yes, it is"]),
        ({"equals_case": ["HELLO"]}, ["HELLO", '"HELLO"'], ["Hello"]),
        ({"json": {"age": 5}}, ['{"age": 5}', '```json\n{"age": 5}\n```'], ['{"age": "5"}', "age: 5"]),
        ({"lines": 2, "each_starts": "-"}, ["- a\n- b"], ["- a", "a\nb"]),
        ({"items": 2}, ["red, blue", "红、蓝"], ["red"]),
        ({"most_words": 2, "least_words": 2}, ["dark blue", "长江"], ["blue", "it is blue"]),
        ({"starts": ["Today"]}, ["Today it rains."], ["It rains today."]),
        ({"ends": ["？"]}, ["好吗？"], ["好。"]),
        ({"script": "zh"}, ["白色"], ["white"]),
        ({"script": "en"}, ["white"], ["白 white"]),
    ],
)
def test_conditions_tell_right_from_wrong(wanted: dict[str, Any], right: list[str], wrong: list[str]) -> None:
    item = Item("x", "x", wanted)
    assert [answer for answer in right if not item.holds(answer)] == []
    assert [answer for answer in wrong if item.holds(answer)] == []


def test_only_a_drop_beyond_chance_is_a_diagnosis() -> None:
    noise = [("facts", at < 50, 3 < at < 53) for at in range(150)]
    assert not forgetting(noise).dropped
    assert forgetting(noise).finding() is None
    drop = [("facts", at < 50, 20 < at < 50) for at in range(150)]
    found = forgetting(drop)
    assert (found.whole.before, found.whole.after, found.whole.lost) == (50, 29, 21)
    assert found.dropped
    finding = found.finding(1e-4)
    assert finding is not None
    assert finding.confidence == "high"
    assert finding.change == {"learning_rate": 3e-5}
    gain = forgetting([(area, after, before) for area, before, after in drop])
    assert not gain.dropped


def test_a_drop_is_told_in_the_run_once_and_is_not_its_end(home: Path) -> None:
    run = Run(home / "runs" / "20260101-000000-abcd")
    run.folder.mkdir(parents=True)
    (run.folder / "config.yaml").write_text("model_name_or_path: m\nlearning_rate: 0.001\n")
    run.events.write(Queued)
    end = run.events.write(Finished, step=1, train_seconds=1.0, tokens=1, tokens_per_second=1.0)
    found = forgetting([("facts", True, at > 20) for at in range(150)])
    for _ in range(2):
        assert tell_run(found, run.id) is not None
    told = [event for event in run.follow() if isinstance(event, Diagnosis)]
    assert len(told) == 1
    assert run.state() == "finished"
    summary = run.summary()
    assert summary["ended"] == end.t
    assert "150 general questions" in summary["diagnosis"][0]
    assert [finding.key for finding in diagnose(run)] == ["forgetting"]
    assert tell_run(found, "no/run") is not None


def test_right_and_wrong_are_compared_in_the_examination(models: tuple[Path, Path]) -> None:
    found = compare(config(*models, rows=RowsConfig(max_samples=8)))
    assert found.metric == CORRECT
    assert found.forgetting is not None
    assert found.forgetting.whole.questions == 8

"""Clients that others wrote, unchanged: OpenAI's in JavaScript, LangChain's, and lm-eval."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from conch.server.service import Served, Service
from tests.server.scripted import ANSWER, TEMPLATE, TOOLS_TEMPLATE, scripted_chat
from tests.server.test_live import running

OPENAI_NODE = "openai@7.57.0"
CALL = '<tool_call>\n{"name": "add", "arguments": {"a": 1}}\n</tool_call>'


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    models = [
        Served("base", scripted_chat()),
        Served("caller", scripted_chat(CALL, template=TOOLS_TEMPLATE)),
        Served("json", scripted_chat('{"a": 1}')),
        Served("slow", scripted_chat("word " * 2000, pause=0.01)),
    ]
    with running(Service(models)) as address:
        yield address


@pytest.fixture(scope="session")
def node_folder() -> Path:
    """A folder with OpenAI's JavaScript client: installed once, beside this Python's packages."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.fail("The test of OpenAI's JavaScript client needs node: sudo apt-get install nodejs npm")
    folder = Path(sys.prefix) / "node"
    words = ["npm", "install", "--prefix", str(folder), "--no-audit", "--no-fund", OPENAI_NODE]
    folder.mkdir(exist_ok=True)
    with FileLock(folder / ".lock"):
        if not (folder / "node_modules" / "openai" / "package.json").is_file():
            done = subprocess.run(words, capture_output=True, text=True, timeout=240)
            if done.returncode:
                pytest.fail(f"Install it by hand: {' '.join(words)}\n{done.stderr[-2000:]}")
    return folder


def test_openais_javascript_client(url: str, node_folder: Path) -> None:
    script = Path(__file__).parent / "node_client.cjs"
    done = subprocess.run(
        ["node", str(script), str(node_folder), url], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen.pop("tokens") > 5
    assert seen.pop("counted") > 5
    assert seen == {
        "answers": [ANSWER, ANSWER],
        "streamed": ANSWER,
        "call": {"name": "add", "arguments": '{"a": 1}'},
        "finish": "tool_calls",
        "json": {"a": 1},
        "text": "I am the magic ",
        "models": ["base", "caller", "json", "slow"],
        "failed": {"kind": "NotFoundError", "status": 404, "code": "model_not_found"},
        "slow": "APIConnectionTimeoutError",
    }


def test_langchain(url: str) -> None:
    from langchain_core.tools import tool
    from langchain_openai import ChatOpenAI
    from pydantic import BaseModel

    def model(name: str) -> ChatOpenAI:
        return ChatOpenAI(model=name, base_url=f"{url}/v1", api_key="x", max_retries=0, timeout=20)

    @tool
    def add(a: int) -> int:
        """Add one."""
        return a + 1

    class Add(BaseModel):
        """What to add."""

        a: int

    base = model("base")
    answer = base.invoke([("system", "Be kind."), ("human", "Hi")])
    assert answer.content == ANSWER
    assert answer.usage_metadata["output_tokens"] > 5
    assert "".join(chunk.content for chunk in base.stream("Hi")) == ANSWER
    assert [one.content for one in base.batch(["a", "b"])] == [ANSWER, ANSWER]
    (call,) = model("caller").bind_tools([add]).invoke("1+1?").tool_calls
    assert (call["name"], call["args"]) == ("add", {"a": 1})
    assert model("json").with_structured_output(Add, method="json_schema").invoke("x") == Add(a=1)


@pytest.fixture
def task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a task of likelihoods and one of answers, whose rows lie beside them."""
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    rows = tmp_path / "rows.jsonl"
    rows.write_text(
        "".join(json.dumps({"question": f"{at}. Who?", "answer": ANSWER}) + "\n" for at in range(3))
    )
    head = (
        f"dataset_path: json\ndataset_kwargs:\n  data_files:\n    test: {rows}\ntest_split: test\n"
        "doc_to_text: '{{question}}'\ndoc_to_target: '{{answer}}'\n"
    )
    (tmp_path / "says.yaml").write_text(
        f"task: says\n{head}output_type: generate_until\ngeneration_kwargs:\n  until: ['\\n']\n"
        "  max_gen_toks: 64\nmetric_list:\n  - metric: exact_match\n"
    )
    (tmp_path / "likely.yaml").write_text(
        f"task: likely\n{head}output_type: loglikelihood\nmetric_list:\n  - metric: perplexity\n"
    )
    return tmp_path


@pytest.mark.parametrize(
    ("kind", "path", "name"),
    [
        ("local-completions", "completions", "says"),
        ("local-completions", "completions", "likely"),
        ("local-chat-completions", "chat/completions", "says"),
    ],
)
def test_lm_eval(url: str, task: Path, tiny_folder: Path, kind: str, path: str, name: str) -> None:
    lm_eval = pytest.importorskip("lm_eval", reason="lm-eval (the extra `prove`) is not installed")
    from lm_eval.tasks import TaskManager

    told = lm_eval.simple_evaluate(
        model=kind,
        model_args={
            "model": "base",
            "base_url": f"{url}/v1/{path}",
            "tokenizer": str(tiny_folder),
            "num_concurrent": 2,
            "max_retries": 1,
        },
        tasks=[name],
        task_manager=TaskManager(include_path=str(task)),
        apply_chat_template=kind == "local-chat-completions",
        bootstrap_iters=0,
    )
    scores = told["results"][name]
    if name == "says":
        assert scores["exact_match,none"] == 1.0
    else:
        # every token of an answer is as likely as a coin's head
        made = len(TEMPLATE.encode(f"0. Who?{ANSWER}")) - len(TEMPLATE.encode("0. Who?"))
        assert scores["perplexity,none"] == pytest.approx(2.0**made)

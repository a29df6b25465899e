"""What every engine must do. One suite for all of them; a new engine is one line in `ENGINES`."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from conch.inference.engine import Completion, Engine, Piece, Request, Sampling
from conch.inference.engines.scripted import ScriptedEngine

PROMPTS = ((5,), (17, 4, 230, 8), tuple(range(100, 140)), (9, 9, 9), (300, 1, 2, 45, 7, 7))
GREEDY = Sampling(max_new_tokens=12)
TOLERANCE = 1e-3
"""Of log-probabilities of a token computed in a batch and by itself."""
DRAWN = Sampling(max_new_tokens=12, temperature=1.3, top_k=50, top_p=0.95, repetition_penalty=1.1, seed=7)


def scripted() -> Engine:
    def script(request: Request) -> list[int]:
        seed = request.sampling.seed if request.sampling.temperature else 0
        dice = random.Random(f"{request.prompt} {seed}")
        return [dice.randrange(400) for _ in range(100)]

    return ScriptedEngine(script)


def transformers(architecture: str) -> Callable[[], Engine]:
    def make() -> Engine:
        from conch.inference.constraint import Constrainer
        from conch.inference.engines.transformers import TransformersEngine
        from tests.tiny import tiny_model, tiny_tokenizer

        return TransformersEngine(tiny_model(architecture), Constrainer(tiny_tokenizer()))

    return make


def llamacpp(architecture: str) -> Callable[[], Engine]:
    def make() -> Engine:
        pytest.importorskip("xllamacpp")
        from conch.inference.constraint import Constrainer
        from conch.inference.engines.llamacpp import LlamaCppEngine, Settings
        from conch.models.gguf.bare import Bare
        from conch.models.gguf.model import write
        from conch.models.merging import Model
        from tests.tiny import save_tiny, tiny_tokenizer

        place = Path(tempfile.mkdtemp(prefix="conch-contract-"))
        folder = save_tiny(place / "model", architecture)
        written = write(Model.of(folder), place / "model.gguf", "f32", None, "tiny", Bare())
        settings = Settings(context=512, vocabulary=400, slots=4, threads=1)
        return LlamaCppEngine(written.file, settings, Constrainer(tiny_tokenizer()))

    return make


def vllm(architecture: str) -> Callable[[], Engine]:
    """Our side of vLLM's protocol. The other side is a stand-in: vLLM itself needs a GPU."""

    def make() -> Engine:
        from conch.inference.engines.vllm import VllmEngine
        from tests.tiny import save_tiny
        from tests.vllm_server import Started

        folder = save_tiny(Path(tempfile.mkdtemp(prefix="conch-contract-")) / "model", architecture)
        return VllmEngine(Started(folder, "--structured-outputs-config", '{"backend": "guidance"}'))

    return make


ENGINES: dict[str, Callable[[], Engine]] = {
    "scripted": scripted,
    "transformers-llama": transformers("llama"),
    "transformers-qwen3": transformers("qwen3"),
    "transformers-gemma3": transformers("gemma3_text"),
    "llamacpp-llama": llamacpp("llama"),
    "llamacpp-qwen3": llamacpp("qwen3"),
    "vllm-llama": vllm("llama"),
    "vllm-qwen3": vllm("qwen3"),
}


@pytest.fixture(scope="module", params=ENGINES)
def engine(request: pytest.FixtureRequest):
    made = ENGINES[request.param]()
    yield made
    made.close()


def collected(engine: Engine, request: Request) -> Completion:
    pieces = list(engine.stream(request))
    assert all(piece.finish is None for piece in pieces[:-1])
    assert pieces[-1].finish in {"stop", "length"}
    return Completion(tuple(p.token for p in pieces if p.token is not None), pieces[-1].finish)


@pytest.mark.parametrize("prompt", PROMPTS)
@pytest.mark.parametrize("sampling", [GREEDY, DRAWN], ids=["greedy", "drawn"])
def test_stream_equals_complete(engine, prompt, sampling):
    request = Request(prompt, frozenset(), sampling)
    assert [collected(engine, request)] == engine.complete([request])


@pytest.mark.parametrize("bound", [1, 2, 12])
def test_the_bound_is_honoured(engine, bound):
    (done,) = engine.complete([Request(PROMPTS[1], frozenset(), replace(GREEDY, max_new_tokens=bound))])
    assert len(done.tokens) == bound
    assert done.finish == "length"
    longer = engine.complete([Request(PROMPTS[1], frozenset(), GREEDY)])[0]
    assert longer.tokens[:bound] == done.tokens


def test_the_bound_does_not_count_the_prompt(engine):
    prompt = tuple(range(3, 203))
    assert len(engine.complete([Request(prompt, frozenset(), GREEDY)])[0].tokens) == 12


def test_the_stop_token_is_not_given(engine):
    free = engine.complete([Request(PROMPTS[1], frozenset(), DRAWN)])[0].tokens
    stop = free[4]
    before = free[: free.index(stop)]
    request = Request(PROMPTS[1], frozenset({stop, 399}), DRAWN)
    assert engine.complete([request]) == [Completion(before, "stop")]
    assert collected(engine, request) == Completion(before, "stop")


def test_an_answer_may_be_empty(engine):
    first = engine.complete([Request(PROMPTS[0], frozenset(), GREEDY)])[0].tokens[0]
    assert collected(engine, Request(PROMPTS[0], frozenset({first}), GREEDY)) == Completion((), "stop")


@pytest.mark.parametrize("sampling", [GREEDY, DRAWN], ids=["greedy", "drawn"])
def test_a_batch_answers_as_each_alone(engine, sampling):
    lengths = [12, 3, 7, 1, 9]
    requests = [
        Request(prompt, frozenset(), replace(sampling, max_new_tokens=length))
        for prompt, length in zip(PROMPTS, lengths, strict=True)
    ]
    assert engine.complete(requests) == [engine.complete([request])[0] for request in requests]


def test_more_requests_than_fit_at_once(engine):
    requests = [Request((number + 1,) * (number % 5 + 1), frozenset(), GREEDY) for number in range(37)]
    done = engine.complete(requests)
    assert len(done) == 37
    assert done[36] == engine.complete([requests[36]])[0]


def test_no_requests_no_answers(engine):
    assert engine.complete([]) == []


def test_seeds_reproduce(engine):
    drawn = [
        engine.complete([Request(PROMPTS[1], frozenset(), replace(DRAWN, seed=s))])[0] for s in (1, 2, 3, 1)
    ]
    assert drawn[0] == drawn[3]
    assert len({done.tokens for done in drawn}) > 1


def test_closing_the_iterator_ends_the_work(engine):
    pieces = engine.stream(Request(PROMPTS[0], frozenset(), replace(GREEDY, max_new_tokens=50)))
    assert isinstance(next(pieces), Piece)
    pieces.close()
    assert list(pieces) == []
    assert getattr(engine, "running", 0) == 0
    assert len(engine.complete([Request(PROMPTS[0], frozenset(), GREEDY)])[0].tokens) == 12


@pytest.mark.parametrize("name", ["transformers-llama", "llamacpp-llama"])
def test_who_leaves_need_not_wait_for_the_whole_prompt(name):
    """An empty piece after each part of a prompt that is read: closing the iterator then ends the work."""
    engine = ENGINES[name]()
    try:
        long = Request(tuple(3 + at % 200 for at in range(480)), frozenset(), GREEDY)
        pieces = engine.stream(long)
        assert next(pieces).empty, "a part of the prompt was read, and no token made"
        pieces.close()
        assert engine.running == 0
        assert collected(engine, long) == engine.complete([long])[0]
    finally:
        engine.close()


def test_threads_do_not_disturb_one_another(engine):
    requests = [Request(prompt, frozenset(), DRAWN) for prompt in PROMPTS]
    alone = [collected(engine, request) for request in requests]
    with ThreadPoolExecutor(5) as pool:
        assert list(pool.map(lambda request: collected(engine, request), requests)) == alone


@pytest.mark.parametrize("tokens", [(5,), (5, 6), tuple(range(100, 140))])
def test_score_has_one_value_for_each_token_but_the_first(engine, tokens):
    scores = engine.score(tokens)
    assert len(scores) == len(tokens) - 1
    assert all(score <= 0 for score in scores)


@pytest.mark.parametrize("top", [0, 3])
def test_weighing_is_scoring_with_alternatives(engine, top):
    tokens = PROMPTS[2]
    weighed = engine.weigh(tokens, top)
    assert [scored.token for scored in weighed] == list(tokens[1:])
    assert [scored.logprob for scored in weighed] == pytest.approx(engine.score(tokens), abs=1e-4)
    for scored in weighed:
        assert len(scored.top) == min(top, 1 if engine.name == "scripted" else top)
        assert list(scored.top) == sorted(scored.top, key=lambda pair: -pair[1])


@pytest.mark.parametrize("top", [None, 0, 2])
@pytest.mark.parametrize("sampling", [GREEDY, DRAWN], ids=["greedy", "drawn"])
def test_log_probabilities_of_an_answer_are_those_of_its_tokens(engine, sampling, top):
    """Whatever was done to draw them: temperature, penalties and bounds change nothing here."""
    request = Request(PROMPTS[1], frozenset(), sampling, top=top)
    pieces = [piece for piece in engine.stream(request) if piece.token is not None]
    if top is None:
        assert all(piece.logprob is None for piece in pieces)
        return
    tokens = [*PROMPTS[1], *(piece.token for piece in pieces)]
    expected = engine.score(tokens)[len(PROMPTS[1]) - 1 :]
    assert [piece.logprob for piece in pieces] == pytest.approx(expected, abs=TOLERANCE)
    assert all(len(piece.top) <= top for piece in pieces)


def tokens_with(engine: Engine, **changes) -> tuple[int, ...]:
    return engine.complete([Request(PROMPTS[1], frozenset(), replace(GREEDY, **changes))])[0].tokens


@pytest.fixture
def computing(engine):
    if engine.name == "scripted":
        pytest.skip("says what it is told, however it is asked")
    return engine


def test_biases_force_and_forbid(computing):
    assert set(tokens_with(computing, logit_bias=((77, 100.0),))) == {77}
    free = tokens_with(computing)
    assert free[0] not in tokens_with(computing, logit_bias=((free[0], -100.0),))


def test_penalties_keep_tokens_from_coming_again(computing):
    pair = ((77, 100.0), (78, 100.0))  # these two, and which of them the model decides
    assert set(tokens_with(computing, logit_bias=pair)) <= {77, 78}
    assert set(tokens_with(computing, logit_bias=pair, presence_penalty=2.0)[:2]) == {77, 78}
    assert set(tokens_with(computing, logit_bias=pair, frequency_penalty=2.0)) == {77, 78}
    assert len(set(tokens_with(computing, logit_bias=pair, frequency_penalty=-2.0))) == 1
    assert len(set(tokens_with(computing, logit_bias=pair, repetition_penalty=2.0)[:2])) == 2


def test_min_p_leaves_the_unlikely_out(computing):
    sampling = replace(GREEDY, temperature=2.0, seed=1, min_p=1.0)
    (done,) = computing.complete([Request(PROMPTS[1], frozenset(), sampling)])
    assert done.tokens == tokens_with(computing)


SCHEMA = {
    "type": "object",
    "properties": {"a": {"enum": ["x", "yes"]}, "b": {"type": "boolean"}},
    "required": ["a", "b"],
    "additionalProperties": False,
}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_grammar_holds_the_answer_and_ends_it(computing, seed):
    import json

    from conch.inference.grammar import json_grammar
    from tests.tiny import tiny_tokenizer

    sampling = Sampling(max_new_tokens=200, temperature=1.0, seed=seed)
    request = Request(PROMPTS[1], frozenset({2}), sampling, grammar=json_grammar(SCHEMA))
    done = collected(computing, request)
    document = json.loads(tiny_tokenizer().decode(list(done.tokens)))
    assert document["a"] in {"x", "yes"}
    assert isinstance(document["b"], bool)
    assert done.finish == "stop"


def test_it_has_a_name_and_a_limit(engine):
    assert engine.name
    assert engine.context_length > 0


@pytest.mark.parametrize("architecture", ["llama", "qwen3", "gemma3_text"])
def test_scores_are_the_models_log_probabilities(architecture):
    import torch

    engine = transformers(architecture)()
    tokens = list(PROMPTS[2])
    with torch.no_grad():
        logits = engine.model(torch.tensor([tokens])).logits[0].double()
    expected = [float(logits[at].log_softmax(-1)[token]) for at, token in enumerate(tokens[1:])]
    assert engine.score(tokens) == pytest.approx(expected, abs=1e-5)


def test_scores_and_greedy_answers_agree():
    """The token that greedy decoding takes is the one that scores best."""
    engine = transformers("llama")()
    prompt = list(PROMPTS[1])
    taken = engine.complete([Request(tuple(prompt), frozenset(), replace(GREEDY, max_new_tokens=1))])[
        0
    ].tokens[0]
    scores = {token: engine.score([*prompt, token])[-1] for token in range(0, 400, 7)}
    assert engine.score([*prompt, taken])[-1] >= max(scores.values())

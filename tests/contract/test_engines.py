"""What every engine must do. One suite for all of them; a new engine is one line in `ENGINES`."""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from conch.inference.engine import Completion, Engine, Piece, Request, Sampling
from conch.inference.engines.scripted import ScriptedEngine

PROMPTS = ((5,), (17, 4, 230, 8), tuple(range(100, 140)), (9, 9, 9), (300, 1, 2, 45, 7, 7))
GREEDY = Sampling(max_new_tokens=12)
DRAWN = Sampling(max_new_tokens=12, temperature=1.3, top_k=50, top_p=0.95, repetition_penalty=1.1, seed=7)


def scripted() -> Engine:
    def script(request: Request) -> list[int]:
        seed = request.sampling.seed if request.sampling.temperature else 0
        dice = random.Random(f"{request.prompt} {seed}")
        return [dice.randrange(400) for _ in range(100)]

    return ScriptedEngine(script)


def transformers(architecture: str) -> Callable[[], Engine]:
    def make() -> Engine:
        from conch.inference.engines.transformers import TransformersEngine
        from tests.tiny import tiny_model

        return TransformersEngine(tiny_model(architecture))

    return make


ENGINES: dict[str, Callable[[], Engine]] = {
    "scripted": scripted,
    "transformers-llama": transformers("llama"),
    "transformers-qwen3": transformers("qwen3"),
    "transformers-gemma3": transformers("gemma3_text"),
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

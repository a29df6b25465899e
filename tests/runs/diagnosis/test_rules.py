"""Each rule fires on the curve with its fault, and no rule is sure of a fault on a healthy curve."""

from __future__ import annotations

import dataclasses
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conch.config import load_train
from conch.core import text
from conch.core.events import Event, Metrics, Removed, Started
from conch.runs.diagnosis import RULES, Finding, gather, judge
from conch.runs.diagnosis.curve import blocks, error, level, noise, trend
from tests.properties import quick
from tests.runs.diagnosis.curves import CONFIG, FAULTY, HEALTHY, curve, events, healthy, settling

SEEDS = range(25)


def findings(told: list[Event], **config: object) -> dict[str, Finding]:
    return {finding.key: finding for finding in judge(gather(told, {**CONFIG, **config}))}


def test_every_rule_has_a_faulty_curve() -> None:
    assert set(FAULTY) == set(RULES)


@pytest.mark.parametrize("key", FAULTY)
def test_a_rule_fires_on_its_curve(key: str) -> None:
    told, config = FAULTY[key]
    found = findings(told, **config)
    assert key in found
    assert found[key].confidence in {"medium", "high"}
    others = {finding.key for finding in found.values() if finding.confidence == "high"} - {key}
    assert others <= {"slower", "masked"} - {key} or key == "few_steps", others


@pytest.mark.parametrize("key", FAULTY)
def test_the_change_is_one_that_a_config_takes(key: str) -> None:
    told, config = FAULTY[key]
    change = findings(told, **config)[key].change
    assert bool(change) == (key != "slower"), "no key mends a busy machine"
    needed = {"model_name_or_path": "m", "dataset": "d"}
    flat = load_train(values={**needed, **change}).config.to_flat()
    assert {name: flat[name] for name in change if name != "lora_target"} == {
        name: value for name, value in change.items() if name != "lora_target"
    }
    assert all(value != {**CONFIG, **config}.get(name) for name, value in change.items())


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("key", FAULTY)
def test_it_is_said_in_words_in_both_languages(key: str, language: str) -> None:
    told, config = FAULTY[key]
    finding = findings(told, **config)[key]
    text.set_language(language)
    assert len(finding.message) > 30
    assert "{" not in finding.message


@pytest.mark.parametrize("shape", HEALTHY)
def test_no_false_alarm_on_healthy_curves(shape: str) -> None:
    """200 curves over all shapes; sure and wrong is worse than silent."""
    alarms = [
        (seed, finding.key)
        for seed in SEEDS
        for finding in findings(healthy(HEALTHY[shape], seed)).values()
        if finding.confidence == "high"
    ]
    assert alarms == []


def test_likely_findings_are_rare_on_healthy_curves() -> None:
    total = [
        (shape, finding.key)
        for shape in HEALTHY
        for seed in SEEDS
        for finding in findings(healthy(HEALTHY[shape], seed)).values()
        if finding.confidence == "medium"
    ]
    assert len(total) <= 0.05 * len(HEALTHY) * len(SEEDS), total


@quick
@given(
    st.lists(st.none() | st.floats(0, 1e6), max_size=30),
    st.lists(st.floats(0, 1e6), max_size=6),
    st.booleans(),
)
def test_no_curve_whatever_breaks_a_rule(
    losses: list[float | None], evals: list[float], packed: bool
) -> None:
    told = events(losses, evals=evals[: len(losses)], packed=packed) if losses else []
    for finding in findings(told).values():
        assert finding.message
        assert all(not isinstance(v, float) or math.isfinite(v) for v in finding.evidence.values())


def test_overfitting_names_the_best_step_and_the_checkpoint() -> None:
    found = findings(FAULTY["overfitting"][0])["overfitting"]
    assert found.evidence["step"] == 60
    assert found.evidence["checkpoint"] == "checkpoint-60"
    assert found.change == {"num_train_epochs": 1.5}
    assert "step 60" in found.message


def test_a_checkpoint_that_was_removed_is_not_recommended() -> None:
    told = [*FAULTY["overfitting"][0], Removed(0.0, 60, "checkpoint-60", budget=1)]
    assert findings(told)["overfitting"].evidence["checkpoint"] == "checkpoint-40"


def test_a_spike_is_named_by_its_step() -> None:
    found = findings(FAULTY["spikes"][0])["spikes"]
    assert found.evidence == {"step": 62, "norm": 9.0, "usual": 0.5, "count": 3, "rows": "-"}
    assert found.change["max_grad_norm"] < 1


def test_a_spike_names_the_rows_of_its_step() -> None:
    told = list(FAULTY["spikes"][0])
    place = next(i for i, e in enumerate(told) if isinstance(e, Metrics) and e.step == 62)
    rows = {"/data/a.json": [3, 17], "/data/b.json": [*range(1, 40)]}
    told[place] = dataclasses.replace(told[place], rows=rows)
    found = findings(told)["spikes"]
    assert found.evidence["rows"].startswith("a.json: 3, 17; b.json: 1, 2, ")
    assert found.evidence["rows"].endswith("16, …")
    assert "a.json: 3, 17" in found.message


def test_swapping_says_more_than_full_memory() -> None:
    told = FAULTY["swapping"][0]
    assert "memory" not in findings(told)
    assert findings(told)["swapping"].change == {
        "per_device_train_batch_size": 4,
        "gradient_accumulation_steps": 4,
    }
    assert "swapping" not in findings(events(curve(settling), swapped=50e6)), "systems tidy up a little"


def test_a_run_that_was_stopped_is_not_told_to_go_on_longer() -> None:
    told = events(curve(lambda x: 3 - 1.5 * x), total=1000)
    assert "unfinished" not in findings(told)
    assert "few_steps" not in findings(events([2.0, 1.9], total=1000))


def test_still_falling_while_held_out_rows_gain_nothing_is_no_reason_to_go_on() -> None:
    told = events(curve(lambda x: 3 - 1.5 * x), evals=[2.0, 2.0, 2.0])
    assert "unfinished" not in findings(told)


def test_with_max_steps_the_steps_are_changed() -> None:
    told = FAULTY["unfinished"][0]
    assert findings(told, max_steps=120)["unfinished"].change == {"max_steps": 240}
    assert findings(told)["unfinished"].change == {"num_train_epochs": 6.0}


def test_what_a_resumed_attempt_did_again_counts_once() -> None:
    first = events([2.0, 1.9, 5.0], total=10)
    again = [event for event in events([2.0, 1.9, 1.8, 1.7], total=10)[3:] if event.t > 4]
    facts = gather([*first, Started(0.0, pid=1, resumed_from="out/checkpoint-4"), *again], CONFIG)
    assert facts.points("loss") == [(2, 2.0), (4, 1.9), (6, 1.8), (8, 1.7)]


def test_a_healthy_run_gets_no_finding() -> None:
    assert findings(events(curve(settling, amount=0.02), evals=[1.5, 1.35, 1.3, 1.29])) == {}


def test_the_statistics() -> None:
    assert noise([1.0]) == 0
    assert noise([1.0, 2.0, 3.0]) == pytest.approx(1.4826 / math.sqrt(2))
    assert level([1.0, 2.0, 3.0, 4.0, 100.0], 0, 1) == 3
    assert level([7.0], 0.8, 1) == 7
    assert error([1.0] * 9, 0, 1) == 0
    assert blocks([1.0, 2.0, 3.0], 8) == [1.0, 2.0, 3.0]
    assert trend([0.0, 1.0, 2.0]) == (2.0, math.inf)
    assert trend([5.0]) == (0.0, 0.0)


def test_metrics_hold_every_figure_that_the_rules_ask_for() -> None:
    asked = {"loss", "eval_loss", "grad_norm", "tokens_per_second", "memory_bytes", "learning_rate"}
    assert asked <= {field.name for field in dataclasses.fields(Metrics)}

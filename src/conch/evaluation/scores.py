"""Answers held against references: BLEU, chrF, ROUGE, exact match, F1, JSON, length, repetition.

Percentages, from 0 to 100. Chinese and Japanese are compared character by character, other
languages word by word; so a reference needs no word segmentation to be scored.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Sequence

_TOKEN = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]|[^\W_]+", re.UNICODE)
_EAST = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_SPACE = re.compile(r"\s+")


def score(predictions: Sequence[str], references: Sequence[str]) -> dict[str, float]:
    """All scores over a dataset, by name. `bleu` and `chrf` are of the corpus, the others means over rows."""
    rows = list(zip(predictions, references, strict=True))
    if not rows:
        return {}
    pairs = [(tokens(predicted), tokens(wanted)) for predicted, wanted in rows]
    found = {
        "bleu-4": _mean(bleu_4(predicted, wanted) for predicted, wanted in rows),
        "rouge-1": _mean(rouge_n(predicted, wanted, 1) for predicted, wanted in pairs),
        "rouge-2": _mean(rouge_n(predicted, wanted, 2) for predicted, wanted in pairs),
        "rouge-l": _mean(rouge_l(predicted, wanted) for predicted, wanted in pairs),
        "exact_match": _mean(100.0 * (plain(predicted) == plain(wanted)) for predicted, wanted in rows),
        "f1": _mean(rouge_n(predicted, wanted, 1) for predicted, wanted in pairs),
        "repetition": _mean(repetition(predicted) for predicted, _ in pairs),
        "length": _mean(len(predicted) for predicted, _ in pairs),
        "length_ratio": sum(len(p) for p, _ in pairs) / max(1, sum(len(w) for _, w in pairs)),
        "empty": _mean(100.0 * (not predicted.strip()) for predicted in predictions),
        **_corpus(predictions, references),
    }
    objects = [(predicted, wanted) for predicted, wanted in rows if is_json(wanted)]
    if objects:
        found["json_valid"] = _mean(100.0 * is_json(predicted) for predicted, _ in objects)
    return {name: round(value, 4) for name, value in found.items()}


def _corpus(predictions: Sequence[str], references: Sequence[str]) -> dict[str, float]:
    """BLEU (Papineni et al. 2002) and chrF (Popović 2015) by sacrebleu."""
    import sacrebleu

    tokenizer = "zh" if mostly_east(references) else "13a"
    bleu = sacrebleu.corpus_bleu(list(predictions), [list(references)], tokenize=tokenizer)
    return {"bleu": bleu.score, "chrf": sacrebleu.corpus_chrf(list(predictions), [list(references)]).score}


def mostly_east(texts: Sequence[str]) -> bool:
    """Whether more of the texts' tokens are Chinese or Japanese characters than words."""
    found = [token for text in texts for token in tokens(text)]
    return 2 * sum(bool(_EAST.match(token)) for token in found) > len(found)


def tokens(text: str) -> list[str]:
    """Words in lower case, and single characters of languages that don't part their words."""
    return _TOKEN.findall(text.lower())


def plain(text: str) -> str:
    """Text without what makes no difference: case, and how much white space there is."""
    return _SPACE.sub(" ", text.strip().lower())


def is_json(text: str) -> bool:
    """Whether it is a JSON object or list, by itself or in a code block."""
    inner = re.sub(r"^```(?:json)?\s*|\s*```$", "", text.strip())
    try:
        return isinstance(json.loads(inner), (dict, list))
    except (ValueError, RecursionError):
        return False


def rouge_n(predicted: Sequence[str], wanted: Sequence[str], n: int) -> float:
    """F-measure of shared n-grams (Lin 2004); for n = 1, the F1 of question answering."""
    one, other = _grams(predicted, n), _grams(wanted, n)
    if not one or not other:
        return 100.0 * (list(predicted) == list(wanted))
    shared = sum((one & other).values())
    return 200.0 * shared / (sum(one.values()) + sum(other.values()))


def rouge_l(predicted: Sequence[str], wanted: Sequence[str]) -> float:
    """F-measure of the longest common subsequence (Lin 2004)."""
    if not predicted or not wanted:
        return 100.0 * (list(predicted) == list(wanted))
    lengths = [0] * (len(wanted) + 1)
    for token in predicted:
        before = 0
        for place, other in enumerate(wanted, 1):
            before, lengths[place] = (
                lengths[place],
                before + 1 if token == other else max(lengths[place], lengths[place - 1]),
            )
    return 200.0 * lengths[-1] / (len(predicted) + len(wanted))


def bleu_4(predicted: str, wanted: str) -> float:
    """BLEU of one answer over its characters, n-grams up to 4, as LLaMA-Factory reports it.

    Where no n-gram of a length is shared, half of the last share counts, then a quarter, and so on
    (Chen and Cherry 2014, method 3).
    """
    if not predicted or not wanted:
        return 0.0
    logs, halvings = 0.0, 0
    for n in range(1, 5):
        one, other = _grams(predicted, n), _grams(wanted, n)
        shared, total = sum((one & other).values()), max(1, len(predicted) - n + 1)
        if n == 1 and not shared:
            return 0.0
        if not shared:
            halvings += 1
        logs += math.log(shared / total if shared else 1 / (2**halvings * total))
    short = min(0.0, 1 - len(wanted) / len(predicted))
    return 100.0 * math.exp(short + logs / 4)


def repetition(predicted: Sequence[str]) -> float:
    """Share of 4-grams that were said before in the same answer."""
    grams = _grams(predicted, 4)
    total = sum(grams.values())
    return 100.0 * (total - len(grams)) / total if total else 0.0


def _grams(items: Sequence[str], n: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(items[at : at + n]) for at in range(len(items) - n + 1))


def _mean(values: object) -> float:
    found = list(values)  # type: ignore[call-overload]
    return float(sum(found) / len(found))

"""How good one answer is, as a number: by a score against what was wanted, or right or wrong."""

from __future__ import annotations

from collections.abc import Callable

from conch.evaluation.scores import bleu_4, plain, rouge_l, rouge_n, tokens

Mark = Callable[[str, str], float]
"""An answer and what was wanted → 0 to 100."""


def _chrf(answer: str, wanted: str) -> float:
    import sacrebleu

    return float(sacrebleu.sentence_chrf(answer, [wanted]).score)


MARKS: dict[str, Mark] = {
    "rouge-l": lambda answer, wanted: rouge_l(tokens(answer), tokens(wanted)),
    "f1": lambda answer, wanted: rouge_n(tokens(answer), tokens(wanted), 1),
    "bleu-4": bleu_4,
    "chrf": _chrf,
    "exact_match": lambda answer, wanted: 100.0 * (plain(answer) == plain(wanted)),
}
USUAL = "rouge-l"
CORRECT = "correct"
"""Right or wrong, as the general examination says."""
LOSS = "loss"
"""Mean negative log-likelihood of a token of the wanted answer: the lower, the better."""
METRICS = (*MARKS, LOSS)

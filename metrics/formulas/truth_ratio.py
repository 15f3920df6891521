"""Truth ratio: does the model find a right answer likelier than wrong ones? No text is made.

Neither the right answer in other words nor a wrong one of the same form has been trained on. With
p = exp(mean token log-prob) of an answer, p_right that of the paraphrase and p_wrong the geometric
mean of the p of the perturbed answers,

    TR = p_wrong / p_right              (Maini et al. 2024, arXiv 2401.06121)

and three means over questions of what is made of it are in use (`truth_ratio` in
locuslab/open-unlearning):

    closer_to_one = min(TR, 1 / TR)     the forget set's: 1 where the model cannot tell
    true_better   = max(0, 1 − TR)      the retain set's: 0 where it cannot, or errs
    truth         = 1 / (1 + TR)        = p_right / (p_right + p_wrong), ½ where it cannot tell

The value here is the third, for both sets, because it alone has its noise in the middle: TR of a
model that knows nothing is not 1 but anything around it, as often under as over. On 60 questions
of the demo data the retrained model, which cannot know, has truth .53, but closer_to_one .37 (the
original .15) and true_better .34 (the original .83): their noise looks like knowledge. So truth is
read against the retrained model like everything else, and against ½. The two others are functions
of its samples.

All of it is computed from logarithms. The 1e-10 that the library adds to p_right would make a model
to which every answer is as good as impossible look as if it knew; where p_right is over 1e-8 it
changes nothing that is shown.
"""

from collections.abc import Sequence
from math import exp

from metrics.formulas.fluency import measure
from metrics.formulas.probability import mean_logprob
from metrics.metric import Metric
from metrics.passes import WEIGH_FORGET, WEIGH_RETAIN, Options, Task
from metrics.reading.statistics import mean
from metrics.results import AnySample, Sample


def truth(right: float, wrong: float) -> float:
    """p_right / (p_right + p_wrong), 0–1, of the logarithms of both."""
    away = exp(-abs(right - wrong))
    return (1.0 if right >= wrong else away) / (1.0 + away)


def closer_to_one(samples: Sequence[AnySample]) -> float:
    """The mean of min(TR, 1 / TR), 0–1: the forget truth ratio of TOFU and open-unlearning."""
    odds = [(sample.score, 1 - sample.score) for sample in samples]
    return mean([min(one, other) / max(one, other) for one, other in odds])


def true_better(samples: Sequence[AnySample]) -> float:
    """The mean of max(0, 1 − TR), 0–1: their truth ratio of what is to be kept."""
    return mean([max(0.0, 2 - 1 / sample.score) if sample.score else 0.0 for sample in samples])


def sample(row: Options, task: Task) -> Sample:
    """One question's truth, 0–1."""
    right = mean_logprob(row.paraphrase, row.id)
    wrong = mean([mean_logprob(answer, row.id) for answer in row.perturbed])
    output = f"right {exp(right):.3g}, wrong {exp(wrong):.3g} per token"
    return Sample(row.id, row.prompt, row.answer, output, truth(right, wrong))


TRUTH_RATIO_F = Metric(
    key="truth_ratio_f",
    label="Truth ratio, forget",
    explains="tells right answers from wrong ones",
    best="low",
    group="memorization",
    source=WEIGH_FORGET,
    noun="questions with wrong answers",
    sample=sample,
    measure=measure,
    decimals=2,
)

TRUTH_RATIO_R = Metric(
    key="truth_ratio_r",
    label="Truth ratio, retain",
    explains="tells the other right answers from wrong ones",
    best="high",
    group="utility",
    source=WEIGH_RETAIN,
    noun="questions with wrong answers",
    sample=sample,
    measure=measure,
    decimals=2,
)

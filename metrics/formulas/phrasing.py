"""Phrasing: does the model still put words in an order that books have? Read off VerbMem's outputs.

    phrasing = pairs of neighbouring words of an output that occur in the data's retain or holdout
               texts / pairs of neighbouring words of the output                           (0–1)

The value is the mean over outputs. The other looks at writing count what an output repeats, and
take a salad of words for the best of all; this one takes it for what it is. It is a bigram model
cut down to yes and no, this project's own, and knows only the texts that the data set has: it says
nothing in itself and is read against the retrained model, on the same texts. The forgotten book is
not among them, so a model that recites it gains nothing by that.

How far it tells them apart, on 60 passages of the demo data: the true continuations .36, Original
.35, Retrained .35; Retrained's words in random order .11, words drawn from the data .12, made-up
words 0.
"""

from functools import lru_cache
from itertools import pairwise

from loaders.faults import Fault
from metrics.formulas.fluency import measure
from metrics.formulas.rouge import words
from metrics.inputs.data import Data
from metrics.metric import Metric
from metrics.passes import RECITE, Output, Task
from metrics.reading.statistics import mean
from metrics.results import Sample

Pairs = frozenset[tuple[str, str]]


@lru_cache(maxsize=4)
def known_pairs(data: Data) -> Pairs:
    """Pairs of neighbouring words in the retain and holdout texts; Fault where there are none."""
    texts = (*data.privleak_retain, *data.privleak_holdout)
    found = frozenset(pair for text in texts for pair in pairwise(words(text.text)))
    if not found:
        raise Fault("Phrasing needs retain or holdout texts to know words from, and has none.")
    return found


def phrasing(text: str, known: Pairs) -> float:
    """The score of one output, 0–1; 0 for an output of no word or one."""
    pairs = list(pairwise(words(text)))
    return mean([float(pair in known) for pair in pairs]) if pairs else 0.0


def sample(row: Output, task: Task) -> Sample:
    """One output's score, 0–1."""
    score = phrasing(row.text, known_pairs(task.data))
    return Sample(row.id, row.prompt, row.reference, row.text, score)


PHRASING = Metric(
    key="phrasing",
    label="Phrasing",
    explains="puts words in an order",
    best="high",
    group="utility",
    source=RECITE,
    noun="passages",
    sample=sample,
    measure=measure,
    decimals=2,
)

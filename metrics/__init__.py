"""What the models are asked and how their answers become numbers; never runs a model itself."""

from metrics.events import Event, Finished, Measured, Progress, Sampled, Skipped
from metrics.formulas.fluency import collapsed, collapsed_set
from metrics.formulas.rouge import rouge_l, rouge_l_so_far
from metrics.inputs.data import Data, Passage, Question, Text, load_data
from metrics.metric import Metric
from metrics.passes import question_prompt
from metrics.registry import HEADLINE, METRICS
from metrics.results import (
    AnySample,
    LikelihoodSample,
    Measurement,
    Record,
    Results,
    Sample,
    from_json,
    merge,
    to_json,
)
from metrics.suite import run

__all__ = [
    "HEADLINE",
    "METRICS",
    "AnySample",
    "Data",
    "Event",
    "Finished",
    "LikelihoodSample",
    "Measured",
    "Measurement",
    "Metric",
    "Passage",
    "Progress",
    "Question",
    "Record",
    "Results",
    "Sample",
    "Sampled",
    "Skipped",
    "Text",
    "collapsed",
    "collapsed_set",
    "from_json",
    "load_data",
    "merge",
    "question_prompt",
    "rouge_l",
    "rouge_l_so_far",
    "run",
    "to_json",
]

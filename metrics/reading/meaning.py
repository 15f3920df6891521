"""What a tested difference means and how it is said: comparisons in words; it tests nothing."""

from typing import Literal

from loaders.family import Family
from metrics.metric import Metric
from metrics.reading.comparison import Comparison
from metrics.reading.numerals import number

ALPHA = 0.05

Meaning = Literal[
    "over-forgot",
    "under-forgot",
    "forgot",
    "remembers more",
    "utility lost",
    "nothing lost",
    "no difference shown",
]


def interpret(comparison: Comparison, metric: Metric) -> Meaning:
    """What the sign of a difference means, where there is one that chance does not explain.

    A metric that is best low is read against the retrained model: less than it is over-forgot,
    more under-forgot. One that is best at zero falls below it for what is still remembered. Against
    the original model, less is what forgetting is for. Of utility, and of what is best high, worse
    is lost.
    """
    if comparison.p_holm >= ALPHA:
        return "no difference shown"
    below = comparison.difference < 0
    if metric.best == "high" or metric.group == "utility":
        return "utility lost" if below == (metric.best == "high") else "nothing lost"
    forgets = below if metric.best == "low" else not below
    if comparison.role == "original":
        return "forgot" if forgets else "remembers more"
    return "over-forgot" if forgets else "under-forgot"


def describe(comparison: Comparison, metric: Metric, family: Family) -> str:
    """A difference, its interval and its p as one sentence for the screen."""
    model = family.model(comparison.model).label
    digits = _digits(comparison)
    low, high = (number(end, digits) for end in comparison.ci95)
    said = _say(comparison, metric, family.model(comparison.against).label)
    return f"{metric.label}: {model} {said} ({low} to {high}); {_chance(comparison)}."


def describe_power(comparison: Comparison) -> str:
    """What so many samples could tell apart, and what they could not, as one sentence."""
    digits, noun = _digits(comparison), comparison.noun
    if comparison.n < 2:
        return f"One {noun.removesuffix('s')} cannot tell two models apart."
    if comparison.detectable is None:
        return (
            f"{comparison.n} {noun} show no spread between the two models, so how small a "
            "difference they could tell is not known."
        )
    verb = "cannot tell" if comparison.p_holm >= ALPHA else "tell"
    ours, theirs = number(comparison.ours, digits), number(comparison.theirs, digits)
    least = number(comparison.detectable, digits) + _unit(comparison)
    alone = ", each in a comparison by itself" if comparison.tests > 1 else ""
    return (
        f"{comparison.n} {noun} {verb} {ours} from {theirs}: with these {noun} only differences "
        f"of {least} or more would be seen 4 times in 5{alone}."
    )


def _say(comparison: Comparison, metric: Metric, other: str) -> str:
    """The difference in words: "keeps 44.0 points less than Retrained"."""
    size = f"{abs(comparison.difference):.{_digits(comparison)}f}"
    above = comparison.difference > 0
    if metric.best == "zero":
        same = f"is level with {other}"
        differs = f"is {size}{_unit(comparison)} {'above' if above else 'below'} {other}"
    else:
        verb = "remembers" if metric.best == "low" else "keeps"
        same = f"{verb} as much as {other}"
        differs = f"{verb} {size}{_unit(comparison)} {'more' if above else 'less'} than {other}"
    return differs if float(size) else same


def _chance(comparison: Comparison) -> str:
    """The corrected p; the plain one beside it where the correction is what makes the difference.

    That is where an interval excludes 0 though no difference counts as shown.
    """
    text = _probability(comparison.p_holm)
    if comparison.tests > 1:
        text += f" after Holm over {comparison.tests} comparisons"
    if comparison.p_holm < ALPHA:
        return text
    alone = f" ({_probability(comparison.p)} alone)" if comparison.p < ALPHA else ""
    return f"no difference shown, {text}{alone}"


def _probability(p: float) -> str:
    if p < 0.001:
        return "p < .001"
    text = f"{p:.3f}" if p < 0.1 else f"{p:.2f}"
    return "p = 1" if float(text) == 1 else f"p = {text.lstrip('0')}"


def _digits(comparison: Comparison) -> int:
    return 1 if comparison.points else 2


def _unit(comparison: Comparison) -> str:
    return " points" if comparison.points else ""

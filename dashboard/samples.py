"""The HTML of the samples behind a number, all models side by side; a pure function of a board."""

from collections.abc import Callable, Sequence
from math import isclose

from dashboard.board import Board, CellKey
from dashboard.escape import esc
from dashboard.overlap import overlap
from dashboard.panes import letter, marked, model_style
from loaders.family import Family, ModelSpec
from metrics.formulas.privleak import PRIVLEAK
from metrics.metric import Metric
from metrics.reading.numerals import number
from metrics.results import LikelihoodSample, Measurement, Sample

PROMPT_TAIL = 600


def drill_down(family: Family, metric: Metric, board: Board, key: CellKey) -> str:
    """The card of samples: `key.model` comes first, the others beside it."""
    specs = sorted(family.models, key=lambda spec: spec.key != key.model)
    shown = [(spec, board.measurement(spec.key, metric.key)) for spec in specs]
    known = [(spec, measured) for spec, measured in shown if measured is not None]
    samples = [sample for _, measured in known for sample in measured.samples]
    texts = any(isinstance(sample, Sample) for sample in samples)
    body = _answers(metric, known) if texts else _likelihoods(metric, known)
    about = "every answer, all models side by side" if texts else "every text's score"
    return (
        f'<section class="card samples" aria-label="Samples of {esc(metric.label)}">'
        f'<h2>{esc(metric.label)}, sample by sample</h2><p class="sub">{about}. '
        f"{_counts(known)}</p>"
        f'<button type="button" class="close" data-close="1">Close</button>{body}</section>'
    )


def _counts(known: Sequence[tuple[ModelSpec, Measurement]]) -> str:
    return esc(", ".join(f"{spec.label} n = {measured.n}" for spec, measured in known))


def _answers(metric: Metric, known: Sequence[tuple[ModelSpec, Measurement]]) -> str:
    factor = _factor([measured for _, measured in known])
    digits = 0 if factor > 1 else metric.decimals
    found: dict[str, dict[str, Sample]] = {}
    for spec, measured in known:
        for sample in measured.samples:
            if isinstance(sample, Sample):
                found.setdefault(sample.id, {})[spec.key] = sample
    specs = [spec for spec, _ in known]
    rows = (
        _sample(place, specs, row, lambda sample: number(factor * sample.score, digits))
        for place, row in enumerate(found.values())
    )
    return f'<ol class="rows" tabindex="0" aria-label="Samples">{"".join(rows)}</ol>'


def _factor(measured: Sequence[Measurement]) -> float:
    """100 where the number is in points and its samples are in shares, else 1."""
    for one in measured:
        mean = sum(sample.score for sample in one.samples) / max(1, len(one.samples))
        if mean:
            return 100.0 if isclose(one.value, 100 * mean, rel_tol=1e-6) else 1.0
    return 1.0


def _sample(
    place: int,
    specs: Sequence[ModelSpec],
    row: dict[str, Sample],
    score: Callable[[Sample], str],
) -> str:
    first = next(iter(row.values()))
    outputs = "".join(
        _output(spec, row[spec.key], score(row[spec.key])) for spec in specs if spec.key in row
    )
    return (
        f'<li><p class="id">{place + 1} · {esc(first.id)}</p>'
        f'<p class="asked">{esc(asked(first.prompt))}</p>'
        f'<p class="true"><b>True</b> {esc(first.reference.strip())}</p>'
        f'<div class="outputs">{outputs}</div></li>'
    )


def asked(prompt: str) -> str:
    """The end of the prompt: of a 10-shot prompt only the last question, of a long one its tail."""
    tail = prompt.rstrip().split("\n\n")[-1] if "\n\n" in prompt else prompt
    return tail if len(tail) <= PROMPT_TAIL else f"… {tail[-PROMPT_TAIL:]}"


def _output(spec: ModelSpec, sample: Sample, score: str) -> str:
    text = sample.output.strip()
    body = marked(overlap(text, sample.reference))
    return (
        f'<div class="model output" style="{model_style(spec)}">'
        f"<p>{letter(spec)}<b>{esc(spec.label)}</b>"
        f'<span class="score">{score}</span></p>'
        f'<p class="text">{body or "<i>nothing</i>"}</p></div>'
    )


def _likelihoods(metric: Metric, known: Sequence[tuple[ModelSpec, Measurement]]) -> str:
    scored = [
        (spec, [s for s in measured.samples if isinstance(s, LikelihoodSample)])
        for spec, measured in known
    ]
    scores = [sample.score for _, samples in scored for sample in samples]
    low, high = (min(scores), max(scores)) if scores else (0.0, 1.0)
    strips = "".join(_strip(spec, samples, low, high) for spec, samples in scored)
    kinds = {sample.split for _, samples in scored for sample in samples}
    return (
        f'<p class="sub">{esc(_key(metric, kinds))} Axis: {number(low, 2)} to {number(high, 2)}.'
        f'</p><div class="strips">{strips}</div>{_score_table(scored)}'
    )


def _key(metric: Metric, kinds: set[str]) -> str:
    """How the dots are to be read."""
    if "forget" not in kinds:
        return "Each dot is a text. Further left is less surprising to the model."
    score = "Min-K% score" if metric.key == PRIVLEAK.key else "score"
    return (
        f"Each dot is the {score} of a text. Filled: the forgotten book. Hollow: a book nobody "
        "read. Further left is less surprising to the model; where the two kinds stand apart, it "
        "betrays what it read."
    )


def _strip(spec: ModelSpec, samples: Sequence[LikelihoodSample], low: float, high: float) -> str:
    dots = "".join(_dot(sample, low, high) for sample in samples)
    heard = f"{spec.label}: scores of {len(samples)} texts"
    return (
        f'<div class="model strip" style="{model_style(spec)}"><p>{letter(spec)}'
        f"<b>{esc(spec.label)}</b></p>"
        f'<svg role="img" aria-label="{esc(heard)}">{dots}</svg></div>'
    )


def _dot(sample: LikelihoodSample, low: float, high: float) -> str:
    x = 1 + 98 * (sample.score - low) / ((high - low) or 1.0)
    y = 30 if sample.split == "forget" else 70
    kind = "forget" if sample.split == "forget" else "holdout"
    title = f"<title>{esc(f'{sample.id}: {number(sample.score, 3)}')}</title>"
    return f'<circle class="{kind}" cx="{x:.2f}%" cy="{y}%" r="4">{title}</circle>'


def _score_table(scored: Sequence[tuple[ModelSpec, Sequence[LikelihoodSample]]]) -> str:
    by_model = [(spec, {sample.id: sample for sample in samples}) for spec, samples in scored]
    ids = dict.fromkeys(sample.id for _, samples in scored for sample in samples)
    head = "".join(f'<th scope="col">{esc(spec.label)}</th>' for spec, _ in by_model)
    rows = "".join(
        f'<tr><th scope="row">{esc(text_id)}</th>'
        + "".join(f"<td>{_score(samples.get(text_id))}</td>" for _, samples in by_model)
        + "</tr>"
        for text_id in ids
    )
    return (
        '<div class="scroller rows" tabindex="0" role="region" aria-label="Scores text by text">'
        '<table class="plain"><thead><tr><th scope="col">Text</th>'
        f"{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _score(sample: LikelihoodSample | None) -> str:
    return "—" if sample is None else number(sample.score, 3)

"""The HTML of the Sweep page: what is said in words, what forgot by λ, what is shipped."""

from collections.abc import Sequence

from dashboard.escape import esc
from dashboard.panes import letter, model_style
from dashboard.provenance import Provenance, badge
from dashboard.sweep.methods import find_model, name_method, name_shipped, plain
from dashboard.sweep.words import describe_misses, describe_sweep
from loaders.family import Family, ModelSpec
from metrics.choosing.rule import ABOVE_RETRAINED, FLUENCY_SHARE, PRIVLEAK_BOUND
from metrics.choosing.sweep import (
    Count,
    count_forgot,
    find_retrained,
    list_bases,
    list_methods,
    list_seeds,
    list_shipped,
    list_tried,
    list_weights,
    spread_over,
)
from metrics.choosing.trials import MEASURED, Trial
from metrics.reading.numerals import number
from metrics.registry import METRICS

PRECISION = "fp32"


def sweep_head(family: Family, trials: Sequence[Trial]) -> str:
    """What the chart shows, and where its numbers come from."""
    return (
        f"<h2>Every setting that was tried {sweep_badge(family)}</h2>"
        "<p class='sub'>The nearer to the star, the more is forgotten and kept at once. The axes "
        "are the same in every panel; point at a mark to read its setting. "
        f"{esc(_rows(trials))}</p>"
    )


def sweep_badge(family: Family) -> str:
    """Trials are recorded, never measured by this page; only their precision is known."""
    title = "Measured before, when the family was made; not by this page."
    return badge(f"{PRECISION} · recorded · {family.scale}".upper(), "beside", title)


def sweep_said(trials: Sequence[Trial]) -> str:
    """The card that says in numbers what λ and normalisation do."""
    parts = "".join(
        f'<div><h3>{esc(said.about)}</h3><p class="text">{esc(said.text)}</p></div>'
        for said in describe_sweep(trials)
    )
    return (
        '<section class="card sweep-words"><h2>What λ and normalisation do</h2>'
        f'<p class="sub">Computed from the trials.</p><div class="parts">{parts}</div></section>'
    )


def forgot_table(trials: Sequence[Trial]) -> str:
    """How many trials of each method forgot at each λ, darker for a larger share."""
    weights = list_weights(trials)
    head = "".join(f'<th scope="col">λ {plain(weight)}</th>' for weight in weights)
    rows = "".join(_forgot_row(trials, method, weights) for method in list_methods(trials))
    return (
        '<section class="card"><h2>Trials that forgot, by λ</h2>'
        '<p class="sub">λ is the weight of the retain term in the loss.</p>'
        '<div class="scroller" tabindex="0" role="region" aria-label="Trials that forgot, by λ">'
        f'<table class="plain heat"><thead><tr><th scope="col">Method</th>{head}'
        f'<th scope="col">all</th></tr></thead><tbody>{rows}</tbody></table></div>'
        f'<p class="footnote">{_rule()}</p></section>'
    )


def _forgot_row(trials: Sequence[Trial], method: str, weights: Sequence[float]) -> str:
    tried = list_tried(trials, method)
    counts = [count_forgot(tried, weight) for weight in weights]
    forgot = sum(trial.verdict == "forgot" for trial in tried)
    cells = "".join(_forgot_cell(count) for count in counts)
    named = name_method(method)
    return (
        f'<tr><th scope="row">{esc(named.label)}<small>{esc(named.note)}</small></th>'
        f"{cells}<td><b>{forgot}</b> of {len(tried)}</td></tr>"
    )


def _forgot_cell(count: Count) -> str:
    if count.tried == 0:
        return '<td class="soft">—</td>'
    share = 100 * count.forgot / count.tried
    return f'<td style="--share:{share:.0f}%"><b>{count.forgot}</b> of {count.tried}</td>'


def shipped_table(provenance: Provenance, trials: Sequence[Trial]) -> str:
    """The settings that became models, with their seeds' spread; the bases above them."""
    family = provenance.family
    rows = [_base_row(family, base) for base in list_bases(trials)]
    rows += [_shipped_row(family, trials, trial) for trial in list_shipped(trials)]
    settings = ("Model", "lr", "β", "λ", "Steps")
    labels = {metric.key: metric.label for metric in METRICS}
    names = [*settings, *(labels[key] for key in MEASURED), "Verdict"]
    head = "".join(f'<th scope="col">{esc(name)}</th>' for name in names)
    return (
        f'<section class="card"><h2>What is shipped {sweep_badge(family)}</h2>'
        '<p class="sub">Below a number: the least and the most of its seeds.</p>'
        '<div class="scroller" tabindex="0" role="region" aria-label="Shipped settings">'
        f'<table class="plain shipped"><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
        f'<p class="footnote">{_half(family, trials)}</p>'
        "</section>"
    )


def _base_row(family: Family, base: Trial) -> str:
    spec = next((model for model in family.models if model.role == base.method), None)
    name = spec.label if spec else base.method.capitalize()
    cells = "".join(f"<td>{_value(base, key)}</td>" for key in MEASURED)
    return f"<tr>{_row_name(spec, name)}{'<td></td>' * 4}{cells}<td></td></tr>"


def _shipped_row(family: Family, trials: Sequence[Trial], trial: Trial) -> str:
    seeds = list_seeds(trials, trial)
    misses = describe_misses(trial, find_retrained(trials))
    why = f"<small>{esc(misses)}</small>" if misses else ""
    settings = (plain(trial.lr), plain(trial.beta), plain(trial.retain_weight), str(trial.steps))
    name = _row_name(find_model(family, trial.shipped_as), name_shipped(family, trial))
    cells = "".join(f"<td>{esc(setting)}</td>" for setting in settings)
    cells += "".join(f"<td>{_value(trial, key)}{_spread(seeds, key)}</td>" for key in MEASURED)
    return f"<tr>{name}{cells}<td>{esc(trial.verdict)}{why}</td></tr>"


def _row_name(spec: ModelSpec | None, name: str) -> str:
    if spec is None:
        return f'<th scope="row">{esc(name)}</th>'
    return (
        f'<th scope="row" class="model" style="{model_style(spec)}">'
        f"<div>{letter(spec)}{esc(name)}</div></th>"
    )


def _value(trial: Trial, key: str) -> str:
    text = number(getattr(trial, key), _decimals(key))
    auc = f" <small>AUC {number(trial.auc, 2)}</small>" if key == "privleak" else ""
    return f"<b>{text}</b>{auc}"


def _spread(seeds: Sequence[Trial], key: str) -> str:
    if len(seeds) < 2:
        return ""
    over = spread_over([getattr(seed, key) for seed in seeds])
    low, high = number(over.low, _decimals(key)), number(over.high, _decimals(key))
    return f'<small class="range">{low} to {high}</small>'


def _decimals(key: str) -> int:
    return 2 if key == "fluency" else 1


def _rule() -> str:
    return esc(
        "The rule, written down before the runs: a setting forgot if VerbMem and KnowMem (forget) "
        f"are at most {plain(ABOVE_RETRAINED)} points above Retrained's, |PrivLeak| is at most "
        f"{plain(PRIVLEAK_BOUND)} and fluency at least {plain(100 * FLUENCY_SHARE)} % of "
        "Retrained's. Of those the one with the highest KnowMem (retain) is taken; if none "
        "forgot, the one that misses the bounds by the fewest points."
    )


def _rows(trials: Sequence[Trial]) -> str:
    """What a trial was measured on and began from, where the trials say it."""
    first = find_retrained(trials)
    bases = {base.method: base.base for base in list_bases(trials) if base.base}
    told = []
    if first.passages:
        told.append(
            f"n = {first.passages} passages, {first.questions} questions a side and "
            f"{first.texts} texts per trial."
        )
    if bases:
        named = [f"{method.capitalize()} {base}" for method, base in bases.items()]
        told.append(f"Revisions: {', '.join(named)}; every run begins at Original.")
    return " ".join(told)


def _half(family: Family, trials: Sequence[Trial]) -> str:
    toy = "A toy's numbers" if family.scale == "toy" else "Numbers"
    return esc(
        f"{toy}, {PRECISION}, all on the selection half of the rows: none of these rows is "
        f"measured on Metrics. Settings are chosen by the first seed alone. {_rows(trials)}"
    )

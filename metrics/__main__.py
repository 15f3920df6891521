"""The command line of the metrics: `python -m metrics --help`; never computes anything itself."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loaders import Engine, Fault
from loaders.choices import FULL_PRECISION
from metrics.events import Finished, Progress, Skipped
from metrics.plan import Plan, make_plan, parser
from metrics.results import Results, merge, to_json
from metrics.suite import run
from metrics.tables import csv, table

if TYPE_CHECKING:
    from tqdm import tqdm


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 0 every number came, 1 some are dashes, 2 a fault, 130 Ctrl+C."""
    options = parser().parse_args(arguments)
    try:
        return _execute(make_plan(options), options.format)
    except Fault as fault:
        _say(str(fault))
        return 2
    except KeyboardInterrupt:
        _say("Stopped; nothing was written.")
        return 130


def _execute(plan: Plan, form: str) -> int:
    dashes: list[str] = []
    for note in plan.notes:
        _say(f"{note} Left out.")
    results = _measure_all(plan, dashes)
    print(_formatted(results, plan, form))
    for dash in dashes:
        _say(dash)
    if plan.out is not None:
        _write(plan.out, to_json(results))
    return 1 if dashes else 0


def _measure_all(plan: Plan, dashes: list[str]) -> Results:
    """Every precision; full precision first, because the others are set against it as well."""
    found: dict[str, Results] = {}
    for precision in sorted(plan.precisions, key=lambda name: name != FULL_PRECISION):
        found[precision] = _measure(plan, precision, found.get(FULL_PRECISION), dashes)
    return merge([found[precision] for precision in plan.precisions])


def _measure(plan: Plan, precision: str, full: Results | None, dashes: list[str]) -> Results:
    """One precision; adds a sentence to `dashes` for every number that did not come."""
    engine = _open(plan, precision)
    events = run(
        engine,
        plan.family,
        plan.data,
        models=plan.models,
        metrics=plan.metrics,
        profile=plan.profile,
        seed=plan.seed,
        full=full,
    )
    with _bar() as bar:
        for event in events:
            if isinstance(event, Progress):
                _show(bar, precision, event)
            elif isinstance(event, Skipped):
                dashes.append(f"{event.metric} of {event.model} @ {precision}: {event.reason}")
            elif isinstance(event, Finished):
                bar.update(1 - bar.n)
                return event.results
    raise RuntimeError("the run ended without its results")


def _open(plan: Plan, precision: str) -> Engine:
    from loaders.local import open_engine  # imports torch

    engine = open_engine(plan.family, precision, plan.device)
    for model in plan.models:
        for _ in engine.load(model):
            pass
        if (status := engine.status(model)).state != "ready":
            raise Fault(f"{model} @ {precision} could not be loaded: {status.reason}")
    return engine


def _bar() -> "tqdm[Any]":
    from tqdm import tqdm

    form = "{desc:<36} {percentage:3.0f}%|{bar}| {elapsed}<{remaining}"
    return tqdm(total=1.0, bar_format=form, disable=None, file=sys.stderr)


def _show(bar: "tqdm[Any]", precision: str, event: Progress) -> None:
    bar.set_description_str(
        f"{precision} {event.metric} {event.model} {event.done}/{event.total}", refresh=False
    )
    bar.update(event.fraction - bar.n)


def _formatted(results: Results, plan: Plan, form: str) -> str:
    retrained = plan.family.retrained.key if plan.family.retrained is not None else None
    if form == "json":
        return to_json(results).rstrip()
    return csv(results, retrained).rstrip() if form == "csv" else table(results, retrained)


def _write(path: Path, text: str) -> None:
    """All of it or nothing: a half-written file never takes the place of a whole one."""
    half = path.with_name(f"{path.name}.part")
    try:
        half.write_text(text, encoding="utf-8")
        half.replace(path)
    except OSError as error:
        raise Fault(f"{path} could not be written: {error}. The numbers are above.") from error


def _say(sentence: str) -> None:
    print(f"python -m metrics: {sentence}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())

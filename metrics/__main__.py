"""The command line of the metrics: `python -m metrics --help`; never computes anything itself."""

import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from loaders import Engine, Fault
from loaders.choices import FULL_PRECISION, require_device_name
from loaders.together.processes import Crew, SharedEngine, join, own_device, work_along
from metrics.events import Event, Finished, Progress, Recalled, Skipped
from metrics.files import write_text
from metrics.plan import Plan, make_plan, parser
from metrics.registry import find_metric
from metrics.results import Results, merge, to_json
from metrics.results_cli import main as results_main
from metrics.store import Store, open_private, open_store
from metrics.store.records import say_stored
from metrics.stored import Wanted, run_stored
from metrics.tables import csv, table

if TYPE_CHECKING:
    from tqdm import tqdm


OpenModels = Callable[[str, Sequence[str]], Engine]  # precision and models


@dataclass
class Notes:
    """What is said beside the numbers: `dashes` for those that did not come, `stored` for those
    that were there already."""

    dashes: list[str] = field(default_factory=list)
    stored: list[str] = field(default_factory=list)


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 0 every number came, 1 some are dashes, 2 a fault, 130 Ctrl+C."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        if words[:1] == ["results"]:
            return results_main(words[1:])
        options = parser().parse_args(words)
        return _join_in(make_plan(options), options.format)
    except Fault as fault:
        _say(str(fault))
        return 2
    except KeyboardInterrupt:
        _say("Stopped; nothing was written.")
        return 130


def _join_in(plan: Plan, form: str) -> int:
    """Alone, or as one of the processes that `accelerate launch` started: the first one leads."""
    crew = join()
    if crew is None:
        return _execute(plan, form, partial(_open, plan))
    plan = replace(plan, device=own_device(plan.device))
    if crew.rank > 0:
        work_along(crew, partial(_open, plan, models=()))
        return 0
    try:
        return _execute(plan, form, lambda precision, models: _lead(crew, plan, precision, models))
    finally:
        crew.tell(None)


def _execute(plan: Plan, form: str, open_models: OpenModels) -> int:
    for note in plan.notes:
        _say(f"{note} Left out.")
    notes, kept = Notes(), _open_store(plan)
    try:
        results = _measure_all(plan, kept or open_private(), notes, open_models)
    except KeyboardInterrupt:
        if kept is None:
            raise
        _say("Stopped; what is done is stored, and the same command goes on from there.")
        return 130
    print(_formatted(results, plan, form))
    for sentence in (*notes.stored, *notes.dashes):
        _say(sentence)
    if plan.out is not None:
        write_text(plan.out, to_json(results), "The numbers are above.")
    return 1 if notes.dashes else 0


def _open_store(plan: Plan) -> Store | None:
    """The user's store; None where it is not wanted or does not work, which stops no run."""
    if not plan.stores:
        return None
    try:
        return open_store()
    except Fault as fault:
        _say(f"The results of this run are not kept. {fault}")
        return None


def _measure_all(plan: Plan, store: Store, notes: Notes, open_models: OpenModels) -> Results:
    """Every precision; full precision first, because the others are set against it as well."""
    found: dict[str, Results] = {}
    for precision in sorted(plan.precisions, key=lambda name: name != FULL_PRECISION):
        full = found.get(FULL_PRECISION)
        events = _run(plan, store, precision, full, partial(open_models, precision))
        found[precision] = _follow(plan, precision, events, notes)
    return merge([found[precision] for precision in plan.precisions])


def _run(
    plan: Plan,
    store: Store,
    precision: str,
    full: Results | None,
    open_models: Callable[[Sequence[str]], Engine],
) -> Iterator[Event | None]:
    wanted = Wanted(
        family=plan.family,
        data=plan.data,
        precision=precision,
        device=_device(plan.device),
        models=plan.models,
        metrics=plan.metrics_at(precision),
        profile=plan.profile,
        seed=plan.seed,
        full=full,
        fresh=plan.fresh,
    )
    return run_stored(store, open_models, wanted, _say)


def _follow(plan: Plan, precision: str, events: Iterator[Event | None], notes: Notes) -> Results:
    """One precision to its end; adds to `notes` what is to be said of it."""
    recalled: defaultdict[str, dict[str, str]] = defaultdict(dict)
    with _bar() as bar:
        for event in events:
            if isinstance(event, Progress):
                _show(bar, precision, event)
            elif isinstance(event, Recalled):
                recalled[event.model][event.metric] = event.created
            elif isinstance(event, Skipped):
                where = f"{event.metric} of {event.model} @ {precision}"
                notes.dashes.append(f"{where}: {event.reason}")
            elif isinstance(event, Finished):
                bar.update(1 - bar.n)
                notes.stored += [
                    f"{model} @ {precision}: {_stored(plan.metrics_at(precision), dates)}"
                    for model, dates in recalled.items()
                ]
                return event.results
    raise RuntimeError("the run ended without its results")


def _stored(metrics: Sequence[str], dates: dict[str, str]) -> str:
    """What of a model was not run, because it is stored: "stored, 2026-11-24 14:03 UTC"."""
    said = say_stored(max(dates.values()))
    if len(dates) == len(metrics):
        return said
    return f"{' and '.join(find_metric(key).label for key in dates)} {said}"


def _device(name: str) -> str:
    """The device that a name means here; torch is asked, and imported, for all but "cpu"."""
    if require_device_name(name) == "cpu":
        return name
    from loaders.device import require_device  # imports torch

    return require_device(name)


def _open(plan: Plan, precision: str, models: Sequence[str]) -> Engine:
    from loaders.opening import open_engine  # imports torch

    engine = open_engine(plan.family, precision, plan.device, plan.context, plan.force)
    return _with(engine, models)


def _lead(crew: Crew, plan: Plan, precision: str, models: Sequence[str]) -> Engine:
    """An engine that shares its work with the other processes."""
    return _with(SharedEngine(_open(plan, precision, ()), crew), models)


def _with(engine: Engine, models: Sequence[str]) -> Engine:
    for model in models:
        for _ in engine.load(model):
            pass
        if (status := engine.status(model)).state != "ready":
            raise Fault(f"{model} @ {engine.precision} could not be loaded: {status.reason}")
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


def _say(sentence: str) -> None:
    print(f"python -m metrics: {sentence}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())

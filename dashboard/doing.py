"""Who is asked at this moment, while models go on side by side; no HTML, no I/O."""

from collections.abc import Sequence
from dataclasses import replace

from loaders.family import Family
from metrics.events import Progress


def named_once(known: Progress | None, event: Progress) -> Progress:
    """Metrics that read the same rows go on together: the first of them stands for all."""
    if known is not None and replace(event, metric=known.metric) == known:
        return known
    return event


def under_way(known: Sequence[Progress], event: Progress) -> tuple[Progress, ...]:
    """The models that are asked at once now, where each of them is."""
    others = [p for p in known if p.metric == event.metric and p.model != event.model]
    return (*(p for p in others if p.done < p.total), event)


def say_who(family: Family, doing: Sequence[Progress], things: str = "models") -> str:
    """One by its label, several by their number: "4 models"."""
    return f"{len(doing)} {things}" if len(doing) > 1 else family.model(doing[0].model).label

"""A run of the suite as a visitor orders it: what is stored comes first; nothing is shown here."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field

from dashboard.results.shelves import Shelf
from dashboard.run import Batch, Ticket, follow, is_settled, wait_settled
from loaders.checkpoint import revision
from loaders.choices import FULL_PRECISION
from loaders.family import Family
from loaders.faults import Fault
from loaders.protocol import Engine
from loaders.session import Job, Session
from metrics.events import Event
from metrics.inputs.data import Data
from metrics.metric import Metric
from metrics.registry import HEADLINE
from metrics.results import Results
from metrics.store import Filter, Store, as_results
from metrics.store.shelf import list_records, with_samples
from metrics.stored import NotLoaded, OpenModels, Wanted, refuse, run_stored


@dataclass(frozen=True)
class Order:
    """What is to be measured and where it is kept; `told` gathers what the store has to say.

    A `fresh` one takes nothing that is stored. `data` may be what is wrong with it.
    """

    data: Data | Fault
    metrics: tuple[Metric, ...]
    shelf: Shelf
    fresh: bool = False
    told: list[str] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        """Whether more than the headline is wanted."""
        return len(self.metrics) > len(HEADLINE)

    @property
    def notice(self) -> str:
        """What the store has to say, in one paragraph."""
        return " ".join(said for said in (self.shelf.fault, *self.told) if said)


async def measure(session: Session, order: Order, ticket: Ticket) -> AsyncIterator[Batch[Event]]:
    """What is stored at once, while models may still be loading; the rest when they are not, after
    what is stored once more."""
    if not order.fresh and not is_settled(session):
        try:
            async for batch in _served(session, order, refuse, ticket):
                yield batch
            return
        except NotLoaded:
            pass
    await wait_settled(session, ticket)
    if ticket.stopped:
        return
    async for batch in _served(session, order, None, ticket):
        yield batch


def _served(
    session: Session, order: Order, models: OpenModels | None, ticket: Ticket
) -> AsyncIterator[Batch[Event]]:
    """The run in its place in line; without `models` the session's own are asked."""
    if isinstance(order.data, Fault):
        raise order.data
    family, data = session.family, order.data

    def work(engine: Engine) -> Iterator[Event | None]:
        wanted = Wanted(
            family,
            data,
            engine.precision,
            engine.device,
            metrics=[metric.key for metric in order.metrics],
            full=find_full(order.shelf.store, family, data),
            fresh=order.fresh,
        )
        opened = models or (lambda _: engine)
        yield from run_stored(order.shelf.store, opened, wanted, order.told.append)

    job: Job[Event] = session.submit("evaluate", work)
    return follow(job, ticket)


def find_full(store: Store, family: Family, data: Data) -> Results | None:
    """The retrained model's very weights at full precision on the same data, stored or shipped:
    PrivLeak is set against them as well. None where there are none or the store does not work."""
    spec = family.retrained
    if spec is None:
        return None
    try:
        found = list_records(store, Filter(model=spec.key, precision=FULL_PRECISION))
        wanted = (revision(spec), data.sha256)
        known = [one for one in found if (one.record.revision, one.record.data_sha256) == wanted]
        measured = [one for one in known if one.record.metrics]
        return as_results(with_samples(store, measured[:1])) if measured else None
    except Fault:
        return None

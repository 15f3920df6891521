"""What is known about the engine only once it is open: asked for once, in the session's thread."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

from dashboard.provenance import Provenance, header_badges
from dashboard.run import LOOK_SECONDS, SETTLED, is_settled
from loaders.checkpoint import revision
from loaders.family import Family
from loaders.protocol import Engine
from loaders.session import Session
from loaders.together.residency import plan_of, say_plan


class Facts:
    """The provenance of everything on the page, as far as it is known."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._known = Provenance(session.family)
        self._job = session.submit("facts", lambda engine: _look(session.family, engine))

    @property
    def provenance(self) -> Provenance:
        """The newest that is known; asking again later may bring more."""
        for known in self._job.drain():
            self._known = known
        return self._known

    @property
    def is_complete(self) -> bool:
        """Whether no more will be known than is."""
        return self._job.done

    async def badges(self) -> AsyncIterator[str]:
        """The header's badges, again whenever more is known."""
        shown = ""
        while True:
            done = self._job.done
            if (badges := header_badges(self.provenance)) != shown:
                shown = badges
                yield shown
            if done or is_settled(self._session):
                return
            await asyncio.sleep(LOOK_SECONDS)


def _look(family: Family, engine: Engine) -> Iterator[Provenance | None]:
    """Precision and device at once; revisions when all is loaded, since they read every weight."""
    plan = plan_of(engine)
    said = say_plan(plan) if plan is not None else ""
    whole = plan is None or plan.is_whole
    known = Provenance(family, engine.precision, engine.device, plan=said, is_whole=whole)
    yield known
    yield None
    while any(engine.status(spec.key).state not in SETTLED for spec in family.models):
        yield None
    yield replace(known, revisions={spec.key: revision(spec) for spec in family.models})

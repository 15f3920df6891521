"""An engine's models on their way into memory and out of it; what they say is not known here."""

import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace

from loaders.engine.decoder import Decoder
from loaders.engine.footprint import footprint, weigh
from loaders.engine.reader import Reader
from loaders.engine.weights import Weights, load_weights
from loaders.family import Family, ModelSpec, is_local
from loaders.faults import Fault
from loaders.hub.downloads import Downloads, arriving
from loaders.hub.places import explained, forget_branches, in_folders, places_of
from loaders.protocol import Status
from loaders.together.residency import Plan
from loaders.together.room import release

Lead = Callable[[Decoder], Decoder]


class Models:
    """Where each model of a family is, and its weights once they are there.

    `lead` is what runs each model's forward passes; None leaves them as they are. `plan` says how
    long a context may be and which models are refused.
    """

    def __init__(
        self, family: Family, precision: str, device: str, lead: Lead | None, plan: Plan | None
    ) -> None:
        self._precision = precision
        self._device = device
        self._family = family
        self._lead = lead
        self._plan = plan
        self._weights: dict[str, Weights] = {}
        self._readers: dict[str, Reader] = {}  # of models that were unloaded, too
        self._here: dict[str, ModelSpec] = {}  # as they were downloaded, at their commits
        self._downloads = Downloads()
        self._statuses: dict[str, Status] = {}

    def status(self, model: str) -> Status:
        """Safe to ask from any thread."""
        return self._statuses.get(model, Status("waiting"))

    def load(self, model: str) -> Iterator[None]:
        """Make `model` ready, anew if it was; a Fault is kept in its status."""
        if model in self._weights:
            self.unload(model)
        self._readers.pop(model, None)
        yield from self.fetch(model)
        if self.status(model).state == "failed":
            return
        started = time.perf_counter()
        try:
            loaded = self._weights[model] = self._load(model)
        except Fault as fault:
            self._statuses[model] = Status("failed", reason=str(fault))
            return
        self._readers[model] = Reader(loaded.tokenizer, loaded.context)
        seconds, taken = time.perf_counter() - started, weigh(loaded.model)
        spec = self._here[model]
        made = footprint(loaded, "" if is_local(spec.repo) else spec.revision)
        self._statuses[model] = Status("ready", seconds, bytes=taken, footprint=made)

    def fetch(self, model: str) -> Iterator[None]:
        """Bring a model's files here, of the Hub's what is not here yet, and load nothing; a Fault
        is kept in its status."""
        spec = self._family.model(model)
        if self.status(model).state == "failed":
            forget_branches(spec)
        self._statuses[model] = Status("loading")
        yield None
        try:
            self._require_wanted(model)
            if places_of(spec):
                spec = yield from self._fetched(spec)
        except Fault as fault:
            self._statuses[model] = Status("failed", reason=str(fault))
        self._here[model] = spec

    def unload(self, model: str) -> None:
        """Let go of a model's weights; whoever else holds them has to, too, before they are gone.

        It still has its context, and its texts can still be read and written.
        """
        self._weights.pop(model, None)
        self._statuses[model] = Status("waiting")
        release(self._device)

    def weights(self, model: str) -> Weights:
        """Those of a model that is ready; a Fault if it is not."""
        if (weights := self._weights.get(model)) is not None:
            return weights
        raise self._unready(model)

    def reader(self, model: str) -> Reader:
        """How a model reads that was loaded once; a Fault if it never was."""
        if (reader := self._readers.get(model)) is not None:
            return reader
        raise self._unready(model)

    def holds(self, model: str) -> bool:
        """Whether its weights are in memory."""
        return model in self._weights

    def _require_wanted(self, model: str) -> None:
        if self._plan is not None and (reason := self._plan.refused.get(model)):
            raise Fault(reason)

    def _fetched(self, spec: ModelSpec) -> Generator[None, None, ModelSpec]:
        """The same model when it is here, pinned to the commits that were downloaded."""
        download = self._downloads.begin(spec)
        for note in arriving(download):
            self._statuses[spec.key] = Status("loading", note=note)
            yield None
        self._statuses[spec.key] = Status("loading")
        return download.result()

    def _load(self, model: str) -> Weights:
        spec, plan = self._here[model], self._plan
        try:
            loaded = load_weights(in_folders(spec), self._precision, self._device)
        except Fault as fault:
            raise explained(spec, fault) from fault
        if self._lead is not None:
            loaded = replace(loaded, decode=self._lead(loaded.decode))
        if plan is not None:
            loaded = replace(loaded, context=min(loaded.context, plan.context))
        return loaded

    def _unready(self, model: str) -> Fault:
        status = self.status(model)
        why = f" ({status.reason})" if status.reason else ""
        return Fault(f"The model {model!r} is not ready: it is {status.state}{why}.")

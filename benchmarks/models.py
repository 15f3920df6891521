"""The models that contenders run on: one engine for ours, plain weights for the baselines."""

from collections.abc import Sequence

from benchmarks.setting import DEVICE
from loaders import Family, Fault
from loaders.engine.local import LocalEngine
from loaders.engine.weights import Weights, load_weights
from loaders.opening import open_engine


def ready_engine(
    family: Family, precision: str, models: Sequence[str] | None = None
) -> LocalEngine:
    """An engine with `models` loaded, all for None; it fixes torch's threads for everyone after it,
    unless they are given others."""
    engine = open_engine(family, precision, DEVICE)
    if not isinstance(engine, LocalEngine):
        raise TypeError(f"the step machine is measured, and this is a {type(engine).__name__}")
    for key in models if models is not None else [spec.key for spec in family.models]:
        for _ in engine.load(key):
            pass
        if (status := engine.status(key)).state != "ready":
            raise Fault(f"{key} @ {precision} could not be loaded: {status.reason}")
    return engine


def plain_weights(family: Family, precision: str) -> dict[str, Weights]:
    """Every model of `family` by its key, loaded once more: what the baselines run on.

    Our Llama keeps weights transposed, which is slower to read for transformers' own forward.
    """
    found = {spec.key: load_weights(spec, precision, DEVICE) for spec in family.models}
    for weights in found.values():
        for parameter in weights.model.parameters():
            parameter.data = parameter.data.contiguous()
    return found

"""An engine with its models loaded before a GPU is lent; the only file here that needs torch."""

from loaders.choices import require_precision
from loaders.device import require_available, require_device
from loaders.engine.local import LocalEngine
from loaders.family import Family
from loaders.protocol import Engine
from loaders.together.mixed import with_servers


def open_loaded(family: Family, precision: str) -> Engine:
    """Every model of `family`, loaded in this thread, onto the GPU that the lender plays; one that
    cannot be says so in its status.

    Nothing is planned, because nothing about memory can be asked until a GPU is lent: the family
    has to fit.
    """
    device = require_device("auto")
    name = require_available(require_precision(precision), device)
    engine = with_servers(family, name, lambda own: LocalEngine(own, name, device))
    for spec in family.models:
        for _ in engine.load(spec.key):
            pass
    return engine

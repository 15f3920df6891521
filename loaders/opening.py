"""Which engine a family gets: this machine's, a server's, or several as one; never runs a model."""

import torch

from loaders.choices import require_precision
from loaders.device import require_available, require_devices
from loaders.engine.cores import cpu_cores
from loaders.engine.local import LocalEngine
from loaders.engine.models import Lead
from loaders.engine.replay import CudaRecorder, replayed
from loaders.family import Family
from loaders.protocol import Engine
from loaders.together.mixed import with_servers
from loaders.together.residency import Plan, Share, make_plan
from loaders.together.room import look_at_room
from loaders.together.shape import measure_needs
from loaders.together.spread import spread
from loaders.together.waves import WavesEngine


def open_engine(
    family: Family,
    precision: str,
    device: str = "auto",
    context: int | None = None,
    force: bool = False,
) -> Engine:
    """An engine for `family`, nothing loaded yet. A Fault for a bad precision or device, and for
    a precision that does not run on the device. Rows with a server are asked there.

    `context` is the most tokens of a prompt and its answer, None for what there is room for. With
    `force` models are tried that are too large for the device.
    """
    name = require_precision(precision)
    return with_servers(family, name, lambda own: _open_own(own, name, device, context, force))


def _open_own(
    family: Family, precision: str, device: str, context: int | None, force: bool
) -> Engine:
    """An engine for rows that all run on this machine."""
    devices = require_devices(device)
    for found in devices:
        require_available(precision, found)
    needs = measure_needs(family, precision, devices[0])
    rooms = [look_at_room(found) for found in devices]
    return open_planned(family, precision, make_plan(needs, rooms, context, force))


def open_planned(family: Family, precision: str, plan: Plan) -> Engine:
    """An engine that keeps to a plan: models take turns where a device does not hold all of its
    share, and several devices have a thread each."""

    def open_share(share: Share) -> Engine:
        device = share.room.device
        if torch.device(device).index is not None:
            torch.cuda.set_device(device)
        cores = cpu_cores() if device == "cpu" else None
        engine = LocalEngine(family, precision, device, _lead(device), plan, cores)
        return engine if share.is_whole else WavesEngine(engine, plan, share)

    return spread(plan, open_share)


def _lead(device: str) -> Lead | None:
    """How a device's forward passes are run fastest."""
    if not device.startswith("cuda"):
        return None
    record = CudaRecorder(device)
    return lambda decode: replayed(decode, record)

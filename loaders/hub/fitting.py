"""How a family fits into the memory of this machine, at each precision; loads nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

from loaders.choices import PRECISIONS
from loaders.device import available_precisions, require_devices
from loaders.family import Family
from loaders.together.residency import Need, Plan, Room, make_plan, say_memory, say_plan
from loaders.together.room import look_at_room
from loaders.together.shape import needs_of, read_shapes


@dataclass(frozen=True)
class Fit:
    """A precision on this machine; `needs` are what the models take, `plan` where they would be.

    `reason` says why it does not run here at all, and `plan` is None then.
    """

    precision: str
    needs: tuple[Need, ...] = ()
    plan: Plan | None = None
    reason: str = ""

    @property
    def fits(self) -> bool:
        """Whether every model can be loaded, if by turns."""
        return self.plan is not None and not self.plan.refused


def look_at_rooms(device: str) -> tuple[Room, ...]:
    """The memory of the devices that `device` means here; a Fault for one that is not here."""
    return tuple(look_at_room(found) for found in require_devices(device))


def fit(family: Family, rooms: Sequence[Room], context: int | None, force: bool) -> list[Fit]:
    """Every precision, from few bits to many."""
    kind = rooms[0].device
    shapes, available = read_shapes(family), available_precisions(kind)
    fits = []
    for precision in PRECISIONS:
        if (reason := available[precision]) is not None:
            fits.append(Fit(precision, reason=reason))
            continue
        needs = needs_of(family, shapes, precision, kind)
        fits.append(Fit(precision, needs, make_plan(needs, rooms, context, force)))
    return fits


def say_fit(found: Fit) -> str:
    """A precision in a line: what the models take, and whether that can be had."""
    if found.plan is None:
        return f"does not run here: {found.reason}"
    sizes = sorted({say_memory(need.weights) for need in found.needs})
    weights = f"{' to '.join(dict.fromkeys((sizes[0], sizes[-1])))} of weights each"
    if not found.fits:
        return f"{weights}; {next(iter(found.plan.refused.values()))}"
    return f"{weights}; {say_plan(found.plan)}, with a context of {found.plan.context:,} tokens"

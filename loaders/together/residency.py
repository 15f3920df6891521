"""Which model is held on which device, and which of them together; pure, and loads nothing.

What a model takes is its weights, and keys and values as long as the context. Models that do not
fit at once take turns, a wave of them at a time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, runtime_checkable

from loaders.choices import require_context
from loaders.protocol import Engine

MIB, GIB = 2**20, 2**30
FLOOR = 1280  # tokens: MUSE's longest prompt, 1,024, and 128 new ones, in steps of 256
AIR = 0.1  # of the memory that models may take
CPU_PARAMETERS = 2_000_000_000  # a 7B takes a fast CPU more than a second for a token in 4-bit
Wave = tuple["Need", ...]


@dataclass(frozen=True)
class Need:
    """What one model takes: bytes of its weights, and of the keys and values of one token.

    `longest` is the most tokens that it can attend to.
    """

    model: str
    label: str
    parameters: int
    weights: int
    token: int
    longest: int

    def taken(self, context: int) -> int:
        """Bytes with a context of so many tokens, fewer where it cannot attend to as many."""
        return self.weights + self.token * min(context, self.longest)


@dataclass(frozen=True)
class Room:
    """A device's memory in bytes: `free` before anything is loaded, of which `work` is kept for
    what a forward pass makes on the way."""

    device: str
    free: int
    work: int = 0

    @property
    def usable(self) -> int:
        """What weights, keys and values may take."""
        return max(0, self.free - self.work)


@dataclass(frozen=True)
class Share:
    """The models of one device, wave by wave; all of a wave are held at once."""

    room: Room
    waves: tuple[Wave, ...] = ()

    @property
    def needs(self) -> Wave:
        """Of all waves, in order."""
        return tuple(need for wave in self.waves for need in wave)

    @property
    def is_whole(self) -> bool:
        """Whether all models are held at once."""
        return len(self.waves) <= 1

    @property
    def most(self) -> int:
        """Models of the fullest wave."""
        return max((len(wave) for wave in self.waves), default=0)

    def taken(self, context: int) -> int:
        """Bytes of the largest wave and of the work on it."""
        waves = [sum(need.taken(context) for need in wave) for wave in self.waves]
        return max(waves, default=0) + self.room.work


@dataclass(frozen=True)
class Plan:
    """Where everything is. `context` is the most tokens of a prompt and its answer together;
    `refused` says by key why a model is not loaded, and such a model is in no share."""

    shares: tuple[Share, ...]
    context: int
    refused: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_whole(self) -> bool:
        """Whether every model is held all the time, on one device."""
        return len(self.shares) == 1 and self.shares[0].is_whole and not self.refused

    @property
    def waves(self) -> tuple[tuple[str, ...], ...]:
        """Keys of the models that are held at once, over all devices."""
        count = max(len(share.waves) for share in self.shares)
        return tuple(
            tuple(need.model for share in self.shares for need in _nth(share.waves, number))
            for number in range(count)
        )

    def share_of(self, model: str) -> Share:
        """The share that `model` is in; the first one for a model that is refused."""
        found = (share for share in self.shares if model in {need.model for need in share.needs})
        return next(found, self.shares[0])


@runtime_checkable
class Planned(Protocol):
    """What knows which of its models are held where; the engines of this machine do."""

    plan: Plan | None


def plan_of(engine: Engine) -> Plan | None:
    """The plan that an engine keeps to, None for one that has none."""
    return engine.plan if isinstance(engine, Planned) else None


def make_plan(
    needs: Sequence[Need], rooms: Sequence[Room], context: int | None = None, force: bool = False
) -> Plan:
    """Models on devices, round-robin, on each as many at once as there is room for.

    Without `context` it is the longest, of the models' own, its halves and FLOOR, with which as
    many models are held as with FLOOR and AIR is left, for others who ask at the same time. What
    cannot be held alone, and on a CPU what has more than CPU_PARAMETERS, is refused, unless `force`
    has it tried all the same.
    """
    longest = max((need.longest for need in needs), default=FLOOR)
    if (chosen := require_context(context)) is not None:
        return _plan(needs, rooms, min(chosen, longest), force)
    shortest = _plan(needs, rooms, min(FLOOR, longest), force)
    for tokens in _longer(longest):
        plan = _plan(needs, rooms, tokens, force, AIR)
        if plan.refused.keys() != shortest.refused.keys():
            continue  # AIR alone is no reason to refuse a model
        if _missed(plan) <= _missed(shortest):
            return replace(plan, refused=shortest.refused)  # with reasons true of every context
    return shortest


def _longer(longest: int) -> list[int]:
    """The longest context and its halves that are longer than FLOOR, from long to short."""
    halves = [longest // 2**times for times in range(longest.bit_length())]
    return [tokens for tokens in halves if tokens > FLOOR]


def _missed(plan: Plan) -> int:
    """Models that are not held when as many are as can be."""
    waiting = sum(len(share.needs) - share.most for share in plan.shares)
    return waiting + len(plan.refused)


def _plan(
    needs: Sequence[Need], rooms: Sequence[Room], context: int, force: bool, air: float = 0.0
) -> Plan:
    usable = [int(room.usable * (1 - air)) for room in rooms]
    refused = {} if force else _refused(needs, rooms[usable.index(max(usable))], context, air)
    held: list[list[Need]] = [[] for _ in rooms]
    turn = 0
    for need in needs:
        if need.model not in refused:
            place = _place(
                need.taken(context), [_sum(mine, context) for mine in held], usable, turn
            )
            held[place].append(need)
            turn = place + 1
    shares = [
        Share(room, _waves(mine, most, context))
        for room, mine, most in zip(rooms, held, usable, strict=True)
    ]
    return Plan(tuple(shares), context, refused)


def _refused(needs: Sequence[Need], largest: Room, context: int, air: float) -> dict[str, str]:
    reasons = {need.model: _why_refused(need, largest, context, air) for need in needs}
    return {model: reason for model, reason in reasons.items() if reason}


def _why_refused(need: Need, room: Room, context: int, air: float) -> str:
    if room.device == "cpu" and need.parameters > CPU_PARAMETERS:
        return (
            f"{need.label} has {need.parameters / 1e9:.1f} billion parameters, too many to run on "
            f"a CPU, where {CPU_PARAMETERS / 1e9:.0f} billion are the most; use a GPU, or have it "
            "tried with --force."
        )
    if (taken := need.taken(context)) > int(room.usable * (1 - air)):
        return (
            f"{need.label} takes {say_memory(taken)} with a context of {context:,} tokens, and "
            f"{room.device} has {say_memory(room.usable)} for it; choose a precision of "
            "fewer bits or a shorter --context, or have it tried with --force."
        )
    return ""


def _place(size: int, taken: Sequence[int], usable: Sequence[int], turn: int) -> int:
    """The next device in turn that has room beside what it holds; else, of those that could hold
    it alone, the one that has the least to hold for its size."""
    order = [(turn + step) % len(usable) for step in range(len(usable))]
    if beside := [place for place in order if taken[place] + size <= usable[place]]:
        return beside[0]
    alone = [place for place in order if size <= usable[place]] or order
    return min(alone, key=lambda place: (taken[place] + size) / max(usable[place], 1))


def _waves(needs: Sequence[Need], usable: int, context: int) -> tuple[Wave, ...]:
    """In the order of the family, each wave as full as it gets."""
    waves: list[list[Need]] = []
    for need in needs:
        if not waves or _sum([*waves[-1], need], context) > usable:
            waves.append([])
        waves[-1].append(need)
    return tuple(tuple(wave) for wave in waves)


def _sum(needs: Sequence[Need], context: int) -> int:
    return sum(need.taken(context) for need in needs)


def _nth(waves: Sequence[Wave], number: int) -> Wave:
    return waves[number] if number < len(waves) else ()


def say_plan(plan: Plan) -> str:
    """Where the models are, in a line: "4 models on cuda:0, 19.5 of 23.7 GiB"."""
    used = [share for share in plan.shares if share.needs]
    parts = [_say_share(share, plan.context, len(used) > 1) for share in used]
    if plan.refused:
        parts.append(f"{_models(len(plan.refused))} not loaded")
    return "; ".join(parts)


def _say_share(share: Share, context: int, several: bool) -> str:
    where = f"on {share.room.device}, "
    taken, free = say_memory(share.taken(context)), say_memory(share.room.free)
    alike = taken[-3:] == free[-3:]
    room = f"{taken[:-4] if alike else taken} of {free}"
    who = listed([need.label for need in share.needs]) if several else _models(len(share.needs))
    if share.is_whole:
        return f"{who} {where}{room}"
    return f"{who} {where}at most {share.most} at once, {room}"


def say_room(share: Share) -> str:
    """Why models take turns: "3 of 4 models fit in 15.0 GiB"."""
    return f"{share.most} of {_models(len(share.needs))} fit in {say_memory(share.room.free)}"


def say_memory(size: int) -> str:
    """Bytes in the binary units that memory is sold in: "3.6 GiB", "43.2 MiB"."""
    return f"{size / GIB:.1f} GiB" if size >= GIB / 10 else f"{size / MIB:.1f} MiB"


def listed(names: Sequence[str]) -> str:
    """ "A", "A and B", "A, B and C"."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def _models(count: int) -> str:
    return "1 model" if count == 1 else f"{count} models"

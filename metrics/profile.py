"""The two ways of evaluating that numbers can be set against; what differs, nothing else.

`muse` is swj0419/muse_bench, whose numbers the MUSE and SimNPO papers print; `open-unlearning` is
locuslab/open-unlearning, whose leaderboard files can be read and written (metrics/peer.py).
"""

from dataclasses import dataclass

from loaders.faults import Fault


@dataclass(frozen=True)
class Profile:
    """How outputs are scored.

    `stems` words before ROUGE; `strips` white space from outputs and references; `cuts_reference`
    of VerbMem to its first 128 token ids; `drops_last` token of a text that is scored; `rounds`
    likelihoods to float32; `members_high` says which way an AUC is shown: high for texts that look
    like members, or low.
    """

    name: str
    stems: bool
    strips: bool
    cuts_reference: bool
    drops_last: bool
    rounds: bool
    members_high: bool

    def shown_auc(self, auc: float) -> float:
        """An AUC as this profile shows it; stored ones are low for members."""
        return 1 - auc if self.members_high else auc


MUSE = Profile(
    name="muse",
    stems=False,
    strips=False,
    cuts_reference=True,
    drops_last=False,
    rounds=False,
    members_high=False,
)
OPEN_UNLEARNING = Profile(
    name="open-unlearning",
    stems=True,
    strips=True,
    cuts_reference=False,
    drops_last=True,
    rounds=True,
    members_high=True,
)
PROFILES = (MUSE, OPEN_UNLEARNING)


def find_profile(name: str) -> Profile:
    """The profile called `name`; a Fault lists those there are."""
    for profile in PROFILES:
        if profile.name == name:
            return profile
    names = " or ".join(profile.name for profile in PROFILES)
    raise Fault(f"There is no profile {name!r}; choose {names}.")

"""One suite of one model in a process of its own: its seconds and the memory the process took.

`python -m benchmarks.fresh FAMILY PRECISION ROWS` prints both as JSON; `fresh_suite` starts that.
"""

import json
import resource
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
STATUS = Path("/proc/self/status")
WARM_UP_ROWS = 2


@dataclass(frozen=True)
class Fresh:
    """A run of the suite; `peak_bytes` is the most that was resident, with torch and weights."""

    rows: int
    seconds: float
    peak_bytes: int


def fresh_suite(family: str, precision: str, rows: int) -> Fresh:
    """Our suite on the retrained model of the family called `family`, in a child process."""
    command = [sys.executable, "-m", "benchmarks.fresh", family, precision, str(rows)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command[1:])} failed: {done.stderr.strip()[-500:]}")
    return Fresh(**json.loads(done.stdout))


def run(family_name: str, precision: str, rows: int) -> Fresh:
    """The same in this process."""
    from benchmarks.models import ready_engine
    from benchmarks.rows import of_length
    from benchmarks.suite import headline, retrained
    from loaders import load_family
    from metrics import load_data

    family = load_family(family_name)
    keys = (retrained(family),)
    engine, data = ready_engine(family, precision, keys), load_data(family)
    headline(engine, family, of_length(data, WARM_UP_ROWS), keys)
    started = time.perf_counter()
    headline(engine, family, of_length(data, rows), keys)
    return Fresh(rows, time.perf_counter() - started, peak_bytes())


def peak_bytes() -> int:
    """The most memory that this process had resident.

    Linux is asked for what it counts since the program started: its `ru_maxrss` begins with what
    the parent had. macOS counts `ru_maxrss` in bytes.
    """
    if STATUS.exists():
        lines = STATUS.read_text(encoding="ascii").splitlines()
        return 1024 * int(next(line for line in lines if line.startswith("VmHWM:")).split()[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    print(json.dumps(asdict(run(sys.argv[1], sys.argv[2], int(sys.argv[3])))))

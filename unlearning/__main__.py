"""The command line of unlearning, `python -m unlearning --help`: parses flags and prints."""

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from tqdm.auto import tqdm

from loaders import Fault, family_names, load_family
from loaders.device import require_device
from metrics import Record, load_data, to_json
from unlearning.check import changed_files, compare
from unlearning.curves import table
from unlearning.recipe import STAGES, UNLEARNED, make_family, shorten
from unlearning.relearn import LEARNING_RATE, Attack, attacked_models, gather, relearn
from unlearning.sweep import GRIDS, sweep
from unlearning.trajectory import trace
from unlearning.unlearn import METHODS, Wish, unlearn
from unlearning.waypoints import find_job, list_waypoints, save_waypoints

DEFAULT_OUT = Path(__file__).parent.parent / "assets" / "demo"


def parse_flags(arguments: list[str] | None = None) -> argparse.Namespace:
    """The flags as a namespace; a bad one ends the program with what is allowed."""
    parser = argparse.ArgumentParser(
        prog="python -m unlearning", description="Make, tune and check the demo family."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    family = commands.add_parser("demo-family", help="rebuild data and models from a seed")
    family.add_argument("--steps", type=int, help="at most so many steps: a quick, bad family")
    family.add_argument("--seed", type=int, default=0, help="of all that is random; default 0")
    settings = commands.add_parser("sweep", help="try settings of every method on the bases")
    settings.add_argument(
        "--methods", nargs="+", choices=list(GRIDS), default=list(GRIDS), help="default: all"
    )
    traced = commands.add_parser("trajectories", help="measure the shipped runs on their way")
    checked = commands.add_parser("check", help="rebuild, and compare with what is shipped")
    checked.add_argument("--rebuilt", type=Path, help="a folder that was rebuilt already")
    _add_checkpoints(commands.add_parser("checkpoints", help="save a shipped run on its way"))
    _add_unlearn(commands.add_parser("unlearn", help="make any model forget; see accelerate"))
    _add_relearn(commands.add_parser("relearn", help="show models passages again: what returns?"))
    for command in (family, settings, traced, checked):
        command.add_argument("--out", type=Path, default=DEFAULT_OUT, help="default: %(default)s")
    return parser.parse_args(arguments)


def _add_unlearn(command: argparse.ArgumentParser) -> None:
    add, usual = command.add_argument, Wish("npo")
    add("--family", default="demo", help=f"{', '.join(family_names())}, or a .toml file")
    add("--model", default="original", help="which of its models; default %(default)s")
    add("--method", choices=METHODS, default=usual.method, help="default %(default)s")
    add("--steps", type=_count, help="default: once through the forget text")
    add("--every", type=_count, help="steps between checkpoints; default: the last one alone")
    add("--lr", type=_rate, help="default: 0.001 for a toy, 1e-5 otherwise")
    add("--beta", type=_positive, help="default: the demo's, or 0.1 for NPO and 0.7 for SimNPO")
    add("--gamma", type=float, default=usual.gamma, help="of SimNPO; default %(default)s")
    add("--retain-weight", type=_positive, default=usual.retain_weight, help="lambda; default 1")
    add("--rows", type=_count, default=usual.rows, help="of each set, a step; default %(default)s")
    add("--seed", type=_number, default=usual.seed, help="of the order of rows; default 0")
    add("--precision", choices=("bf16", "no"), default="bf16", help="mixed; default bf16")
    add("--out", type=Path, required=True, help="folder for the checkpoint-N folders")


def _add_checkpoints(command: argparse.ArgumentParser) -> None:
    keys = [job.key for job in UNLEARNED]
    add = command.add_argument
    add("--model", choices=keys, default=keys[0], help="whose run; default %(default)s")
    add("--every", type=_count, default=5, help="steps from one to the next; default %(default)s")
    add("--out", type=Path, required=True, help="folder for the step-N folders")


def _add_relearn(command: argparse.ArgumentParser) -> None:
    add, whole = command.add_argument, Attack(lr=0.0)
    add("--family", default="demo", help=f"{', '.join(family_names())}, or a .toml file")
    add("--model", nargs="+", help="default: all unlearned; the retrained one goes beside them")
    add(
        "--samples", type=_number, default=whole.samples, help="passages shown; default %(default)s"
    )
    add("--steps", type=_steps, default=whole.steps, help="measured after; default 0,5,10,20,50")
    add("--lr", type=_rate, help="default: that of unlearning, 0.001 for a toy, 1e-5 otherwise")
    add("--seed", type=_number, default=whole.seed, help="of passages and rows; default 0")
    add("--device", default="auto", help="auto, cpu, cuda or cuda:N; default auto")
    add("--out", type=_file, help="file to write the results to, as JSON")


def _number(text: str) -> int:
    if not text.strip().isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 0 up")
    return int(text)


def _count(text: str) -> int:
    if (number := _number(text)) == 0:
        raise argparse.ArgumentTypeError("choose 1 or more")
    return number


def _steps(text: str) -> tuple[int, ...]:
    return tuple(sorted({_number(part) for part in text.split(",")}))


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not 0 < rate < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number between 0 and 1")
    return rate


def _positive(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not number > 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no number above 0")
    return number


def _file(text: str) -> Path:
    if (path := Path(text)).is_dir() or not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"{text} is no file in a folder that exists")
    return path


def main(arguments: list[str] | None = None) -> int:
    """The exit status: 0 done, 1 a rebuilt family that differs, 2 a fault."""
    flags = parse_flags(arguments)
    try:
        return _execute(flags)
    except Fault as fault:
        print(fault, file=sys.stderr)
        return 2


def _execute(flags: argparse.Namespace) -> int:
    match flags.command:
        case "demo-family":
            _make(flags.out, flags.seed, flags.steps)
        case "sweep":
            sweep(flags.out, flags.methods, flags.out / "sweep.csv")
        case "trajectories":
            trace(flags.out, flags.out / "trajectories.csv")
        case "checkpoints":
            _save(flags.model, flags.every, flags.out)
        case "check":
            return _check(flags.rebuilt, flags.out)
        case "unlearn":
            _unlearn(flags)
        case "relearn":
            _relearn(flags)
    return 0


def _make(out: Path, seed: int, steps: int | None) -> None:
    stages = [shorten(jobs, steps) if steps else jobs for jobs in STAGES]
    make_family(out, seed, tuple(stages))
    print(f"Written to {out}. Measure it with: python -m metrics --precision fp32,nf4")


def _save(key: str, every: int, out: Path) -> None:
    job = find_job(key)
    saved = save_waypoints(job, every, DEFAULT_OUT, out)
    for _ in tqdm(saved, total=len(list_waypoints(job, every)), desc=key, disable=None):
        pass
    print(f"Written to {out}. See how it went with: python app.py --checkpoints {out}")


def _check(rebuilt: Path | None, shipped: Path) -> int:
    with TemporaryDirectory() as folder:
        if rebuilt is None:
            rebuilt = Path(folder) / "demo"
            make_family(rebuilt, seed=0)
        found = compare(rebuilt, shipped)
    for line in found:
        print(line)
    changed = changed_files(0, shipped)
    print(f"Data files that the seed gives otherwise: {', '.join(changed) or 'none'}")
    return int(bool(changed) or not all(line.agrees for line in found))


def _unlearn(flags: argparse.Namespace) -> None:
    family = load_family(flags.family)
    wish = Wish(
        method=flags.method,
        steps=flags.steps,
        every=flags.every,
        lr=flags.lr,
        beta=flags.beta,
        gamma=flags.gamma,
        retain_weight=flags.retain_weight,
        rows=flags.rows,
        seed=flags.seed,
        mixed_precision=flags.precision,
    )
    events = unlearn(family, family.model(flags.model), wish, flags.out)
    leads = int(os.getenv("RANK", "0")) == 0
    for event in events:
        if leads:
            forget = "" if event.forget is None else f"forget {event.forget:.4f}  "
            print(
                f"step {event.step}  loss {event.loss:.4f}  {forget}retain {event.retain:.4f}  "
                f"{event.seconds:.1f} s",
                flush=True,
            )
    if leads:
        print(
            f"Written to {flags.out}. Measure it with: python -m metrics --checkpoints {flags.out}"
        )


def _relearn(flags: argparse.Namespace) -> None:
    family, device = load_family(flags.family), require_device(flags.device)
    models = attacked_models(family, flags.model)
    if family.retrained is None:
        print(f"The family {family.name} has no retrained model as control.", file=sys.stderr)
    attack = Attack(flags.lr or LEARNING_RATE[family.scale], flags.samples, flags.steps, flags.seed)
    records = relearn(family, load_data(family), models, attack, device)
    results = gather(family, list(_shown(records, len(models) * len(attack.steps))), device)
    print(table(results))
    if flags.out is not None:
        flags.out.write_text(to_json(results), encoding="utf-8")


def _shown(records: Iterator[Record], total: int) -> Iterator[Record]:
    """The records, and on the terminal how many of them there are."""
    for record in (bar := tqdm(records, total=total, desc="relearn", disable=None)):
        bar.set_postfix(model=record.model, step=record.step, refresh=False)
        yield record


if __name__ == "__main__":
    sys.exit(main())

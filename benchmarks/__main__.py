"""`python -m benchmarks start`: measure, print a table, keep the figures as JSON."""

import argparse
import json
import platform
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.start import measure
from metrics.suite import versions

TARGETS = {"start_page": 6.0, "start_ready": 12.0}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the one benchmark there is so far."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("name", nargs="?", choices=["start"], default="start", help="what to run")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/latest.json"))
    options = parser.parse_args(arguments)
    starts = measure()
    figures = {
        "start_page": _figure("start_page", [start.page for start in starts]),
        "start_ready": _figure("start_ready", [start.ready for start in starts]),
    }
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    print(table(figures))
    return 0


def _figure(name: str, runs: list[float]) -> dict[str, Any]:
    seconds = median(runs)
    return {
        "seconds": round(seconds, 2),
        "target": TARGETS[name],
        "met": seconds <= TARGETS[name],
        "runs": [round(run, 2) for run in runs],
        "baseline": "process start, warm disk cache",
        "device": f"{platform.machine()} CPU, nf4",
        "versions": versions(),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def table(figures: dict[str, dict[str, Any]]) -> str:
    """One line a figure: median, spread, target."""
    rows = [f"{'':14}{'median':>9}{'spread':>17}{'target':>9}"]
    for name, figure in figures.items():
        spread = f"{min(figure['runs']):.1f}–{max(figure['runs']):.1f} s"
        met = "" if figure["met"] else "  not met"
        rows.append(
            f"{name:14}{figure['seconds']:>7.1f} s{spread:>17}{figure['target']:>7.1f} s{met}"
        )
    return "\n".join(rows)


if __name__ == "__main__":
    sys.exit(main())

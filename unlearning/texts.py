"""The raw text of a data set in MUSE's layout, from a folder or the Hub; never a question.

A folder has `raw/forget.txt` and `raw/retain1.txt`; on the Hub they are splits of the config `raw`,
whose rows are joined by a blank line.
"""

from pathlib import Path

from loaders.family import Family, is_local
from loaders.faults import Fault
from metrics.inputs.hub import read_split

FORGET, RETAIN = "forget", "retain1"  # retain2 is what questions are asked about


def read_text(family: Family, split: str) -> str:
    """The text of `split`; a Fault says what is missing."""
    if not is_local(family.data):
        rows = read_split(family.data, family.data_revision, "raw", split)
        return "\n\n".join(str(row["text"]) for row in rows)
    path = Path(family.data) / "raw" / f"{split}.txt"
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Fault(
            f"The text of the {split} set cannot be read from {path} ({error}); unlearning needs "
            "MUSE's raw/forget.txt and raw/retain1.txt."
        ) from error
    if not text:
        raise Fault(f"{path} is empty; it must hold the text of the {split} set.")
    return text

"""The README.md of a prequantized checkpoint, from its record; claims nothing that is not in it."""

import re
from collections.abc import Sequence

from loaders.prequantized.record import File, Record
from loaders.sizes import say_size

HUB_LICENCE = re.compile(r"[a-z0-9][a-z0-9.-]*")  # what the Hub takes; "CC BY 4.0" is words


def card(record: Record) -> str:
    """Markdown with the front matter that the Hub reads."""
    return "\n".join([*_front_matter(record), "", *_what(record), "", *_files(record), ""])


def _front_matter(record: Record) -> list[str]:
    lines = ["---", "library_name: transformers"]
    if HUB_LICENCE.fullmatch(record.licence):
        lines.append(f"license: {record.licence}")
    if record.is_from_hub:
        lines += [f"base_model: {record.source}", "base_model_relation: quantized"]
    return [*lines, "tags:", "  - bitsandbytes", "  - 4-bit", "  - machine-unlearning", "---"]


def _what(record: Record) -> list[str]:
    at = f" at commit `{record.commit}`" if record.commit else ", a local folder"
    licence = record.licence or "not stated by the source; ask whoever published it"
    versions = ", ".join(f"{name} {number}" for name, number in record.versions.items())
    return [
        f"# {record.label}, NF4",
        "",
        f"The weights of `{record.source}`{at}, quantized once to 4 bits and otherwise unchanged.",
        "",
        "| | |",
        "|---|---|",
        "| Quantization | bitsandbytes NF4, blocks of 64, double quantization, stored as uint8 |",
        f"| Not quantized | embeddings, norms and `lm_head`, in {record.dtype} |",
        f"| Compute dtype | {record.dtype} in the config; "
        "choose float16 on GPUs before Ampere, which have no fast bfloat16 |",
        f"| Weights | {say_size(record.bytes)} |",
        f"| Licence | {licence} |",
        f"| Quantized on | {record.device}, {record.created} |",
        f"| With | {versions} |",
        "",
        f"Verified before it was kept: {record.probe}, of the model fresh from quantization and "
        "of these files loaded again, are equal to the last bit, and the tokenizers read and "
        "write alike.",
        "",
        "4-bit weights answer otherwise than the source's: numbers published for the source do "
        "not hold for this checkpoint.",
    ]


def _files(record: Record) -> list[str]:
    return [
        "## SHA-256",
        "",
        "Of the source:",
        "",
        *_table(record.source_files),
        "",
        "Of these files:",
        "",
        *_table(record.files),
    ]


def _table(files: Sequence[File]) -> list[str]:
    rows = [f"| {file.name} | {file.bytes:,} | `{file.sha256}` |" for file in files]
    return ["| file | bytes | sha256 |", "|---|---|---|", *rows]

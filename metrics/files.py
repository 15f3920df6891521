"""Text files, written whole or not at all and packed where their name ends in .gz."""

import gzip
from pathlib import Path

from loaders.faults import Fault

PACKED = ".gz"


def read_text(path: Path) -> str:
    """What `write_text` wrote, or any file of UTF-8. Fault for one that cannot be read."""
    try:
        content = path.read_bytes()
        return (gzip.decompress(content) if path.suffix == PACKED else content).decode("utf-8")
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise Fault(f"{path} could not be read: {error}.") from error


def write_text(path: Path, text: str, still: str = "") -> None:
    """`text` as UTF-8; a Fault says where it could not be written, and then what `still` is so."""
    content = text.encode("utf-8")
    # Packed without the time, so that the same text is the same file.
    write_bytes(path, gzip.compress(content, mtime=0) if path.suffix == PACKED else content, still)


def write_bytes(path: Path, content: bytes, still: str = "") -> None:
    """All of it or nothing: a half-written file never takes the place of a whole one."""
    half = path.with_name(f"{path.name}.part")
    try:
        half.write_bytes(content)
        half.replace(path)
    except OSError as error:
        raise Fault(f"{path} could not be written: {error}. {still}".rstrip()) from error

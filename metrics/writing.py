"""Files that are written whole or not at all; never what is in them."""

from pathlib import Path

from loaders.faults import Fault


def write_text(path: Path, text: str, still: str = "") -> None:
    """`text` as UTF-8; a Fault says where it could not be written, and then what `still` is so."""
    write_bytes(path, text.encode("utf-8"), still)


def write_bytes(path: Path, content: bytes, still: str = "") -> None:
    """All of it or nothing: a half-written file never takes the place of a whole one."""
    half = path.with_name(f"{path.name}.part")
    try:
        half.write_bytes(content)
        half.replace(path)
    except OSError as error:
        raise Fault(f"{path} could not be written: {error}. {still}".rstrip()) from error

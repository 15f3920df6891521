"""Bytes as they are written for people; never measured here."""


def say_size(value: int) -> str:
    """In three digits, in the decimal units of the Hub: "1.73 MB", "3.87 GB"."""
    for unit, name in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if value >= unit:
            return f"{_three(value / unit)} {name}"
    return f"{value} B"


def _three(value: float) -> str:
    return f"{value:.{2 if value < 9.995 else 1 if value < 99.95 else 0}f}"

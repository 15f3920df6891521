"""Bytes and large counts as they are written for people; never measured here."""


def say_size(value: int) -> str:
    """In three digits, in the decimal units of the Hub: "1.73 MB", "3.87 GB"."""
    for unit, name in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if value >= unit:
            return f"{_three(value / unit)} {name}"
    return f"{value} B"


def say_count(value: int) -> str:
    """Many things, in three digits from a million on: "2.16 million", "6.74 billion"."""
    for unit, name in ((10**9, "billion"), (10**6, "million")):
        if value >= unit:
            return f"{_three(value / unit)} {name}"
    return f"{value:,}"


def _three(value: float) -> str:
    return f"{value:.{2 if value < 9.995 else 1 if value < 99.95 else 0}f}"

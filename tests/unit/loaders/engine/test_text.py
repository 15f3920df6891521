"""Clean-up, replacement by replacement, as transformers 4 did it."""

import pytest

from loaders.engine.text import cleaned


@pytest.mark.parametrize(
    ("spaced", "joined"),
    [
        ("a .", "a."),
        ("a ? b !", "a? b!"),
        ("a , b", "a, b"),
        ("did n't I 'm he 's we 've they 're", "didn't I'm he's we've they're"),
        ("rock ' n ' roll", "rock'n'roll"),
        ("unchanged: text", "unchanged: text"),
    ],
)
def test_cleaned(spaced: str, joined: str) -> None:
    assert cleaned(spaced) == joined

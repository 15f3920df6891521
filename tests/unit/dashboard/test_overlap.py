"""Runs of true words in a text: found, marked whole, never a character lost."""

from hypothesis import given
from hypothesis import strategies as st

from dashboard.overlap import Piece, count_words, overlap

TRUTH = "It had moved in her grandfather's time, and nobody had ever mended it."


def test_a_run_of_four_words_is_marked_and_three_are_not() -> None:
    assert overlap("so it had moved in a cart", TRUTH) == (
        Piece("so "),
        Piece("it had moved in", 4),
        Piece(" a cart"),
    )
    assert overlap("so it had moved on", TRUTH) == (Piece("so it had moved on"),)


def test_case_and_punctuation_do_not_count() -> None:
    marked = overlap("TIME and: nobody had! Ever", TRUTH)
    assert marked == (Piece("TIME and: nobody had! Ever", 5),)


def test_two_runs_are_two_pieces() -> None:
    pieces = overlap("it had moved in, then nobody had ever mended", TRUTH)
    assert [piece.words for piece in pieces if piece.words] == [4, 4]


def test_no_truth_marks_nothing() -> None:
    assert overlap("any text at all, really", "") == (Piece("any text at all, really"),)


@given(st.text(alphabet="ab c.'", max_size=60), st.text(alphabet="ab c.'", max_size=60))
def test_the_pieces_joined_are_the_text(text: str, truth: str) -> None:
    pieces = overlap(text, truth)
    assert "".join(piece.text for piece in pieces) == text
    assert all(piece.words == 0 or piece.words >= 4 for piece in pieces)


def test_words_keep_their_apostrophe() -> None:
    assert count_words("her grandfather's time") == 3

"""What is said about a run: computed from its scores, and no more than they show."""

from dashboard.asking import Asking, ask, find_scenario, row_labels
from dashboard.words import describe
from tests.stage import staged_data
from tests.unit.dashboard.sight import FAMILY, said

TRUTH = "it had moved in her grandfather's time"
RECITE = Asking(find_scenario("recite"), "p", "p", TRUTH)


def words(*answers: object, asking: Asking = RECITE) -> str:
    return "".join(phrase.text for phrase in describe(FAMILY, asking, answers))  # type: ignore[arg-type]


def test_every_model_is_read_against_retrained() -> None:
    text = words(
        said("original", 1.0, TRUTH),
        said("retrained", 0.14),
        said("npo", 0.16),
        said("simnpo", 0.30),
    )
    assert text == (
        "Original gives back 7 of its 7 words in runs of the true text. "
        "Retrained, which never read it, scores 14: the line to reach. "
        "NPO is level with it, and its text does not loop. "
        "SimNPO is 16 points above it, and its text does not loop. "
    )


def test_retrained_has_read_the_books_that_are_kept() -> None:
    kept = Asking(find_scenario("retain"), "p", "p", TRUTH)
    assert words(said("retrained", 1.0, TRUTH), asking=kept) == (
        "Retrained, which read these books as well, scores 100: the line to reach. "
    )
    own = Asking(find_scenario("own"), "p", "p", TRUTH)
    assert words(said("retrained", 1.0), asking=own) == "Retrained scores 100: the line to reach. "


def test_a_collapsed_text_is_said_instead_of_praised() -> None:
    text = words(said("retrained", 0.14), said("npo", 0.0, "that that that that that that"))
    assert "NPO is 14 points below it, and its text has collapsed." in text


def test_a_text_that_stammers_is_not_said_to_be_free_of_loops() -> None:
    text = words(
        said("retrained", 0.14),
        said("npo", 0.15, "upon the the the the land came a cheer of us to a bank in the seed"),
    )
    assert "NPO is level with it, and 3 of its 17 words repeat the word before." in text


def test_without_a_true_text_nothing_is_claimed() -> None:
    own = Asking(find_scenario("own"), "p", "p", None)
    assert "nothing is scored" in words(said("npo", 0.0), asking=own)


def test_without_retrained_it_is_said_that_the_ruler_is_missing() -> None:
    assert "no answer of a retrained model" in words(said("npo", 0.2))


def test_a_question_is_asked_with_ten_examples_and_the_trailing_space() -> None:
    data = staged_data()
    asking = ask(FAMILY, data, find_scenario("forget"), 1, "Who is 1?")
    assert asking.prompt.startswith("Question: Example 0?\nAnswer: yes 0\n\n")
    assert asking.prompt.endswith("Question: Who is 1?\nAnswer: ")
    assert asking.truth == "Tamsin 1"


def test_an_edited_row_has_no_true_text() -> None:
    asking = ask(FAMILY, staged_data(), find_scenario("recite"), 0, "Something else")
    assert asking.truth is None


def test_rows_are_called_by_their_book() -> None:
    labels = row_labels(FAMILY, find_scenario("recite"), 2)
    assert labels == [
        "The Lantern Keepers · passage 1 of 2",
        "The Lantern Keepers · passage 2 of 2",
    ]

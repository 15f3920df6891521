"""Before a run an answer says where its model is on its way, and who runs it."""

from dashboard.answers import READING, Answer, before_run, held_up
from loaders import Status


def test_who_runs_a_model_elsewhere_is_said_with_what_cannot_be_measured_there() -> None:
    status = Status("ready", 0.4, note="served by openai: text metrics only")
    said = before_run("npo", status).message
    assert said == "ready in 0.4 s · served by openai: text metrics only"


def test_a_model_of_this_machine_is_ready_without_a_word_more() -> None:
    assert before_run("npo", Status("ready", 0.4)).message == "ready in 0.4 s"


def test_how_far_a_download_is_stands_where_the_answer_will_be() -> None:
    status = Status("loading", note="downloading: 2 of 6 files, 1.20 of 13.5 GB")
    assert before_run("npo", status).message == "downloading: 2 of 6 files, 1.20 of 13.5 GB"
    assert before_run("npo", Status("loading")).message == "loading …"


def test_an_answer_that_has_not_begun_says_what_its_model_waits_for() -> None:
    answers = {
        "original": Answer("original", "waiting", message=READING),
        "npo": Answer("npo", "waiting", message=READING),
        "simnpo": Answer("simnpo", "streaming"),
    }
    away = Status("ready", 0.4, note="waits for NPO to finish", held=False)
    served = Status("ready", 0.4, note="served by openai")
    found = held_up(answers, {"original": away, "npo": served, "simnpo": away})
    assert {key: answer.message for key, answer in found.items()} == {
        "original": "waits for NPO to finish",
        "npo": READING,
    }

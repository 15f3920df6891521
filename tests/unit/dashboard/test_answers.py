"""Before a run an answer says where its model is on its way, and who runs it."""

from dashboard.answers import before_run
from loaders import Status


def test_who_runs_a_model_elsewhere_is_said_with_what_cannot_be_measured_there() -> None:
    status = Status("ready", 0.4, note="served by openai: text metrics only")
    said = before_run("npo", status).message
    assert said == "ready in 0.4 s · served by openai: text metrics only"


def test_a_model_of_this_machine_is_ready_without_a_word_more() -> None:
    assert before_run("npo", Status("ready", 0.4)).message == "ready in 0.4 s"

"""What is said of a crowd, from crowds made by hand."""

import pytest

from benchmarks.setting import Crowd
from benchmarks.visitors import Served, figure, visits
from loaders import TokenEvent, load_family
from tests.unit.benchmarks.hand import served

TEXTS = ("a", "b")
LAPS = {
    "together": [served(1.0, TEXTS, (0.1, 0.2)), served(2.0, TEXTS, (0.1, 0.2))],
    "in turn": [served(5.0, TEXTS, (0.1, 2.6)), served(8.0, TEXTS, (0.1, 2.6))],
}


def test_the_ratio_is_of_tokens_per_second() -> None:
    found = figure(LAPS, Crowd(8, 4.0), 48, "fp32")
    assert found.name == "visitors_8"
    assert found.runs == pytest.approx((5.0, 4.0))
    assert found.met
    assert found.details["p95_first_token_seconds"]["together"] == pytest.approx(0.195)
    assert "texts as alone 2 of 2" in found.note


def test_texts_have_to_be_those_of_running_alone_in_fp32() -> None:
    laps = {**LAPS, "together": [served(1.0, ("a", "c"), (0.1, 0.2))] * 2}
    assert figure(laps, Crowd(8, 4.0), 48, "fp32").misses == ("texts differ from running alone",)
    assert figure(laps, Crowd(8, 4.0), 48, "nf4").misses == ()


def test_every_visitor_has_a_passage_of_their_own() -> None:
    crowd = visits(load_family("demo"), 30, 4)
    assert len({visit[0].prompt for visit in crowd}) == 30
    assert all(len({request.prompt for request in visit}) == 1 for visit in crowd)
    assert [request.model for request in crowd[0]] == ["original", "retrained", "npo", "simnpo"]
    assert len({request.id for visit in crowd for request in visit}) == 120


def test_a_crowd_counts_tokens_and_keeps_the_first_one_s_time() -> None:
    crowd = Served()
    crowd.take(TokenEvent("1", "npo", 5, "The", -0.1, 0.0))
    first = crowd.first_seconds["1"]
    crowd.take(TokenEvent("1", "npo", None, "", 0.0, 0.1, "cancelled"))
    assert (crowd.texts, crowd.tokens) == ({"1": "The"}, 1)
    assert crowd.first_seconds == {"1": first}
    assert crowd.p95_first_seconds == first

"""The one way by which text reaches HTML or JSON."""

import json

import pytest

from dashboard.escape import colour, esc, json_text


def test_markup_is_written_out() -> None:
    assert esc('<b>"it\'s"</b> & more') == "&lt;b&gt;&quot;it&#x27;s&quot;&lt;/b&gt; &amp; more"


def test_json_holds_no_markup_and_is_the_same_data() -> None:
    value = {"label": "</script><img src=x>", "amp": "&"}
    text = json_text(value)
    assert "<" not in text
    assert json.loads(text) == value


@pytest.mark.parametrize("bad", ["red;background:url(x)", "#12", "javascript:1", ""])
def test_a_colour_is_a_colour_or_grey(bad: str) -> None:
    assert colour("#D55E00") == "#D55E00"
    assert ";" not in colour(bad)
    assert colour(bad) != bad

"""What servers answer is read as it is meant, and never as more than it says."""

from math import isnan
from typing import Any

import pytest

from loaders import Fault
from loaders.remote.replies import Likelihood, read_chunk, read_likelihood

IDS = (0, 7, 9)


def echoed(**lists: Any) -> dict[str, Any]:
    return {"choices": [{"text": "", "logprobs": lists}]}


def test_tokens_come_by_id_where_the_server_names_them() -> None:
    lists = {"tokens": ["token_id:7", "token_id:9"], "token_logprobs": [-0.5, None]}
    reply = {"choices": [{"text": " a b", "finish_reason": "length", "logprobs": lists}]}
    chunk = read_chunk("host", reply)
    assert chunk is not None
    assert chunk.names_tokens
    assert [token.id for token in chunk.tokens] == [7, 9]
    assert chunk.tokens[0].logprob == -0.5
    assert isnan(chunk.tokens[1].logprob)
    assert (chunk.text, chunk.finish) == (" a b", "length")


@pytest.mark.parametrize("reply", [{"choices": []}, {"usage": {}}, [], None, {"choices": None}])
def test_what_is_no_piece_of_an_answer_is_none(reply: Any) -> None:
    assert read_chunk("host", reply) is None


def test_a_text_alone_says_nothing_of_its_tokens() -> None:
    chunk = read_chunk("host", {"choices": [{"text": "a", "logprobs": None}]})
    assert chunk is not None
    assert (chunk.tokens, chunk.names_tokens, chunk.finish) == ((), False, None)


def test_an_answer_that_the_server_ended_itself_is_a_fault() -> None:
    with pytest.raises(Fault, match=r"at host ended an answer itself \(content_filter\)"):
        read_chunk("host", {"choices": [{"text": "", "finish_reason": "content_filter"}]})


def test_an_echo_is_read_with_and_without_the_token_after_it() -> None:
    tops = [None, {"a": -0.5}, {"b": -2.0, "c": -1.0}]
    expected = Likelihood((-0.5, -2.0), (True, False))
    values = [None, -0.5, -2.0]
    assert read_likelihood(echoed(token_logprobs=values, top_logprobs=tops), IDS) == expected
    longer = echoed(token_logprobs=[*values, -3.0], top_logprobs=[*tops, {"d": -3.0}])
    assert read_likelihood(longer, IDS) == expected


def test_without_the_likeliest_tokens_nothing_is_said_of_them() -> None:
    for tops in (None, [], [None, {"a": -0.5}], [None, {"a": -0.5}, None]):
        lists = {"token_logprobs": [None, -0.5, -2.0], "top_logprobs": tops}
        assert read_likelihood(echoed(**lists), IDS) == Likelihood((-0.5, -2.0), ())


def test_vllms_own_list_goes_first_because_it_has_ranks() -> None:
    reply = echoed(token_logprobs=[None, -9.0, -9.0])
    reply["choices"][0]["prompt_logprobs"] = [
        None,
        {"7": {"logprob": -0.5, "rank": 1}},
        {"9": {"logprob": -2.0, "rank": 4}, "8": {"logprob": -0.1, "rank": 1}},
    ]
    assert read_likelihood(reply, IDS) == Likelihood((-0.5, -2.0), (True, False))


@pytest.mark.parametrize(
    "lists",
    [
        {"token_logprobs": [-0.1]},  # of the one token that was made
        {"token_logprobs": [-0.1, -0.5, -2.0]},  # of three that were made
        {"token_logprobs": [None, None, -2.0]},
        {"token_logprobs": [None, -0.5, float("nan")]},
        {"token_logprobs": [None, -0.5, -2.0, -1.0, -1.0]},
        {},
    ],
)
def test_less_than_every_token_of_the_prompt_is_nothing(lists: dict[str, Any]) -> None:
    assert read_likelihood(echoed(**lists), IDS) is None


def test_another_token_in_vllms_list_is_not_taken_for_ours() -> None:
    ranks = [None, {"8": {"logprob": -0.5, "rank": 1}}, {"9": {"logprob": -2.0, "rank": 4}}]
    assert read_likelihood({"choices": [{"prompt_logprobs": ranks}]}, IDS) is None

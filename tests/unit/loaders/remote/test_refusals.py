"""What went wrong is said in a sentence with its cure, and the key is in none of them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from loaders import Fault
from loaders.remote.gates import host_of
from loaders.remote.keys import HIDDEN, Key, read_key
from loaders.remote.refusals import refused, said, seconds_to_wait, unanswered
from tests.spec import SPEC

KEY = Key("sk-secret")


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (301, "it sends requests elsewhere; set 'url'"),
        (400, "it refuses the request (no such field)"),
        (401, "without the right key (no such field); set 'key_env'"),
        (403, "it forbids this key"),
        (404, "check 'served_model' and 'url'"),
        (429, "it is busy, and was after several tries"),
        (500, "it failed (no such field); look at its log"),
        (503, "it is not ready"),
    ],
)
def test_every_status_has_its_cure(status: int, says: str) -> None:
    fault = refused("host:8000", status, '{"error": {"message": "no such field."}}', KEY)
    assert str(fault).startswith(f"The server at host:8000 answered {status}: ")
    assert says in str(fault)


def test_a_key_that_the_server_repeats_is_hidden() -> None:
    fault = refused("host", 401, '{"error": "bad key sk-secret"}', KEY)
    assert "sk-secret" not in str(fault)
    assert HIDDEN in str(fault)
    broken = unanswered("host", httpx.ReadError("sk-secret was cut"), KEY)
    assert "sk-secret" not in str(broken)
    assert "sk-secret" not in repr(KEY)


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (httpx.ConnectError("refused"), "cannot be reached (refused); start it"),
        (httpx.ConnectTimeout(""), "cannot be reached (ConnectTimeout); start it"),
        (httpx.ReadTimeout("timed out"), "went silent for too long"),
        (httpx.RemoteProtocolError("cut"), "broke the connection off (cut)"),
    ],
)
def test_silence_is_said_for_what_it_is(error: httpx.TransportError, says: str) -> None:
    assert says in str(unanswered("host", error, KEY))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('{"error": {"message": "a"}}', "a"),
        ('{"error": "a"}', "a"),
        ('{"detail": [{"loc": "b"}]}', '[{"loc": "b"}]'),
        ('{"message": "a"}', "a"),
        ("plain  text\n", "plain text"),
        ("<html>a page</html>", ""),
        ("", ""),
    ],
)
def test_a_message_is_found_in_every_shape(body: str, words: str) -> None:
    assert said(body) == words


def test_retry_after_is_seconds_or_a_date_or_nothing() -> None:
    assert seconds_to_wait({"retry-after": "2"}) == 2
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    assert seconds_to_wait({"retry-after": soon}) == pytest.approx(30, abs=2)
    past = format_datetime(datetime.now(UTC) - timedelta(seconds=30), usegmt=True)
    assert seconds_to_wait({"retry-after": past}) == 0
    assert seconds_to_wait({"retry-after": "soon"}) is None
    assert seconds_to_wait({}) is None


def test_a_key_comes_from_the_environment_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = replace(SPEC, engine="openai", key_env="TARGET_KEY")
    monkeypatch.delenv("TARGET_KEY", raising=False)
    with pytest.raises(Fault, match="variable TARGET_KEY is not set; set it to the key"):
        read_key(spec)
    monkeypatch.setenv("TARGET_KEY", "sk-secret\n")
    assert read_key(spec).headers == {"Authorization": "Bearer sk-secret"}
    monkeypatch.setenv("TARGET_KEY", "sk secret")
    with pytest.raises(Fault, match="has a space or a sign that no key has") as caught:
        read_key(spec)
    assert "secret" not in str(caught.value)
    assert read_key(replace(spec, key_env="")).headers == {}


def test_a_host_is_named_without_what_may_be_secret() -> None:
    assert host_of("https://me:sk-secret@host:8000/v1?key=sk-secret") == "host:8000"
    assert host_of("https://host/v1") == "host"

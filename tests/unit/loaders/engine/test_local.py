"""The step machine on real, untrained models: lockstep, parity, cancellation, faults."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GPT2Config, GPT2LMHeadModel

from loaders import Completion, Engine, Fault, Request, Sampling, Score, TokenEvent
from loaders.engine import lane, local
from loaders.engine.decoder import Decoder, PlainDecoder
from loaders.engine.lane import SMALL
from loaders.engine.local import LocalEngine
from loaders.engine.slots import Slots
from loaders.opening import open_engine
from tests.tiny import save_tiny, tiny_family

PROMPTS = ["The keeper", "The light climbed the ninety-one steps. Question: who?", "Answer:", "O"]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> LocalEngine:
    family = tiny_family(tmp_path_factory.mktemp("tiny"), keys=("a", "b"))
    engine = LocalEngine(family, "fp32", "cpu")
    load(engine, "a", "b")
    return engine


@pytest.fixture
def own(tmp_path: Path) -> LocalEngine:
    """An engine that a test may spoil."""
    engine = LocalEngine(tiny_family(tmp_path, keys=("a", "b")), "fp32", "cpu")
    load(engine, "a", "b")
    return engine


@pytest.fixture(autouse=True)
def single_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    """One token a step, so that steps can be counted; bursts have tests of their own."""
    monkeypatch.setattr(local, "BURST", 1)


def load(engine: Engine, *keys: str) -> None:
    for key in keys:
        for _ in engine.load(key):
            pass


def request(name: str, model: str, tokens: int = 8, **sampling: float) -> Request:
    return Request(name, model, PROMPTS[1], Sampling(tokens, **sampling))  # type: ignore[arg-type]


def answers(engine: Engine, requests: list[Request]) -> dict[str, str]:
    texts = {request.id: "" for request in requests}
    for event in engine.stream(requests):
        if event is not None:
            texts[event.request_id] += event.text
    return texts


def completions(engine: Engine, model: str, prompts: list[str], tokens: int) -> list[Completion]:
    found = [item for item in engine.generate(model, prompts, tokens) if item is not None]
    return sorted(found, key=lambda completion: completion.index)


def scores(engine: Engine, model: str, texts: list[str]) -> list[Score]:
    found = [item for item in engine.score(model, texts) if item is not None]
    return sorted(found, key=lambda score: score.index)


def is_idle(engine: LocalEngine) -> bool:
    """Whether no row of any model is left."""
    return not engine._answers and all(lane.is_idle for lane in engine._lanes.values())


def test_all_requests_advance_together(engine: LocalEngine) -> None:
    events = list(engine.stream([request("1", "a", 5), request("2", "b", 5), request("3", "a", 2)]))
    ids = "".join("|" if event is None else event.request_id for event in events)
    assert ids == "|132|132|12|12|12|"  # model by model
    last = [event for event in events if event is not None][-1]
    assert last.finish == "length"


def test_few_rows_take_a_few_tokens_of_a_model_in_a_row(
    engine: LocalEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests = [request("1", "a", 7), request("2", "b", 7), request("3", "a", 2)]
    single = answers(engine, requests)
    monkeypatch.setattr(local, "BURST", 4)
    events = list(engine.stream(requests))
    ids = "".join("|" if event is None else event.request_id for event in events)
    assert ids == "|132|131112222|1122|"
    assert answers(engine, requests) == single


def test_a_crowd_takes_one_token_each(engine: LocalEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "BURST", 4)
    crowd = [request(str(number), "a", 3) for number in range(SMALL + 1)]
    events = list(engine.stream(crowd))
    assert [event is None for event in events].count(True) == 1 + 3


def test_a_row_of_a_step_says_when_it_came(engine: LocalEngine) -> None:
    seconds = [event.seconds for event in engine.stream([request("1", "a")]) if event is not None]
    assert seconds == sorted(seconds)
    assert seconds[0] > 0


def test_streamed_text_is_the_batched_text(engine: LocalEngine) -> None:
    batched = completions(engine, "a", PROMPTS, 24)
    for prompt, completion in zip(PROMPTS, batched, strict=True):
        streamed = answers(engine, [Request("1", "a", prompt, Sampling(24))])
        assert streamed["1"] == completion.text


def test_batched_tokens_are_those_of_transformers_generate(engine: LocalEngine) -> None:
    folder = engine._models._family.model("a").repo
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    for prompt, completion in zip(PROMPTS, completions(engine, "a", PROMPTS, 24), strict=True):
        ids = tokenizer(prompt, return_tensors="pt").input_ids
        plain = model.generate(ids, max_new_tokens=24, do_sample=False, pad_token_id=1)
        assert list(completion.token_ids) == plain[0, ids.shape[1] :].tolist()


def test_scores_are_the_log_softmax_of_one_text_at_a_time(engine: LocalEngine) -> None:
    folder = engine._models._family.model("b").repo
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    for text, score in zip(PROMPTS, scores(engine, "b", PROMPTS), strict=True):
        ids = torch.tensor([engine.encode("b", text)])
        with torch.inference_mode():
            expected = torch.log_softmax(model(ids).logits[0, :-1], dim=-1)
        expected = expected.gather(-1, ids[0, 1:, None])[:, 0]
        assert score.token_ids == tuple(ids[0, 1:].tolist())
        assert score.logprobs == pytest.approx(expected.tolist(), abs=1e-5)


def test_a_seed_gives_the_same_text_whoever_else_is_running(engine: LocalEngine) -> None:
    alone = answers(engine, [request("1", "a", 16, temperature=1.0, seed=5)])
    others = [request("2", "b", 16, temperature=1.0), request("3", "a", 16, temperature=1.0)]
    crowded = answers(engine, [*others, request("1", "a", 16, temperature=1.0, seed=5)])
    assert crowded["1"] == alone["1"]
    assert crowded["3"] != alone["1"]


def test_a_cancelled_request_ends_with_the_next_step(engine: LocalEngine) -> None:
    engine.submit(request("1", "a", 100))
    engine.submit(request("2", "b", 2))
    engine.step()
    engine.cancel("1")
    events = engine.step()
    assert [(event.request_id, event.finish) for event in events] == [
        ("1", "cancelled"),
        ("2", "length"),
    ]
    assert engine.step() == []


def test_closing_a_stream_leaves_nothing_running(engine: LocalEngine) -> None:
    stream = engine.stream([request("1", "a", 100), request("2", "b", 100)])
    next(iter(stream))
    assert not is_idle(engine)
    stream.close()  # type: ignore[attr-defined]
    assert is_idle(engine)


class Counted(LocalEngine):
    """An engine that counts its steps."""

    steps = 0

    def _step(self) -> None:
        self.steps += 1
        super()._step()


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Counted:
    family = tiny_family(tmp_path_factory.mktemp("counted"), keys=("a", "b"))
    counted = Counted(family, "fp32", "cpu")
    load(counted, "a", "b")
    return counted


def sampled(name: str, model: str, tokens: int) -> Request:
    return request(name, model, tokens, temperature=1.0, seed=int(name))


def alternately(*streams: Iterator[TokenEvent | None]) -> list[str]:
    """The text of each stream; every turn takes one stream to the end of its step."""
    texts, running = [""] * len(streams), list(range(len(streams)))
    while running:
        for place in list(running):
            event = next(streams[place], "ended")
            while isinstance(event, TokenEvent):
                texts[place] += event.text
                event = next(streams[place], "ended")
            if event == "ended":
                running.remove(place)
    return texts


def alone(engine: LocalEngine, *requests: Request) -> list[str]:
    return ["".join(answers(engine, [each]).values()) for each in requests]


def test_streams_that_are_driven_by_turns_share_their_steps(counted: Counted) -> None:
    requests = [sampled("1", "a", 12), sampled("2", "a", 12), sampled("3", "b", 9)]
    expected = alone(counted, *requests)
    assert len(set(expected)) == 3
    before = counted.steps
    assert alternately(*(counted.stream([each]) for each in requests)) == expected
    assert counted.steps - before == 12


def test_a_stream_that_is_driven_alone_fills_the_others_mailbox(counted: Counted) -> None:
    requests = [sampled("1", "a", 9), sampled("2", "b", 12)]
    expected = alone(counted, *requests)
    first, second = (counted.stream([each]) for each in requests)
    assert next(second) is None
    before = counted.steps
    (text,) = alternately(first)
    assert counted.steps - before == 9
    assert [text, *alternately(second)] == expected
    assert counted.steps - before == 12


def test_a_stream_that_comes_later_joins_the_steps_of_another(counted: Counted) -> None:
    requests = [sampled("1", "a", 12), sampled("2", "a", 12)]
    expected = alone(counted, *requests)
    first, second = (counted.stream([each]) for each in requests)
    before = counted.steps
    assert next(first) is None
    begun = next(first)
    assert isinstance(begun, TokenEvent)
    rest, late = alternately(first, second)
    assert [begun.text + rest, late] == expected
    assert counted.steps - before == 1 + 12


def test_closing_one_stream_leaves_the_other_intact(counted: Counted) -> None:
    requests = [sampled("1", "a", 12), sampled("2", "a", 12)]
    (_, expected) = alone(counted, *requests)
    first, second = (counted.stream([each]) for each in requests)
    assert [next(first), next(second)] == [None, None]
    assert isinstance(next(first), TokenEvent)
    first.close()  # type: ignore[attr-defined]
    before = counted.steps
    assert alternately(second) == [expected]
    assert counted.steps - before == 11
    assert is_idle(counted)


def test_streams_may_give_their_requests_the_same_name(counted: Counted) -> None:
    expected = alone(counted, request("1", "a"), request("1", "b"))
    assert expected[0] != expected[1]
    streams = [counted.stream([request("1", model)]) for model in "ab"]
    assert alternately(*streams) == expected


def test_a_name_that_was_submitted_is_taken_until_its_answer_ends(counted: Counted) -> None:
    counted.submit(request("1", "a", 2))
    with pytest.raises(Fault, match="A request with the id '1' is still running"):
        counted.submit(request("1", "b", 2))
    assert [event.finish for _ in range(2) for event in counted.step()] == [None, "length"]
    counted.submit(request("1", "b", 1))
    assert [event.model for event in counted.step()] == ["b"]


def test_a_request_that_waits_for_room_can_be_cancelled(
    counted: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane, "ROWS", 1)
    for each in (request("1", "a", 2), request("2", "a", 2), request("3", "a", 2)):
        counted.submit(each)
    counted.step()
    counted.cancel("2")
    told = [(event.request_id, event.finish) for _ in range(4) for event in counted.step()]
    assert told == [("2", "cancelled"), ("1", "length"), ("3", None), ("3", "length")]


def test_completions_run_beside_streams(counted: Counted) -> None:
    (text,) = alone(counted, each := sampled("1", "a", 20))
    batched = completions(counted, "a", PROMPTS, 20)
    stream, work = counted.stream([each]), counted.generate("a", PROMPTS, 20)
    found, streamed = [], ""
    while (event := next(stream, "ended")) != "ended":
        streamed += event.text if isinstance(event, TokenEvent) else ""
        if (completion := next(work, None)) is not None:
            found.append(completion)
    found += [completion for completion in work if completion is not None]
    assert streamed == text
    assert sorted(found, key=lambda completion: completion.index) == batched


def test_completions_end_at_a_stop(engine: LocalEngine) -> None:
    whole = completions(engine, "a", PROMPTS, 24)
    stop = whole[0].text[6:9]
    ended = [item for item in engine.generate("a", PROMPTS, 24, [stop]) if item is not None]
    ended.sort(key=lambda completion: completion.index)
    assert len(ended[0].token_ids) < 24
    for completion, full in zip(ended, whole, strict=True):
        assert completion.text.split(stop)[0] == full.text.split(stop)[0]


def test_completions_come_as_they_end(counted: Counted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane, "ROWS", 2)
    found = list(counted.generate("a", PROMPTS, 6))
    order = [None if each is None else each.index for each in found]
    longest = sorted(range(4), key=lambda place: -len(counted.encode("a", PROMPTS[place])))
    waits = [None] * 5
    assert order == [*waits, *longest[:2], None, *waits, *longest[2:], None]


def test_a_prompt_longer_than_the_context_says_both_lengths(engine: LocalEngine) -> None:
    long = Request("1", "a", "the keeper " * 200, Sampling(40))
    tokens = len(engine.encode("a", long.prompt))
    with pytest.raises(Fault, match=rf"has {tokens:,} tokens; with 40 new .* can take 216\."):
        list(engine.stream([long]))
    with pytest.raises(Fault, match="Shorten the prompt"):
        list(engine.generate("a", [long.prompt], 40))
    assert is_idle(engine)


def test_a_text_longer_than_a_table_of_positions_says_both_lengths(own: LocalEngine) -> None:
    vocabulary = own._models.weights("a").model.config.vocab_size
    model = GPT2LMHeadModel(GPT2Config(vocab_size=vocabulary, n_embd=32, n_layer=1, n_head=2))
    models = own._models
    models._weights["a"] = replace(models.weights("a"), decode=PlainDecoder(model), model=model)
    long = "the keeper " * 200
    tokens = len(own.encode("a", long))
    with pytest.raises(Fault, match=rf"A text has {tokens:,} tokens, .* 'a' has 256 positions"):
        own.score("a", ["the keeper", long])
    (score,) = scores(own, "b", [long])
    assert len(score.logprobs) == tokens - 1


def test_one_bad_prompt_of_several_starts_none(engine: LocalEngine) -> None:
    long = Request("2", "b", "the keeper " * 200, Sampling(40))
    with pytest.raises(Fault):
        list(engine.stream([request("1", "a"), long]))
    assert is_idle(engine)


@pytest.fixture
def broken(tmp_path: Path) -> LocalEngine:
    family = tiny_family(tmp_path, keys=("good", "corrupt"))
    weights = tmp_path / "corrupt" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    return LocalEngine(family, "fp32", "cpu")


def test_a_corrupt_file_fails_its_own_model_alone(broken: LocalEngine) -> None:
    load(broken, "corrupt", "good")
    status = broken.status("corrupt")
    assert status.state == "failed"
    assert "corrupt are damaged" in status.reason
    assert broken.status("good").state == "ready"
    with pytest.raises(Fault, match=r"'corrupt' is not ready: it is failed \(The weights in"):
        list(broken.stream([request("1", "corrupt")]))


def test_weights_that_do_not_fit_their_config_fail_their_own_model_alone(tmp_path: Path) -> None:
    engine = LocalEngine(tiny_family(tmp_path, keys=("odd", "good")), "fp32", "cpu")
    config = tmp_path / "odd" / "config.json"
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace('"intermediate_size": 128', '"intermediate_size": 192'))
    load(engine, "odd", "good")
    assert engine.status("odd").state == "failed"
    assert "odd cannot be loaded" in engine.status("odd").reason
    assert engine.status("good").state == "ready"


def test_a_failed_model_loads_once_its_files_are_mended(broken: LocalEngine) -> None:
    load(broken, "corrupt")
    save_tiny(Path(broken._models._family.model("corrupt").repo))
    load(broken, "corrupt")
    assert broken.status("corrupt").state == "ready"


class Failing:
    """A decoder that fails after so many passes."""

    def __init__(self, decode: Decoder, passes: int, error: Exception) -> None:
        self._decode = decode
        self._left = passes
        self._error = error

    def __call__(
        self,
        ids: torch.Tensor,
        positions: torch.Tensor,
        slots: Slots,
        mask: torch.Tensor | None,
        keep: torch.Tensor | None,
    ) -> torch.Tensor:
        if not self._left:
            raise self._error
        self._left -= 1
        return self._decode(ids, positions, slots, mask, keep)


def fail(engine: LocalEngine, model: str, error: Exception) -> None:
    """The model fails at the fourth token of a row."""
    weights = engine._models._weights[model]
    engine._lanes.pop(model, None)  # which has the decoder it was made with
    engine._models._weights[model] = replace(weights, decode=Failing(weights.decode, 3, error))


def told(stream: Iterator[TokenEvent | None]) -> Iterator[str | None]:
    """The texts of a stream, None at the end of a step, and at last what it raised."""
    try:
        for event in stream:
            yield event.text if event is not None else None
    except Fault as fault:
        yield str(fault)


def test_a_model_that_fails_takes_nobody_elses_words(own: LocalEngine) -> None:
    crowd = [request("1", "a"), request("2", "b"), request("3", "a")]
    expected = alone(own, *crowd)
    fail(own, "b", torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB."))
    streams = [told(own.stream([each])) for each in crowd]
    assert [next(stream) for stream in streams] == [None] * 3
    # The first is driven alone, and fills the others' mailboxes until "b" fails and beyond.
    first, second, third = ([text for text in stream if text] for stream in streams)
    assert ["".join(first), "".join(third)] == [expected[0], expected[2]]
    *said, fault = second
    assert said
    assert expected[1].startswith("".join(said))
    assert fault.startswith("The device has no memory left for what 'b' was asked")
    assert is_idle(own)


def test_a_stream_says_what_its_other_models_say_before_it_fails(own: LocalEngine) -> None:
    (expected,) = alone(own, request("1", "a"))
    fail(own, "b", ZeroDivisionError("a bug"))
    events: list[TokenEvent] = []
    with pytest.raises(ZeroDivisionError, match="a bug"):
        events.extend(each for each in own.stream([request("2", "b"), request("1", "a")]) if each)
    assert "".join(event.text for event in events if event.request_id == "1") == expected
    assert [event.request_id for event in events].count("2") == 3


def test_what_was_submitted_fails_alone(own: LocalEngine) -> None:
    fail(own, "b", ZeroDivisionError("a bug"))
    own.submit(request("1", "a", 6))
    own.submit(request("2", "b", 6))
    ids = ["".join(event.request_id for event in own.step()) for _ in range(4)]
    assert ids == ["12", "12", "12", "1"]
    with pytest.raises(ZeroDivisionError):
        own.step()
    assert [event.finish for _ in range(2) for event in own.step()] == [None, "length"]
    assert is_idle(own)


def test_a_model_that_failed_answers_the_next_one(own: LocalEngine) -> None:
    (expected,) = alone(own, request("1", "b"))
    sound = own._models._weights["b"]
    fail(own, "b", ZeroDivisionError("a bug"))
    with pytest.raises(ZeroDivisionError):
        answers(own, [request("1", "b")])
    own._models._weights["b"] = sound
    assert alone(own, request("1", "b")) == [expected]


def test_a_model_that_is_loaded_anew_says_what_its_new_weights_say(own: LocalEngine) -> None:
    question = [PROMPTS[1] * 3] * 2  # so long that its beginning is kept
    before, (theirs,) = completions(own, "a", question, 8), alone(own, request("1", "b"))
    assert alone(own, request("1", "a")) != [theirs]
    running = own.stream([request("1", "a"), request("2", "b")])
    assert [next(running), isinstance(next(running), TokenEvent)] == [None, True]
    save_tiny(Path(own._models._family.model("a").repo), seed=1)  # now it is "b"
    load(own, "a")
    with pytest.raises(Fault, match=r"The model 'a' was loaded anew meanwhile; ask it again\."):
        list(running)
    assert alone(own, request("1", "a")) == [theirs]
    assert completions(own, "a", question, 8) == completions(own, "b", question, 8) != before


def test_bad_names_say_what_is_allowed(tmp_path: Path) -> None:
    family = tiny_family(tmp_path)
    with pytest.raises(Fault, match=r"'nf5' is unknown; choose one of nf4, fp4, int8, bf16, fp32"):
        open_engine(family, "nf5")
    with pytest.raises(Fault, match="'gpu' is unknown; choose auto, cpu, mps, cuda or cuda:N"):
        open_engine(family, "fp32", "gpu")

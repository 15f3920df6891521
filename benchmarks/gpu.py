"""Four models of seven billion weights on one GPU: their speed, memory and one evaluation.

The weights are random and the rows made of random words, because speed asks only for shapes. With
--quick the same is done by the CPU to models of a few kilobytes, to see whether everything runs.
"""

import gc
import platform
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch

from benchmarks import threads
from benchmarks.answer import Answer, total
from benchmarks.figure import Figure
from benchmarks.race import Lap, lap, race, times_faster
from benchmarks.setting import Setting
from benchmarks.shape import TINY, Shape, build, muse_data, prompt_of
from benchmarks.stream import ours
from benchmarks.suite import headline
from loaders import Family, Fault, ModelSpec, Request, Sampling
from loaders.engine.local import LocalEngine
from loaders.engine.replay import CudaRecorder, Recorder, compute_again, replayed
from loaders.engine.weights import Weights, load_weights
from loaders.prequantized.making import make
from loaders.prequantized.source import find_source

PRECISION = "nf4"
GIB = 2**30
SHORT = "w7 w8 w9"  # a prompt of which next to nothing has to be read

Run = Callable[[], dict[str, Answer]]
Laps = dict[str, list[Lap[dict[str, Answer]]]]


@dataclass(frozen=True)
class Bench:
    """What everything is measured on: `family` is prequantized, `engine` runs it."""

    setting: Setting
    device: str
    family: Family
    engine: LocalEngine

    @property
    def keys(self) -> list[str]:
        """The models, in their order."""
        return [spec.key for spec in self.family.models]

    @property
    def where(self) -> str:
        """The device and what was run on it, in words."""
        name = platform.machine() + " CPU"
        if self.device != "cpu":
            name = torch.cuda.get_device_name(self.device)
        return f"{name}, {PRECISION}, four models of the shape {self.setting.size.shape.name}"


def measure(setting: Setting) -> Iterator[Figure]:
    """All figures, each as soon as it is known."""
    shape = setting.size.shape
    device = _device(shape)
    with tempfile.TemporaryDirectory() as folder:
        source = build(Path(folder) / "source", shape, device)
        _release()
        quantizing = [_quantizing(source, device) for _ in range(2)][-1]  # the first warms up
        make(find_source(source.models[0]), Path(folder) / PRECISION, device)
        family = _moved(source, Path(folder) / PRECISION)
        bench = Bench(setting, device, family, _loaded(family, device))
        yield from _loading(bench, quantizing)
        yield from _streaming(bench)
        yield _first_token(bench)
        yield _evaluation(bench)


def _quantizing(source: Family, device: str) -> float:
    """Seconds until a model that is quantized while it is read, is ready."""
    seconds = _loaded(source, device, ("original",)).status("original").seconds
    _release()
    return seconds


def _loading(bench: Bench, quantizing: float) -> Iterator[Figure]:
    ready = [bench.engine.status(key) for key in bench.keys]
    yield Figure(
        name="gpu_prequantized",
        unit="ratio",
        runs=tuple(quantizing / status.seconds for status in ready),
        bound="at least",
        target=3.0,
        baseline="the same model quantized while it is loaded",
        device=bench.where,
        note=f"{quantizing:.1f} s against {min(status.seconds for status in ready):.1f} s",
    )
    yield Figure(
        name="gpu_weights",
        unit="gib",
        runs=(sum(status.bytes for status in ready) / GIB,),
        bound="at most",
        target=16.0,
        baseline="none; the weights of four models",
        device=bench.where,
    )


def _streaming(bench: Bench) -> Iterator[Figure]:
    """Laps of all contenders by turns; the first one of each warms up."""
    laps = race(_panes(bench), bench.setting.size.repeats + 1)
    laps = {name: found[1:] for name, found in laps.items()}
    yield Figure(
        name="gpu_stream_each",
        unit="tokens_per_second",
        runs=tuple(_rate(lap) / len(bench.keys) for lap in laps["ours"]),
        bound="at least",
        target=100.0,
        baseline="none; what each of four panes gets",
        device=bench.where,
    )
    yield _against(bench, laps, "eager", 4.0, "the same steps, launched kernel by kernel")
    yield _against(bench, laps, "threads", 8.0, "four threads of generate(), a streamer each")


def _against(bench: Bench, laps: Laps, name: str, target: float, baseline: str) -> Figure:
    """Times faster than `name`; the eager path has to say the very same."""
    mine, theirs = laps["ours"][-1].result, laps[name][-1].result
    same = sum(mine[key].text == theirs[key].text for key in mine)
    words = f"texts identical {same} of {len(mine)}"
    return Figure(
        name=f"gpu_stream_vs_{name}",
        unit="ratio",
        runs=times_faster(laps["ours"], laps[name]),
        bound="at least",
        target=target,
        baseline=baseline,
        device=bench.where,
        note=f"{_rate(laps['ours'][-1]):.0f} tokens/s, {name} {_rate(laps[name][-1]):.0f}; {words}",
        misses=(words,) if name == "eager" and same < len(mine) else (),
    )


def _first_token(bench: Bench) -> Figure:
    """Until every pane shows the first token after a long prompt."""
    prompt = prompt_of(bench.setting.size.shape)
    laps = [lap(lambda: _begun(bench, prompt)) for _ in range(bench.setting.size.repeats + 1)]
    return Figure(
        name="gpu_first_token",
        unit="seconds",
        runs=tuple(lap.seconds for lap in laps[1:]),
        bound="at most",
        target=1.0,
        baseline=f"none; a prompt of {bench.setting.size.shape.prompt:,} tokens in all panes",
        device=bench.where,
    )


def _begun(bench: Bench, prompt: str) -> int:
    """How many panes have a token, which is all of them."""
    requests = [Request(key, key, prompt, Sampling(2)) for key in bench.keys]
    waiting = set(bench.keys)
    stream = bench.engine.stream(requests)
    while waiting:
        event = next(stream)
        waiting -= {event.model} if event is not None else set()
    stream.close()  # type: ignore[attr-defined]
    return len(bench.keys)


def _evaluation(bench: Bench) -> Figure:
    shape = bench.setting.size.shape
    data = muse_data(shape)
    found = lap(lambda: headline(bench.engine, bench.family, data, ("retrained",)))
    return Figure(
        name="gpu_evaluation",
        unit="seconds",
        runs=(found.seconds,),
        bound="at most",
        target=90.0,
        baseline=f"none; one model, four headline metrics, {shape.rows} rows a set",
        device=bench.where,
    )


def _panes(bench: Bench) -> dict[str, Run]:
    """Ours, the same without recordings, and a thread of `generate` for each model."""
    tokens = bench.setting.size.gpu_tokens
    eager = _loaded(bench.family, bench.device, record=compute_again)
    plain = {spec.key: _plain(spec, bench.device) for spec in bench.family.models}
    return {
        "ours": partial(ours, bench.engine, bench.keys, SHORT, tokens),
        "eager": partial(ours, eager, bench.keys, SHORT, tokens),
        "threads": partial(threads.run, plain, SHORT, tokens),
    }


def _plain(spec: ModelSpec, device: str) -> Weights:
    """For `generate`, which has to be told what to pad with and to leave nothing out."""
    return replace(load_weights(spec, PRECISION, device), eos=frozenset([0]))


def _loaded(
    family: Family, device: str, keys: Sequence[str] = (), record: Recorder | None = None
) -> LocalEngine:
    """An engine with the models called `keys`, or all; its steps are recorded by `record`."""
    recorder = record or (compute_again if device == "cpu" else CudaRecorder(device))
    engine = LocalEngine(family, PRECISION, device, lambda decode: replayed(decode, recorder))
    for key in keys or [spec.key for spec in family.models]:
        for _ in engine.load(key):
            pass
        if (status := engine.status(key)).state != "ready":
            raise Fault(f"{key} could not be loaded: {status.reason}")
    return engine


def _moved(family: Family, folder: Path) -> Family:
    """The same models, all of them in `folder`."""
    place = str(folder)
    models = tuple(replace(spec, repo=place, tokenizer=place) for spec in family.models)
    return replace(family, models=models)


def _device(shape: Shape) -> str:
    if torch.cuda.is_available():
        return "cuda:0"
    if shape is TINY:
        return "cpu"
    raise Fault(
        "There is no CUDA GPU here, which `python -m benchmarks gpu` measures; run it on a machine "
        "that has one, or see with --quick whether it runs."
    )


def _rate(lap: Lap[dict[str, Answer]]) -> float:
    """Tokens per second of all panes together."""
    return total(lap.result.values()) / lap.seconds


def _release() -> None:
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()

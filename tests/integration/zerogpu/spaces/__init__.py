"""A small `spaces` for tests: lends a process instead of a GPU, by the rules of ZeroGPU.

Only generators are taken. One runs in a worker that is forked at the first call and kept; what goes
in and comes out is pickled; Stop is heard after the next yield; of an exception only the class is
told; the visitor is found in the context. Each has STAND_IN_QUOTA seconds, and every call leaves a
line in the file STAND_IN_LOG.
"""

import inspect
import json
import multiprocessing
import os
import pickle
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

_FORK = multiprocessing.get_context("fork")
_spent: dict[str, int] = {}


def GPU(task: Any = None, *, duration: Any = 60, size: Any = None) -> Any:
    """The decorator; on a machine that does not lend, it changes nothing."""
    if task is None:
        return lambda named: GPU(named, duration=duration, size=size)
    if os.getenv("SPACES_ZERO_GPU", "").lower() not in ("1", "t", "true"):
        return task
    if not inspect.isgeneratorfunction(task):
        raise NotImplementedError
    return _lent(task, duration)


def _lent(task: Callable[..., Iterator[Any]], duration: Any) -> Callable[..., Iterator[Any]]:
    idle: list[_Worker] = []

    @wraps(task)
    def handler(*args: Any, **kwargs: Any) -> Iterator[Any]:
        seconds = duration(*args, **kwargs) if callable(duration) else duration
        _schedule(seconds)
        worker = idle.pop() if idle else _Worker(task)
        _note(visitor=_visitor(), seconds=seconds, worker=worker.process.pid)
        worker.arguments.send_bytes(pickle.dumps((args, kwargs)))
        try:
            yield from _heard(worker)
        finally:
            idle.append(worker)

    return handler


def _heard(worker: "_Worker") -> Iterator[Any]:
    from gradio import Error

    while True:
        kind, value = pickle.loads(worker.results.recv_bytes())
        if kind == "end":
            return
        if kind == "error":
            raise Error(value, title="ZeroGPU worker error", print_exception=False)
        try:
            yield value
        except GeneratorExit:
            worker.stop.set()
            while pickle.loads(worker.results.recv_bytes())[0] != "end":
                pass
            raise


class _Worker:
    """A forked process that runs one call after the other, and ends with its parent."""

    def __init__(self, task: Callable[..., Iterator[Any]]) -> None:
        self.arguments, there = _FORK.Pipe()
        self.results, back = _FORK.Pipe()
        self.stop = _FORK.Event()
        self.process = _FORK.Process(target=self._serve, args=(task, there, back), daemon=True)
        self.process.start()

    def _serve(self, task: Callable[..., Iterator[Any]], there: Any, back: Any) -> None:
        # As long as this process holds the parent's ends too, it never learns that they closed.
        self.arguments.close()
        self.results.close()
        while True:
            try:
                args, kwargs = pickle.loads(there.recv_bytes())
            except EOFError:
                return
            self.stop.clear()
            try:
                steps = task(*args, **kwargs)
                for value in steps:
                    if self.stop.is_set():
                        steps.close()
                        break
                    back.send_bytes(pickle.dumps(("value", value)))
            except Exception as error:  # noqa: BLE001 - as ZeroGPU does
                back.send_bytes(pickle.dumps(("error", type(error).__name__)))
            back.send_bytes(pickle.dumps(("end", None)))


def _schedule(seconds: int) -> None:
    from gradio import Error

    visitor = _visitor()
    left = int(os.getenv("STAND_IN_QUOTA", "3600")) - _spent.get(visitor, 0)
    if seconds > left:
        message = (
            f"You have exceeded your free ZeroGPU quota ({seconds}s requested vs. {left}s left). "
            "Try again in 3:12:00. "
        )
        raise Error(message, title="ZeroGPU quota exceeded", print_exception=False)
    _spent[visitor] = _spent.get(visitor, 0) + seconds


def _visitor() -> str:
    """Whose share is used: known only where the context of the visitor's request is."""
    from gradio.context import LocalContext

    request = LocalContext.request.get(None)
    return "nobody" if request is None else str(request.headers.get("x-ip-token", "anonymous"))


def _note(**line: Any) -> None:
    if where := os.getenv("STAND_IN_LOG"):
        with open(where, "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

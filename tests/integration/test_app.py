"""The command line of the app: what it refuses, and how it starts and ends."""

import signal
import socket
from pathlib import Path

import httpx
import pytest

from benchmarks.start import status
from tests.commands import Done, run_process
from tests.serving import ROOT, app_process, await_page


def run_app(*flags: str) -> Done:
    return run_process("app.py", *flags)


def test_help_names_every_choice_without_loading_anything() -> None:
    result = run_app("--help")
    assert result.returncode == 0
    families = "demo | demo-tuned | muse-books | muse-news | FILE.toml"
    for word in (families, "nf4,fp4,int8,bf16,fp32", "127.0.0.1", "7860"):
        assert word in result.stdout


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--precision", "nf5"], "choose from"),
        (["--family", "books"], "choose demo, demo-tuned, muse-books, muse-news, or give the path"),
        (["--port", "99999"], "'99999' is not a port; choose 1 to 65535"),
        (["--auth", "nobody"], "give it as USER:PASSWORD"),
        (["--host", "999.1.1.1"], "Cannot serve on 999.1.1.1:7860"),
        (["--checkpoints", "nowhere"], "nowhere of checkpoints does not exist"),
        (["--data", "./nowhere"], "nowhere does not exist"),
        (["--device", "gpu"], "'gpu' is unknown; choose auto, cpu, mps, cuda or cuda:N"),
    ],
)
def test_a_bad_flag_says_what_is_allowed(flags: list[str], says: str) -> None:
    result = run_app(*flags)
    assert result.returncode == 2
    assert says in result.stderr
    assert "Traceback" not in result.stderr


def test_a_family_file_with_a_typo_is_refused_in_one_sentence(tmp_path: Path) -> None:
    family = tmp_path / "mine.toml"
    text = (ROOT / "loaders" / "families" / "muse-books.toml").read_text(encoding="utf-8")
    family.write_text(text.replace("label", "lable", 1), encoding="utf-8")
    result = run_app("--family", str(family))
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1
    assert "unknown key 'models.0.lable' (did you mean 'label'?)" in result.stderr


def test_a_port_in_use_is_said_before_anything_is_loaded() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = run_app("--port", str(port))
    assert result.returncode == 2
    assert f"Cannot serve on 127.0.0.1:{port} (Address already in use)" in result.stderr


def test_the_page_is_served_before_the_models_are_ready_and_ends_on_interrupt() -> None:
    with app_process() as (process, address):
        await_page(address, process)
        assert {model["state"] for model in status(address)} & {"waiting", "loading"}
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 0


def test_visitors_log_in_where_auth_is_asked_for() -> None:
    with app_process("--auth", "ada:secret") as (process, address):
        await_page(address, process)
        assert httpx.get(f"{address}/config").status_code == 401
        answer = httpx.post(f"{address}/login", data={"username": "ada", "password": "secret"})
        assert answer.status_code == 200

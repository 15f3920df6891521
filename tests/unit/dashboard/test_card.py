"""A model's card: what runs, where it comes from, how it was made; and that no text of it runs."""

from dataclasses import replace

from dashboard.card import card_panel
from dashboard.panes import pane
from dashboard.provenance import Provenance
from loaders import Footprint, ModelSpec, Status, load_family
from loaders.cards import Card, Setting, Source
from loaders.sizes import say_count, say_size
from tests.unit.dashboard.sight import FAMILY, PROVENANCE, said
from tests.unit.dashboard.test_html import NASTY

BOOKS = load_family("muse-books")
FULL = Provenance(BOOKS, "nf4", "cuda:0")
LLAMA = Footprint(
    6_738_415_616, layers=32, context=2048, compute_dtype="bfloat16", commit="ab" * 20
)
READY = Status("ready", 41.23, bytes=3_866_000_000, footprint=LLAMA)


def card(spec: ModelSpec, status: Status = READY, provenance: Provenance = FULL) -> str:
    return card_panel(provenance, spec, status)


def test_every_pane_has_a_button_that_opens_its_card() -> None:
    for spec in FAMILY.models:
        button = f'popovertarget="about-{spec.key}" aria-label="About {spec.label}"'
        assert button in pane(PROVENANCE, spec, said(spec.key, 0.5))
        assert f'popover id="about-{spec.key}"' in card(spec, READY, PROVENANCE)


def test_what_runs_is_said_as_it_was_measured() -> None:
    html = card(BOOKS.model("original"))
    for words in (
        "<dt>4 bits, double quantization, computing in bfloat16</dt><dd>NF4</dd>",
        "<dt>of weights on CUDA:0</dt><dd>3.87 GB</dd>",
        "<dt>to load</dt><dd>41.2 s</dd>",
        '<dt>parameters</dt><dd title="6,738,415,616">6.74 billion</dd>',
        "<dt>layers</dt><dd>32</dd>",
        "<dt>tokens of context</dt><dd>2,048</dd>",
    ):
        assert words in html


def test_what_is_not_measured_is_no_number() -> None:
    spec = BOOKS.model("original")
    assert "It waits to be loaded." in card(spec, Status("waiting"))
    assert "could not be loaded: disk full" in card(spec, Status("failed", reason="disk full"))
    assert "of weights when it is on CUDA:0" in card(spec, replace(READY, held=False))
    remote = card(spec, Status("ready", 0.4))
    assert "does not say what it takes" in remote
    assert "0 B" not in remote


def test_a_branch_shows_the_commit_that_it_was() -> None:
    spec = replace(BOOKS.model("simnpo"), revision="main")
    at = f'href="https://huggingface.co/{spec.repo}/tree/'
    assert f'{at}main"' in card(spec)
    assert f'{at}{"ab" * 20}"' in card(spec)
    assert "known once main is loaded" in card(spec, Status("loading"))
    pinned = replace(spec, revision="cd" * 20)
    assert "<dt>Commit</dt>" not in card(pinned)


def test_a_folder_is_named_by_the_hash_of_its_weights() -> None:
    demo = load_family("demo")
    known = Provenance(demo, "nf4", "cpu", revisions={"npo": "sha256:02da9edd93c3"})
    html = card(demo.model("npo"), READY, known)
    assert "<code>assets/demo/models/npo</code>" in html
    assert "<code>sha256:02da9edd93c3</code> <small>hash of the weights</small>" in html
    assert 'href="https://creativecommons.org/licenses/by/4.0/"' in html
    assert "</span> Original</dd>" in html


def test_a_folder_elsewhere_is_not_told_in_full() -> None:
    spec = replace(FAMILY.model("npo"), repo="/home/ada/secret/runs/npo/last")
    html = card(spec, READY, PROVENANCE)
    assert "<code>runs/npo/last</code>" in html
    assert "ada" not in html


def test_a_served_model_is_called_as_its_server_calls_it() -> None:
    spec = replace(BOOKS.model("npo"), repo="", engine="openai", url="http://10.0.0.7/v1")
    spec = replace(spec, served_model="npo-7b", tokenizer="owner/name")
    known = replace(FULL, revisions={"npo": "npo-7b @ vllm 0.14"})
    html = card(spec, Status("ready", 0.4, note="served by vllm 0.14"), known)
    assert "It is served by vllm 0.14. Whoever runs it does not say what it takes." in html
    assert "<code>npo-7b</code> <small>at a server</small>" in html
    assert "<code>npo-7b @ vllm 0.14</code>" in html
    assert "10.0.0.7" not in html


def test_sources_that_disagree_stand_under_each_other() -> None:
    html = card(BOOKS.model("simnpo"))
    head = '<th scope="rowgroup" rowspan="2">β<small>sources disagree</small></th><td>0.7</td>'
    assert head in html
    assert '<tr><td>0.75</td><td><a href="https://github.com/OPTML-Group/Unlearn-Simple/' in html
    agreed = '<th scope="rowgroup" rowspan="1">learning rate</th><td>1e-5</td><td><a href='
    assert agreed in html
    assert html.count("sources disagree") == 4


def test_npo_says_why_it_has_another_name() -> None:
    html = card(BOOKS.model("npo"))
    assert "Labelled NPO (+SAM) because no checkpoint of plain NPO" in html


def test_settings_of_one_source_name_it_once() -> None:
    html = card(load_family("demo").model("npo"))
    assert "<div><dt>β</dt><dd>0.003</dd></div>" in html
    assert html.count("card.json") == 1


def test_a_card_that_says_nothing_says_so() -> None:
    html = card(replace(BOOKS.model("npo"), card=Card()))
    assert html.count("— not known to this project") == 4
    assert "See also" not in html


def test_no_text_of_a_card_becomes_markup_or_a_script() -> None:
    nasty = Card(
        licence=NASTY,
        base=NASTY,
        method=NASTY,
        data=NASTY,
        remark=NASTY,
        settings=(Setting(NASTY, NASTY, "a"), Setting(NASTY, "other", NASTY)),
        sources=(Source("a", "javascript:alert(1)"), Source(NASTY, 'https://x/"><script>')),
    )
    fields = dict.fromkeys(("key", "label", "note", "repo", "revision", "tokenizer"), NASTY)
    spec = replace(BOOKS.model("npo"), card=nasty, **fields)  # type: ignore[arg-type]
    for status in (READY, Status("failed", reason=NASTY)):
        html = card(spec, status)
        for wrong in ("<img", "${", "{{", "<script", 'href="javascript'):
            assert wrong not in html


def test_many_things_and_bytes_are_written_in_three_digits() -> None:
    assert [say_count(n) for n in (999_999, 2_164_416, 6_738_415_616)] == [
        "999,999",
        "2.16 million",
        "6.74 billion",
    ]
    assert [say_size(n) for n in (512, 1_732_016, 26_950_000_000, 130_000_000_000)] == [
        "512 B",
        "1.73 MB",
        "26.9 GB",
        "130 GB",
    ]

import csv
import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pyarrow
import pytest
from pyarrow import parquet

from loaders import Fault
from metrics import from_json
from metrics.export import FORMATS, find_format
from metrics.export.columns import find_columns
from metrics.export.latex import escape
from metrics.export.pictures import find_ends
from metrics.export.rows import COLUMNS, Rows, make_rows
from metrics.export.svg import Mark, bar_chart, esc, spread
from metrics.store import Stored, as_results
from tests.unit.metrics.export.samples import ALL, NASTY, answers, made

NASTY_ONE = made("npo", verbmem_f=answers(0.2, text=NASTY))


def written(name: str, stored: tuple[Stored, ...] = ALL, rows: Rows = "numbers") -> bytes:
    return find_format(name).write(stored, rows)


def text(name: str, stored: tuple[Stored, ...] = ALL, rows: Rows = "numbers") -> str:
    return written(name, stored, rows).decode("utf-8")


def test_the_ways_out() -> None:
    names = ["csv", "json", "parquet", "latex", "html", "open-unlearning"]
    assert [form.name for form in FORMATS] == names
    assert [form.name for form in FORMATS if not form.is_text] == ["parquet"]
    with pytest.raises(Fault, match="There is no format 'xls'; choose from csv, json, parquet"):
        find_format("xls")


def test_csv_has_a_line_per_number_with_all_it_depends_on() -> None:
    rows = list(csv.DictReader(io.StringIO(text("csv"))))
    assert len(rows) == len(ALL) * 3
    first = rows[0]
    assert (first["model"], first["metric"], first["best"], first["n"]) == (
        *("original", "verbmem_f", "low", "12"),
    )
    assert float(first["value"]) == ALL[0].record.metrics["verbmem_f"].value
    for column in ("precision", "revision", "source", "scale", "seed", "data_sha256", "device"):
        assert first[column]
    assert json.loads(first["versions"]) == {"numpy": "2.4.6"}
    assert first["compute"] == ""
    (one, *_), record = ALL, ALL[0].record
    quantized = replace(one, record=replace(record, precision="nf4", compute="bf16"))
    (row, *_) = csv.DictReader(io.StringIO(text("csv", (quantized,))))
    assert (row["precision"], row["compute"]) == ("nf4", "bf16")
    assert rows[1]["reference"] == "retrained @ fp32, this run"
    assert rows[0]["reference"] == ""


def test_csv_can_have_a_line_per_sample() -> None:
    rows = list(csv.DictReader(io.StringIO(text("csv", (NASTY_ONE,), "samples"))))
    assert len(rows) == 12
    assert {row["output"] for row in rows} == {NASTY}
    assert rows[0]["truth"] == "true"


def test_half_a_character_does_not_break_a_file() -> None:
    broken = made("npo", verbmem_f=answers(0.2, text="half \ud83d"))
    for name in ("csv", "parquet", "html"):
        assert b"half ?" in written(name, (broken,), "samples") or name == "html"


def test_json_is_the_projects_own() -> None:
    assert from_json(text("json")) == as_results(ALL)
    with pytest.raises(Fault, match="npo @ fp32 is there twice"):
        written("json", (ALL[2], NASTY_ONE))


@pytest.mark.parametrize("rows", ["numbers", "samples"])
def test_parquet_comes_back_as_it_was_with_types(rows: Rows) -> None:
    table = parquet.read_table(pyarrow.BufferReader(written("parquet", ALL, rows)))
    assert table.to_pylist() == make_rows(ALL, rows)
    assert table.column_names == list(COLUMNS[rows])
    kinds = {str: pyarrow.string(), float: pyarrow.float64(), int: pyarrow.int64()}
    assert [field.type for field in table.schema] == [kinds[k] for k in COLUMNS[rows].values()]


def cells(line: str) -> list[str]:
    return re.split(r"(?<!\\)&", line)


def test_latex_is_a_table_that_compiles() -> None:
    nf4 = tuple(made(model, "nf4") for model in ("original", "npo"))
    source = text("latex", (*ALL, *nf4))
    bare = re.sub(r"\\[{}%&$#_]", "", source)
    assert bare.count("{") == bare.count("}")
    assert bare.replace(r"\$", "").count("$") % 2 == 0
    begun = re.findall(r"\\begin\{(\w+)\}", source)
    assert begun == list(reversed(re.findall(r"\\end\{(\w+)\}", source)))
    (layout,) = re.findall(r"\\begin\{tabular\}\{(\w+)\}", source)
    lines = [line for line in source.splitlines() if line.endswith(r"\\")]
    assert {len(cells(line)) for line in lines} == {len(layout)}
    assert len(lines) == 1 + 4 + 2
    assert (source.count(r"\toprule"), source.count(r"\midrule"), source.count(r"\bottomrule")) == (
        *(1, 2, 1),
    )


def test_latex_gives_value_interval_and_what_is_best() -> None:
    source = text("latex")
    assert r"VerbMem $\downarrow$ & PrivLeak $\to 0$ & KnowMem, retain $\uparrow$" in source
    value = ALL[0].record.metrics["verbmem_f"].value
    assert f"${value:.1f}_{{\\,[{value - 2.5:.1f},\\,{value + 2.5:.1f}]}}$" in source
    assert r"SimNPO \& co\_1" in source
    (caption,) = re.findall(r"\\caption\{(.*)\}", source)
    for said in (r"lamp\_1 (toy)", "precision fp32", "profile muse", "VerbMem 12", "seed 0"):
        assert said in caption
    assert "Original original" in caption
    assert "set against retrained @ fp32, this run" in caption


def test_latex_runs_nothing_of_a_text() -> None:
    assert escape("\\input{x} 5% $y$ a_b #1 ~^ & \n<>") == (
        r"\textbackslash{}input\{x\} 5\% \$y\$ a\_b \#1 \textasciitilde{}\textasciicircum{} \&  "
        r"\textless{}\textgreater{}"
    )


def test_a_missing_number_is_a_dash() -> None:
    some = (ALL[0], made("npo", verbmem_f=answers(0.2)))
    assert text("latex", some).count(" & --") == 2
    assert text("html", some).count("not measured") == 2


class Reader(HTMLParser):
    """Collects tags and their attributes, and checks that tags are closed in order."""

    VOID = ("meta", "br")

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    return reader


def test_the_report_stands_alone() -> None:
    page = text("html", (*ALL, made("npo", "nf4")), "samples")
    reader = read(page)
    assert not {"script", "link", "img", "iframe", "a", "image", "use"} & set(reader.tags)
    assert not {"src", "href", "xlink:href", "srcset"} & {name for name, _ in reader.attributes}
    assert not any(name.startswith("on") for name, _ in reader.attributes)
    assert not re.search(r"https?:|//|@import|url\(", page)
    assert reader.tags.count("svg") == 1 + 3 + 1 + 3


def test_the_report_shows_texts_and_runs_none() -> None:
    nasty = replace(NASTY_ONE, face=replace(NASTY_ONE.face, label=NASTY), family=NASTY)
    page = text("html", (nasty,), "samples")
    reader = read(page)
    assert "script" not in reader.tags
    assert "&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt;" in page
    assert "\x1b" not in page
    assert text("html", (nasty,)).count("=1+1") < page.count("=1+1")


def test_a_colour_that_is_none_is_grey() -> None:
    page = text("html")
    assert f"--m-{ALL[3].id}: #888888" in page
    assert f"--m-{ALL[2].id}: #0072B2" in page


def test_the_report_says_of_every_number_where_it_comes_from() -> None:
    page = text("html")
    line = "lamp_1 (toy) · fp32 · live · profile muse · device cpu · seed 0 · data sha256:"
    assert page.count(line) >= 4
    assert "set against retrained @ fp32, this run" in page
    for one in ALL:
        assert one.id in page
        assert one.record.revision in page
    heard = re.findall(r"<title>(Original: VerbMem [^<]*)</title>", page)
    value = ALL[0].record.metrics["verbmem_f"].value
    assert (
        f"Original: VerbMem {value:.1f} ({value - 2.5:.1f} to {value + 2.5:.1f}), n 12, fp32, "
        "revision original, live, toy"
    ) in heard
    assert "<b>PrivLeak</b>, n 16</figcaption>" in page
    assert "their numbers say nothing about large models" in page


def test_the_report_compares_where_there_is_something_to_compare_with() -> None:
    page = text("html")
    assert "p after Holm over 15 comparisons" in page
    assert "under-forgot" in page
    assert "to Retrained" in page
    alone = text("html", (ALL[2],))
    assert "Holm" not in alone
    assert "to Retrained" not in alone.replace("distance to", "")


def test_a_model_that_is_there_twice_is_told_apart_and_not_compared() -> None:
    page = text("html", (*ALL, NASTY_ONE))
    assert f"NPO ({NASTY_ONE.id})" in page
    assert "Holm" not in page
    assert f"NPO ({ALL[2].id})" in text("latex", (ALL[2], NASTY_ONE))


def test_a_record_without_numbers_is_no_fault() -> None:
    begun = replace(ALL[2], record=replace(ALL[2].record, metrics={}))
    assert "No metric of these records has been finished." in text("html", (begun,))
    for form in FORMATS[:-1]:
        assert form.write((begun,), "numbers")


def test_an_open_unlearning_file_is_of_one_record_of_its_profile() -> None:
    form = find_format("open-unlearning")
    with pytest.raises(Fault, match="holds one model, and 2 were chosen"):
        form.write(ALL[:2], "numbers")
    with pytest.raises(Fault, match="measure it with --profile open-unlearning"):
        form.write(ALL[:1], "numbers")
    theirs = replace(ALL[0], record=replace(ALL[0].record, profile="open-unlearning"))
    summary = json.loads(form.write((theirs,), "numbers"))
    value = ALL[0].record.metrics["verbmem_f"].value
    assert summary["forget_verbmem_ROUGE"] == pytest.approx(value / 100)
    rows = json.loads(form.write((theirs,), "samples"))["forget_verbmem_ROUGE"]["value_by_index"]
    assert len(rows) == 12


def test_a_metric_of_another_version_is_shown_by_its_key() -> None:
    newer = made("npo", verbmem_f=answers(0.2), tomorrow_f=answers(0.4))
    assert "tomorrow_f" in text("html", (newer,))
    assert r"tomorrow\_f" in text("latex", (newer,))


def test_an_axis_has_room_for_every_value() -> None:
    (verbmem, privleak, _) = find_columns(ALL)
    plain = ALL[0].record.metrics["verbmem_f"]
    assert find_ends(verbmem, [plain]) == (0, 100)
    assert find_ends(privleak, [ALL[0].record.metrics["privleak"]]) == (-100, 100)
    assert find_ends(privleak, [replace(plain, value=150, ci95=(120.0, 160.0))]) == (-100, 175)
    shares = replace(verbmem, decimals=2)
    assert find_ends(shares, [replace(plain, value=0.5, ci95=(0.4, 0.6))]) == (0, 1)
    assert find_ends(verbmem, []) == (0, 100)


def test_a_bar_is_as_high_as_its_value() -> None:
    mark = Mark("N", "NPO", "var(--m)", 50, 40, 60, "50.0", "NPO: 50.0 <here>")
    chart = bar_chart([mark], (0, 100), None)
    (height,) = re.findall(r'<rect [^>]*height="([\d.]+)"', chart)
    whole = bar_chart([replace(mark, value=100)], (0, 100), None)
    assert float(height) * 2 == float(re.findall(r'<rect [^>]*height="([\d.]+)"', whole)[0])
    assert "&lt;here&gt;" in chart
    assert "stroke-dasharray" not in chart
    assert "stroke-dasharray" in bar_chart([mark], (0, 100), mark)


def test_labels_keep_their_distance_and_their_order() -> None:
    assert spread([10, 11, 50], 14, 200) == [10, 24, 50]
    assert spread([199, 198], 14, 200) == [200, 186]
    assert spread([], 14, 200) == []


def test_control_signs_do_not_reach_a_page() -> None:
    assert esc("a\x00b\ud800c") == "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}c"

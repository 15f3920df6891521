"""One HTML page with all numbers of some records, to open offline and to print; nothing is loaded.

The page has no script and no address: styles and charts stand in it. Every text of a model, a data
set or a file passes `esc`.
"""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from metrics.export.columns import Column, count_samples, find_columns, name_rows
from metrics.export.groups import Batch, make_batches
from metrics.export.pictures import draw_bars, draw_dots
from metrics.export.rows import Rows
from metrics.export.svg import esc
from metrics.export.tables import (
    comparison_table,
    find_comparisons,
    letter,
    numbers_table,
    source_line,
)
from metrics.results import AnySample, LikelihoodSample
from metrics.store.records import Stored, say_date

STYLE = Path(__file__).with_name("report.css")
COLOUR = re.compile(r"#[0-9a-fA-F]{3,8}|[a-zA-Z]{3,20}")
ACROSS = 5  # metrics a table has room for on paper
TOY = (
    "These are tiny models that show how unlearning looks; their numbers say nothing about large "
    "models."
)


def write_report(stored: Sequence[Stored], rows: Rows) -> bytes:
    """The whole page. With `rows` "samples" it has every sample's texts too, folded.

    Models are compared where a batch of records has the retrained or the original model.
    """
    batches = make_batches(stored)
    names = name_rows(stored)
    body = [_head(stored), *(_batch(batch, names) for batch in batches), _provenance(stored, names)]
    if rows == "samples":
        body.append(_samples(stored, names))
    title = f"Unlearning: {', '.join(dict.fromkeys(one.family for one in stored))}"
    page = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{esc(title)}</title>\n<style>\n{_style(stored)}</style>\n</head>\n"
        f"<body>\n<main>\n{''.join(body)}</main>\n</body>\n</html>\n"
    )
    return page.encode("utf-8")


def _style(stored: Sequence[Stored]) -> str:
    """The style sheet, with both colours of every model."""
    light = "".join(f"--m-{one.id}: {_colour(one.face.colour)}; " for one in stored)
    dark = "".join(f"--m-{one.id}: {_colour(one.face.colour_dark)}; " for one in stored)
    return (
        f"{STYLE.read_text(encoding='utf-8')}:root {{ {light}}}\n"
        f"@media screen and (prefers-color-scheme: dark) {{ :root {{ {dark}}} }}\n"
    )


def _colour(value: str) -> str:
    return value if COLOUR.fullmatch(value) else "#888888"


def _head(stored: Sequence[Stored]) -> str:
    facts = [(f"{one.family} · {one.record.scale}", one.record.scale) for one in stored]
    badges = [(text, "toy" if scale == "toy" else "") for text, scale in facts]
    badges += [(one.record.precision, "") for one in stored]
    badges += [(one.record.source, "") for one in stored] + [(one.device, "") for one in stored]
    shown = "".join(
        f'<span class="badge {kind}">{esc(text)}</span>' for text, kind in dict.fromkeys(badges)
    )
    toy = f"<p>{TOY}</p>" if any(one.record.scale == "toy" for one in stored) else ""
    return (
        f"<h1>What the models still remember, and what they lost</h1>\n<div>{shown}</div>\n"
        "<p>Everything is read against the retrained model, which never saw what is to be "
        "forgotten: closest to it is best, not lowest. Under each value stand its 95&nbsp;% "
        "bootstrap interval and its distance to the retrained model of the same "
        f"precision.</p>\n{toy}\n"
    )


def _batch(batch: Batch, names: dict[str, str]) -> str:
    columns = find_columns(batch.stored)
    title = f"<h2>{esc(batch.title)}</h2>\n"
    if not columns:
        return f"{title}<p>No metric of these records has been finished.</p>\n"
    line = source_line(batch)
    numbers = [numbers_table(batch, some, names) for some in _chunks(columns)]
    charts = [draw_dots(batch, columns, names, line), draw_bars(batch, columns, names, line)]
    return "".join([title, *numbers, *charts, _differences(batch, columns, names)])


def _differences(batch: Batch, columns: Sequence[Column], names: dict[str, str]) -> str:
    made = find_comparisons(batch)
    tables = "".join(
        comparison_table(batch, [row for row in made if row.role == role], some, names)
        for role in ("retrained", "original")
        for some in _chunks(columns)
    )
    title = f"<h3>Differences, and whether chance explains them: {esc(batch.title)}</h3>\n"
    return f"{title}{tables}" if tables else ""


def _chunks(columns: Sequence[Column]) -> list[Sequence[Column]]:
    return [columns[start : start + ACROSS] for start in range(0, len(columns), ACROSS)]


def _provenance(stored: Sequence[Stored], names: dict[str, str]) -> str:
    rows = "".join(_origin(one, names) for one in stored)
    return (
        '<h2>Where the numbers come from</h2>\n<div class="card"><table><caption>Every record, '
        'all that its numbers depend on</caption><thead><tr><th scope="col">Record</th>'
        '<th scope="col">Model</th><th scope="col">Weights</th><th scope="col">Run</th>'
        '<th scope="col">n</th><th scope="col">Versions</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></div>\n"
    )


def _origin(one: Stored, names: dict[str, str]) -> str:
    record = one.record
    counts = _lines(f"{c.label} {count_samples([one], c)}" for c in find_columns([one]))
    run = (
        f"{record.held} · profile {record.profile}",
        f"{record.source} · {record.scale} · {one.device}",
        f"seed {record.seed} · {say_date(one.created)}",
        f"data sha256:{record.data_sha256[:12]}",
        *(record.notes or ()),
    )
    versions = _lines(f"{name} {value}" for name, value in one.versions.items())
    return (
        f'<tr><td><code>{esc(one.id)}</code></td><th scope="row">{letter(one)}'
        f'{esc(names[one.id])}<span class="under">{esc(one.family)}</span></th>'
        f"<td><code>{esc(record.repo)}</code><br><code>{esc(record.revision)}</code></td>"
        f"<td>{_lines(run)}</td><td>{counts}</td><td>{versions}</td></tr>"
    )


def _lines(texts: Iterable[str]) -> str:
    return "".join(f'<span class="under">{esc(text)}</span>' for text in texts)


def _samples(stored: Sequence[Stored], names: dict[str, str]) -> str:
    """Folded: what is unfolded is printed, and nothing else of it."""
    parts = ['<section class="samples">\n<h2>The samples behind the numbers</h2>\n']
    for one in stored:
        for column in find_columns([one]):
            measured = column.measured(one.record)
            if measured is not None:
                title = f"{names[one.id]} @ {one.record.precision}: {column.label}"
                rows = "".join(_sample(sample) for sample in measured.samples)
                parts.append(
                    f"<details><summary>{esc(title)}, n {measured.n}</summary>"
                    f'<div class="card">{rows}</div></details>\n'
                )
    return "".join([*parts, "</section>\n"])


def _sample(sample: AnySample) -> str:
    if isinstance(sample, LikelihoodSample):
        return f"<p>{esc(sample.id)} ({esc(sample.split)}): {sample.score:.3f}</p>"
    return (
        f'<div class="keep"><p><b>{esc(sample.id)}</b>, score {sample.score:.3f}</p>'
        f'<p class="soft">Prompt</p><p class="said">{esc(sample.prompt)}</p>'
        f'<p class="soft">True text</p><p class="said">{esc(sample.reference)}</p>'
        f'<p class="soft">What the model said</p><p class="said">{esc(sample.output)}</p></div>'
    )

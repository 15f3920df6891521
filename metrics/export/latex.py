"""Records as one table for a paper, set with booktabs; never computes a number.

Value with its 95 % interval as a subscript; what the numbers depend on stands in the caption.
"""

from collections.abc import Iterable, Sequence

from metrics.export.columns import (
    Column,
    count_samples,
    find_columns,
    find_references,
    name_rows,
    short_revision,
)
from metrics.export.rows import Rows
from metrics.reading.numerals import MINUS
from metrics.store.records import Stored, say_date

ARROWS = {"low": r" $\downarrow$", "high": r" $\uparrow$", "zero": r" $\to 0$", None: ""}
SPECIAL = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        **{sign: f"\\{sign}" for sign in "&%$#_{}"},
        **{chr(code): " " for code in (*range(32), 127)},
    }
)


def write_latex(stored: Sequence[Stored], rows: Rows) -> bytes:
    """A table environment that needs the package booktabs and nothing else.

    One line per record in the order given, a rule between precisions; samples are not for paper, so
    `rows` changes nothing.
    """
    columns = find_columns(stored)
    lines = [
        r"% Needs \usepackage{booktabs} in the preamble.",
        r"\begin{table}",
        r"  \centering",
        f"  \\caption{{{_caption(stored, columns)}}}",
        r"  \label{tab:unlearning}",
        f"  \\begin{{tabular}}{{ll{'r' * len(columns)}}}",
        r"    \toprule",
        _line(["Model", "Precision", *(escape(c.label) + ARROWS[c.best] for c in columns)]),
        r"    \midrule",
        *_body(stored, columns),
        r"    \bottomrule",
        r"  \end{tabular}",
        r"\end{table}",
    ]
    return ("\n".join(lines) + "\n").encode("utf-8", "replace")


def escape(text: str) -> str:
    """`text` so that LaTeX sets it and runs none of it."""
    return text.translate(SPECIAL)


def _body(stored: Sequence[Stored], columns: Sequence[Column]) -> list[str]:
    names, lines, before = name_rows(stored), [], stored[0].record.precision
    for one in stored:
        if one.record.precision != before:
            lines.append(r"    \midrule")
            before = one.record.precision
        cells = [_cell(one, column) for column in columns]
        lines.append(_line([escape(names[one.id]), escape(one.record.precision), *cells]))
    return lines


def _line(cells: Iterable[str]) -> str:
    return f"    {' & '.join(cells)} \\\\"


def _cell(one: Stored, column: Column) -> str:
    measured = column.measured(one.record)
    if measured is None:
        return "--"
    low, high = (_math(column, end) for end in measured.ci95)
    return f"${_math(column, measured.value)}_{{\\,[{low},\\,{high}]}}$"


def _math(column: Column, value: float) -> str:
    return column.number(value).replace(MINUS, "-").replace(",", "{,}")


def _caption(stored: Sequence[Stored], columns: Sequence[Column]) -> str:
    counts = ", ".join(f"{column.label} {count_samples(stored, column)}" for column in columns)
    names = name_rows(stored)
    revisions = dict.fromkeys(f"{names[one.id]} {short_revision(one.record)}" for one in stored)
    facts = (
        ("family", _each(f"{one.family} ({one.record.scale})" for one in stored)),
        ("precision", _each(one.record.held for one in stored)),
        ("numbers", _each(one.record.source for one in stored)),
        ("profile", _each(one.record.profile for one in stored)),
        ("n", counts),
        ("seed", _each(str(one.record.seed) for one in stored)),
        ("device", _each(one.device for one in stored)),
        ("measured", _each(say_date(one.created)[:10] for one in stored)),
        ("data sha256", _each(one.record.data_sha256[:12] for one in stored)),
        ("revisions", ", ".join(revisions)),
        ("set against", _each(find_references(stored, columns))),
    )
    said = "; ".join(f"{name} {value}" for name, value in facts if value)
    return f"Values with 95\\,\\% bootstrap intervals. {escape(said[:1].upper() + said[1:])}."


def _each(values: Iterable[str]) -> str:
    """Every value once, in the order they come."""
    return ", ".join(dict.fromkeys(values))

"""The HTML of the Compare page: panes, the true text, notices; pure functions of data."""

from collections.abc import Sequence

from dashboard.answers import Answer, shown_text
from dashboard.asking import Asking, Scenario
from dashboard.escape import colour, esc
from dashboard.overlap import Piece, overlap
from dashboard.provenance import Provenance, badge, checkpoint
from dashboard.words import Phrase, points
from loaders.family import Family, ModelSpec

CHARACTERS_PER_TOKEN, CHARACTERS_PER_LINE = 3.6, 30
BEFORE = "Run a prompt, and what the answers show is said here."
WRITING = "The models are writing …"
FEWEST_LINES, MOST_LINES = 5, 14


def model_style(spec: ModelSpec) -> str:
    """The two colours of a model for a style attribute; the style sheet picks one."""
    return f"--paper:{colour(spec.colour)};--night:{colour(spec.colour_dark)}"


def letter(spec: ModelSpec) -> str:
    """The square with the model's letter; it says nothing that the label beside it does not."""
    return f'<span class="letter" aria-hidden="true">{esc(spec.letter)}</span>'


def about_id(spec: ModelSpec) -> str:
    """The id of a model's card (dashboard/card.py) in the page."""
    return f"about-{spec.key}"


def about_button(spec: ModelSpec) -> str:
    """What opens a model's card; the browser does it by itself."""
    return (
        f'<button class="about" popovertarget="{esc(about_id(spec))}"'
        f' aria-label="About {esc(spec.label)}" title="About this model">i</button>'
    )


def pane(
    provenance: Provenance,
    spec: ModelSpec,
    answer: Answer,
    asking: Asking | None = None,
    reference: Answer | None = None,
    max_new_tokens: int = 96,
) -> str:
    """One model's answer with its score and how it came about; `reference` is Retrained's."""
    return (
        f'<article class="pane model" style="{model_style(spec)};--room:{_lines(max_new_tokens)}"'
        f' aria-label="{esc(spec.label)}" data-model="{esc(spec.key)}"'
        f' data-phase="{answer.phase}">'
        f'<div class="pane-head">{letter(spec)}<h3>{esc(spec.label)}</h3>'
        f"{badge(provenance.line, title=checkpoint(provenance, spec))}{about_button(spec)}</div>"
        f'<p class="note">{esc(spec.note)}</p>'
        f'<div class="said">{_said(answer, asking)}</div>'
        f"{_meter(answer, asking, reference)}"
        f'<p class="foot">{esc(_foot(answer))}</p>'
        "</article>"
    )


def _lines(max_new_tokens: int) -> int:
    """Room for the whole answer, reserved before it comes, so that nothing moves."""
    lines = round(max_new_tokens * CHARACTERS_PER_TOKEN / CHARACTERS_PER_LINE)
    return min(max(lines, FEWEST_LINES), MOST_LINES)


def _said(answer: Answer, asking: Asking | None) -> str:
    if answer.message:
        kind = "failure" if answer.phase == "failed" else "state"
        return f'<p class="{kind}">{esc(answer.message)}</p>'
    text = shown_text(asking, answer.text).lstrip()
    truth = asking.truth if asking is not None else None
    pieces = overlap(text, truth) if truth else (Piece(text),)
    caret = '<span class="caret"></span>' if answer.phase == "streaming" else ""
    body = f'<p class="text">{marked(pieces)}{caret}</p>'
    return body + "".join(f'<p class="aside">{note}</p>' for note in _notes(answer, asking, text))


def marked(pieces: Sequence[Piece]) -> str:
    """`pieces` as HTML, those that stand in the true text marked."""
    return "".join(
        f"<mark>{esc(piece.text)}</mark>" if piece.words else esc(piece.text) for piece in pieces
    )


def _notes(answer: Answer, asking: Asking | None, shown: str) -> list[str]:
    notes = []
    ended = answer.phase in ("finished", "stopped")
    if ended and not shown:
        notes.append("It says nothing.")
    elif ended and _is_question(asking) and len(shown) < len(answer.text.strip()):
        notes.append("Cut here, as MUSE does: it went on with more questions.")
    if answer.has_collapsed:
        notes.append("<strong>⚠ Text has collapsed: a low score here is not forgetting.</strong>")
    return notes


def _is_question(asking: Asking | None) -> bool:
    return asking is not None and asking.scenario.is_question


def _meter(answer: Answer, asking: Asking | None, reference: Answer | None) -> str:
    if asking is not None and asking.truth is None:
        return _track("no true text, no score", "—", None, None)
    label = "ROUGE-L to the true " + ("answer" if _is_question(asking) else "text")
    tick = reference.score if reference is not None else None
    return _track(label, "—" if answer.score is None else str(points(answer)), answer.score, tick)


def _track(label: str, value: str, score: float | None, tick: float | None) -> str:
    bar = "" if score is None else f'<i style="width:{100 * score:.1f}%"></i>'
    mark = "" if tick is None else f'<u style="left:{100 * tick:.1f}%" title="Retrained"></u>'
    return (
        f'<div class="meter"><div class="meter-head"><span>{esc(label)}</span>'
        f'<b class="score">{value}</b></div><div class="track">{bar}{mark}</div></div>'
    )


def _foot(answer: Answer) -> str:
    if not answer.tokens:
        return "\N{NO-BREAK SPACE}"
    parts = [f"{answer.tokens} tokens"]
    if answer.tokens_per_second is not None:
        parts.append(f"{answer.tokens_per_second:.0f} tok/s")
    parts.append(f"first after {1000 * answer.first_seconds:.0f} ms")
    if answer.phase == "stopped":
        parts.append("stopped")
    return " · ".join(parts)


def truth_block(scenario: Scenario, truth: str | None, sent: str = "") -> str:
    """What the book really says, or why nobody knows; for questions also the prompt as sent."""
    if truth is None:
        why = "This text is yours, so there is no true text to compare with and nothing is scored."
        body = f'<p class="text soft">{why}</p>'
        label = "No true text"
    else:
        body, label = f'<p class="text">{esc(truth)}</p>', scenario.truth_label
    return f'<section class="truth"><h2>{label}</h2>{body}{_sent(scenario, sent)}</section>'


def _sent(scenario: Scenario, sent: str) -> str:
    if not scenario.is_question or not sent:
        return ""
    return (
        "<details><summary>Sent as MUSE's 10-shot prompt: ten example questions come first"
        f"</summary><pre>{esc(sent)}</pre></details>"
    )


def notice(text: str) -> str:
    """A sentence about what went wrong, or nothing."""
    return f'<p class="notice" role="alert">{esc(text)}</p>' if text else ""


def status_line(text: str) -> str:
    """A sentence about what is going on, or nothing."""
    return f'<p class="notice calm" role="status">{esc(text)}</p>' if text else ""


def in_words(family: Family, phrases: Sequence[Phrase], running: bool = False) -> str:
    """The card that says in sentences what the pictures show."""
    said = "".join(_phrase(family, phrase) for phrase in phrases)
    body = said or (WRITING if running else BEFORE)
    return (
        '<section class="card words"><h2>In words</h2>'
        '<p class="sub">This prompt only: one prompt proves nothing, see Metrics.</p>'
        f'<p class="text{"" if said else " soft"}">{body}</p></section>'
    )


def _phrase(family: Family, phrase: Phrase) -> str:
    if not phrase.model:
        return esc(phrase.text)
    style = model_style(family.model(phrase.model))
    return f'<b class="model name" style="{style}">{esc(phrase.text)}</b>'

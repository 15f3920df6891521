"""HTML of a model's card: what runs, where it comes from, how it was made; pure functions of data.

What is not known is a dash with the reason, and sources that disagree stand one under the other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dashboard.escape import esc
from dashboard.panes import about_id, letter, model_style
from dashboard.provenance import Provenance, badge, place
from loaders.cards import Card, Setting
from loaders.checkpoint import repo_name
from loaders.family import HUB_ID, Family, ModelSpec, is_local
from loaders.protocol import Status
from loaders.sizes import say_count, say_size

COMMIT = 40  # digits of a commit's name
LINE = 26  # characters of a value that stand beside its name
HUB = "https://huggingface.co"
UNKNOWN = '<span class="soft">— not known to this project</span>'
PRECISION_WORDS = {
    "nf4": "4 bits, double quantization, ",
    "fp4": "4 bits, double quantization, ",
    "int8": "8 bits, ",
    "bf16": "16 bits, ",
    "fp32": "32 bits, ",
}
WAITING = {"waiting": "It waits to be loaded.", "loading": "It is being loaded."}


@dataclass(frozen=True)
class Said:
    """One value of a setting and who gives it."""

    value: str
    sources: tuple[str, ...]


def card_panel(provenance: Provenance, spec: ModelSpec, status: Status) -> str:
    """The whole card, closed until the button in the model's pane opens it."""
    name = about_id(spec)
    return (
        f'<div popover id="{esc(name)}" class="about-card model" role="dialog"'
        f' aria-labelledby="{esc(name)}-title" style="{model_style(spec)}">'
        f"{_head(provenance, spec)}{_remark(spec.card)}"
        f'<section class="here"><h3>What runs here</h3>{_here(provenance, status)}</section>'
        f"<section><h3>Where it comes from</h3>{_origin(provenance, spec, status)}</section>"
        f"<section><h3>How it was made</h3>{_making(provenance.family, spec)}</section>"
        f"{_further(spec.card)}</div>"
    )


def _head(provenance: Provenance, spec: ModelSpec) -> str:
    name = about_id(spec)
    return (
        f'<header>{letter(spec)}<h2 id="{esc(name)}-title">About {esc(spec.label)}</h2>'
        f'<button class="close" autofocus popovertarget="{esc(name)}"'
        ' popovertargetaction="hide">Close</button></header>'
        f'<p class="sub"><span>{esc(spec.note)}</span>{badge(provenance.line)}</p>'
    )


def _remark(card: Card) -> str:
    return f'<p class="remark text">{esc(card.remark.strip())}</p>' if card.remark else ""


def _here(provenance: Provenance, status: Status) -> str:
    """What the weights take and are made of, as measured; or why nothing is known of that."""
    if status.state == "failed":
        return f'<p class="failure">It could not be loaded: {esc(status.reason)}</p>'
    if status.state in WAITING:
        return f'<p class="state">{WAITING[status.state]}</p>'
    made = status.footprint
    if made is None:
        where = f"It is {status.note}. " if status.note else ""
        return f'<p class="state">{esc(where)}Whoever runs it does not say what it takes.</p>'
    here = provenance.device.split(" + ")[0]  # others of the family may be at a server
    when = "" if status.held else "when it is "
    bits = PRECISION_WORDS.get(provenance.precision, "")
    tiles = [
        _tile(provenance.precision.upper(), f"{bits}computing in {made.compute_dtype}"),
        _tile(say_size(status.bytes), f"of weights {when}on {here.upper()}"),
        _tile(f"{status.seconds:.1f} s", "to load"),
        _tile(say_count(made.parameters), "parameters", f"{made.parameters:,}"),
        _tile(str(made.layers), "layers"),
        _tile(f"{made.context:,}", "tokens of context"),
    ]
    return f'<dl class="tiles">{"".join(tiles)}</dl>'


def _tile(value: str, label: str, exact: str = "") -> str:
    hint = f' title="{esc(exact)}"' if exact else ""
    return f"<div><dt>{esc(label)}</dt><dd{hint}>{esc(value)}</dd></div>"


def _origin(provenance: Provenance, spec: ModelSpec, status: Status) -> str:
    card = spec.card
    rows = {
        "Repository": _repository(spec),
        **_revisions(provenance, spec, status),
        "Licence": _linked(card.licence, card) or UNKNOWN,
        "Base model": _base(provenance.family, card),
        "Trained on": _linked(card.data, card) or UNKNOWN,
    }
    if spec.tokenizer and spec.tokenizer != spec.repo:
        rows["Tokenizer"] = _hub(spec.tokenizer, spec.tokenizer_revision)
    return _facts(rows)


def _facts(rows: Mapping[str, str]) -> str:
    """Names with finished HTML."""
    body = "".join(f"<dt>{esc(name)}</dt><dd>{value}</dd>" for name, value in rows.items())
    return f'<dl class="facts">{body}</dl>'


def _repository(spec: ModelSpec) -> str:
    if spec.is_served:
        return f"<code>{esc(spec.served_model)}</code> <small>at a server</small>"
    if is_local(spec.repo):
        name = repo_name(spec)
        folder = place(spec) if Path(name).is_absolute() else name
        return f"<code>{esc(folder)}</code> <small>a folder of this machine</small>"
    return _hub(spec.repo)


def _revisions(provenance: Provenance, spec: ModelSpec, status: Status) -> dict[str, str]:
    """The revision that was asked for, and the commit that it was where that says more."""
    known = provenance.revisions.get(spec.key, "")
    later = f'<span class="soft">known once {esc(spec.revision) or "it"} is loaded</span>'
    if spec.is_served or is_local(spec.repo):
        what = "the server's word" if spec.is_served else "hash of the weights"
        found = f"<code>{esc(known)}</code> <small>{what}</small>"
        return {"Revision": found if known else later}
    rows = {"Revision": _revision(spec, spec.revision)}
    if len(spec.revision) == COMMIT:
        return rows
    commit = (status.footprint.commit if status.footprint else "") or known
    known_now = commit not in ("", spec.revision)
    return rows | {"Commit": _revision(spec, commit) if known_now else later}


def _revision(spec: ModelSpec, revision: str) -> str:
    code = f"<code>{esc(revision)}</code>"
    if not HUB_ID.fullmatch(spec.repo):
        return code
    return _anchor(f"{HUB}/{spec.repo}/tree/{revision}", code)


def _base(family: Family, card: Card) -> str:
    """The model that it was made from: one beside it, one on the Hub, or words."""
    for spec in family.models:
        if card.base == spec.key:
            return f'<span class="model" style="{model_style(spec)}">{letter(spec)}</span> ' + esc(
                spec.label
            )
    return _hub(card.base) if HUB_ID.fullmatch(card.base) else _linked(card.base, card) or UNKNOWN


def _hub(repo: str, revision: str = "") -> str:
    """A repository of the Hub, with the revision it is pinned to; other text stays text."""
    at = f" <small>@ {esc(revision[:12])}</small>" if revision else ""
    return (_anchor(f"{HUB}/{repo}", esc(repo)) if HUB_ID.fullmatch(repo) else esc(repo)) + at


def _making(family: Family, spec: ModelSpec) -> str:
    card = spec.card
    method = f'<p class="method">{_linked(card.method, card)}</p>' if card.method else ""
    return method + _settings(card) if method or card.settings else f"<p>{UNKNOWN}</p>"


def _settings(card: Card) -> str:
    """All settings: in two columns where they have one source, otherwise each with its own."""
    if not card.settings:
        return '<p class="sub">No hyper-parameters are published.</p>'
    named = _by_name(card.settings)
    sources = {setting.source for setting in card.settings}
    if len(sources) > 1:
        return _table(named, card)
    rows = "".join(_pair(name, said[0].value) for name, said in named.items())
    whose = f'<p class="footnote">From {_linked(sources.pop(), card)}.</p>'
    return f'<dl class="settings">{rows}</dl>{whose}'


def _pair(name: str, value: str) -> str:
    """A setting in its column; a long value goes under the name."""
    wide = ' class="long"' if len(value) > LINE else ""
    return f"<div{wide}><dt>{esc(name)}</dt><dd>{esc(value)}</dd></div>"


def _by_name(settings: Sequence[Setting]) -> dict[str, list[Said]]:
    """The values of each setting, in order, each with all who give it."""
    found: dict[str, dict[str, list[str]]] = {}
    for setting in settings:
        found.setdefault(setting.name, {}).setdefault(setting.value, []).append(setting.source)
    return {
        name: [Said(value, tuple(sources)) for value, sources in values.items()]
        for name, values in found.items()
    }


def _table(named: Mapping[str, Sequence[Said]], card: Card) -> str:
    body = "".join(_group(name, said, card) for name, said in named.items())
    heads = "".join(f'<th scope="col">{name}</th>' for name in ("Setting", "Value", "Source"))
    return f'<table class="plain published-by"><thead><tr>{heads}</tr></thead>{body}</table>'


def _group(name: str, said: Sequence[Said], card: Card) -> str:
    """One setting; where its sources disagree that is said beside its name."""
    split = len(said) > 1
    flag = "<small>sources disagree</small>" if split else ""
    head = f'<th scope="rowgroup" rowspan="{len(said)}">{esc(name)}{flag}</th>'
    rows = [
        f"<td>{esc(one.value)}</td>"
        f"<td>{', '.join(_linked(source, card) for source in one.sources)}</td></tr>"
        for one in said
    ]
    return f"<tbody{' class=split' if split else ''}><tr>{head}" + "<tr>".join(rows) + "</tbody>"


def _further(card: Card) -> str:
    """The sources that nothing on the card leads to yet."""
    named = {card.licence, card.base, card.method, card.data}
    named |= {setting.source for setting in card.settings}
    rest = [_anchor(s.url, esc(s.name)) for s in card.sources if s.name not in named]
    return f'<p class="footnote">See also: {", ".join(rest)}.</p>' if rest else ""


def _linked(text: str, card: Card) -> str:
    """`text`, leading to its source where the card names one."""
    for source in card.sources:
        if source.name == text:
            return _anchor(source.url, esc(text))
    return esc(text)


def _anchor(url: str, inner: str) -> str:
    """A link out of the page; `inner` is finished HTML."""
    if not url.startswith("https://"):
        return inner
    return f'<a href="{esc(url)}" target="_blank" rel="noopener noreferrer">{inner}</a>'

"""The one way by which text of a model, a data set, a visitor or an error reaches HTML or JSON.

It never decides what is shown; it only makes sure that what is shown is never run.
"""

import html
import json
import re

# `$`, backtick, backslash and braces mean something to the template engine of gr.HTML.
TEMPLATE_SIGNS = str.maketrans({sign: f"&#{ord(sign)};" for sign in "$`\\{}"})
JSON_SIGNS = str.maketrans({sign: f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"})
# Control characters cannot stand in HTML, halves of surrogate pairs cannot leave as UTF-8.
UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
COLOUR = re.compile(r"#[0-9a-fA-F]{3,8}|[a-zA-Z]{3,20}")


def esc(text: object) -> str:
    """`text` for HTML content and for double-quoted attributes."""
    printable = UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", str(text))
    return html.escape(printable, quote=True).translate(TEMPLATE_SIGNS)


def colour(value: str) -> str:
    """`value` for a style attribute if it is a plain colour, otherwise a neutral grey."""
    return value if COLOUR.fullmatch(value) else "#888888"


def json_text(data: object) -> str:
    """`data` as JSON that is harmless in HTML too. NaN is an error: JSON has no such number."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text).translate(JSON_SIGNS)

"""Numbers as they are written for people, in the terminal, on the page and on paper; pure text."""

MINUS = "−"


def number(value: float, decimals: int) -> str:
    """A value with a real minus sign, none where it rounds to nothing; of thousands only the whole,
    in groups."""
    text = f"{value:.{decimals}f}" if abs(value) < 1000 else f"{value:,.0f}"
    if float(text.replace(",", "")) == 0:
        text = text.lstrip("-")
    return text.replace("-", MINUS)


def probability(p: float) -> str:
    """A p-value: "< .001", ".012", "1"."""
    return "< .001" if p < 0.001 else f"{p:.3f}".lstrip("0") if p < 0.9995 else "1"

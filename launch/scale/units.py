"""Ranges of numbers as text, in the unit that suits."""


def span(pair: tuple[float, float] | list | None, unit: str = "") -> str:
    """'157–314 ms'-like text of a range."""
    if pair is None:
        return "–"
    return f"{short(pair[0])}–{short(pair[1])}{unit}"


def short(x: float) -> str:
    """Two significant digits, three from 100 on, without exponent where legible."""
    if x >= 1e6:
        return f"{x:.1e}"
    if x >= 99.5:
        return f"{x:,.0f}"
    return f"{x:.2g}" if x >= 0.01 or x == 0 else f"{x:.1g}"


def volume(bytes_: float) -> str:
    """'1.5 GiB'."""
    for limit, unit in ((2**20, "KiB"), (2**30, "MiB"), (2**40, "GiB")):
        if bytes_ < limit:
            return f"{bytes_ * 2**10 / limit:,.1f} {unit}"
    return f"{bytes_ / 2**40:,.1f} TiB"


def time_span(pair) -> str:
    """A range of seconds."""
    if pair is None:
        return "–"
    for limit, unit, scale in ((1e-3, "µs", 1e-6), (1.0, "ms", 1e-3), (120.0, "s", 1.0),
                               (7200.0, "min", 60.0), (10 * 86400.0, "h", 3600.0)):  # fmt: skip
        if pair[1] < limit:
            return span([p / scale for p in pair], f" {unit}")
    return span([p / 86400 for p in pair], " days")


def most(shares: dict[str, float]) -> str:
    """'memory 83%': the largest of shares by name."""
    name = max(shares, key=lambda k: shares[k])
    return f"{name} {shares[name]:.0%}"

"""`./lab data`: where each data set is; named ones are fetched and checked."""

from common import data
from launch.errors import UserError, nearest


def rows(fetch: list[str]) -> list[dict]:
    """One record a data set. Those named are loaded (downloaded if need be) and verified."""
    for name in fetch:
        if name not in data.names():
            raise UserError(f"no data set {name!r}; {nearest(name, data.names())}")
        data.load(name)
    chosen = fetch or data.names()
    return [
        {
            "name": n,
            "here": data.path(n) is not None,
            "status": data.status(n).partition(": ")[2],
            "verified": n in fetch,
            "sha256": data.digest(n),
        }
        for n in chosen
    ]


def text(found: list[dict]) -> str:
    """For people."""
    from launch.terminal import table

    lines = []
    for r in found:
        sign = "✓" if r["here"] else "·"
        lines.append([f"{sign} {r['name']}", r["status"] + (", verified" if r["verified"] else "")])
    return table(lines) + "\nfetch one: ./lab data NAME   (REPRISE_DATA=FOLDER before mirrors)"

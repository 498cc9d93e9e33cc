"""Static pages that open from disk; beside them the index and the papers' pages as text."""

from launch.paths import results
from launch.read import index, listing, overview, pages
from launch.record import store


def write() -> dict[str, str]:
    """Write every page and the index; their absolute paths."""
    rows = listing.rows()
    home = results() / "gallery"
    for row in rows:
        store.write_text(home / f"{row['name']}.html", pages.page(row["name"], row, home))
    first = home / "index.html"
    store.write_text(first, overview.overview(rows, home))
    named = {"gallery": first, "index": index.write(rows)}
    return {k: str(v.absolute()) for k, v in named.items()}

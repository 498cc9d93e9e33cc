"""What a planned run takes in hours, chip-hours and money; what runs that have finished took."""

from launch import settings
from launch.paths import paper
from launch.record import store
from launch.scale import hardware


def cost(record: dict, prices: dict[str, float]) -> dict:
    """Hours, chip-hours and money of a record, each (low, high); None where not known."""
    whole = record.get("run_seconds")
    hours = tuple(s / 3600 for s in whole) if whole else None
    chip_hours = tuple(h * record["chips"] for h in hours) if hours else None
    price = prices.get(record["kind"])
    money = tuple(c * price for c in chip_hours) if chip_hours and price is not None else None
    return {"hours": hours, "chip_hours": chip_hours, "money": money}


def cheapest(records: list[dict], prices: dict[str, float]) -> dict | None:
    """Of what fits, the record of least money; without prices, of fewest chip-hours."""
    fitting = [r for r in records if r.get("fits") and "run_seconds" in r]
    by_money = priced(records, prices)

    def middle(r: dict) -> float:
        low, high = r["run_seconds"]
        return (low * high) ** 0.5 * r["chips"] * (prices[r["kind"]] if by_money else 1.0)

    return min(fitting, key=middle, default=None)


def priced(records: list[dict], prices: dict[str, float]) -> bool:
    """Whether everything that fits has a price."""
    return all(r["kind"] in prices for r in records if r.get("fits"))


def ran(slug: str, preset: str, overrides: list[str], r: dict) -> list[dict]:
    """Finished runs of these settings on as many devices of this kind, newest first: measured."""
    found = []
    for info in _finished(slug, preset, overrides, r["kind"]):
        if info["devices"]["count"] == r["chips"]:
            peak = info.get("device_peak_mb") or info["peak_memory_mb"]
            seconds = store.seconds(info) - info["compile_seconds"]
            found.append({
                "seconds": seconds, "compile_seconds": info["compile_seconds"],
                "peak_gib": peak / 1024, "date": info["finished"],
            })  # fmt: skip
    return found[:3]


def core_hours(slug: str, preset: str, overrides: list[str]) -> tuple[float | None, str]:
    """(hours on CPU cores, who says so): of the newest finished run of these settings; of the paper
    preset else what claims.toml states. None where nobody does."""
    for info in _finished(slug, preset, overrides, "cpu"):
        attempts = 1 + info.get("seconds_before", 0.0) / info["seconds"]  # in time of the last one
        return info["cpu_seconds"] * attempts / 3600, f"the run of {info['finished']}"
    stated = paper(slug).get("core_hours")
    if stated is None or preset != "paper" or overrides:
        return None, ""
    return float(stated), "claims.toml"


def _finished(slug: str, preset: str, overrides: list[str], kind: str) -> list[dict]:
    """run.json of the finished runs of these settings, on any seeds, on hardware of a kind."""
    config = settings.plain(settings.get(slug, preset, overrides))
    folders = [f.parent for f in reversed(store.runs(slug, preset))]
    folders += [f for f in [store.reference(slug, preset)] if f]
    found = []
    for info in (store.peek(f / "run.json") for f in folders):
        same = {**info.get("config", {}), "seeds": config["seeds"]} == config
        same &= hardware.named(info.get("devices", {}).get("kind", "")) == kind
        if info.get("status") == "done" and same and "wanted" not in info:
            found.append(info)
    return found

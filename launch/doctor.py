"""`./lab doctor`: what this machine has, what will not work and why."""

import json
import os
import re
import shutil
import subprocess
import sys
import urllib.request
from importlib.util import find_spec
from pathlib import Path

from common import data, files
from launch import surroundings
from launch.errors import UserError
from launch.paths import ROOT, presets, results, shown, slugs
from launch.record import git, provenance, store
from launch.terminal import able, coloured, table

PROBE = """
import json, jax
d = jax.devices()
print(json.dumps({"platform": d[0].platform, "kind": d[0].device_kind, "count": len(d)}))
"""


def rows() -> list[dict]:
    """Records {what, state: good | limited | broken, found, do}."""
    around = [*_variables(), _home(), _letters(), _terminal()]  # first: what follows needs them
    own = [_python(), _pins(), _jax(), _memory(), _disk(), _git()]
    return [*own, *around, *_targets(), _network(), *_data(), *_experiments()]


def _row(what: str, state: str, found: str, do: str = "") -> dict:
    return {"what": what, "state": state, "found": found, "do": do}


def _python() -> dict:
    return _row("python", "good", sys.version.split()[0])


def _pins() -> dict:
    wrong = []
    try:
        said = files.text(ROOT / "requirements.txt")
    except files.FileError as error:
        return _row("packages", "limited", str(error), "git checkout requirements.txt")
    for line in said.splitlines():
        name, equals, version = line.partition(";")[0].strip().partition("==")
        if equals and not line.startswith("#") and ";" not in line:
            found = provenance.version(name)
            if found != version:
                wrong.append(f"{name} {found or 'missing'}, pinned {version}")
    if wrong:
        more = f" and {len(wrong) - 2} more" if len(wrong) > 2 else ""
        return _row("packages", "limited", "; ".join(wrong[:2]) + more, "rm -r .venv, then ./lab")
    return _row("packages", "good", "as pinned in requirements.txt")


def _jax() -> dict:
    probe = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True)
    if probe.returncode:
        why, _, do = surroundings.refusal(probe.stderr).partition("; ")
        damaged = re.search("(Import|ModuleNotFound|Attribute)Error", probe.stderr)
        return _row("jax", "broken", why, "rm -r .venv, then ./lab" if damaged else do)
    found = json.loads(probe.stdout)
    text = f"{provenance.version('jax')}, {found['count']} x {found['kind']} ({found['platform']})"
    if found["platform"] != "cpu":
        return _row("jax", "good", text)
    card = shutil.which("nvidia-smi") is not None
    tpu = os.path.exists("/dev/accel0") or os.path.exists("/dev/vfio/0")
    if card or tpu:
        kind = "cuda" if card else "tpu"
        do = f"REPRISE_ACCELERATOR={kind} ./lab doctor installs its packages"
        return _row("jax", "limited", f"{text}, though this machine has an accelerator", do)
    return _row(
        "jax", "limited", text, "paper presets need an accelerator; smoke and laptop do not"
    )


def _memory() -> dict:
    gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    found = f"{gib:.0f} GiB, {os.cpu_count()} cores"
    return _row(
        "memory", "good" if gib > 6 else "limited", found, "" if gib > 6 else "6 GiB wanted"
    )


def _disk() -> dict:
    """Written, locked and measured as a run does it."""
    home = results()
    try:
        home.mkdir(parents=True, exist_ok=True)
        handle, file = files.fresh(home, "doctor")
    except OSError as error:
        found = f"{shown(home)} cannot be written ({error.strerror})"
        return _row("disk", "broken", found, "REPRISE_RESULTS=FOLDER on a disk that can")
    try:
        with os.fdopen(handle, "w") as out:
            out.write("x" * 4096)
            out.flush()
            os.fsync(out.fileno())
            store.hold(out, wait=False)
    except OSError as error:
        return _row("disk", "broken", f"{shown(home)}: {error.strerror}", "make room there")
    except files.FileError as error:
        return _row("disk", "broken", *str(error).split(": ", 1))
    finally:
        file.unlink()
    free = shutil.disk_usage(home).free / 2**30
    mask = os.umask(0o022)
    os.umask(mask)
    found = f"{free:.0f} GiB free for results; can be locked; new files have mode {0o666 & ~mask:o}"
    return _row("disk", "good" if free > 2 else "limited", found, "" if free > 2 else "make room")


def _variables() -> list[dict]:
    """What is wrong with variables and with the current folder."""
    found = [*surroundings.variables()]
    try:
        surroundings.here()
    except UserError as error:
        os.chdir(ROOT)
        found.append(error)
    rows = [_row("variables", "broken", str(e), "mend or unset it") for e in found]
    return rows or [_row("variables", "good", "folders and numbers that can be used")]


def _home() -> dict:
    if not surroundings.home():
        found = f"none is known (no HOME, an unknown user); {os.environ['HOME']} is used"
        return _row("home", "limited", found, "set HOME")
    return _row("home", "good", str(Path.home()))


def _letters() -> dict:
    """What the locale and the output can say."""
    said = (getattr(sys.stdout, "encoding", None) or "utf-8").lower()
    if said.replace("-", "") != "utf8":
        found = f"output in {said}: what it lacks is shown as escapes"
        return _row("letters", "limited", found, "LC_ALL=C.UTF-8, PYTHONIOENCODING unset")
    return _row("letters", "good", said)


def _terminal() -> dict:
    if not sys.stderr.isatty():
        return _row("terminal", "good", "none: a line every half minute")
    colours = "colours" if able(sys.stderr) else "no colours, no moving line"
    width = shutil.get_terminal_size().columns
    return _row("terminal", "good", f"{width} columns, {colours} (TERM={os.environ.get('TERM')})")


def _network() -> dict:
    """What stands between this machine and data sets; nothing is asked for."""
    proxies = urllib.request.getproxies()
    socks = next((k for k, v in proxies.items() if v.lower().startswith("socks")), "")
    if socks and find_spec("socks") is None:
        found = f"{socks}_proxy is a SOCKS proxy, which nothing installed here speaks"
        return _row("downloads", "limited", found, "an http proxy, or REPRISE_DATA=FOLDER")
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        if os.environ.get(name) and not os.path.exists(os.environ[name]):
            found = f"{name}={os.environ[name]} is not there"
            return _row("downloads", "limited", found, f"unset {name}")
    try:
        data.room()
    except data.DataError as error:
        return _row("downloads", "limited", *str(error).split("; ", 1))
    return _row("downloads", "good", "nothing in the way is known")


def _git() -> dict:
    try:
        commit = git.text("rev-parse", "--short", "--verify", "HEAD").strip()
        dirty = bool(git.asked("status", "--porcelain", "--", ".", ":(exclude)results"))
    except git.Unanswered as error:
        return _row("git", "limited", str(error), "results will not name their commit")
    return _row("git", "good", commit + (", uncommitted changes" if dirty else ""))


def _targets() -> list[dict]:
    """What this machine can plan for and submit to."""
    from launch.scale import compilers

    found = []
    for platform, home in compilers.installed().items():
        do = "" if home else "installed by the first ./lab plan that needs it"
        text = "installed" if home else "not yet"
        found.append(_row(f"plan {platform}", "good" if home else "limited", text, do))
    engines = (
        ("slurm", "sbatch", "run ./lab on a cluster's login node"),
        ("tpu, gpu-cloud", "sky", "uv tool install 'skypilot[gcp]'"),
        ("gke", "kubectl", "install kubectl and select the cluster"),
    )
    for names, program, do in engines:
        where = shutil.which(program)
        text = f"{program} is here" if where else f"no {program}: dry runs only"
        found.append(
            _row(f"submit {names}", "good" if where else "limited", text, do if not where else "")
        )
    return found


def _data() -> list[dict]:
    found = []
    for name in data.names():
        here = data.path(name) is not None
        status = data.status(name).partition(": ")[2]
        do = "" if here else f"./lab data {name}, or REPRISE_DATA=FOLDER"
        found.append(_row(f"data {name}", "good" if here else "limited", status, do))
    return found


def _experiments() -> list[dict]:
    from launch.read.report import load_claims

    found = []
    for slug in slugs():
        try:
            _, claims = load_claims(slug)
            reference = store.reference(slug)
            text = f"{len(claims)} claims, presets {', '.join(presets(slug))}"
            do = "" if reference else f"no reference yet: ./lab verify {slug}"
            found.append(_row(slug, "good", text, do))
        except UserError as error:
            found.append(_row(slug, "broken", str(error)))
    return found


def text(found: list[dict]) -> str:
    """For people."""
    signs = {"good": "✓", "limited": "~", "broken": "✗"}
    colours = {"good": "green", "limited": "yellow", "broken": "red"}
    lines = table([[f"{signs[r['state']]} {r['what']}", r["found"], r["do"]] for r in found])
    return "\n".join(
        coloured(line, colours[r["state"]])
        for line, r in zip(lines.split("\n"), found, strict=True)
    )

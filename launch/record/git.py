"""Git, asked about this repository alone: in bytes, and as if nobody had set anything.

The user's settings and variables, and what the repository's own settings do to words, are left
out. Where the repository is not ours (a tarball unpacked inside another), or git does not answer,
that is said, in place of nothing or of somebody else's answer.
"""

import hashlib
import os
import stat
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from launch.paths import ROOT

SECONDS = 60.0
TEXT = 1_000_000  # bytes of one file's changes that are kept as text; of more, their hash
TEXTS = 8_000_000  # of all files together
UNKNOWN = "unknown: "
NOBODY = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "LC_ALL": "C",
}
PLAIN = tuple(
    word
    for setting in (
        "color.ui=false", "core.fsmonitor=false", "core.quotePath=false", "core.pager=cat",
        f"core.hooksPath={os.devnull}", f"core.excludesFile={os.devnull}",
        f"core.attributesFile={os.devnull}", "log.showSignature=false",
        "diff.suppressBlankEmpty=false", "diff.indentHeuristic=true",
    )
    for word in ("-c", setting)
)  # fmt: skip
DIFF = (
    "diff", "--no-ext-diff", "--no-textconv", "--no-color", "--no-renames", "--src-prefix=a/",
    "--dst-prefix=b/", "--unified=3", "--inter-hunk-context=0", "--diff-algorithm=myers",
    "--submodule=short", "--ignore-submodules=none", f"-O{os.devnull}",
)  # fmt: skip


class Unanswered(Exception):
    """Git gives no answer about this repository; the message says why, on one line."""


def asked(*args: str, root: Path = ROOT) -> bytes:
    """What a git command says in the repository at `root`.  Errors: Unanswered."""
    safe = _ours(root)
    return _call([*safe, *PLAIN, *args], root)


def text(*args: str, root: Path = ROOT) -> str:
    """As `asked`, in text of one kind or another.  Errors: Unanswered."""
    return _decoded(asked(*args, root=root))


def commit(root: Path = ROOT) -> str:
    """The commit that is checked out, or 'unknown: ' and why."""
    try:
        return text("rev-parse", "--verify", "HEAD", root=root).strip()
    except Unanswered as error:
        return f"{UNKNOWN}{error}"


def changes(code: list[str], root: Path = ROOT) -> str:
    """Uncommitted changes of these paths as a patch, new files included; large ones by their hash.

    'unknown: ' and why where git does not say.
    """
    kept, parts = 0, []
    try:
        for part in _changes(code, root):
            kept += len(part[0])
            parts.append(part[0] if kept <= TEXTS else part[1])
    except Unanswered as error:
        return f"{UNKNOWN}{error}\n"
    return "".join(parts)


def _changes(code: list[str], root: Path) -> Iterator[tuple[str, str]]:
    """(a file's changes as they are kept, the same in a line)"""
    for name in _names(*DIFF, "--name-only", "-z", "HEAD", "--", *code, root=root):
        literal = f":(literal,top){os.fsdecode(name)}"
        patch = asked(*DIFF, "HEAD", "--", literal, root=root)
        hashed = _hashed("changed", name, patch, "of its patch")
        yield (_decoded(patch) if len(patch) <= TEXT else hashed), hashed
    others = ("ls-files", "--others", "--exclude-standard", "-z", "--", *code)
    for name in _names(*others, root=root):
        yield _new_file(name, root)


def _names(*args: str, root: Path) -> list[bytes]:
    return [name for name in asked(*args, root=root).split(b"\0") if name]


def _new_file(name: bytes, root: Path) -> tuple[str, str]:
    """A file that git does not know, as a patch, and in a line."""
    file = Path(os.fsdecode(os.path.join(os.fsencode(root), name)))
    try:
        kind = file.lstat()
        if stat.S_ISLNK(kind.st_mode):
            line = f"new link {_decoded(name)} -> {_decoded(os.fsencode(os.readlink(file)))}\n"
            return line, line
        if not stat.S_ISREG(kind.st_mode):
            line = f"new {_decoded(name)}, no file\n"
            return line, line
        with file.open("rb") as stream:
            begin = stream.read(TEXT + 1)
            line = _hashed("new", name, begin, rest=stream)
    except OSError as error:
        line = f"new file {_decoded(name)}, not readable ({error.strerror})\n"
        return line, line
    if len(begin) > TEXT or b"\0" in begin:
        return line, line
    return _patch(_decoded(name), _decoded(begin), kind.st_mode), line


def _hashed(what: str, name: bytes, content: bytes, of: str = "", rest=None) -> str:
    """A line of a file's size and hash; rest: a stream of what follows `content`."""
    made, size = hashlib.sha256(content), len(content)
    while rest is not None and (more := rest.read(2**20)):
        made.update(more)
        size += len(more)
    return (
        f"{what} file {_decoded(name)}, {size} bytes{of and ' '}{of}, sha256 {made.hexdigest()}\n"
    )


def _patch(name: str, content: str, mode: int) -> str:
    """A new file as `git apply` takes it."""
    bits = "100755" if mode & 0o100 else "100644"
    head = f"diff --git a/{name} b/{name}\nnew file mode {bits}\n"
    if not content:
        return head
    lines = content.split("\n")
    end = "" if lines[-1] == "" else "\\ No newline at end of file\n"
    lines = lines if end else lines[:-1]
    body = "".join(f"+{line}\n" for line in lines)
    return f"{head}--- /dev/null\n+++ b/{name}\n@@ -0,0 +1,{len(lines)} @@\n{body}{end}"


def _decoded(said: bytes) -> str:
    return said.decode("utf-8", "backslashreplace")


@cache
def _ours(root: Path) -> tuple[str, ...]:
    """What git must be told beside a question about `root`.  Errors: Unanswered if it is not ours.

    A checkout of another owner is looked at where the user has told git to (safe.directory).
    """
    where = ["rev-parse", "--show-toplevel"]
    safe: tuple[str, ...] = ()
    try:
        top = _call([*PLAIN, *where], root)
    except Unanswered as error:
        if "dubious ownership" not in str(error) or not _trusted(root):
            raise
        safe = ("-c", f"safe.directory={root}")
        top = _call([*safe, *PLAIN, *where], root)
    found = os.fsdecode(top.removesuffix(b"\n"))
    if os.path.realpath(found) != os.path.realpath(root):
        raise Unanswered(f"the git repository here is of {found}")
    return safe


def _trusted(root: Path) -> bool:
    """Whether the user's own settings call a folder of another owner safe."""
    question = ["git", "config", "--includes", "-z", "--get-all", "safe.directory"]
    env = {k: v for k, v in os.environ.items() if k not in ("GIT_DIR", "GIT_WORK_TREE")}
    try:
        done = subprocess.run(question, cwd="/", env=env, capture_output=True, timeout=SECONDS)
    except (OSError, subprocess.SubprocessError):
        return False
    return bool({b"*", os.fsencode(root)} & set(done.stdout.split(b"\0")))


def _call(args: list[str], root: Path) -> bytes:
    env = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    env |= NOBODY | {"GIT_CEILING_DIRECTORIES": str(root.parent)}
    command = ["git", "--no-pager", "-C", str(root), *args]
    try:
        done = subprocess.run(
            command, env=env, stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS
        )
    except subprocess.TimeoutExpired:
        raise Unanswered(f"git did not answer in {SECONDS:.0f} s") from None
    except OSError as error:
        raise Unanswered(f"git cannot be run ({error.strerror})") from None
    if done.returncode:
        words = [x for x in _decoded(done.stderr).splitlines() if x.strip()] or ["it says nothing"]
        told = next((x for x in words if x.startswith(("fatal:", "error:"))), words[-1])
        raise Unanswered(f"git says: {told.partition(': ')[2] or told}"[:300])
    return done.stdout

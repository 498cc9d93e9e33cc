"""What git says of this repository: in any settings, of any file names, and never of another."""

import hashlib
import os
import shutil
import subprocess

import pytest

from launch.record import git, provenance

WHO = ("-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false")


def run(root, *words):
    command = ["git", "-C", str(root), *WHO, *words]
    return subprocess.run(command, check=True, capture_output=True).stdout


@pytest.fixture
def repo(tmp_path):
    """A repository with one committed file, changed since."""
    root = tmp_path / "repo"
    (root / "code").mkdir(parents=True)
    run(root, "init", "-q")
    (root / "code/a.py").write_text("x = 1\n")
    run(root, "add", ".")
    run(root, "commit", "-qm", "first")
    (root / "code/a.py").write_text("x = 2\n")
    return root


CHANGE = "-x = 1\n+x = 2\n"


def applied(repo, patch, tmp_path):
    """What the patch makes of the commit: {name: content}."""
    clone = tmp_path / "clone"
    run(repo.parent, "clone", "-q", str(repo), str(clone))
    (tmp_path / "patch").write_text(patch)
    run(clone, "apply", str(tmp_path / "patch"))
    return {p.name: p.read_bytes() for p in (clone / "code").iterdir()}


def test_changes_are_a_patch_that_git_applies(repo, tmp_path):
    (repo / "code/new.py").write_text("y = 'é'\n\nz = 1")
    (repo / "code/empty.py").touch()
    (repo / "code/tool").write_text("#!/bin/sh\n")
    (repo / "code/tool").chmod(0o755)
    patch = git.changes(["code"], repo)
    found = {p.name: p.read_bytes() for p in (repo / "code").iterdir()}
    assert applied(repo, patch, tmp_path) == found
    assert os.access(tmp_path / "clone/code/tool", os.X_OK)
    assert git.commit(repo) == run(repo, "rev-parse", "HEAD").decode().strip()


SETTINGS = {
    "color.ui": "always",
    "diff.external": "echo foreign",
    "core.quotepath": "true",
    "core.fsmonitor": "touch hacked",
    "diff.noprefix": "true",
    "diff.mnemonicPrefix": "true",
    "diff.context": "0",
    "diff.algorithm": "patience",
    "diff.x.textconv": "echo foreign",
    "core.excludesFile": "everything",
    "status.showUntrackedFiles": "no",
}


@pytest.mark.parametrize("where", ["global", "local", "variables"])
def test_settings_of_the_user_change_nothing(repo, monkeypatch, tmp_path, where):
    (repo / "code/é.py").write_text("y = 1\n")
    (repo / ".gitattributes").write_text("*.py diff=x\n")
    (repo / "everything").write_text("*\n")
    before = git.changes(["code"], repo)
    assert CHANGE in before
    assert "+++ b/code/é.py\n" in before
    if where == "variables":
        monkeypatch.setenv("GIT_CONFIG_COUNT", str(len(SETTINGS)))
        for i, (name, value) in enumerate(SETTINGS.items()):
            monkeypatch.setenv(f"GIT_CONFIG_KEY_{i}", name)
            monkeypatch.setenv(f"GIT_CONFIG_VALUE_{i}", value)
    file = {"local": repo / ".git/config", "global": tmp_path / ".gitconfig"}.get(where)
    for name, value in SETTINGS.items() if file else ():
        run(repo, "config", "-f", str(file), name, value)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name, value in (("GIT_EXTERNAL_DIFF", "echo foreign"), ("GIT_PAGER", "cat"),
                        ("GIT_DIFF_OPTS", "-u0"), ("GIT_LITERAL_PATHSPECS", "1")):  # fmt: skip
        monkeypatch.setenv(name, value)
    assert git.changes(["code"], repo) == before
    assert not (repo / "hacked").exists()


@pytest.mark.parametrize("name", ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_NAMESPACE"])
def test_variables_of_another_repository_are_not_followed(repo, tmp_path, monkeypatch, name):
    other = tmp_path / "other"
    other.mkdir()
    run(other, "init", "-q")
    before = git.commit(repo), git.changes(["code"], repo)
    monkeypatch.setenv(name, str(other / ".git"))
    assert (git.commit(repo), git.changes(["code"], repo)) == before


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (b"notes.txt", "é\n".encode("latin-1")),
        ("é.py".encode("latin-1"), b"x = 1\n"),
        (b"a\nb.py", b"x = 1\n"),
        (b'"q" -> \t.py', b"x = 1\n"),
        (b"-n", b"\xff\xfe\x00x"),
        (b"crlf.py", b"x\r\ny\r\n"),
    ],
)
def test_names_and_contents_of_any_kind(repo, name, content):
    file = os.path.join(os.fsencode(repo / "code"), name)
    with open(file, "wb") as out:
        out.write(content)
    new = git.changes(["code"], repo)
    assert CHANGE in new
    new.encode()
    with open(file, "wb") as out:
        out.write(content + b"more")
    assert git.changes(["code"], repo) != new
    run(repo, "add", ".")
    run(repo, "commit", "-qm", "second")
    with open(file, "wb") as out:
        out.write(content + b"and more")
    assert "code/" in git.changes(["code"], repo)


def test_large_files_are_known_by_their_hash(repo):
    big = b"0123456789abcdef\n" * 200_000
    (repo / "code/big.txt").write_bytes(big)
    said = git.changes(["code"], repo)
    expected = f"new file code/big.txt, {len(big)} bytes, sha256 {hashlib.sha256(big).hexdigest()}"
    assert expected in said
    assert len(said) < 2000
    run(repo, "add", ".")
    run(repo, "commit", "-qm", "big")
    (repo / "code/big.txt").write_bytes(big.upper())
    said = git.changes(["code"], repo)
    assert "changed file code/big.txt, " in said
    assert len(said) < 2000


def test_many_files_together_are_kept_short(repo, monkeypatch):
    monkeypatch.setattr(git, "TEXTS", 300)
    for i in range(9):
        (repo / f"code/{i}.py").write_text(f"x = {i}\n")
    said = git.changes(["code"], repo)
    assert said.count("sha256") == 9 - said.count("new file mode")
    assert 1 <= said.count("new file mode") < 9


def test_what_is_no_file_is_told(repo, tmp_path):
    (repo / "code/link").symlink_to("/etc/passwd")
    os.mkfifo(repo / "code/pipe")  # git passes it over
    assert "new link code/link -> /etc/passwd\n" in git.changes(["code"], repo)


def unknown(root, why):
    said = git.commit(root), git.changes(["code"], root)
    assert all(x.startswith("unknown: ") and why in x for x in said)
    assert all(len(x.splitlines()) == 1 for x in said)


def test_a_folder_inside_another_repository_is_not_that_one(repo):
    (repo / "unpacked/code").mkdir(parents=True)
    unknown(repo / "unpacked", "not a git repository")


def test_a_repository_of_another_folder_is_not_this_one(repo, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    run(repo, "config", "core.worktree", str(tmp_path / "elsewhere"))
    unknown(repo, "of")


def test_without_git_or_a_commit_that_is_said(repo, tmp_path, monkeypatch):
    (tmp_path / "new").mkdir()
    run(tmp_path / "new", "init", "-q")
    assert git.commit(tmp_path / "new").startswith("unknown: ")
    (repo / ".git/HEAD").write_bytes(b"\x00")
    unknown(repo, "not a git repository")
    monkeypatch.setenv("PATH", "/nowhere")
    unknown(tmp_path, "git cannot be run")


def test_git_that_hangs_or_fails_is_said(repo, tmp_path, monkeypatch):
    program = tmp_path / "bin/git"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\nexec sleep 30\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setattr(git, "SECONDS", 0.2)
    unknown(repo, "did not answer")
    program.write_text("#!/bin/sh\nprintf 'warning: x\\nfatal: b\\303\\nc\\n' >&2\nexit 3\n")
    monkeypatch.setattr(git, "SECONDS", 10)
    unknown(repo, "git says: b")


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder to somebody else")
def test_a_checkout_of_another_owner(repo, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    commit = git.commit(repo)
    git._ours.cache_clear()
    subprocess.run(["chown", "-R", "12345", str(repo)], check=True)
    monkeypatch.delenv("SUDO_UID", raising=False)
    unknown(repo, "dubious ownership")
    (tmp_path / ".gitconfig").write_text(f"[safe]\n\tdirectory = {repo}\n[color]\n\tui = always\n")
    assert git.commit(repo) == commit
    assert CHANGE in git.changes(["code"], repo)


def test_a_run_says_that_its_commit_is_not_known(monkeypatch):
    monkeypatch.setattr(git, "commit", lambda: "unknown: why")
    assert provenance.source("toy") == ("unknown: why", "", "unknown: why")
    monkeypatch.setattr(git, "commit", lambda: "abc")
    for said, dirty in (("", ""), ("unknown: why\n", "unknown: why")):
        monkeypatch.setattr(git, "changes", lambda _, said=said: said)
        assert provenance.source("toy") == ("abc", said, dirty)
    monkeypatch.setattr(git, "changes", lambda _: "x")
    assert len(provenance.source("toy")[2]) == 16


def test_no_other_file_calls_git():
    from tests.tree import ROOT

    files = [p for d in ("common", "launch") for p in (ROOT / d).rglob("*.py")]
    callers = {p.name for p in files if '["git"' in p.read_text()}
    assert callers == {"git.py"}
    assert shutil.which("git")

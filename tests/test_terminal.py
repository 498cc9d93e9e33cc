"""What a person sees: commands to type again, a heartbeat."""

import shlex
import subprocess
import sys
import time

import pytest

from common.scratch import Progress
from launch import settings, terminal, values
from launch.terminal import shell

WORDS = [
    "lr=1e-3", "seeds=(0,1)", "names=('a','b')", "it's", 'say "so"', "$HOME", "a b", "", "~/x",
    "names=('$a',)", "'\"`\\!", "!", "é–ü", "*?[a]", "--workdir", "a\\b'c",
]  # fmt: skip


@pytest.mark.parametrize("word", WORDS)
def test_a_shell_reads_back_what_is_printed(word):
    said = shell(["./lab", "run", word])
    assert shlex.split(said) == ["./lab", "run", word]
    command = ["sh", "-c", f"printf '%s\\n' {shell([word])}"]
    assert subprocess.run(command, capture_output=True, check=True).stdout.decode() == word + "\n"
    assert "'\"'\"'" not in said


def test_quotes_are_the_plainest_that_do():
    assert shell(["lr=0.1", "k=0,1"]) == "lr=0.1 k=0,1"
    assert shell(["seeds=(0,1)"]) == "'seeds=(0,1)'"
    assert shell(["names=('a','b')"]) == "\"names=('a','b')\""


def test_settings_of_a_run_are_typed_as_they_are_parsed():
    changes = {"lr": 0.5, "seeds": [3, 4], "names": ["a", "b"], "x64": False}
    old = {"lr": 1.0, "seeds": (0,), "names": ("c",), "x64": True}
    words = dict(w.split("=", 1) for w in shlex.split(settings.typed(changes)))
    parsed = {key: values.parse(key, text, old[key]) for key, text in words.items()}
    assert parsed == {"lr": 0.5, "seeds": (3, 4), "names": ("a", "b"), "x64": False}


class Stream:
    """What a terminal, or a file, was told."""

    def __init__(self, tty):
        self.said, self._tty = "", tty

    def write(self, text):
        self.said += text

    def flush(self):
        pass

    def isatty(self):
        return self._tty


OWN = "\r\033[K\033[32mgood\033[0m"
ALIEN = "\033]0;title\a\033[2J\x9b1m\u202e\rx\b\udcff\u2028"


@pytest.mark.parametrize(
    ("tty", "term"), [(True, "xterm"), (True, "dumb"), (True, ""), (False, "xterm")]
)
def test_only_our_own_words_reach_a_terminal(monkeypatch, tty, term):
    monkeypatch.setenv("TERM", term)
    stream = Stream(tty)
    print(OWN + ALIEN, file=terminal.Plain(stream))
    own = OWN if tty and term == "xterm" else ""
    assert stream.said.startswith(own)
    assert stream.said.endswith("\\udcff\\u2028\n")
    assert stream.said[len(own) : -1].isprintable()


@pytest.mark.parametrize("width", [20, 40, 80])
def test_progress_is_one_line_of_the_terminal(monkeypatch, width):
    stream = Stream(tty=True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setattr(sys, "stderr", stream)
    progress = Progress()
    progress.stack.append(["a part whose name is long, " * 4, 3, 9, 0.0, 1])
    display = terminal.Display("toy:laptop", progress, lambda: 2.0)
    with display:
        time.sleep(0.5)
    lines = [part for part in stream.said.split("\r\033[K") if part]
    assert lines
    assert max(map(len, lines)) < width


def test_heartbeat_where_there_is_no_terminal(tree):
    script = (
        "import sys; from launch import terminal; terminal.HEARTBEAT = 0.5\n"
        "from launch.__main__ import main; sys.exit(main(['run', 'toy:smoke', 'pause=0.5']))"
    )
    env = tree.environment()
    command = [sys.executable, "-P", "-c", script]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    beats = [x for x in done.stderr.splitlines() if "descending" in x]
    assert any("left" in b for b in beats)

"""What a person sees: commands to type again, a heartbeat."""

import shlex
import subprocess
import sys

import pytest

from launch import settings, values
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

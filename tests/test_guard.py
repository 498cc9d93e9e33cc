"""How commands end, and how what they compiled is counted."""

import os
import signal
import subprocess
import sys

import numpy as np
import pytest


@pytest.mark.parametrize("arguments", [("list",), ("--help",), ("run", "toy:smoke", "--fresh")])
def test_a_reader_that_leaves_is_no_error(tree, arguments):
    """./lab … | head -1"""
    out, left = os.pipe()
    os.close(out)
    command, env = [sys.executable, "-P", "-m", "launch", *arguments], tree.environment()
    env["PYTHONUNBUFFERED"] = ""
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, env=env, stdout=left, stderr=pipe, text=True)
    os.close(left)
    said = process.stderr.read()
    assert process.wait() == 128 + signal.SIGPIPE
    assert "Traceback" not in said
    assert "Broken" not in said


def test_a_library_s_own_broken_socket_kills_nothing(tree):
    script = (
        "import socket; from launch.__main__ import main; main(['list'])\n"
        "one, two = socket.socketpair(); two.close()\n"
        "try: one.send(b'x')\n"
        "except BrokenPipeError: print('told')"
    )
    command = [sys.executable, "-P", "-c", script]
    env = tree.environment()
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert done.stdout.endswith("told\n")


def test_programs_are_counted_whether_or_not_jax_had_them():
    import jax

    from launch.compute.computing import Compiling

    def program(x):
        return 2 * x

    short, long = np.ones(2), np.ones(3)
    compiling, counts = Compiling(), []
    for argument in (short, short, long):
        jax.jit(program)(argument)
        counts.append(compiling.programs)
    jax.clear_caches()
    jax.jit(program)(long)
    assert [*counts, compiling.programs] == [1, 1, 2, 3]
    assert compiling.seconds > 0

"""Every file of a checkpoint damaged in every way: the one before it is taken, nothing hangs."""

import shutil
import signal

from common.scratch import Scratch
from common.test_checkpoint import plus, restored
from tests.damages import of_text, places


class Hang(BaseException):
    """Nobody catches it."""


def ways(file):
    """{how: a call that puts a damage in the place of a file}"""
    good = file.read_bytes()
    middle = len(good) // 2
    whole = {"half": good[:middle], "empty": b"", "zeros": bytes(len(good)), "short": good[:-1]}
    whole["flip"] = good[:middle] + bytes([good[middle] ^ 1]) + good[middle + 1 :]
    if good[:1] == b"{":
        whole = {d.how: d.data for d in of_text(good)[::2]}
    found = {how: lambda d=data: file.write_bytes(d) for how, data in whole.items()}
    large = {} if file.parent.name == "d" else {"20 GB": lambda: sparse(file)}  # as arrays may be
    return found | places(file) | large | {"gone": lambda: None}


def sparse(file):
    with file.open("wb") as out:
        out.truncate(20 * 2**30)


def test_every_file_of_a_checkpoint_in_every_damage(tmp_path, monkeypatch):
    """The state of step 2 where it is whole (not all files are read), else that of step 1: never
    another, as `restored` compares every number."""

    def hung(*_):
        raise Hang

    monkeypatch.setattr("sys.unraisablehook", lambda _: None)  # of orbax's threads
    signal.signal(signal.SIGALRM, hung)
    home, copy = tmp_path / "saved", tmp_path / "copy"
    with Scratch(home).checkpoints("a", every=0.0) as ckpt:
        ckpt.save(1, plus(1))
        ckpt.save(2, plus(2))
    tried = 0
    names = [p.relative_to(home) for p in (home / "checkpoints-a/2").rglob("*") if p.is_file()]
    data = [n for n in names if n.parent.name == "d"]
    for name in [n for n in names if n not in data[2:]]:
        shutil.copytree(home, copy)
        for how in ways(copy / name):
            shutil.rmtree(copy)
            shutil.copytree(home, copy)
            put = ways(copy / name)[how]
            (copy / name).unlink()
            put()
            signal.alarm(60)
            added, step, said = restored(copy)
            signal.alarm(0)
            assert step in (1, 2), (name, how, said)
            assert added == step, (name, how)
            assert len(said) == (2 if step == 1 else 0), (name, how, said)
            assert not any("\n" in line for line in said)
            tried += 1
        shutil.rmtree(copy)
    assert tried > 130

"""Data files of every wrong kind: the data set's own error in one line, nothing large is read."""

import gzip
import hashlib
import io
import os
import struct
import tarfile
import zipfile

import numpy as np
import pytest

from common import data, files, png, sources

WORDS = b"To be, or not to be\n" * 50
HUGE = 20 * 2**30


def idx(shape, values=b"", kind=8):
    return bytes([0, 0, kind, len(shape)]) + struct.pack(f">{len(shape)}I", *shape) + values


def images(n=2):
    return idx((n, 2, 2), bytes(4 * n))


MNIST = {"a": images(), "b": idx((2,), b"\1\2"), "c": images(), "d": idx((2,), b"\1\2")}
ROW = bytes(3073)
BATCHES = [f"data_batch_{i}" for i in range(1, 6)] + ["test_batch"]


def idx_files():
    """{how: files of MNIST, one of them wrong}"""
    most = 2**32 - 1
    wrong = {f"rank {r}": bytes([0, 0, 8, r]) + bytes(4 * r) for r in (0, 1, 5, 64, 255)}
    shapes = [(most,), (most, most), (most,) * 4, (0, most, most), (65536,) * 4, (1 << 31, 2, 2, 0)]
    wrong |= {f"{shape}": idx(shape, bytes(8)) for shape in shapes}
    wrong |= {f"type {t}": idx((2, 2, 2), bytes(8), t) for t in (0, 9, 11, 13, 14, 255)}
    wrong |= {f"cut at {n}": images()[:n] for n in (0, 1, 3, 4, 7, 15, 16, 23)}
    wrong |= {"long": images() + b"\0", "labels": idx((2,), b"\1\2"), "text": b"<html>" * 9}
    wrong |= {
        "another number": images(3),
        "flat": idx((2, 4), bytes(8)),
        "gzip": gzip.compress(b""),
    }
    found = {f"{k} in {n}": MNIST | {n: v} for k, v in wrong.items() for n in "ac"}
    missing = {f"no {name}": {k: v for k, v in MNIST.items() if k != name} for name in MNIST}
    return found | missing | {"none": {}, "more": MNIST | {"e": images()}}


def tar(mode="w:gz", *, leave="", change=lambda info: None, size=3073):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:
        for name in BATCHES:
            info = tarfile.TarInfo(f"cifar-10-batches-bin/{name}.bin")
            info.size = size
            if name == leave:
                continue
            change(info)
            archive.addfile(info, io.BytesIO(bytes(max(info.size, 0))))
    return out.getvalue()


def as_type(kind, target=""):
    def change(info):
        if "data_batch_3" in info.name:
            info.type, info.linkname, info.size = kind, target, 0

    return change


def archives():
    """{how: what stands in the place of CIFAR-10's archive}"""
    good = tar()
    kinds = (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE)
    targets = ("/etc/passwd", "data_batch_3.bin", "nothing", "cifar-10-batches-bin/test_batch.bin")
    found = {f"no {name}": tar(leave=name) for name in BATCHES}
    found |= {f"{k!r} {t}": tar(change=as_type(k, t)) for k in kinds for t in targets}
    found |= {f"size {n}": tar(size=n) for n in (0, 1, 3072, 3074)}
    found |= {f"cut at {n}": good[:n] for n in (0, 1, 2, 10, len(good) // 2, len(good) - 40)}
    plain = tar("w")
    found |= {f"plain, cut at {n}": plain[:n] for n in (1, 512, 600, 3000, len(plain) // 2)}
    lies = bytearray(plain)
    lies[124:135] = b"77777777777"  # the size of the first file
    return found | {
        "page": b"<html>", "zip": zipped({"a": b""}), "zeros": bytes(4096), "lies": bytes(lies),
        "flipped": good[:99] + bytes([good[99] ^ 255]) + good[100:],
        "many rows": tar(size=3073 * 10_001),
    }  # fmt: skip


def npz(**arrays):
    out = io.BytesIO()
    np.savez_compressed(out, **arrays)
    return out.getvalue()


def zipped(members):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def header(text):
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(text)) + text.encode()


def packs():
    """{how: what stands in the place of digits.npz}"""
    x, y = np.zeros((1797, 8, 8), np.uint8), np.zeros(1797, np.uint8)
    good = npz(images=x, labels=y)
    shapes = ("(99999999999, 8, 8)", "(-1,)", "()", "(1, 2")
    heads = [f"{{'descr': '|u1', 'fortran_order': False, 'shape': {s}, }}\n" for s in shapes]
    heads += [
        "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }\n",
        "import os\n",
        "[" * 5000,
    ]
    found = {
        f"header {h[:60]}": zipped({"images.npy": header(h), "labels.npy": b""}) for h in heads
    }
    return found | {f"cut at {n}": good[:n] for n in (0, 1, 30, len(good) // 2, len(good) - 5)} | {
        "pickled": npz(images=np.array([{1: 2}], object), labels=y), "page": b"<html>",
        "pickle": b"\x80\x04K\x01.", "no labels": npz(images=x), "no images": npz(labels=y),
        "floats": npz(images=x.astype(float), labels=y), "flat": npz(images=x[:, 0, 0], labels=y),
        "few": npz(images=x[:9], labels=y[:9]), "other labels": npz(images=x, labels=y[:1500]),
        "bomb": zipped({"images.npy": bytes(2**25), "labels.npy": b""}), "empty zip": zipped({}),
    }  # fmt: skip


CASES = {
    "_parse_mnist": idx_files(),
    "_parse_cifar": {k: {"cifar-10-binary.tar.gz": v} for k, v in archives().items()},
    "_parse_digits": {k: {"digits.npz": v} for k, v in packs().items()},
    "_parse_text": {"empty": {"input.txt": b""}, "none": {}},
}


@pytest.mark.parametrize("parser", CASES)
def test_what_cannot_be_read_is_the_data_set_s_own_error(parser):
    parse = getattr(sources, parser)
    for how, found in CASES[parser].items():
        try:
            parse(found)
        except data.DataError as error:
            said = str(error)
        else:
            pytest.fail(f"{how} is taken")
        assert "\n" not in said, how
        assert len(said) < 400, how


def test_all_of_that_is_many():
    assert {k: len(v) for k, v in CASES.items()} == {
        "_parse_mnist": 68, "_parse_cifar": 47, "_parse_digits": 23, "_parse_text": 2,
    }  # fmt: skip


@pytest.fixture
def play(tmp_path, monkeypatch):
    """A one-file text, and the folders in which it may lie."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("REPRISE_DATA", str(tmp_path / "data"))
    file = sources.File("input.txt", hashlib.sha256(WORDS).hexdigest(), len(WORDS), ())
    source = sources.Source((file,), sources._parse_text, 0.1, "none")
    monkeypatch.setitem(sources.SOURCES, "play", source)
    homes = (tmp_path / "data/play", tmp_path / "cache/reprise/play")
    for home in homes:
        home.mkdir(parents=True)
    return homes


def sparse(file):
    with file.open("wb") as out:
        out.truncate(HUGE)


PLACES = {
    "20 GB": sparse,
    "folder": lambda file: file.mkdir(),
    "pipe": os.mkfifo,
    "device": lambda file: file.symlink_to("/dev/zero"),
    "link to itself": lambda file: file.symlink_to(file),
    "link to nothing": lambda file: file.symlink_to("nothing"),
    "bomb": lambda file: file.write_bytes(gzip.compress(bytes(2**24))),
    "two gzips": lambda file: file.write_bytes(gzip.compress(WORDS) * 2),
    "broken gzip": lambda file: file.write_bytes(b"\x1f\x8b" + bytes(90)),
}


@pytest.mark.parametrize("name", ["input.txt", "input.txt.gz"])
@pytest.mark.parametrize("how", PLACES)
def test_what_stands_in_the_place_of_a_file_is_told(play, how, name):
    """In a person's own folder always; of the cache, which is ours, what is a file is replaced."""
    for home in play:
        PLACES[how](home / name)
        with pytest.raises(data.DataError) as caught:
            data.load("play")
        said = str(caught.value)
        assert "play" in said
        assert "\n" not in said
        assert "REPRISE_DATA" in said or "replace or remove it" in said
        assert data.status("play")
        if os.path.lexists(home / name):
            (home / name).rmdir() if how == "folder" else (home / name).unlink()


def test_a_cache_that_cannot_be_written_is_told_before_mirrors_are_asked(play, monkeypatch):
    source = sources.SOURCES["play"]
    asked = source.files[0]._replace(urls=("http://127.0.0.1:9/a", "http://127.0.0.1:9/b"))
    monkeypatch.setitem(sources.SOURCES, "play", source._replace(files=(asked,)))
    monkeypatch.setattr(data, "_ask", lambda *_: pytest.fail("asked"))
    monkeypatch.setenv("XDG_CACHE_HOME", "/dev/null")
    with pytest.raises(data.DataError, match=r"/dev/null/.* cannot be written .*XDG_CACHE_HOME"):
        data.load("play")


def test_a_mirror_that_sends_too_much_is_left(play, monkeypatch):
    source = sources.SOURCES["play"]
    urls = ("http://127.0.0.1:9/a",)
    asked = source.files[0]._replace(urls=urls)
    monkeypatch.setitem(sources.SOURCES, "play", source._replace(files=(asked,)))

    def send(_, out):
        for _ in range(1000):
            out.write(bytes(2**20))
        pytest.fail("all of it was taken")

    monkeypatch.setattr(data, "_ask", send)
    with pytest.raises(data.DataError, match="more than the 1,000 bytes expected"):
        data.load("play")
    assert not list(play[1].iterdir())


def test_an_error_of_the_network_in_its_own_words(monkeypatch):
    """The innermost: those of requests quote objects and pools."""
    inner = ConnectionRefusedError(111, "Connection refused")
    outer = OSError("HTTPConnectionPool(host='a', port=9): Max retries (<x.Y object at 0x7f>: no)")
    outer.__cause__ = inner
    assert data._reason(outer) == "Connection refused"
    assert data._reason(ValueError("Missing dependencies for SOCKS support.")).endswith(
        "SOCKS support."
    )
    lacking = "Could not find a suitable TLS CA certificate bundle, invalid path: /x.pem"
    assert data._reason(OSError(lacking)) == lacking


# --- figures and stored arrays --------------------------------------------------------------------


def chunk(kind, content, length=None):
    return struct.pack(">I4s", len(content) if length is None else length, kind) + content + b"1234"


def test_words_of_what_is_no_picture_of_ours(tmp_path):
    """Nor a hang on a pipe, nor a text of gigabytes from a file of kilobytes."""
    import zlib

    file = tmp_path / "fig1.png"
    bomb = b"Figure\0\1\0\0\0" + zlib.compress(bytes(2**26))
    texts = (
        b"",
        b"\0",
        b"Figure",
        b"Figure\0",
        b"Figure\0\0\0",
        b"Figure\0\1\0\0\0x",
        b"\xff" * 9,
        bomb,
    )
    wrong = [png.SIGNATURE + chunk(b"iTXt", t) + png.END for t in texts]
    wrong += [
        png.SIGNATURE + chunk(b"iTXt", b"Figure\0\0\0\0\0a", n) + png.END for n in (0, 2**32 - 1)
    ]
    wrong += [b"", png.SIGNATURE, png.END, png.SIGNATURE + png.END, bytes(99)]
    for content in wrong:
        file.write_bytes(content)
        found = png.words(file)
        assert len(str(found)) < 2**18
    for put in PLACES.values():
        file.unlink(missing_ok=True)
        put(file)
        assert png.words(file) == {}
        file.rmdir() if file.is_dir() else file.unlink()


def test_records_are_looked_at_before_they_are_read(tmp_path):
    for how in ("20 GB", "folder", "pipe", "device", "link to itself", "link to nothing"):
        file = tmp_path / how
        PLACES[how](file)
        for read in (files.content, files.text):
            with pytest.raises(files.Damaged, match="is damaged"):
                read(file)

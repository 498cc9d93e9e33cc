"""Data sets: parsing against hand-made bytes, and every way a file can be wrong or missing."""

import contextlib
import gzip
import hashlib
import http.server
import io
import os
import tarfile
import threading

import numpy as np
import pytest

from common import data, sources

CONTENT = b"To be, or not to be\n" * 50
PAGE = b"<!DOCTYPE html><html><body>Sign in</body></html>"


@contextlib.contextmanager
def mirror(answers, *, promise=0):
    """A loopback server: path -> bytes; `promise` more bytes than it sends breaks the stream."""
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            body = answers.get(self.path)
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Length", str(len(body or b"") + promise))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()


@pytest.fixture
def place(tmp_path, monkeypatch):
    """An empty cache and data folder, and a way to name a one-file text called `play`."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("REPRISE_DATA", str(tmp_path / "data"))
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")
    (tmp_path / "data" / "play").mkdir(parents=True)

    def declare(*urls):
        sha256 = hashlib.sha256(CONTENT).hexdigest()
        file = sources.File("input.txt", sha256, len(CONTENT), urls)
        source = sources.Source((file,), sources._parse_text, 0.1, "none")
        monkeypatch.setitem(sources.SOURCES, "play", source)

    declare()
    return declare, tmp_path / "data" / "play", tmp_path / "cache" / "reprise" / "play"


def test_idx_by_hand():
    header = bytes([0, 0, 8, 2]) + (2).to_bytes(4, "big") + (3).to_bytes(4, "big")
    np.testing.assert_array_equal(
        sources._parse_idx(header + bytes(range(6))), [[0, 1, 2], [3, 4, 5]]
    )
    with pytest.raises(data.DataError, match=r"\[2, 3\], the file holds 5"):
        sources._parse_idx(header + bytes(range(5)))
    for broken in (b"", b"\0\0\x08\x03\0\0", b"\x1f\x8b\x08\0", b"\0\0\x0d\x01\0\0\0\0"):
        with pytest.raises(data.DataError, match="not an idx file"):
            sources._parse_idx(broken)


def test_digits_are_bundled_whole(monkeypatch, tmp_path):
    monkeypatch.setenv("REPRISE_DATA", str(tmp_path))
    digits = data.load("digits")
    assert digits.x_train.shape == (1347, 8, 8)
    assert digits.x_test.shape == (450, 8, 8)
    assert digits.x_train.max() == 16
    # the first row of the first image in the UCI file, a zero
    assert digits.x_train[0, 0].tolist() == [0, 0, 5, 13, 9, 1, 0, 0]
    assert digits.y_train[:10].tolist() == list(range(10))
    assert "bundled" in data.status("digits")
    assert (data.ASSETS / "digits.npz").stat().st_size < 100_000


def test_cifar_rows_become_images():
    rows = np.zeros((2, 3073), np.uint8)
    rows[1, 0] = 7
    rows[1, 1 + 1024 + 32 * 5 + 3] = 200  # green plane, row 5, column 3
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name in [f"data_batch_{i}" for i in range(1, 6)] + ["test_batch"]:
            info = tarfile.TarInfo(f"cifar-10-batches-bin/{name}.bin")
            info.size = rows.size
            archive.addfile(info, io.BytesIO(rows.tobytes()))
    arrays = sources._parse_cifar({"cifar-10-binary.tar.gz": packed.getvalue()})
    assert arrays["x_train"].shape == (10, 32, 32, 3)
    assert arrays["y_test"].tolist() == [0, 7]
    assert np.argwhere(arrays["x_test"]).tolist() == [[1, 5, 3, 1]]


@pytest.mark.parametrize("packed", [False, True])
def test_found_in_the_data_folder(place, packed):
    _, folder, _ = place
    name, body = ("input.txt.gz", gzip.compress(CONTENT)) if packed else ("input.txt", CONTENT)
    (folder / name).write_bytes(body)
    assert data.load("play").text.tobytes() == CONTENT
    assert data.path("play") == folder


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (CONTENT[:-1], "another file"),
        (PAGE, "an HTML page"),
        (gzip.compress(CONTENT, mtime=0)[:-20], "truncated gzip"),
        (gzip.compress(CONTENT * 1000, mtime=0), "another file"),
        (b"", "another file"),
    ],
)
def test_a_wrong_file_is_refused_in_one_line(place, body, word):
    _, folder, _ = place
    (folder / "input.txt").write_bytes(body)
    with pytest.raises(data.DataError, match=word) as caught:
        data.load("play")
    assert "\n" not in str(caught.value)
    assert str(folder / "input.txt") in str(caught.value)


def test_mirrors_in_turn_then_cache(place):
    declare, _, cache = place
    with mirror({"/b": PAGE, "/c.gz": gzip.compress(CONTENT)}) as (root, asked):
        declare(f"{root}/a", f"{root}/b", f"{root}/c.gz", f"{root}/d")
        assert data.path("play") is None
        assert data.load("play").text.tobytes() == CONTENT
        assert asked == ["/a", "/b", "/c.gz"]
    assert [p.name for p in cache.iterdir()] == ["input.txt.gz"]
    assert data.load("play").text.tobytes() == CONTENT  # the server is gone


def test_a_corrupt_cache_is_fetched_again(place):
    declare, _, cache = place
    cache.mkdir(parents=True)
    (cache / "input.txt").write_bytes(CONTENT[:100])
    with mirror({"/a": CONTENT}) as (root, _):
        declare(f"{root}/a")
        assert data.load("play").text.tobytes() == CONTENT
    assert (cache / "input.txt").read_bytes() == CONTENT


def test_an_interrupted_download_never_counts(place):
    declare, folder, cache = place
    with mirror({"/a": CONTENT[:200]}, promise=300) as (root, _):
        declare(f"{root}/a", f"{root}/missing", "http://127.0.0.1:9/refused")
        with pytest.raises(data.DataError) as caught:
            data.load("play")
    assert list(cache.iterdir()) == []
    said = str(caught.value)
    assert "\n" not in said
    for part in ("HTTP 404", f"{root}/a", "http://127.0.0.1:9", str(cache), str(folder.parent)):
        assert part in said


def test_unknown_name_lists_the_known():
    with pytest.raises(data.DataError, match="digits, mnist"):
        data.load("minst")


def test_mnist_is_the_canonical_one():
    """Class counts of the published training set (LeCun, Cortes and Burges)."""
    if data.path("mnist") is None:
        pytest.skip(f"MNIST is not on this machine (REPRISE_DATA={os.environ.get('REPRISE_DATA')})")
    mnist = data.load("mnist")
    counts = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(mnist.y_train).tolist() == counts
    assert mnist.x_train.shape == (60_000, 28, 28)
    assert mnist.y_test[:5].tolist() == [7, 2, 1, 0, 4]

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
from common.assets import make

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


def bundled_bytes(name):
    return sum(file.stat().st_size for file in (data.ASSETS / name).iterdir())


@pytest.fixture
def alone(monkeypatch, tmp_path):
    """A machine that has nothing but the repository."""
    for variable in ("REPRISE_DATA", "XDG_CACHE_HOME"):
        monkeypatch.setenv(variable, str(tmp_path))


@pytest.mark.usefixtures("alone")
def test_digits_are_bundled_whole():
    digits = data.load("digits")
    assert digits.x_train.shape == (1347, 8, 8)
    assert digits.x_test.shape == (450, 8, 8)
    assert digits.x_train.max() == 16
    # the first row of the first image in the UCI file, a zero
    assert digits.x_train[0, 0].tolist() == [0, 0, 5, 13, 9, 1, 0, 0]
    assert digits.y_train[:10].tolist() == list(range(10))
    assert "bundled" in data.status("digits")
    assert bundled_bytes("digits") < 100_000


@pytest.mark.usefixtures("alone")
def test_mnist_small_is_mnist_in_small():
    """Known of MNIST: its first images, mean 0.1307 and deviation 0.3081 of the training pixels."""
    small = data.load("mnist_small")
    assert "bundled" in data.status("mnist_small")
    assert bundled_bytes("mnist_small") < 1_600_000
    assert {field.dtype for field in small if isinstance(field, np.ndarray)} == {np.dtype("uint8")}
    assert (small.x_train.shape, small.x_test.shape) == ((6000, 28, 28), (2000, 28, 28))
    assert np.bincount(small.y_train).tolist() == [600] * 10
    assert np.bincount(small.y_test).tolist() == [200] * 10
    assert small.y_train[:5].tolist() == [5, 0, 4, 1, 9]
    assert small.y_test[:5].tolist() == [7, 2, 1, 0, 4]
    stroke = [3, 18, 18, 18, 126, 136, 175, 26, 166, 255, 247, 127]  # of the first image, a five
    assert small.x_train[0, 5, 12:24].tolist() == stroke
    np.testing.assert_allclose(small.x_train.mean() / 255, 0.1307, rtol=0.01)
    np.testing.assert_allclose(small.x_train.std() / 255, 0.3081, rtol=0.01)


@pytest.mark.usefixtures("alone")
def test_mnist_small_is_as_hard_as_mnist():
    """The nearest of these 6,000 images errs on 5.64 % of MNIST's whole test set, which 2,000
    images give to a standard error of 0.5 %; labels of other images would give 90 %."""
    small = data.load("mnist_small")
    train, test = (x.reshape(len(x), -1).astype(np.float32) for x in (small.x_train, small.x_test))
    distances = np.sum(train**2, axis=1) - 2 * test @ train.T  # less |test|^2
    wrong = small.y_train[np.argmin(distances, axis=1)] != small.y_test
    np.testing.assert_allclose(wrong.mean(), 0.0564, atol=0.01)


def test_evenly_spread_by_hand():
    """Zeros at 0, 2, 4, 6: the first and the third; ones at 1, 3, 5: the first and the second."""
    assert make.spread(np.array([0, 1, 0, 1, 0, 1, 0]), 2).tolist() == [0, 1, 3, 4]


def test_mnist_small_follows_from_the_canonical_files():
    if data.path("mnist") is None:
        pytest.skip(f"MNIST is not on this machine (REPRISE_DATA={os.environ.get('REPRISE_DATA')})")
    for name, content in make.contents().items():
        bundled = data.ASSETS / "mnist_small" / f"{name}.gz"
        assert gzip.decompress(bundled.read_bytes()) == content, name


@pytest.mark.usefixtures("alone")
def test_tiny_shakespeare_is_bundled_whole():
    text = data.load("tiny_shakespeare").text
    assert text.tobytes().startswith(
        b"First Citizen:\nBefore we proceed any further, hear me speak."
    )
    assert (text.size, np.unique(text).size) == (1_115_394, 65)
    assert "bundled" in data.status("tiny_shakespeare")
    assert bundled_bytes("tiny_shakespeare") < 450_000


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

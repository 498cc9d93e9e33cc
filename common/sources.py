"""Which data sets there are: their files and hashes, where they are published, how they are read.

MNIST, Fashion-MNIST and Tiny Shakespeare are hashes of the content, each stated by several
independent public projects (Fashion-MNIST's labels also recomputed from archives with the
publisher's md5 sums); mnist_small's follow from MNIST by the rule of `common/assets/make.py`, which
a test applies again. CIFAR-10 is hashed as published, as an archive: its sha256 belongs to the
bytes whose md5, c32a1d4ab5d03f1284b67883e8d87530, is on the authors' page.

Shapes: N examples, H x W pixels, C colours; images are uint8, labels uint8 [N].
"""

import io
import math
import tarfile
import zipfile
from collections.abc import Callable
from functools import wraps
from typing import NamedTuple

import numpy as np

Files = dict[str, bytes]
Arrays = dict[str, np.ndarray]
RANK = 4  # of an idx file: more axes are none of images or labels
ROW, ROWS = 3073, 10_000  # of CIFAR-10: a label and 3 x 32 x 32 bytes; rows of a batch
PACKED = 2**24  # bytes of an array in an .npz, at most


class DataError(Exception):
    """A data set that cannot be had or is not what it should be: one line, with what to do."""


class File(NamedTuple):
    name: str  # without a final .gz
    sha256: str  # of the content, after gunzip unless the file is kept packed
    size: int  # of the same bytes
    urls: tuple[str, ...]


class Source(NamedTuple):
    """A data set: its files, how to read them and what it takes to fetch them."""

    files: tuple[File, ...]
    parse: Callable[[Files], Arrays]
    megabytes: float  # to download
    licence: str
    packed: bool = False  # the hash is of the file as published


def _own_error(parse: Callable[..., Arrays]) -> Callable[[Files], Arrays]:
    """A parser whose every failure, whatever library raises it, is a DataError in one line."""

    @wraps(parse)
    def parsed(files: Files) -> Arrays:
        try:
            arrays = parse(files)
        except DataError:
            raise
        except Exception as error:  # tarfile, zipfile, zlib and NumPy raise a dozen kinds
            words = " ".join(f"{type(error).__name__}: {error}".split())[:200]
            raise DataError(f"{', '.join(files)[:80]} cannot be read ({words})") from error
        for part in ("train", "test"):
            _demand_pairs(part, arrays)
        return arrays

    return parsed


def _demand_pairs(part: str, arrays: Arrays) -> None:
    """Errors: DataError unless there are images, as many labels, and all are bytes."""
    if f"x_{part}" not in arrays:
        return
    x, y = arrays[f"x_{part}"], arrays[f"y_{part}"]
    if not (x.ndim >= 3 and y.ndim == 1 and len(x) == len(y) > 0 and x.dtype == y.dtype == "u1"):
        shapes = f"{x.dtype} {list(x.shape)} and {y.dtype} {list(y.shape)}"
        raise DataError(f"images and labels to {part} must be bytes and as many, not {shapes}")


def _parse_idx(content: bytes) -> np.ndarray:
    """Array in the idx format: two zero bytes, type 8 (uint8), rank, sizes, values."""
    if len(content) < 4 or content[:3] != b"\0\0\x08" or len(content) < 4 + 4 * content[3]:
        raise DataError("not an idx file of unsigned bytes: it starts " + repr(content[:4]))
    rank = content[3]
    if not 1 <= rank <= RANK:
        raise DataError(f"idx header says {rank} axes; there are 1 to {RANK}")
    shape = [int(n) for n in np.frombuffer(content, ">u4", rank, offset=4)]
    values = np.frombuffer(content, np.uint8, offset=4 + 4 * rank)
    if not values.size or values.size != math.prod(shape):
        raise DataError(f"idx header says {shape}, the file holds {values.size} values")
    return values.reshape(shape)


@_own_error
def _parse_mnist(files: Files) -> Arrays:
    x_train, y_train, x_test, y_test = (_parse_idx(content) for content in files.values())
    return {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}


@_own_error
def _parse_digits(files: Files) -> Arrays:
    """The first 1,347 images train, the last 450 test: unshuffled, see assets/README.md."""
    packed = io.BytesIO(files["digits.npz"])
    with zipfile.ZipFile(packed) as archive:
        if large := [i.filename for i in archive.infolist() if i.file_size > PACKED]:
            raise DataError(f"digits.npz: {large[0][:40]!r} has more than {PACKED:,} bytes")
    stored = np.load(packed, allow_pickle=False)
    x, y = stored["images"], stored["labels"]
    return {"x_train": x[:1347], "y_train": y[:1347], "x_test": x[1347:], "y_test": y[1347:]}


@_own_error
def _parse_cifar(files: Files) -> Arrays:
    """The binary version: rows of one label and 3 x 32 x 32 bytes. -> images [N, 32, 32, 3]"""
    with tarfile.open(fileobj=io.BytesIO(files["cifar-10-binary.tar.gz"])) as archive:

        def batch(name: str) -> np.ndarray:
            try:
                member = archive.getmember(f"cifar-10-batches-bin/{name}.bin")
            except KeyError:
                raise DataError(f"the CIFAR-10 archive lacks {name}.bin") from None
            if not member.isreg() or member.size % ROW or not 0 < member.size <= ROWS * ROW:
                raise DataError(
                    f"{name}.bin of the CIFAR-10 archive is no file of 1 to {ROWS:,} rows of {ROW} "
                    f"bytes ({member.size:,} bytes)"
                )
            return np.frombuffer(archive.extractfile(member).read(), np.uint8).reshape(-1, ROW)  # type: ignore[union-attr]

        train = np.concatenate([batch(f"data_batch_{i}") for i in range(1, 6)])
        test = batch("test_batch")

    def images(rows: np.ndarray) -> np.ndarray:
        return rows[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1).copy()

    return {
        "x_train": images(train),
        "y_train": train[:, 0].copy(),
        "x_test": images(test),
        "y_test": test[:, 0].copy(),
    }


@_own_error
def _parse_text(files: Files) -> Arrays:
    if not files["input.txt"]:
        raise DataError("input.txt is empty")
    return {"text": np.frombuffer(files["input.txt"], np.uint8)}


def _idx_files(
    mirrors: tuple[str, ...],
    hashes: tuple[str, ...],
    counts: tuple[int, int] = (60_000, 10_000),
) -> tuple[File, ...]:
    names = [f"{part}-{kind}-ubyte" for part in ("train", "t10k") for kind in KINDS]
    sizes = [size for n in counts for size in (16 + 28 * 28 * n, 8 + n)]  # header and values
    return tuple(
        File(name, sha256, size, tuple(f"{mirror}/{name}.gz" for mirror in mirrors))
        for name, sha256, size in zip(names, hashes, sizes, strict=True)
    )


KINDS = ("images-idx3", "labels-idx1")
SOURCES = {
    "digits": Source(
        files=(
            File(
                "digits.npz",
                "b2dab7b501728c22e9119ad76740b2e17c77a231e42d1e592380d90886f1a05e",
                45_394,
                (),
            ),
        ),
        parse=_parse_digits,
        megabytes=0.05,
        licence="CC BY 4.0",
        packed=True,
    ),
    "mnist": Source(
        files=_idx_files(
            (
                "https://ossci-datasets.s3.amazonaws.com/mnist",
                "https://storage.googleapis.com/cvdf-datasets/mnist",
                "http://yann.lecun.com/exdb/mnist",
            ),
            (
                "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
                "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
                "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
                "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
            ),
        ),
        parse=_parse_mnist,
        megabytes=11.6,
        licence="CC BY-SA 3.0",
    ),
    "mnist_small": Source(  # assets/make.py
        files=_idx_files(
            (),
            (
                "276107be590759c3f0926df722c4de39cdda1227591a1ecd47a184690a8ebf06",
                "68a5c4f7f395a30b3c9c1866520c6eee961a3d0347446a56e17e4f65c8dfbbc6",
                "0a2a978ac97c9ffe5524643f23f15c688c7c4b82e1ce271f4060492e4a74cae4",
                "601a3cc86da79e5dcf5265d52b4dd14eb2e0ee0c69c9792c036ed8b98dcb05fa",
            ),
            (6_000, 2_000),
        ),
        parse=_parse_mnist,
        megabytes=1.3,
        licence="CC BY-SA 3.0",
    ),
    "fashion_mnist": Source(
        files=_idx_files(
            (
                "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion",
                "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
            ),
            (
                "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
                "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
                "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
                "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
            ),
        ),
        parse=_parse_mnist,
        megabytes=30.9,
        licence="MIT",
    ),
    "cifar10": Source(
        files=(
            File(
                "cifar-10-binary.tar.gz",
                "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
                170_052_171,
                (
                    "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
                    "https://cave.cs.toronto.edu/kriz/cifar-10-binary.tar.gz",
                    "https://storage.googleapis.com/s4tf-hosted-binaries/datasets/CIFAR10/cifar-10-binary.tar.gz",
                ),
            ),
        ),
        parse=_parse_cifar,
        megabytes=170.1,
        licence="none stated; cite Krizhevsky (2009)",
        packed=True,
    ),
    "tiny_shakespeare": Source(
        files=(
            File(
                "input.txt",
                "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
                1_115_394,
                (
                    "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt",
                    "https://cdn.jsdelivr.net/gh/karpathy/char-rnn@master/data/tinyshakespeare/input.txt",
                ),
            ),
        ),
        parse=_parse_text,
        megabytes=1.1,
        licence="public domain",
    ),
}

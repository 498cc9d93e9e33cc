"""Makes the bundled `mnist_small` from the canonical MNIST files: `python -m common.assets.make`.

Of the n images of a class, in file order, those numbered floor(k n / K), k = 0 … K-1, are taken:
K = 600 for training and 200 for test. What is taken stays in file order and in MNIST's idx format.
"""

import gzip

import numpy as np

from common import data, sources

PER_CLASS = {"train": 600, "test": 200}


def spread(labels: np.ndarray, count: int) -> np.ndarray:
    """Places of `count` examples of every class, evenly spread over its own.  -> int [M], sorted"""
    places = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    return np.sort(np.concatenate([p[np.arange(count) * len(p) // count] for p in places]))


def idx(values: np.ndarray) -> bytes:
    """uint8 array as an idx file: two zero bytes, type 8, rank, sizes (big-endian), values."""
    return (
        bytes([0, 0, 8, values.ndim]) + np.array(values.shape, ">u4").tobytes() + values.tobytes()
    )


def contents() -> dict[str, bytes]:
    """name -> content of the files of `mnist_small`. Raises DataError where MNIST is not here."""
    mnist = data.load("mnist")
    train = spread(mnist.y_train, PER_CLASS["train"])
    test = spread(mnist.y_test, PER_CLASS["test"])
    arrays = (mnist.x_train[train], mnist.y_train[train], mnist.x_test[test], mnist.y_test[test])
    names = [file.name for file in sources.SOURCES["mnist"].files]
    return {name: idx(values) for name, values in zip(names, arrays, strict=True)}


def main() -> None:
    """Write them beside this file."""
    folder = data.ASSETS / "mnist_small"
    folder.mkdir(exist_ok=True)
    for name, content in contents().items():
        (folder / f"{name}.gz").write_bytes(gzip.compress(content, 9, mtime=0))


if __name__ == "__main__":
    main()

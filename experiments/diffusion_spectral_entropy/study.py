"""What is asked of each kind of cloud, from random numbers to entropies and information in bits.

Shapes: N points, D coordinates, B branches of L points, C categories, R random subsets.
"""

import numpy as np

from . import clouds, entropy


def toy(normal, constant, uniform, *, dims, noises, powers, sigma, kind):
    """Clouds of each dimension and noise.  normal, uniform [N, D], constant []

    kind: "diffusion", or "histogram" instead of it
    -> toy_entropy [noise, power, dim], toy_histogram [noise, dim]
    """
    found = np.zeros((len(noises), len(powers), len(dims)))
    plain = np.zeros((len(noises), len(dims)))
    for i, noise in enumerate(noises):
        for j, dim in enumerate(dims):
            x = clouds.embedded(normal, uniform, constant, dim, noise)
            plain[i, j] = entropy.histogram(x)
            if kind == "histogram":
                found[i, :, j] = plain[i, j]
            else:
                kernel = entropy.gaussian(entropy.squared_distances(x), sigma)
                values = entropy.eigenvalues(kernel)
                found[i, :, j] = [entropy.entropy(values, power) for power in powers]
    return {"toy_entropy": found, "toy_histogram": plain}


def blobs(normal, centres, *, counts, scale, sigma, power):
    """Well separated clusters.  normal [N, D], centres [K, D] -> blob_entropy [blob]"""

    def found(count):
        x = clouds.blobs(normal, centres, count, scale)
        kernel = entropy.gaussian(entropy.squared_distances(x), sigma)
        return entropy.entropy(entropy.eigenvalues(kernel), power)

    return {"blob_entropy": np.array([found(count) for count in counts])}


def trees(uniform, *, branches, corruptions, noise, sigma):
    """Information on branches whose labels are corrupted, of trees with the first branches.

    uniform: steps, shakes [B, L, D], parents [B], which, order [B L], subsets [B, R, B L]
    -> tree_information [branch, r]
    """
    length = uniform["steps"].shape[1]

    def found(count):
        steps, shakes = uniform["steps"][:count], uniform["shakes"][:count]
        x = clouds.tree(steps, uniform["parents"])
        x = x + noise * (2 * shakes.reshape(x.shape) - 1)
        kernel = entropy.gaussian(entropy.squared_distances(x), sigma)
        labels, few = np.repeat(np.arange(count), length), slice(len(x))
        random = uniform["which"][few], uniform["order"][few]
        heights = uniform["subsets"][:count, :, few]
        taught = [clouds.corrupted(labels, *random, r) for r in corruptions]
        return [entropy.information(kernel, y, heights) for y in taught]

    return {"tree_information": np.array([found(count) for count in branches])}


def features(z, labels, groups, heights, *, sigma, bandwidth, drawn, whole):
    """A network's cloud by two kernels: of width sigma, of bandwidth times the mean distance.

    z [N, D], labels, groups int [N], heights [C, R, N]
    whole: with the entropy of all points, which takes N^3
    -> entropy (if whole), on_labels, on_images [kernel], distance [], spectra [drawn] of the second
    kernel
    """
    squares = entropy.squared_distances(z)
    distance = entropy.mean_distance(squares)
    widths = sigma, bandwidth * distance
    kernels = [entropy.gaussian(squares, width) for width in widths]
    found = {
        "distance": np.array(distance),
        "on_labels": np.array([entropy.information(k, labels, heights) for k in kernels]),
        "on_images": np.array([entropy.information(k, groups, heights) for k in kernels]),
        "spectra": entropy.eigenvalues(kernels[1][:drawn, :drawn]),
    }
    if whole:
        found["entropy"] = np.array([entropy.entropy(entropy.eigenvalues(k)) for k in kernels])
    return found

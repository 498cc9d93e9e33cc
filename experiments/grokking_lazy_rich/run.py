"""The ensemble over alpha, eps and linearisation; the amount of data; the network itself.

Shapes: seeds lead every array and are split over the data axis of the mesh; A members of an
ensemble, E = D + 1, S records.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from common import keys, loops, sharding
from common.programs import Program

from . import curves, moments, problems, training

CHUNK = 4  # records between two looks at the clock: at most an eighth of the steps
STREAMS = ("sweep", "sizes", "check")  # folded into a seed's key, by place
EVERY = 10  # steps between two comparisons of the network with its moments
COMPARED = 10  # one of so many comparisons is returned, the last among them
SWEPT = ("alpha_times", "alpha_fit", "alpha_end", "align_end", "drop", "eps_fit", "net_end",
         "lin_end", "early", "regression", "train", "test", "align", "terms", "eps_train",
         "eps_test", "net_train", "net_test", "net_cka", "lin_train", "lin_test")  # fmt: skip


def run(cfg, mesh: Mesh, scratch) -> dict[str, np.ndarray]:
    """Numbers read at every record, and curves to three digits at those that are drawn.

    Losses are means of (f - y)^2, over the training set and over the law of x; a pair is both.
    alpha [alpha], eps [eps], twin [twin] (the alphas of the twins), at [S'] (steps that are drawn)
    alpha_times [seed, alpha, 2]: T_train and T_test, at cfg.eps
    alpha_fit, alpha_end [seed, alpha, 2]: the pair at T_train and at the last step
    align_end [seed], drop [seed, 2, point]: the alignment at the end; see `curves.drop`; base case
    eps_fit [seed, eps, 2]: the pair at T_train, at the base alpha
    net_end, lin_end [seed, twin, 2]: the pair at the end, centred networks and linearised ones
    early [seed, twin]: see `curves.early`; regression [seed, twin]: test loss of their kernel
    regression
    train, test, align [seed, alpha, S'], eps_train, eps_test [seed, eps, S']: drawn
    terms [seed, 3, S']: of the test loss, base case: linear power, square of the mean, variance
    net_train, net_test, net_cka, lin_train, lin_test [seed, 2, S']: of the first twin and the last
    size [size] (P), size_times, size_end [size, seed, 2]: at the base alpha
    check [instance, 2, 2, S3]: (network, moments) x (training, other) losses; seeds x check_alphas
    """
    at = loops.spaced(cfg.steps, cfg.records)
    out = {"alpha": np.array(cfg.alphas), "eps": np.array(cfg.epsilons)}
    out |= {"twin": np.array(cfg.twins), "at": at[curves.drawn_at(len(at))]}
    streams = {name: keys.fold(cfg.seeds, i) for i, name in enumerate(STREAMS)}
    normal = keys.draws(streams, shapes(cfg))
    if scratch.wants(*SWEPT):
        curve = scratch.cached("sweep", lambda: sweep(cfg, mesh, scratch, normal["sweep"]))
        out |= curves.of_sweep(at, curve, (len(cfg.alphas), len(cfg.epsilons), len(cfg.twins)))
    if scratch.wants("size", "size_times", "size_end"):
        curve = sizes(cfg, mesh, scratch, normal["sizes"])
        out |= {"size": np.array(cfg.sizes)} | curves.of_sizes(curve)
    if scratch.wants("check"):
        compare = comparison(cfg, mesh)
        check = scratch.cached("check", lambda: {"check": compare(normal["check"])})["check"]
        check = check.reshape(-1, *check.shape[2:])
        out |= {"check": check[..., ::-COMPARED][..., ::-1]}
    return out


def shapes(cfg) -> dict[str, tuple[int, int]]:
    """Of the N(0, 1) entries of every part: weights, a direction, examples, each a row."""
    most = max(2 * cfg.samples, *cfg.sizes)
    examples = {"sweep": cfg.samples, "sizes": most, "check": 2 * cfg.samples}
    return {name: (cfg.width + 1 + count, cfg.dim) for name, count in examples.items()}


def sweep(cfg, mesh: Mesh, scratch, normal) -> dict[str, np.ndarray]:
    """The ensemble: losses and alignments [seed, S, A, …], regression [seed, twin]."""
    begin, train, regress = ensemble(cfg, mesh)
    problem = begin(normal)

    def advance(u, _, strides):
        return train(problem, u, strides)

    at = loops.spaced(cfg.steps, cfg.records)
    history = loops.recorded(scratch, "sweep", advance, problem.start, at, chunk=CHUNK)[1]
    return history | {"regression": regress(problem)}


def sizes(cfg, mesh: Mesh, scratch, normal) -> list[dict[str, np.ndarray]]:
    """One member of infinite width for every amount of data: at [S2], train, test [seed, S2, 1]."""
    begin, train = amounts(cfg, mesh)
    most = sharding.gather(begin(normal))

    def descend(samples, at):
        problem = problems.first(most, samples)
        return {"at": at} | train(problem, problem.start, np.diff(at, prepend=0))[1]

    each = enumerate(zip(cfg.sizes, size_grids(cfg), strict=True))
    cells = {f"size-{i}": partial(descend, samples, at) for i, (samples, at) in each}
    return scratch.cells(cells, "amount of data")


def size_grids(cfg) -> list[np.ndarray]:
    """Steps at which each amount of data is observed, as many for all.  -> a size: [S2]"""
    return [loops.spaced(n, min(cfg.records, *cfg.size_steps)) for n in cfg.size_steps]


def ensemble(cfg, mesh: Mesh) -> tuple[sharding.Placed, sharding.Placed, sharding.Placed]:
    """normal [seed, rows, D] -> problem; descent in it, see `training.train`; its regression."""
    rich, twins = float(not cfg.frozen), len(cfg.twins)
    setting = problems.members(cfg.alphas, cfg.epsilons, cfg.twins, eps=cfg.eps, rich=rich)
    begin = partial(problems.of_network, setting=setting, width=cfg.width, centred=2 * twins)
    train = partial(training.train, lr=cfg.lr, observe=training.losses_and_alignments)
    regress = partial(problems.regression_loss, count=twins)
    return (
        sharding.vmap_over(mesh, begin),
        sharding.vmap_over(mesh, train, shared=(2,)),
        sharding.vmap_over(mesh, regress),
    )


def amounts(cfg, mesh: Mesh) -> tuple[sharding.Placed, sharding.Placed]:
    """normal [seed, rows, D] -> problem with as many examples as are ever used; descent in it."""
    one = cfg.twins[0], cfg.eps, float(not cfg.frozen)
    setting = moments.Setting(*(jnp.array([value]) for value in one))
    begin = partial(problems.of_infinite_width, setting=setting, width=cfg.width)
    train = partial(training.train, lr=cfg.lr, observe=training.losses)
    return sharding.vmap_over(mesh, begin), sharding.vmap_over(mesh, train, shared=(2,))


def comparison(cfg, mesh: Mesh) -> sharding.Placed:
    """normal [seed, rows, D] -> losses of networks and of their moments, see `training`."""
    descents = partial(
        training.network_and_moments,
        strides=np.full(cfg.check_steps // EVERY, EVERY),
        alphas=jnp.array(cfg.check_alphas),
        eps=cfg.eps,
        lr=cfg.lr,
        infinite=cfg.check_infinite,
    )

    def compare(normal):
        w, x, y, _ = problems.split(normal, cfg.width)
        return descents(w, x, y)

    return sharding.vmap_over(mesh, compare)


def programs(cfg, mesh: Mesh) -> list[Program]:
    """The ensemble's descent, the networks beside their moments, descents on amounts of data."""
    (begin, train, _), (begin_few, train_few) = ensemble(cfg, mesh), amounts(cfg, mesh)
    lead = (len(cfg.seeds),)
    normal = jax.eval_shape(lambda: {k: jnp.zeros(lead + s) for k, s in shapes(cfg).items()})
    problem = jax.eval_shape(begin, normal["sweep"])
    calls = -(-len(loops.spaced(cfg.steps, cfg.records)) // CHUNK)
    trips = cfg.steps / (calls * CHUNK)
    arguments = problem, problem.start, np.zeros(CHUNK, int)
    found = [
        train.program("ensemble", *arguments, calls=calls, trips=trips),
        comparison(cfg, mesh).program("check", normal["check"], calls=1, trips=EVERY),
    ]
    most = jax.eval_shape(begin_few, normal["sizes"])
    for samples in sorted(set(cfg.sizes)):
        ats = [at for size, at in zip(cfg.sizes, size_grids(cfg), strict=True) if size == samples]
        problem = jax.eval_shape(partial(problems.first, samples=samples), most)
        arguments, trips = (problem, problem.start, ats[0]), np.mean(ats, 0)[-1] / len(ats[0])
        found += [train_few.program(f"{samples} examples", *arguments, calls=len(ats), trips=trips)]
    return found

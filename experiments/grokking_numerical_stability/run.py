"""Arms of three tasks: parity until collapse and after, addition in three precisions, addition with
gradients perpendicular to the weights.

Shapes: seeds lead every array and are split over the data axis of the mesh; S records of an arm.
"""

from functools import cache, partial
from typing import NamedTuple

import jax
import numpy as np
from jax.sharding import Mesh

from common import keys, loops, sharding
from common.programs import Program

from . import losses, tasks, training

CHUNK = 6  # records between two looks at the clock: at most half of the steps
PARITY, COLLAPSE, MODULAR = range(3)  # tasks; folded into a seed's key
EXAMPLES = 8  # whose rescaled logits are returned
SCALED = ("scaled_loss", "scaled_logits")


class Arm(NamedTuple):
    """One training of every seed, and the fields of training.Seen that are returned."""

    task: int
    hyper: training.Hyper
    steps: int
    reads: tuple[str, ...]
    also: tuple[str, ...] = ()  # arrays that are made from its end


def run(cfg, mesh: Mesh, scratch) -> dict[str, np.ndarray]:
    """Arms, observed at the steps NAME_at [S], before the updates of these. Each [seed, S]:

    plain_train, plain_test, plain_full, plain_zero: parity with cross-entropy: accuracies, shares
    of the training examples that rounding gives probability 1, and loss 0
    kept_test, reset_test: test accuracy of StableMax from the first collapsed record of that on
    (where there is none, from the start), with the state of its optimiser and with a fresh one
    remedy_train, remedy_test: parity with StableMax
    half_full, single_full, double_full, half_edge, single_edge, double_edge: addition in float16,
    32, 64: share with probability 1, and the lead of the logits from which on examples have it
    double_train, double_test, double_cosine: accuracies, cosine of descent and weights in float64
    perp_train, perp_test, decay_train, decay_test, adam_train, adam_test: accuracies of addition
    with perpendicular gradients, with weight decay, with neither
    Also plain_at, kept_at, reset_at, remedy_at, half_at, single_at, double_at, perp_at, decay_at,
    adam_at;
    scaled_loss [seed, 1 + scale]: training loss at the end of adam, weights times 1 and scales
    scaled_logits [instance, 2, number]: logits of scaled weights, and scaled logits; seeds x scales
    """
    train, out = trainer(mesh), {}
    begun = cache(lambda task: beginner(cfg, mesh, task)(keys.fold(cfg.seeds, task)))
    for name, arm in arms(cfg).items():
        if scratch.wants(*arm.also, f"{name}_at", *(f"{name}_{field}" for field in arm.reads)):
            part = partial(trained, cfg, mesh, scratch, train, name, arm, begun)
            out |= scratch.cached(name, part)
    return out


def arms(cfg) -> dict[str, Arm]:
    """Every arm that begins at random weights."""
    shares, accuracies = ("full", "edge"), ("train", "test")
    parity = partial(hyper, lr=cfg.parity_lr, beta2=cfg.parity_beta2, eps=cfg.parity_eps)
    sums = partial(hyper, lr=cfg.collapse_lr, beta2=cfg.collapse_beta2, eps=cfg.collapse_eps)
    found = {
        "plain": Arm(
            PARITY,
            parity(cfg.plain),
            cfg.parity_steps,
            (*accuracies, "full", "zero"),
            ("kept_at", "kept_test", "reset_at", "reset_test"),
        ),
        "remedy": Arm(PARITY, parity(cfg.remedy), cfg.parity_steps, accuracies),
    }
    for i, name in enumerate(("half", "single", "double")):
        last = name == "double"
        setting = sums(cfg.precisions[i], perp=last and cfg.aligned_perp)
        reads = (*shares, *accuracies, "cosine") if last else shares
        found[name] = Arm(COLLAPSE, setting, cfg.collapse_steps[i], reads)
    plain = partial(hyper, "float32", lr=cfg.lr, beta2=cfg.beta2, eps=cfg.eps, perp=False)
    decayed = plain(decay=cfg.decay)
    return found | {
        "perp": Arm(MODULAR, plain(perp=cfg.perp), cfg.perp_steps, accuracies),
        "decay": Arm(MODULAR, decayed, cfg.decay_steps, accuracies),
        "adam": Arm(MODULAR, plain(), cfg.adam_steps, accuracies, SCALED),
    }


def hyper(loss: str, *, lr, beta2, eps, decay=0.0, perp=None) -> training.Hyper:
    numbers = map(np.float32, (lr, beta2, eps, decay))
    return training.Hyper(losses.place(loss), perp if perp is None else np.bool_(perp), *numbers)


def trained(cfg, mesh, scratch, train, name: str, arm: Arm, begun) -> dict[str, np.ndarray]:
    """An arm, and what is made from its end, as `run` names it."""
    data, state = begun(arm.task)
    learn = partial(taught, cfg, scratch, train, data)
    last, found = learn(name, state, arm.hyper, arm.steps, arm.reads)
    if name == "plain" and scratch.wants(*arm.also):
        continued = arm.hyper._replace(loss=losses.place(cfg.continued))
        fresh = again(mesh)(last.saved[0])
        kept = fresh._replace(opt=last.saved[1])
        for way, start in (("kept", kept), ("reset", fresh)):
            if scratch.wants(f"{way}_test"):
                found |= learn(way, start, continued, cfg.continued_steps, ("test",))[1]
    if name == "adam" and scratch.wants(*SCALED):
        logits, loss = sharding.gather(scaler(cfg, mesh)(last.params, data))
        found |= {"scaled_loss": loss, "scaled_logits": logits.reshape(-1, *logits.shape[2:])}
    return found


def taught(cfg, scratch, train, data, name: str, state, hyper, steps: int, reads):
    """-> (state, name_at and the fields that are read)"""

    def advance(state, _, strides):
        return train(state, data, hyper, strides)

    at = loops.spaced(steps, cfg.records)
    state, seen = loops.recorded(scratch, name, advance, state, at, chunk=CHUNK)
    return state, {f"{name}_at": at} | {f"{name}_{f}": getattr(seen, f) for f in reads}


def trainer(mesh: Mesh) -> sharding.Placed:
    """`training.train` of every seed, one after the other: what observes is then left out of the
    steps that nobody observes."""
    return sharding.vmap_over(mesh, training.train, shared=(2, 3), at_once=1)


def beginner(cfg, mesh: Mesh, task: int) -> sharding.Placed:
    """Keys [seed] -> (data, state)."""
    if task == PARITY:
        of = {"bits": cfg.bits, "noise": cfg.noise, "train": cfg.strings, "test": cfg.unseen}
        draw, sizes, biased = partial(tasks.parity, **of), (*cfg.parity_hidden, 2), True
    elif task == COLLAPSE:
        draw = partial(tasks.modular, p=cfg.collapse_p, fraction=cfg.collapse_train)
        sizes, biased = (*cfg.collapse_hidden, cfg.collapse_p), False
    else:
        draw = partial(tasks.modular, p=cfg.p, fraction=cfg.train)
        sizes, biased = (*cfg.hidden, cfg.p), cfg.biased
    return sharding.vmap_over(mesh, partial(training.start, draw=draw, sizes=sizes, biased=biased))


def again(mesh: Mesh) -> sharding.Placed:
    """params [seed, …] -> state"""
    return sharding.vmap_over(mesh, training.begin)


def scaler(cfg, mesh: Mesh) -> sharding.Placed:
    """params, data -> (logits [seed, scale, 2, number], loss [seed, 1 + scale])"""
    scaled = partial(training.rescaled, scales=cfg.scales, examples=EXAMPLES)
    return sharding.vmap_over(mesh, scaled, at_once=1)


def programs(cfg, mesh: Mesh) -> list[Program]:
    """The steps of every task."""
    train, found = trainer(mesh), []
    labels = {PARITY: "parity", MODULAR: "addition", COLLAPSE: "addition until collapse"}
    for task, label in labels.items():
        several = [arm for arm in arms(cfg).values() if arm.task == task]
        steps = [arm.steps for arm in several] + [cfg.continued_steps] * 2 * (task == PARITY)
        calls = sum(-(-len(loops.spaced(n, cfg.records)) // CHUNK) for n in steps)
        seeds = jax.eval_shape(lambda task=task: keys.fold(cfg.seeds, task))
        data, state = jax.eval_shape(beginner(cfg, mesh, task), seeds)
        arguments = state, data, several[0].hyper, np.zeros(CHUNK, int)
        trips = sum(steps) / (calls * CHUNK)
        found.append(train.program(label, *arguments, calls=calls, trips=trips))
    return found

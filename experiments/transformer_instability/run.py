"""Sweeps over learning rates and seeds, one arm after another; small members side by side, large
ones one by one with batches and weights split over the mesh.

Shapes: M members (seed x lr), C steps a call, B batch, T + 1 tokens, R records, L layers.
"""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh
from jax.sharding import PartitionSpec as P

from common import keys, loops
from common.data import DataError
from common.nn import decoder
from common.placement import Ensemble
from common.programs import Program
from common.sharding import DATA, Placed

from . import history, measure, model, text, training

STREAMS = ("ends", "squares", "language", "batches")  # of a seed; the first two are for weights


def run(cfg, mesh: Mesh, scratch) -> dict[str, np.ndarray]:
    """arm [arm] (places in measure.ARMS), lr [lr], warmup [arm] (fraction of the steps), at
    [record] (steps). Over the steps of a record:

    loss [seed, arm, lr, record]: mean cross-entropy in nats
    log_z, abs_log_z [seed, arm, lr, record]: mean log Z and |log Z|
    grad_rms [seed, arm, lr, record]: mean RMS of the blocks' gradient before clipping
    max_logit [seed, arm, lr, record, layer]: largest |attention logit|
    start [seed, arm]: loss of the first batch at initialisation, l_0
    diverged [seed, arm, lr]: 1 where a value was not finite; it counts as l_0 in the loss, and as
        the last finite value elsewhere
    """
    if cfg.steps % cfg.records or cfg.steps % cfg.chunk:
        raise ValueError(f"records and chunk must divide {cfg.steps} steps")
    ensemble = Ensemble(mesh, cfg.shard, decoder.RULES)
    begin, train = trainer(cfg, ensemble)
    draw = ensemble.over(source(cfg, scratch, ensemble.place), P(), P(), shared=(1,))
    seeds, lrs = (x.ravel() for x in np.meshgrid(cfg.seeds, cfg.lrs, indexing="ij"))

    def sweep(arm, name, part):
        """Members of one arm that train together, from start to end.  -> each [M, …]"""
        streams = keys.split(seeds[part], STREAMS)
        settings = loops.stack([hyper(cfg, arm, lr) for lr in lrs[part]])

        def advance(state, first, _):
            return train(state, draw(streams, first), settings)

        def log(seen):
            return {"loss": np.nanmean(seen.loss)}

        at = 1 + np.arange(cfg.steps)
        _, seen = loops.recorded(
            scratch, name, advance, begin(streams), at, chunk=cfg.chunk, log=log
        )
        return history.summary(seen._asdict(), cfg.records)

    cells = {
        f"{arm}-{i}": partial(sweep, arm, f"{arm}-{i}", part)
        for arm in cfg.arms
        for i, part in enumerate(ensemble.rounds(len(seeds)))
    }
    found = jax.tree.map(lambda *x: np.concatenate(x), *scratch.cells(cells, "part"))
    axes = len(cfg.arms), len(cfg.seeds), len(cfg.lrs)
    arrays = {k: x.reshape(*axes, *x.shape[1:]).swapaxes(0, 1) for k, x in found.items()}
    arrays["start"] = arrays["start"].mean(-1)  # the same for every rate
    return arrays | {
        "arm": np.array([measure.ARMS.index(a) for a in cfg.arms]),
        "lr": np.array(cfg.lrs),
        "warmup": np.array([hyper(cfg, a, 1.0).warmup for a in cfg.arms]),
        "at": cfg.steps // cfg.records * (1 + np.arange(cfg.records)),
    }


def programs(cfg, mesh: Mesh) -> list[Program]:
    """The call that trains all members of an arm, or one on the mesh."""
    ensemble, count = Ensemble(mesh, cfg.shard, decoder.RULES), len(cfg.seeds) * len(cfg.lrs)
    begin, train = trainer(cfg, ensemble)
    rounds = ensemble.rounds(count)
    together = len(range(count)[rounds[0]])
    state = jax.eval_shape(lambda: begin(keys.split(np.zeros(together, int), STREAMS)))
    shape = together, cfg.chunk, cfg.batch, cfg.context + 1
    tokens = jax.ShapeDtypeStruct(shape, jnp.int32)
    settings = loops.stack([hyper(cfg, cfg.arms[0], 1.0)] * together)
    calls = len(cfg.arms) * len(rounds) * cfg.steps // cfg.chunk
    return [train.program("training", state, tokens, settings, calls=calls)]


def hyper(cfg, arm: str, lr: float) -> training.Hyper:
    """What an arm changes in the base setting."""
    short, usual, long = cfg.warmups
    base = training.Hyper(lr, usual, cfg.z_loss, cfg.eps, cfg.decay, 0.0, True)
    return {
        "base": base,
        "no_qk": base._replace(qk_norm=bool(cfg.qk_always)),
        "no_z": base._replace(z_loss=0.0),
        "short_warmup": base._replace(warmup=short),
        "long_warmup": base._replace(warmup=long),
        "coupled": base._replace(decay=0.0, coupled=cfg.decay_coupled),
        "small_eps": base._replace(eps=cfg.eps_small),
    }[arm]


def trainer(cfg, ensemble: Ensemble) -> tuple[Placed, Placed]:
    """begin(streams) -> state, and train(state, tokens [C, B, T + 1], hyper) -> (state, Seen [C]);
    what is compiled once and serves every arm.
    """
    width, layers, heads = model.SIZES[cfg.size]
    shape = {"vocab": cfg.vocab, "width": width, "layers": layers, "heads": heads}

    def start(streams):
        return training.begin(decoder.init((streams["ends"], streams["squares"]), **shape))

    how = {"dtype": jnp.dtype(cfg.dtype), "remat": cfg.remat, "place": ensemble.place}
    train = partial(
        training.steps,
        apply=partial(decoder.apply, **how),
        steps=cfg.steps,
        lr_end=cfg.lr_end,
        pieces=cfg.microbatch,
        place=ensemble.place_weights,
    )
    one = dict.fromkeys(STREAMS, jax.eval_shape(lambda: jax.random.key(0)))
    state = jax.eval_shape(start, one)
    return ensemble.begin(start, state), ensemble.train(train, state, P(None, DATA), P())


def source(cfg, scratch, place: Callable) -> Callable:
    """draw(streams, number of the first step) -> tokens [C, B, T + 1], the same for every arm."""
    size, length = cfg.batch, cfg.context + 1
    if cfg.dataset == "c4":
        raise DataError(
            "C4 is not bundled: the paper preset needs its tokens in run.source; "
            "dataset=markov trains the same model on a synthetic language"
        )
    if cfg.dataset == "tiny_shakespeare":
        letters, ids = np.unique(scratch.data(cfg.dataset).text, return_inverse=True)
        if len(letters) > cfg.vocab:
            raise DataError(f"{cfg.dataset} has {len(letters)} characters: set vocab to that")
        whole = jnp.asarray(ids, jnp.int32)

    def draw(streams, first):
        steps = first + jnp.arange(cfg.chunk)
        each = jax.vmap(partial(jax.random.fold_in, streams["batches"]))(steps)
        if cfg.dataset == "tiny_shakespeare":
            one = partial(text.windows, text=whole, size=size, length=length)
        else:
            followers = text.language(streams["language"], cfg.vocab)
            one = partial(text.sample, followers=followers, size=size, length=length)
        return place(jax.vmap(one)(each), None, DATA)

    return draw

"""Sweeps over learning rates and seeds, one arm after another; small members side by side, large
ones one by one with batches and weights split over the mesh.

Shapes: M members (seed x lr), C steps a call, B batch, T + 1 tokens, R records, L layers.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from common import partition, sharding
from common.data import DataError

from . import measure, model, text, training

SIZES = {  # width, layers, heads: 12 layers width^2 weights beside those of the vocabulary
    "10m": (512, 3, 8),
    "40m": (768, 6, 12),
    "150m": (1024, 12, 16),
    "600m": (2048, 12, 32),
    "1.2b": (2048, 24, 32),
    "laptop": (32, 2, 2),
    "tiny": (64, 2, 2),
    "smoke": (8, 1, 2),
}
RULES = (  # the model axis splits heads, hidden units and the vocabulary of the output
    ("unembedding", (None, "model")),
    ("embedding", (None, "model")),
    ("attention/qkv", (None, None, None, "model", None)),
    ("attention/out", (None, "model", None, None)),
    ("mlp/up", (None, None, "model")),
    ("mlp/down", (None, "model", None)),
    ("", ()),
)
INIT, LANGUAGE, BATCHES = slice(0, 2), 2, 3  # streams of random numbers of a seed


class Programs(NamedTuple):
    """What is compiled once and serves every arm; seeds and hyper are [M] or, alone, []."""

    begin: Callable  # (seed) -> state
    draw: Callable  # (seed, number of the first step) -> tokens [C, B, T + 1]
    chunk: Callable  # (state, tokens, hyper) -> (state, Seen [C])


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
    if cfg.steps % (cfg.records * cfg.chunk):
        raise ValueError(
            f"records x chunk = {cfg.records * cfg.chunk} must divide {cfg.steps} steps"
        )
    programs = compiled(cfg, mesh, scratch)
    found = [sweep(cfg, scratch, programs, arm) for arm in cfg.arms]
    arrays = {k: np.stack([f[k] for f in found], axis=1) for k in found[0]}
    arrays["start"] = arrays["start"].mean(-1)  # the same for every rate
    every = cfg.steps // cfg.records
    return arrays | {
        "arm": np.array([measure.ARMS.index(a) for a in cfg.arms]),
        "lr": np.array(cfg.lrs),
        "warmup": np.array([hyper(cfg, a, 1.0).warmup for a in cfg.arms]),
        "at": every * (1 + np.arange(cfg.records)),
    }


def abstract_step(cfg, mesh: Mesh) -> tuple[Callable, tuple]:
    """The call that trains all members of an arm, or one on the mesh; its arguments' shapes."""
    if cfg.shard == "batch":
        where = partition.fsdp(abstract_state(cfg), mesh, RULES)
        state = partition.abstract(abstract_state(cfg), where)
        lead, split = (), sharding.sharded(mesh, None, sharding.DATA)
        whole, chunk = sharding.sharded(mesh), sharded_chunk(cfg, mesh)
    else:
        shards = mesh.shape[sharding.DATA]
        lead = (-(-len(cfg.seeds) * len(cfg.lrs) // shards) * shards,)
        whole = split = sharding.sharded(mesh, sharding.DATA)
        state = jax.tree.map(
            lambda x: jax.ShapeDtypeStruct((*lead, *x.shape), x.dtype, sharding=whole),
            abstract_state(cfg),
        )
        chunk = sharding.vmap_over(mesh, chunk_of(cfg)).jitted
    shape = (*lead, cfg.chunk, cfg.batch, cfg.context + 1)
    tokens = jax.ShapeDtypeStruct(shape, jnp.int32, sharding=split)

    def number(x):
        return jax.ShapeDtypeStruct(lead, jnp.asarray(x).dtype, sharding=whole)

    return chunk, (state, tokens, jax.tree.map(number, hyper(cfg, cfg.arms[0], cfg.lrs[0])))


def steps(cfg) -> int:
    """Calls of abstract_step's function in a whole run."""
    runs = len(cfg.arms) * (len(cfg.lrs) * len(cfg.seeds) if cfg.shard == "batch" else 1)
    return runs * cfg.steps // cfg.chunk


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


# --- programs ------------------------------------------------------------------------------------


def keys_of(seed, stream):
    return jax.random.split(jax.random.key(seed), 4)[stream]


def start(cfg, seed) -> training.State:
    width, layers, heads = SIZES[cfg.size]
    shape = {"vocab": cfg.vocab, "width": width, "layers": layers, "heads": heads}
    return training.begin(model.init(keys_of(seed, INIT), **shape))


def abstract_state(cfg):
    return jax.eval_shape(partial(start, cfg), jnp.uint32(0))


def chunk_of(cfg, place: Callable = model.anywhere, place_gradient: Callable = lambda g: g):
    """chunk(state, tokens [C, B, T + 1], hyper) -> (state, Seen [C])"""
    how = {"dtype": jnp.dtype(cfg.dtype), "remat": cfg.remat, "place": place}
    step = partial(
        training.step,
        apply=partial(model.apply, **how),
        steps=cfg.steps,
        lr_end=cfg.lr_end,
        pieces=cfg.microbatch,
        place=place_gradient,
    )

    def chunk(state, tokens, hyper):
        return jax.lax.scan(lambda state, batch: step(state, batch, hyper), state, tokens)

    return chunk


def sharded_chunk(cfg, mesh: Mesh):
    """The chunk of one member: batches over the data axis, weights and moments over all axes."""
    where = partition.fsdp(abstract_state(cfg), mesh, RULES)

    def place(x, *axes):
        return partition.constrain(x, mesh, *axes)

    def place_gradient(grads):
        return jax.lax.with_sharding_constraint(grads, where.params)

    chunk = chunk_of(cfg, place, place_gradient)
    out = (where, sharding.sharded(mesh))
    return jax.jit(chunk, donate_argnums=0, out_shardings=out)


def source(cfg, scratch) -> Callable:
    """draw(seed, number of the first step) -> tokens [C, B, T + 1], the same for every arm."""
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
        one = partial(text.windows, text=whole, size=size, length=length)

    def draw(seed, first):
        many = jax.vmap(partial(jax.random.fold_in, keys_of(seed, BATCHES)))
        keys = many(first + jnp.arange(cfg.chunk))
        if cfg.dataset == "tiny_shakespeare":
            return jax.vmap(one)(keys)
        followers = text.language(keys_of(seed, LANGUAGE), cfg.vocab)
        return jax.vmap(lambda key: text.sample(key, followers, size, length))(keys)

    return draw


def compiled(cfg, mesh: Mesh, scratch) -> Programs:
    """Programs of all members side by side, or of one split over the mesh."""
    draw = source(cfg, scratch)
    if cfg.shard == "members":
        over = partial(sharding.vmap_over, mesh)
        return Programs(over(partial(start, cfg)), over(draw), over(chunk_of(cfg)))
    split = sharding.sharded(mesh, None, sharding.DATA)
    return Programs(
        partition.initialise(partial(start, cfg), mesh, RULES),
        jax.jit(draw, out_shardings=split),
        sharded_chunk(cfg, mesh),
    )


# --- sweeps --------------------------------------------------------------------------------------


def sweep(cfg, scratch, programs: Programs, arm: str) -> dict[str, np.ndarray]:
    """One arm.  -> each [seed, lr, …]"""
    seed, lr = (x.ravel() for x in np.meshgrid(cfg.seeds, cfg.lrs, indexing="ij"))
    settings = [hyper(cfg, arm, r) for r in lr]
    if cfg.shard == "members":
        each = jax.tree.map(lambda *x: np.array(x), *settings)
        found = train(cfg, scratch, programs, arm, seed.astype(np.uint32), each)
    else:
        runs = [
            train(cfg, scratch, programs, f"{arm}-{i}", np.uint32(s), h)
            for i, (s, h) in enumerate(zip(seed, settings, strict=True))
        ]
        found = {k: np.stack([r[k] for r in runs]) for k in runs[0]}
    shape = (len(cfg.seeds), len(cfg.lrs))
    return {k: v.reshape(*shape, *v.shape[1:]) for k, v in found.items()}


def train(cfg, scratch, programs: Programs, name: str, seed, setting) -> dict[str, np.ndarray]:
    """Members from start to end; resumes after a kill.  seed and setting [M] or [] -> as finite"""

    def compute():
        calls = cfg.steps // cfg.chunk // cfg.records  # of a record
        state, history = programs.begin(seed), empty(cfg, np.shape(seed))
        with (
            scratch.checkpoints(name) as ckpt,
            scratch.progress(cfg.steps, f"training {name}") as progress,
        ):
            (state, history), done = ckpt.restore((state, history))
            for i in range(done, cfg.records):
                seen = []
                for call in range(i * calls, (i + 1) * calls):
                    first = np.full(np.shape(seed), call * cfg.chunk, np.int32)
                    state, new = programs.chunk(state, programs.draw(seed, first), setting)
                    seen.append(new)
                history = recorded(history, i, sharding.gather(seen))
                scratch.log((i + 1) * calls * cfg.chunk, loss=np.nanmean(history["loss"][..., i]))
                ckpt.save(i + 1, (state, history), force=i + 1 == cfg.records)
                progress.update((i + 1) * calls * cfg.chunk)
        return finite(history)

    return scratch.cached(f"run-{name}", compute)


def empty(cfg, lead: tuple[int, ...]) -> dict[str, np.ndarray]:
    """History of no step yet."""
    layers = SIZES[cfg.size][1]
    history = {k: np.zeros((*lead, cfg.records), np.float32) for k in training.Seen._fields}
    history["max_logit"] = np.zeros((*lead, cfg.records, layers), np.float32)
    return history | {"start": np.zeros(lead, np.float32)}


def recorded(history, record: int, seen: list[training.Seen]) -> dict[str, np.ndarray]:
    """The history with one record more: means over its steps, and the largest logits."""
    time = history["start"].ndim
    joined = jax.tree.map(lambda *x: np.concatenate(x, axis=time), *seen)._asdict()
    history = jax.tree.map(np.copy, history)  # the old one may still be written
    if record == 0:
        history["start"] = joined["loss"][..., 0]
    for name, values in joined.items():
        one = values.max(time) if name == "max_logit" else values.mean(time)
        history[name][(slice(None),) * time + (record,)] = one
    return history


def finite(history) -> dict[str, np.ndarray]:
    """The history without what is not finite: the loss is l_0 there, others keep their last value.

    and diverged: whether there was any.
    """
    time, kept, diverged = history["start"].ndim, {"start": history["start"]}, 0
    for name in training.Seen._fields:
        values = np.moveaxis(history[name], time, 0).copy()
        good = np.isfinite(values)
        fill = history["start"] if name == "loss" else np.zeros_like(values[0])
        for i, ok in enumerate(good):
            before = fill if name == "loss" or i == 0 else values[i - 1]
            values[i] = np.where(ok, values[i], before)
        bad = np.moveaxis(~good, 0, time)
        diverged = diverged | bad.any(tuple(range(time, bad.ndim)))
        kept[name] = np.moveaxis(values, 0, time)
    return kept | {"diverged": np.asarray(diverged, np.int32)}

"""Ensembles of networks: kernels before and after training, trained functions, components.

Shapes: W widths, S seeds, B members of a seed, b trained ones of these, A angles, N points,
k components, T records.
"""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh
from jax.sharding import PartitionSpec as P

from common import sharding
from common.ntk import analytic
from common.ntk.empirical import ntk
from common.ntk.linearised import descent

from . import kept, limit, model

NONLINEARITIES = {
    "relu": (jax.nn.relu, analytic.relu),
    "erf": (jax.scipy.special.erf, analytic.erf),
    "linear": (lambda u: u, analytic.linear),
}
GRAM = 8  # points of the Gram matrix
PARTS = ("kernels", "law", "components", "data", "directions", "sets")
KERNELS = ("start_apart", "start_along", "moved", "apart", "end_apart", "row_pair")
COMPONENTS = ("second", "beside", "rate", "value")
KICK = (
    0.5  # length of f* - f_0 on the training points, over sqrt(N); recalled: 0.5 times a component
)


def run(cfg, mesh: Mesh, scratch) -> dict[str, np.ndarray]:
    """What the three figures show and the measures read; of kernels only their distances.

    width [W], angle [A], limit_row [A]: Theta_inf(x_0, .)
    start_apart, start_along [W, S, B]: of every network's Theta at the start, on 8 angles:
    |Theta - Theta_inf| / |Theta_inf|, and <Theta, Theta_inf> / |Theta_inf|^2
    moved [W, S, b]: |Theta_T - Theta_0| / |Theta_0| of trained networks on these angles
    apart, end_apart [W, S, b]: |f_t - its prediction from the initial kernel| / |f_0 - goal| on
    the training points, the largest of all steps and that of the last
    row_pair [2, S, b, 2, A]: Theta(x_0, .) at start and end, for the first width and the last
    law_width [V], law_angle [A], curves [V, S, C, A]: trained functions
    law [2, A], law_points [2, N]: mean and variance of their limit; training angles and values
    component_width [U], value [S, k]: eigenvalues over N
    second, beside [U, S, T]: f_t - f_0 along the second component and the norm of what is beside
    it, over the goal's norm, before each step towards a goal along that component
    rate [U, S, k]: fitted decay a step of what is left along every component, in a descent
    towards a goal that has them all alike
    rate_lr []: step size of these descents
    definite, definite_linear [S, sets, 2]: extreme eigenvalues of Theta_inf at random points
    """
    keys = named_keys(jnp.array(cfg.seeds))
    count = len(cfg.widths) + len(cfg.law_widths) + len(cfg.component_widths)
    parts: dict[str, list] = {}
    with scratch.progress(count, "width") as bar:
        done = 0
        for part, names, widths in (
            (kernels, KERNELS, cfg.widths),
            (functions, ("curves",), cfg.law_widths),
            (decays, COMPONENTS, cfg.component_widths),
        ):
            for width in widths if scratch.wants(*names) else ():
                find = partial(part, cfg, mesh, scratch, keys, width)
                found = scratch.cached(f"{part.__name__}-{width}", find)
                for name, array in found.items():
                    parts.setdefault(name, []).append(array)
                done += 1
                bar.update(done)
    stacked = {name: np.stack(arrays) for name, arrays in parts.items()}
    limits = scratch.cached("limits", lambda: infinite(cfg, keys))
    limit_gram = limits.pop("limit_gram")
    out = {"curves": stacked["curves"]} if "curves" in stacked else {}
    if "gram" in stacked:
        out |= kept.distances(stacked, limit_gram)
    if "along" in stacked:
        out |= {name: stacked[name] for name in ("second", "beside")}
        out |= {"value": stacked["value"][0], "rate": kept.rates(stacked["along"])}
    return out | limits | {
        "width": np.array(cfg.widths),
        "angle": angles(cfg.angles),
        "law_width": np.array(cfg.law_widths),
        "law_angle": law_angles(cfg),
        "component_width": np.array(cfg.component_widths),
        "rate_lr": np.array(cfg.component_lr),
    }  # fmt: skip


def abstract_step(cfg, mesh: Mesh) -> tuple[Callable, tuple]:
    """Training of the widest networks with their kernels, split over the mesh."""
    count = len(cfg.seeds) * cfg.trained
    rows = count + -count % mesh.shape[sharding.DATA]
    split = sharding.sharded(mesh, sharding.DATA)
    keys = jax.eval_shape(lambda: jax.random.split(jax.random.key(0), rows))
    keys = jax.ShapeDtypeStruct(keys.shape, keys.dtype, sharding=split)
    dtype = jax.dtypes.canonicalize_dtype(float)
    points = jax.ShapeDtypeStruct((rows, cfg.points, 2), dtype, sharding=split)
    return each(mesh, partial(train, cfg, cfg.widths[-1])), (keys, points)


def steps(cfg) -> int:
    """How often a whole run calls the function of `abstract_step`: all of the widest at once."""
    return 1


# --- what the parts share ------------------------------------------------------------------------


@jax.jit
def named_keys(seeds) -> dict[str, jax.Array]:
    """Every name of PARTS -> one key a seed."""
    split = jax.vmap(lambda seed: jax.random.split(jax.random.key(seed), len(PARTS)))(seeds)
    return {name: split[:, i] for i, name in enumerate(PARTS)}


@partial(jax.jit, static_argnames="count")
def member_keys(keys, width, *, count: int):
    """keys [S] -> [S, count]; a member has another key at every width, whatever the count"""

    def one(key):
        key = jax.random.fold_in(key, width)
        return jax.vmap(lambda i: jax.random.fold_in(key, i))(jnp.arange(count))

    return jax.vmap(one)(keys)


@partial(jax.jit, static_argnames="shape")
def uniform(keys, shape: tuple[int, ...]):
    """keys [S] -> [S, …]"""
    return jax.vmap(lambda key: jax.random.uniform(key, shape))(keys)


def each(mesh: Mesh, fn: Callable) -> Callable:
    """fn on every element of a leading axis, split over the mesh, one after the other on a device.

    One network at a time keeps its weights in the cache, or is all that fits.
    """
    spec = P(sharding.DATA)
    local = lambda *args: jax.lax.map(lambda a: fn(*a), args)  # noqa: E731
    spread = jax.shard_map(local, mesh=mesh, in_specs=spec, out_specs=spec, check_vma=False)
    return jax.jit(spread)


def ensemble(mesh: Mesh, fn: Callable, shape: tuple[int, ...], *args):
    """The results of `each`, gathered; leading axis -> `shape`."""
    count = len(args[0])
    index = np.arange(count + -count % mesh.shape[sharding.DATA]) % count  # filled up by repeats
    found = sharding.gather(each(mesh, fn)(*[a[index] for a in args]))
    return jax.tree.map(lambda a: a[:count].reshape(*shape, *a.shape[1:]), found)


def network(cfg, width: int):
    """(f(params, x), factor of the step size, factor that makes kernels comparable in width)"""
    how = {"beta": cfg.beta, "standard": cfg.standard, "power": cfg.power}
    f = partial(model.apply, nonlinearity=NONLINEARITIES[cfg.activation][0], **how)
    scale = float(width) ** (2 * cfg.power)
    return f, scale / width if cfg.standard else scale, scale


def start(cfg, key, width: int, inputs: int):
    sizes = (inputs, *(width,) * (cfg.depth - 1), 1)
    return model.init(key, sizes, beta=cfg.beta, standard=cfg.standard)


def angles(count: int) -> np.ndarray:
    return 2 * np.pi * np.arange(count) / count


def circle(angles):
    """[A] -> [A, 2] in the precision at work"""
    return limit.circle(jnp.asarray(angles, jnp.result_type(float)))


def limit_kernels(cfg, x, *, dual=None):
    """Sigma and Theta of the limit at x [N, D], each [N, N]; dual: of another nonlinearity"""
    dual = dual or NONLINEARITIES[cfg.activation][1]
    return analytic.fully_connected(dual, x, depth=cfg.depth, b_std=cfg.beta)


# --- figure 1 ------------------------------------------------------------------------------------


def views(cfg, f, scale, params, x):
    """Theta on 8 angles, Theta(x_0, .) on all of them, Theta on x.  -> [8, 8], [A], [N, N]"""
    ring = circle(angles(cfg.angles))
    every = scale * ntk(f, params, jnp.concatenate([ring, x]))
    both, step = every[: cfg.angles, : cfg.angles], cfg.angles // GRAM
    return both[::step, ::step], both[0], every[cfg.angles :, cfg.angles :]


def look(cfg, width: int, key):
    """Kernels of one untrained network."""
    f, _, scale = network(cfg, width)
    gram, row, _ = views(cfg, f, scale, start(cfg, key, width, 2), jnp.zeros((0, 2)))
    return {"gram": gram, "row": row}


def train(cfg, width: int, key, x):
    """One network: kernels at both ends of its training, and what its initial kernel predicts."""
    f, gain, scale = network(cfg, width)
    params, y = start(cfg, key, width, 2), limit.target(x)
    how = {"lr": cfg.lr * gain}
    end, path = model.descend(f, params, x, y, steps=cfg.steps, **how)
    ends = jax.tree.map(lambda *a: jnp.stack(a), params, end)  # one program for both

    def seen(params):
        return *views(cfg, f, scale, params, x), f(params, x)[:, 0]

    gram, row, theta, (f0, last) = jax.lax.map(seen, ends)
    times = jnp.arange(1, cfg.steps + 1)
    predicted = f0 + descent(theta[0] / (scale * len(x)), f0 - y, times, **how)
    path = jnp.concatenate([path[1:], last[None]])
    apart = jnp.linalg.norm(path - predicted, axis=-1) / jnp.linalg.norm(f0 - y)
    return {
        "gram_pair": gram,
        "row_pair": row,
        "trained": jnp.stack([f0, last, predicted[-1]]),
        "apart": apart,
    }


def kernels(cfg, mesh: Mesh, scratch, keys, width: int) -> dict[str, np.ndarray]:
    """Of `members` networks at the start, the first `trained` of which are then trained."""
    shape = (len(cfg.seeds), cfg.trained)
    every = member_keys(keys["kernels"], width, count=cfg.members)
    x = train_points(cfg, keys)
    few = every[:, : cfg.trained].reshape(-1)
    found = ensemble(
        mesh, partial(train, cfg, width), shape, few, jnp.repeat(x, cfg.trained, axis=0)
    )
    first = {name: found[f"{name}_pair"][:, :, 0] for name in ("gram", "row")}
    rest = cfg.members - cfg.trained
    if rest:
        others = every[:, cfg.trained :].reshape(-1)
        more = ensemble(mesh, partial(look, cfg, width), (len(cfg.seeds), rest), others)
        first = {name: np.concatenate([first[name], more[name]], axis=1) for name in first}
    return found | first | {"goal": np.asarray(jax.vmap(limit.target)(x))}


def train_points(cfg, keys):
    """-> [S, N, 2]"""
    if cfg.inputs == "normal":
        draw = jax.vmap(lambda key: jax.random.normal(key, (cfg.points, 2)))
        return draw(keys["data"])
    ring = circle(angles(cfg.points))
    return jnp.broadcast_to(ring, (len(cfg.seeds), *ring.shape))


# --- figure 2 ------------------------------------------------------------------------------------


def law_angles(cfg) -> np.ndarray:
    return angles(cfg.angles) + np.pi / cfg.angles


def fit(cfg, width: int, key):
    """One trained function on the circle.  -> [A]"""
    f, gain, _ = network(cfg, width)
    x, ring = circle(cfg.law_angles), circle(law_angles(cfg))
    params = start(cfg, key, width, 2)
    how = {"lr": cfg.lr * gain, "steps": cfg.law_steps}
    end, _ = model.descend(f, params, x, limit.target(x), **how)
    return f(end, ring)[:, 0]


def functions(cfg, mesh: Mesh, scratch, keys, width: int) -> dict[str, np.ndarray]:
    every = member_keys(keys["law"], width, count=cfg.law_members).reshape(-1)
    shape = (len(cfg.seeds), cfg.law_members)
    return {"curves": ensemble(mesh, partial(fit, cfg, width), shape, every)}


# --- figure 3 ------------------------------------------------------------------------------------


def images(cfg, scratch, keys):
    """A random subset for every seed, each image scaled to |x|^2 = D.  -> [S, N, D] float64"""
    pixels = np.asarray(scratch.data(cfg.dataset).x_train, np.float64)
    pixels = pixels.reshape(len(pixels), -1)
    pixels *= (pixels.shape[1] / (pixels**2).sum(-1, keepdims=True)) ** 0.5
    count = len(pixels) + len(pixels) % 2  # an odd number of draws is slow to compile
    order = np.argsort(uniform(keys["data"], (count,))[:, : len(pixels)], axis=-1)
    return pixels[order[:, : cfg.samples]]


def principal(cfg, keys, x):
    """The limit's k leading eigenvalues over N, eigenvectors times sqrt(N).  -> [S, k], [S, N, k]

    With principal = False the directions are random and orthonormal instead.
    """
    count = cfg.samples
    with jax.enable_x64(True):
        kernel = jax.jit(jax.vmap(lambda x: limit_kernels(cfg, x).ntk / count))(jnp.asarray(x))
        values, vectors = np.linalg.eigh(np.asarray(kernel))
    if not cfg.principal:
        draw = jax.vmap(lambda key: jax.random.normal(key, (count, count)))(keys["directions"])
        vectors = np.linalg.qr(np.asarray(draw, np.float64))[0]
    k = cfg.components
    return values[:, ::-1][:, :k], count**0.5 * vectors[:, :, ::-1][:, :, :k]


def decay(cfg, width: int, key, x, directions):
    """Descents towards f_0 + the second component, and towards f_0 + all of them."""
    f, gain, _ = network(cfg, width)
    params = start(cfg, key, width, x.shape[1])
    f0 = f(params, x)[:, 0]
    k = cfg.components
    kicks = KICK * jnp.stack([directions[:, 1], directions.sum(-1) / k**0.5])
    how = {"lr": cfg.component_lr * gain, "steps": cfg.component_steps}

    def one(kick):
        return model.descend(f, params, x, f0 + kick, **how)[1] - f0

    alone, every = jax.lax.map(one, kicks)  # [T, N] each
    along = every @ directions / (len(x) * KICK * k**-0.5)
    second = alone @ directions[:, 1] / len(x)
    beside = jnp.sqrt(jnp.mean((alone - second[:, None] * directions[:, 1]) ** 2, axis=-1))
    return {"along": along, "second": second / KICK, "beside": beside / KICK}


def decays(cfg, mesh: Mesh, scratch, keys, width: int) -> dict[str, np.ndarray]:
    x = images(cfg, scratch, keys)
    values, directions = principal(cfg, keys, x)
    every = member_keys(keys["components"], width, count=1).reshape(-1)
    small = [np.asarray(a, np.float32) for a in (x, directions)]
    found = ensemble(mesh, partial(decay, cfg, width), (len(cfg.seeds),), every, *small)
    return found | {"value": values}


# --- the limit -----------------------------------------------------------------------------------


def infinite(cfg, keys) -> dict[str, np.ndarray]:
    """What infinite width predicts, in float64."""
    random = uniform(keys["sets"], (cfg.sets, cfg.set_size))
    law_points = np.array(cfg.law_angles)

    def lowest(points, dual):
        return limit.extreme_eigenvalues(limit_kernels(cfg, points, dual=dual).ntk)

    @jax.jit
    def both(every, random):
        sigma, theta = limit_kernels(cfg, circle(every))
        a, sets = cfg.angles, limit.circle(2 * jnp.pi * random)
        y = limit.target(circle(law_points))
        law = jnp.stack(limit.trained_law(sigma[a:, a:], theta[a:, a:], y))
        own, linear = (
            jax.vmap(jax.vmap(partial(lowest, dual=dual)))(sets) for dual in (None, analytic.linear)
        )
        return theta[:a, :a], law, y, own, linear

    with jax.enable_x64(True):
        every = np.concatenate([angles(cfg.angles), law_points, law_angles(cfg)])
        theta, law, y, own, linear = both(every, np.asarray(random, np.float64))
        step = cfg.angles // GRAM
        found = {
            "limit_row": theta[0],
            "limit_gram": theta[::step, ::step],
            "law": law,
            "law_points": np.stack([law_points, y]),
            "definite": own,
            "definite_linear": linear,
        }
        return {name: np.asarray(array) for name, array in found.items()}

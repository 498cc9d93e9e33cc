"""Exact worst cases of random laws; classes of subsets; networks and adversaries on the simulation.

Shapes: S seeds, v numbers of values, k the ways to regenerate, N subsets, E test environments.
"""

from functools import partial

import jax
import numpy as np
from jax.sharding import Mesh

from common import keys, loops, sharding
from common.programs import Program

from . import dags, ensemble, exact, gaussian, laws, scm

BINS = np.linspace(0.4, 1.3, 91)  # of R(S) / R(no stable variable)
CHANCES = np.linspace(0, 1, 26)  # of P(Y = 1)
RARE = np.array([0.01, 0.05, 0.1, 0.2, 0.3, 0.4])  # P(Y = 1) of extremal laws
SHIELDED = (("Y", False), ("M", False), ("Y", True))  # no edge from it to X; is there Z
RATIO = ("largest", "share", "over", "extremal", "histogram", "highest")
NETWORKS = ("estimate", "worst", "pooled", "constant", "path")


def run(cfg, mesh: Mesh, scratch) -> dict[str, np.ndarray]:
    """Risks are over that of the empty set; kinds: official, correct.

    largest, share [seed, v]: of R(S), largest and share above 1; over [seed]: largest above its
        ceiling, or 0; extremal [P, 2]: R(S) of extremal laws and the ceiling
    histogram [seed, 3, bin]: laws with both edges, no Y -> X, no M -> X; bins [bin + 1]
    highest [seed, chance]: largest R(S) by P(Y = 1); chances [chance + 1]
    excess [seed, graph]: largest R(S) - min R over laws of graphs without Y -> K
    simulated, first_order []: R(S) of the simulation by quadrature, and to first order
    classes []: of the stable graph's subsets; regressions [seed]: distinct ones
    predictions [seed, 2, 256]: at a random point, by a subset and by its boundary
    seeds; sizes [d], count [seed, d, graph]: classes of random graphs
    subset [N, 8]: who is in; the empty set, then the whole one, then others
    estimate, worst [seed, k, N]: adversary's error, largest of test environments
    pooled, constant [seed, k]: largest test error of regression on all data, of a constant
    path [seed, k, 3, record]: the adversary's on its way, for {}, S and {X2}; ascent [record]
    """
    found = {"bins": BINS, "chances": CHANCES, "subset": subsets(cfg)}
    found |= {name: np.array(cfg[name]) for name in ("seeds", "sizes")}
    found |= {"ascent": loops.spaced(cfg.ascent, cfg.records), "first_order": exact.first_order()}
    if scratch.wants(*RATIO):
        found |= scratch.cached("laws", partial(ratios, cfg))
    if scratch.wants("excess"):
        found |= scratch.cached("shielded", partial(shielded, cfg))
    if scratch.wants("simulated"):
        found["simulated"] = exact.whole_set(cfg.y_to_k)
    if scratch.wants("classes", "regressions", "predictions"):
        found |= scratch.cached("classes", partial(grouped, cfg))
    if scratch.wants("count"):
        found |= scratch.cached("growth", partial(growth, cfg))
    if scratch.wants(*NETWORKS):
        found |= scratch.cached("networks", partial(networks, cfg, mesh))
    return found


def drawn(cfg, number: int, shapes: dict, draw=keys.uniform) -> dict[str, np.ndarray]:
    """Random numbers under names; another number, other draws.  -> name -> [S, ...]"""
    streams = {name: keys.fold(cfg.seeds, number, i) for i, name in enumerate(shapes)}
    return keys.draws(streams, shapes, draw)


def random_laws(cfg, number: int, values: int, with_z: bool = False) -> laws.Law:
    """Of all seeds, one seed after the other."""
    shapes = {k: (cfg.laws, *shape) for k, shape in laws.sizes(values, with_z).items()}
    draw = drawn(cfg, number, shapes)
    return laws.Law(*(laws.simplex(draw[k].reshape(-1, *shapes[k][1:])) for k in shapes))


def ratios(cfg) -> dict[str, np.ndarray]:
    """Worst cases of the whole set in random laws."""
    edge, each = None if cfg.y_to_k else "Y", (len(cfg.seeds), cfg.laws)
    some = [random_laws(cfg, i, values) for i, values in enumerate(cfg.levels)]
    R = np.stack([laws.whole(law, edge).reshape(each) for law in some], axis=1)
    series = np.stack([laws.whole(some[0], e).reshape(each) for e in (edge, "Y", "M")], axis=1)
    y, best = some[0].y.reshape(*each, -1), laws.whole(laws.extremal(RARE), edge)
    highest = [laws.highest(p[:, -1], r[0], CHANCES) for p, r in zip(y, R, strict=True)]
    return {
        "largest": R.max(axis=-1),
        "share": (R > 1 + 1e-9).mean(axis=-1),
        "over": np.maximum(0, R[:, 0] - laws.ceiling(y.max(axis=-1))).max(axis=-1),
        "highest": np.array(highest),
        "histogram": np.apply_along_axis(lambda x: np.histogram(x, BINS)[0], -1, series),
        "extremal": np.stack([best, laws.ceiling(1 - RARE)], axis=1),
    }


def shielded(cfg) -> dict[str, np.ndarray]:
    """How far the whole set is from the best one where Y -> K is absent."""
    out = []
    for i, (edge, with_z) in enumerate(SHIELDED):
        law = random_laws(cfg, 10 + i, 2, with_z)
        R = laws.risks(laws.without(law, None if cfg.edge_back else edge))
        out.append((R[:, laws.WHOLE] - R.min(axis=1)).reshape(len(cfg.seeds), -1).max(axis=1))
    return {"excess": np.stack(out, axis=1)}


def grouped(cfg) -> dict[str, np.ndarray]:
    """Classes by d-separation, and by regressions of random linear-Gaussian mechanisms."""
    A, y, nodes = scm.stable_graph(cfg.missing)
    pair = np.stack([dags.subsets(len(nodes)), dags.boundaries(A, y, nodes)])
    given = np.ones((*pair.shape[:2], len(scm.NAMES)), bool)  # mutable ones, the last, always
    given[:, :, y], given[:, :, nodes] = False, pair
    V = len(scm.NAMES)
    draw = drawn(cfg, 20, {"weight": (V, V), "sign": (V, V), "spread": (V,), "point": (V,)})
    weight, spread = (0.5 + draw[k].astype(float) for k in ("weight", "spread"))
    weight *= np.where(draw["sign"] < 0.5, -1, 1)
    true = scm.intervened_graph()
    C = [gaussian.moments(true, *each) for each in zip(weight, spread, strict=True)]
    found = np.array([[gaussian.predictors(c, y, known) for known in given] for c in C])
    return {
        "classes": np.array(len(np.unique(dags.classes(A, y, nodes)))),
        "predictions": np.einsum("sknv,sv->skn", found, 2 * draw["point"] - 1),
        "regressions": np.array([gaussian.distinct(rows, cfg.told) for rows in found[:, 0]]),
    }


def growth(cfg) -> dict[str, np.ndarray]:
    """Classes of random graphs, Y any of their nodes."""
    many, most = (len(cfg.sizes), cfg.graphs), max(cfg.sizes) + 1
    draw = drawn(cfg, 30, {"edge": (*many, most, most), "y": many})
    count = np.zeros(draw["y"].shape, int)
    for s, i, g in np.ndindex(count.shape):
        V = cfg.sizes[i] + 1
        A, y = dags.random(draw["edge"][s, i, g, :V, :V], cfg.degree), int(V * draw["y"][s, i, g])
        count[s, i, g] = len(np.unique(dags.classes(A, y, np.delete(np.arange(V), y))))
    return {"count": count}


def subsets(cfg) -> np.ndarray:
    return scm.listed(cfg.by_class)[: cfg.subsets]


def data_sets(cfg) -> ensemble.Start:
    """Of every seed, with first weights of all networks.  -> leaves [S, ...]"""
    size, alpha = (cfg.environments, cfg.rows), scm.alphas(cfg.environments, cfg.frozen)
    many = {"predictor": 2 * len(subsets(cfg)) + 1, "J1": cfg.restarts, "J2": cfg.restarts}
    nets = ensemble.networks(cfg.hidden)
    shapes = ensemble.normal(*size) | {k: (n, ensemble.weights(nets[k])) for k, n in many.items()}
    draw = drawn(cfg, 40, ensemble.uniform(*size)) | drawn(cfg, 41, shapes, keys.normal)
    each = [{k: v[s] for k, v in draw.items()} for s in range(len(cfg.seeds))]
    return loops.stack([ensemble.begun(d, alpha, cfg.rows, nets) for d in each])


def trainer(cfg, mesh: Mesh) -> sharding.Placed:
    """First weights [S, member, ...], data [S, ...], members -> weights"""
    rules = ensemble.Rules(cfg.lr, cfg.steps)

    def train(start, data, member):
        one = lambda x: ensemble.fitted(*x, data, rules)  # noqa: E731
        return jax.lax.map(one, (start, member), batch_size=cfg.at_once or None)

    return sharding.vmap_over(mesh, train, shared=(2,), at_once=1)


def attacker(cfg, mesh: Mesh) -> sharding.Placed:
    """Starts [S, restart, ...], data, weights [S, ...], members -> paths [S, member, record],
    largest errors, test errors [S, member, 2, E]"""
    rules, at = ensemble.Rules(cfg.lr, cfg.ascent), loops.spaced(cfg.ascent, cfg.records) - 1

    def attack(starts, data, params, member):
        few = ensemble.thinned(data, cfg.thin)

        def one(x):
            each = jax.vmap(lambda J: ensemble.attacked(J, *x, few, rules, cfg.penalty))
            error = each(starts)
            best = error[error.max(axis=1).argmax()]
            return best[at], error.max(), ensemble.tested(*x, data)

        return jax.lax.map(one, (params, member), batch_size=cfg.at_once or None)

    return sharding.vmap_over(mesh, attack, shared=(3,), at_once=1)


def networks(cfg, mesh: Mesh) -> dict[str, np.ndarray]:
    """All predictors, what the adversary finds, and their errors in new environments."""
    (data, start, J), member, N = data_sets(cfg), ensemble.members(subsets(cfg)), len(subsets(cfg))
    params = trainer(cfg, mesh)(start, data, member)
    path, most, tests = sharding.gather(attacker(cfg, mesh)(J, data, params, member))
    kinds, worst = (slice(N), slice(N, 2 * N)), tests.max(axis=-1)  # [seed, member, 2]
    return {
        "estimate": np.stack([most[:, k] for k in kinds], axis=1),
        "worst": np.stack([worst[:, k, i] for i, k in enumerate(kinds)], axis=1),
        "pooled": worst[:, -1],
        "constant": (data.answers**2).mean(axis=-1).max(axis=-1),
        "path": np.stack([path[:, k][:, :3] for k in kinds], axis=1),
    }


def programs(cfg, mesh: Mesh) -> list[Program]:
    """Adversaries of all predictors, and their training."""
    data, start, J = data_sets(cfg)
    train, member = trainer(cfg, mesh), ensemble.members(subsets(cfg))
    return [
        attacker(cfg, mesh).program("adversary", J, data, start, member, calls=1),
        train.program("training", start, data, member, calls=1),
    ]

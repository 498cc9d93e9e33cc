"""Both algorithms and what they are held against, every step recorded, all sizes side by side.

Shapes: S seeds, N sizes, K steps, R records.
"""

from functools import cache, partial

import numpy as np
from jax.sharding import Mesh

from common import keys, loops, sharding
from common.programs import Program

from . import ensembles, halpern, operators, summary

RECORDS = 60
SLACK = 1.1  # outer iterations over those after which an exact resolvent is done
PICTURED, EARLY = 1, slice(0, 1000, 4)  # size and steps whose orbits are drawn
QUARTER = 0.25  # eta L of forward steps on games


def run(cfg, mesh: Mesh, scratch) -> dict[str, np.ndarray]:
    """Residuals are |F| over L |u_0 - u*|, exact and outside of what is counted.

    Least squares; method: full Halpern, Algorithm 1, if any fresh mini-batches
    size [N], step [eta], accuracy []
    needed, paid [seed, eta, method, N]: steps and evaluations until the accuracy; all steps and n
        at each of them where it is never reached
    worst [seed, eta, method, N]: largest residual over the bound 2 / (eta (k + 3))
    at [R], residual, spent [seed, method, N, R], error [seed, N, R]: at the first step size; error
        is of the estimate, root mean square since the record before
    close [seed, N], ratio [seed, N, 2]: share of steps with |F~| / |F| in [1/2, 2], its extremes
    leaving [seed, N]: residual where |F~| first tells to stop
    Games
    game_size [N], game_accuracy []
    game_paid [seed, 3, N]: Algorithm 2, anchored extragradient of 1 / (4 L), of 1 / L_F
    outer [N, K], outer_residual, outer_spent [seed, N, K]: of Algorithm 2, its last entry repeated
    game_at [R], anchored, forward [seed, 2, N, R]: residuals of anchored extragradient, two sizes;
        of Algorithm 1 and of stochastic descent-ascent on the game
    orbit_outer [K, 2], orbit [3, T, 2]: (x_1, y_1) of Algorithm 2; of anchored extragradient of
        1 / (4 L), Algorithm 1 and descent-ascent at early steps; first seed, game_size[1]
    """
    named = {"size": cfg.sizes, "step": cfg.steps, "game_size": cfg.game_sizes}
    named |= {"accuracy": cfg.accuracy, "game_accuracy": cfg.game_accuracy}
    found = {name: np.array(value) for name, value in named.items()}
    draw, key = drawn(cfg, mesh)
    curves = ("residual", "error", "close", "leaving")
    if scratch.wants("needed", "paid", "worst", *curves):
        descend = cache(least_squares(cfg, mesh, scratch, draw))
        found |= crossings(cfg, descend)
        found |= main(cfg, descend) if scratch.wants(*curves) else {}
    if scratch.wants("game_paid", "outer_residual", "anchored", "forward"):
        found |= games(cfg, mesh, scratch, draw, key)
    return found


def programs(cfg, mesh: Mesh) -> list[Program]:
    """None: hardware = "cpu"."""
    return []


def drawn(cfg, mesh: Mesh):
    """Random numbers of every seed, name -> [S, ...], and keys of Algorithm 2's inner loops.

    numbers [S, K, 1 + B] are uniform, of all steps of all loops but these; n and methods share them
    """
    most, games, side = max(cfg.sizes), max(cfg.game_sizes), cfg.side
    shapes = {"rows": (most, cfg.dim), "noise": (most,), "solution": (cfg.dim,)}
    shapes |= {"matrices": (games, side, side), "offsets": (games, 2 * side), "u0": (2 * side,)}
    steps = max(game_steps(cfg), *(horizon(cfg, eta) for eta in cfg.steps))
    numbers = {"numbers": (steps, 1 + int(np.ceil(np.sqrt(max(most, games)))))}
    streams = keys.split(cfg.seeds, (*shapes, *numbers, "inner"))
    drawn = keys.draws(streams, numbers, keys.uniform)
    return keys.draws(streams, shapes) | sharding.put(drawn, mesh), streams["inner"]


def every(make, seeds, sizes):
    """make(seed's place, n), stacked.  -> [S, N, ...]"""
    return loops.stack([loops.stack([make(s, n) for n in sizes]) for s in range(len(seeds))])


def least_squares(cfg, mesh: Mesh, scratch, draw):
    """(method's name, eta) -> halpern.Seen [seed, N, K]."""

    def make(s, n):
        noise = cfg.noise * draw["noise"][s]
        return operators.regression(draw["rows"][s], noise, draw["solution"][s], n)

    problem = sharding.put(every(make, cfg.seeds, cfg.sizes), mesh)
    members = problem, np.zeros((len(cfg.seeds), cfg.dim)), draw["numbers"]
    descend = ensembles.forward(mesh, scratch, operators.of_regression, members)
    kinds = {"full": (cfg.baseline_full, True), "recursive": (False, cfg.recursive)}
    kinds |= {"fresh": (False, False)}

    def named(name: str, eta: float) -> halpern.Seen:
        return descend(f"{name}-{eta:g}", halpern.Method(eta, *kinds[name]), horizon(cfg, eta))

    return named


def horizon(cfg, eta: float) -> int:
    """Steps: more of them at the first step size, whose curves are kept."""
    return int((cfg.long if eta == cfg.steps[0] else cfg.short) / (eta * cfg.accuracy))


def game_steps(cfg) -> int:
    """After which anchored extragradient of 1 / (4 L) is done, by its bound 8 L / k."""
    return int(np.ceil(8 / cfg.game_accuracy))


def crossings(cfg, descend) -> dict[str, np.ndarray]:
    """When the accuracy is reached, at every step size: as `run` names it."""

    def judged(name, eta):
        seen, charge = descend(name, eta), np.array(cfg.sizes) * horizon(cfg, eta)
        at = summary.reached(seen.residual, seen.spent, cfg.accuracy, charge)
        return *at, summary.over_bound(seen.residual, eta, cfg.burn)

    table = [[judged(name, eta) for name in ("full", "recursive")] for eta in cfg.steps]
    parts = [np.array([[cell[i] for cell in row] for row in table]) for i in range(3)]
    needed, paid, worst = (np.moveaxis(x, 2, 0) for x in parts)
    return {"needed": needed, "paid": paid, "worst": worst}


def main(cfg, descend) -> dict[str, np.ndarray]:
    """Curves at the first step size, and the estimate beside the operator."""
    each = [descend(name, cfg.steps[0]) for name in ("full", "recursive", "fresh")]
    at, seen = loops.spaced(each[0].residual.shape[-1] - 1, RECORDS), each[1]
    ratio = seen.estimate / seen.residual
    return {
        "at": at,
        "residual": np.stack([s.residual[..., at] for s in each], 1),
        "spent": np.stack([s.spent[..., at] for s in each], 1),
        "error": summary.between(seen.error, at),
        "close": ((ratio >= 0.5) & (ratio <= 2)).mean(-1),
        "ratio": np.stack([ratio.min(-1), ratio.max(-1)], -1),
        "leaving": summary.leaving(seen.residual, seen.estimate, cfg.accuracy),
    }


def games(cfg, mesh: Mesh, scratch, draw, key) -> dict[str, np.ndarray]:
    """Algorithm 2, anchored extragradient and forward methods on the same games."""

    def make(s, n):
        how = {"spread": cfg.game_spread, "strong": cfg.strong}
        return operators.game(draw["matrices"][s], cfg.game_noise * draw["offsets"][s], n, **how)

    problem = every(make, cfg.seeds, cfg.game_sizes)
    u0 = draw["u0"] / np.linalg.norm(draw["u0"], axis=1, keepdims=True)
    found, full = flat(cfg, mesh, scratch, (problem, u0, draw["numbers"]))
    if scratch.wants("game_paid", "outer_residual"):
        found |= second(cfg, mesh, scratch, (problem, u0, key)) if cfg.resolvent else {}
        found["game_paid"] = costs(cfg, found, full)
    return found


def flat(cfg, mesh: Mesh, scratch, members: tuple):
    """Loops without a resolvent inside; full: residuals at all steps of anchored extragradient.

    Algorithm 1 also in the place of Algorithm 2, where no resolvent is to be taken.
    """
    of, steps = operators.of_game, game_steps(cfg)
    scale, at = members[0].lipschitz[..., None], loops.spaced(steps - 1, RECORDS)
    descend = ensembles.forward(mesh, scratch, of, members)
    page = descend("game-forward", halpern.Method(QUARTER, False, True), steps)
    others = ensembles.baselines(mesh, scratch, of, members, steps)
    *full, single = np.moveaxis(others.residual, -1, 0) / scale
    residual, orbit = page.residual / scale, others.place[0, PICTURED, EARLY]
    return {
        "game_at": at,
        "anchored": np.stack(full, 1)[..., at - 1],
        "forward": np.stack([residual[..., at], single[..., at - 1]], 1),
        "orbit": np.stack([orbit[:, 0], page.place[0, PICTURED, EARLY], orbit[:, 2]]),
        "orbit_outer": page.place[0, PICTURED, at],
        "outer": np.tile(at, (len(cfg.game_sizes), 1)),
        "outer_residual": residual[..., at],
        "outer_spent": page.spent[..., at],
    }, full


def second(cfg, mesh: Mesh, scratch, members: tuple) -> dict[str, np.ndarray]:
    """Algorithm 2 for as long as an exact resolvent needs, and a little more."""
    outer = {n: int(np.ceil(SLACK * 4 / (np.sqrt(n) * cfg.game_accuracy))) for n in cfg.game_sizes}
    seen = ensembles.backward(mesh, scratch, operators.of_game, members, outer)
    residual = summary.side_by_side([s.residual for s in seen])
    return {
        "outer": summary.side_by_side([np.arange(1, many + 1) for many in outer.values()]),
        "outer_residual": residual / members[0].lipschitz[..., None],
        "outer_spent": summary.side_by_side([s.spent for s in seen]),
        "orbit_outer": seen[PICTURED].place[0],
    }


def costs(cfg, found, full) -> np.ndarray:
    """Evaluations until the accuracy.  -> [seed, 3, N]"""
    size, steps = np.array(cfg.game_sizes), full[0].shape[-1]
    spent = np.broadcast_to(2 * size[:, None] * np.arange(1, steps + 1), full[0].shape)
    each = [(found["outer_residual"], found["outer_spent"]), *((x, spent) for x in full)]
    reached = partial(summary.reached, level=cfg.game_accuracy, charge=2 * steps * size)
    return np.stack([reached(*pair)[1] for pair in each], 1)

"""Shapes that fit give their sizes; those that do not, a line that names the argument."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from common import ode as steps
from common import spectra
from common.curvature import dense, lanczos, outliers, probes, products, slq, stability, trace
from common.ntk import analytic, empirical, linearised
from common.sde import distances, mixture, ode, processes, samplers
from common.shapes import check, like


def test_sizes_are_bound_to_letters():
    sizes = check("x", np.zeros((3, 4)), "N D")
    assert sizes == {"N": 3, "D": 4}
    assert check("y", np.zeros((3, 2, 5)), "N ...", sizes) == sizes
    assert check("z", np.zeros((7, 6, 4)), "... D", sizes) == sizes
    assert check("square", jnp.ones((2, 2)), "N N") == {"N": 2}
    assert check("one", jnp.float32(1), "") == {}
    assert check("rows", np.zeros((2, 9)), "2 n") == {"n": 9}


@pytest.mark.parametrize(
    ("shape", "pattern", "said"),
    [
        ((3,), "N D", r"x must have shape \[N, D\] with N = 5, not \[3\]"),
        ((3, 4), "N D", r"with N = 5, not \[3, 4\]"),
        ((5, 4, 1), "N D", r"not \[5, 4, 1\]"),
        ((), "N ...", r"\[N, ...\] with N = 5, not \[\]"),
        ((5, 3), "N 2", r"\[N, 2\] with N = 5, not \[5, 3\]"),
        ((2, 3), "K K", r"\[K, K\] with K = 2, not \[2, 3\]"),
    ],
)
def test_what_does_not_fit_is_named(shape, pattern, said):
    with pytest.raises(ValueError, match=said):
        check("x", np.zeros(shape), pattern, {"N": 5})


def test_known_sizes_are_not_changed():
    known = {"N": 3}
    check("x", np.zeros((3, 4)), "N D", known)
    assert known == {"N": 3}


def test_under_jit_it_is_told_while_tracing():
    with pytest.raises(ValueError, match=r"x must have the shape of y, \[3\], not \[2\]"):
        jax.jit(lambda x, y: like("x", x, "y", y))(jnp.ones(2), jnp.ones(3))
    assert "check" not in str(jax.make_jaxpr(lambda x: check("x", x, "N") and x)(jnp.ones(2)))


KEY, ROW, SQUARE = jax.random.key(0), jnp.ones(4), jnp.eye(4)
MIX = mixture.Mixture(jnp.ones(2) / 2, jnp.zeros((2, 3)), jnp.ones(2))
VP = processes.vp()
POINTS = jnp.ones((5, 3))
TALL = lambda v: jnp.ones(6)  # noqa: E731  a product whose image has another length
FLAT = lambda x, t: x[:, 0]  # noqa: E731  a score that forgets an axis
MODEL = lambda p, x: x @ p  # noqa: E731

WRONG = {
    "lanczos": (lambda: lanczos.lanczos(lambda v: v, SQUARE, 3), "v0"),
    "lanczos, product": (lambda: lanczos.lanczos(TALL, ROW, 3), r"matvec\(v\)"),
    "lanczos, spare": (lambda: lanczos.lanczos(lambda v: v, ROW, 3, spare=jnp.ones(3)), "spare"),
    "eigsh": (lambda: lanczos.eigsh(KEY, TALL, 4, steps=3, k=1), r"matvec\(v\)"),
    "columns": (lambda: dense.columns(TALL, 4, jnp.arange(2)), r"matvec\(v\)"),
    "dense": (lambda: dense.dense(TALL, 4), r"matvec\(v\)"),
    "slq": (lambda: slq.slq(KEY, TALL, 4, steps=3, probes=2), r"matvec\(v\)"),
    "hutchinson": (lambda: probes.hutchinson(KEY, TALL, 4, probes=2), r"matvec\(v\)"),
    "hutchpp": (lambda: probes.hutchpp(KEY, TALL, 40, matvecs=6), r"matvec\(v\)"),
    "xtrace": (lambda: probes.xtrace(KEY, TALL, 40, matvecs=6), r"matvec\(v\)"),
    "diagonal": (lambda: probes.diagonal(KEY, TALL, 4, probes=2), r"matvec\(v\)"),
    "frobenius": (lambda: probes.frobenius(KEY, TALL, 4, probes=2), r"matvec\(v\)"),
    "exact_trace": (lambda: probes.exact_trace(TALL, 4), r"matvec\(v\)"),
    "trace": (lambda: trace.trace(KEY, TALL, 40, rtol=0.1), r"matvec\(v\)"),
    "flat": (lambda: products.flat(lambda v: v, {"w": ROW})[0](jnp.ones(3)), "v must"),
    "restrict": (lambda: products.restrict(lambda v: v, ROW), "basis"),
    "density": (lambda: slq.density(SQUARE, SQUARE[1:], ROW), "weights"),
    "cumulative": (lambda: slq.cumulative(SQUARE, SQUARE, SQUARE), "grid"),
    "spectral_function": (lambda: slq.spectral_function(jnp.log, ROW, ROW, 4), "nodes"),
    "outliers": (lambda: outliers.above_fraction(np.float64(3)), "eigenvalues"),
    "modes": (lambda: stability.modes(ROW), "gradients"),
    "spread": (lambda: stability.spread(stability.modes(POINTS), 1)(ROW), "c must"),
    "ranks": (lambda: spectra.stable_rank(np.float64(3)), "singular_values"),
    "participation": (lambda: spectra.participation_ratio(np.float64(3)), "eigenvalues"),
    "ntk": (lambda: empirical.ntk(MODEL, SQUARE, jnp.ones((2, 4)), jnp.ones((2, 3))), "x2"),
    "ntk, model": (lambda: empirical.ntk(lambda p, x: p @ x[0], SQUARE, SQUARE), "apply"),
    "ntk_vp": (lambda: empirical.ntk_vp(MODEL, SQUARE, SQUARE, POINTS), "x2"),
    "analytic": (lambda: analytic.fully_connected(analytic.erf, POINTS, SQUARE, depth=2), "x2"),
    "flow of a kernel": (lambda: linearised.flow(SQUARE, jnp.ones(3), ROW), "residual"),
    "flow elsewhere": (lambda: linearised.flow(SQUARE, ROW, ROW, cross=POINTS), "cross"),
    "descent": (lambda: linearised.descent(POINTS, ROW, ROW, lr=0.1), "kernel"),
    "mixture": (lambda: mixture.score(MIX, jnp.ones((5, 2))), "x must"),
    "mixture, stds": (lambda: mixture.sample(KEY, MIX._replace(stds=jnp.ones(3)), 4), "stds"),
    "sliced_w1": (lambda: distances.sliced_w1(POINTS, POINTS[1:], POINTS), "y must"),
    "permutations": (lambda: distances.permutation_null(KEY, POINTS, POINTS, SQUARE, 2), "theta"),
    "frechet": (lambda: distances.frechet(POINTS, SQUARE), "y must"),
    "perturb": (lambda: processes.perturb(KEY, VP, POINTS, jnp.ones(4)), "t must"),
    "reverse": (lambda: processes.reverse(VP, FLAT)(POINTS, 0.5), r"score\(x, t\)"),
    "sample": (lambda: samplers.sample(KEY, VP, FLAT, POINTS, steps=30), r"score\(x, t\)"),
    "sample, one point": (lambda: samplers.sample(KEY, VP, FLAT, ROW[0], steps=30), "x1"),
    "probability flow": (lambda: ode.flow(VP, FLAT, POINTS, steps=3), r"score\(x, t\)"),
    "log_likelihood": (lambda: ode.log_likelihood(KEY, VP, FLAT, ROW[0]), "x must"),
    "path": (lambda: steps.path(lambda y, t: y, ROW, ROW[0]), "times"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_library_names_the_argument_that_does_not_fit(name):
    call, said = WRONG[name]
    with pytest.raises(ValueError, match=f"^{said}"):
        call()

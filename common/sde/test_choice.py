"""A choice among SDEs is the one that was chosen, also where the program is told which."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import norm

from common.sde import gaussian, mixture, ode, processes, samplers
from common.sde.choice import chosen

SDES = processes.vp(), processes.subvp(), processes.ve()
X = jax.random.normal(jax.random.key(0), (5, 2))
T = jnp.linspace(0.1, 0.9, 5)


def everything(sde):
    numbers = jnp.asarray(sde.prior_std), jnp.asarray(sde.eps), jnp.asarray(sde.end)
    return sde.drift(X, T), sde.diffusion(T), sde.marginal(T), sde.chain(3.0, 30), numbers


def test_every_function_and_number_is_that_of_the_chosen():
    told = jax.jit(lambda which: everything(chosen(which, SDES)))
    for i, sde in enumerate(SDES):
        want = jax.tree.leaves(everything(sde))
        for a, b in zip(jax.tree.leaves(told(i)), want, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5)


def test_what_all_share_stays_a_number():
    sde = chosen(jnp.int32(1), SDES[:2])
    assert (sde.prior_std, sde.eps, sde.end) == (1.0, 1e-3, 1.0)
    assert chosen(0, SDES[2:]).prior_std == 50
    with pytest.raises(ValueError, match="sdes must be one SDE or more"):
        chosen(0, [])


def test_likelihoods_by_one_program_are_those_of_the_data():
    """N(0, 1/4) in the plane: every SDE's flow gives its density."""
    mix = mixture.ring(1, radius=0.0, std=0.5)
    x = 0.5 * X

    @jax.jit
    def logp(which):
        sde = chosen(which, SDES)
        score = mixture.exact_score(mix, sde)
        return ode.log_likelihood(jax.random.key(0), sde, score, x, exact=True).logp

    for i in range(3):  # the prior is not quite p_1
        np.testing.assert_allclose(logp(i), norm(0, 0.5).logpdf(x).sum(1), atol=0.02)


@pytest.mark.parametrize("sde", [*SDES, gaussian.ou(end=3.0)], ids=["vp", "subvp", "ve", "ou"])
def test_samples_of_a_number_of_steps_that_is_told(sde):
    """One program, the samples of programs of 1 (where there are such), 25 and 40 steps."""
    score = mixture.exact_score(mixture.ring(), sde)
    few = processes.vp(0.1, 0.9) if sde is SDES[0] else sde
    sample = partial(samplers.sample, jax.random.key(1), corrector=samplers.langevin)
    told = jax.jit(lambda n, sde=sde: sample(sde, score, sde.prior_std * X, steps=n))
    for n in (25, 40):
        want = jax.jit(lambda n=n: sample(sde, score, sde.prior_std * X, steps=n))()
        np.testing.assert_allclose(told(n), want, rtol=2e-3, atol=1e-4)
    once = jax.jit(lambda n: sample(few, score, X, steps=n))
    np.testing.assert_allclose(once(1), sample(few, score, X, steps=1), rtol=2e-3)
    np.testing.assert_array_equal(once(0), X)
    with pytest.raises(ValueError, match="steps must be a number"):
        jax.jit(lambda n: sample(sde, score, X, steps=n, trajectory=True))(3)


def test_too_few_steps_of_a_chain_that_are_told_are_no_number():
    score = lambda x, t: -x  # noqa: E731
    told = jax.jit(lambda n: samplers.sample(jax.random.key(0), SDES[0], score, X, steps=n))
    assert jnp.isnan(told(10)).all()

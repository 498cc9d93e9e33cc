"""Loss, networks, inpainting and measures against closed forms and limits."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from common.sde import mixture, processes, samplers

from . import images, loss, measure, toy

VP = processes.vp()


def test_dsm_loss_of_the_exact_score():
    """Gaussian data N(0, s^2): the loss is E_t [1 - std^2 / (scale^2 s^2 + std^2)]."""
    spread = 0.5

    def score(x, t):
        scale, std = (processes.expand(c, x) for c in VP.marginal(t))
        return -x / ((scale * spread) ** 2 + std**2)

    scale, std = VP.marginal(jnp.linspace(1e-5, 1, 20_001))
    exact = float(jnp.mean(1 - std**2 / ((scale * spread) ** 2 + std**2)))
    x0 = spread * jax.random.normal(jax.random.key(0), (40_000, 4))
    found = jax.jit(lambda x: loss.dsm_loss(jax.random.key(1), VP, score, x))(x0)
    assert float(found) == pytest.approx(exact, rel=0.03)


def test_dsm_excess_is_the_weighted_score_error():
    """Loss(s + c) - loss(s) = E_t std^2 c^2 for a constant error c (Vincent 2011)."""
    mix = mixture.ring()
    exact = mixture.exact_score(mix, VP)

    @jax.jit
    def excess(key):
        x0 = mixture.sample(key, mix, 50_000)
        wrong, right = (
            loss.dsm_loss(jax.random.key(1), VP, lambda x, t, c=c: exact(x, t) + c, x0)
            for c in (0.5, 0.0)
        )
        return wrong - right

    _, std = VP.marginal(jnp.linspace(1e-5, 1, 2001))
    assert float(excess(jax.random.key(0))) == pytest.approx(
        0.25 * float(jnp.mean(std**2)), rel=0.03
    )


def test_inpainting_keeps_what_is_known():
    """Known pixels end at the scaled image; unknown ones follow the conditional mean of a
    Gaussian with correlation 0.9."""
    corr = jnp.array([[1.0, 0.9], [0.9, 1.0]])

    def score(x, t):
        scale, std = VP.marginal(t)
        return -jnp.linalg.solve(scale**2 * corr + std**2 * jnp.eye(2), x.T).T

    image = jnp.tile(jnp.array([[1.5, 0.0]]), (500, 1))
    known = jnp.tile(jnp.array([[True, False]]), (500, 1))
    keys = jax.random.split(jax.random.key(0))
    x = jax.jit(
        lambda x1: samplers.sample(
            keys[0],
            VP,
            score,
            x1,
            steps=100,
            predictor=loss.inpainting(samplers.reverse_diffusion, image, known),
            corrector=loss.inpainting(samplers.langevin, image, known),
        )
    )(processes.prior_sample(keys[1], VP, (500, 2)))
    np.testing.assert_allclose(x[:, 0], 1.5, rtol=1e-3)
    # replacement is known to be biased towards the unconditional mean 0 at finite steps
    assert 0.8 < float(x[:, 1].mean()) < 1.5


def test_marginal_gap_sees_a_wrong_flow():
    """Without the factor 1/2 the flow's samples collapse: far outside the null."""
    key, how = jax.random.key(0), {"points": 2000, "steps": 50, "tol": 1e-4}

    @jax.jit
    def z_score(weight):
        pair = toy.both_ways(key, 0, [VP], mixture.ring(), weight=weight, **how)
        gap = toy.gap(key, *pair, directions=8, permutations=20)
        return (jnp.log(gap["w1_flow"]) - gap["null_mean"]) / gap["null_std"]

    assert abs(float(z_score(0.5))) < 4 < float(z_score(1.0))


def test_a_sampler_told_when_it_runs_is_that_sampler():
    """The table's program for all samplers, against the samplers written out."""
    mix, key, sdes = mixture.ring(), jax.random.key(0), [VP, processes.ve()]
    told = jax.jit(partial(toy.sampled, sdes=sdes, mix=mix, snr=0.2))
    langevin = partial(samplers.langevin, snr=0.2)
    updates = {measure.PC_FLOW: samplers.flow_step, measure.PC_SDE: samplers.reverse_diffusion}
    for (row, update), which, steps in zip(updates.items(), (0, 1), (25, 30), strict=True):
        sde, (number, corrected) = sdes[which], toy.update_of(row)
        x1 = toy.prior(key, which, sdes, 20)
        assert float(x1.std()) == pytest.approx(sde.prior_std, rel=0.3)
        how = {"steps": steps, "predictor": update, "corrector": langevin}
        score = mixture.exact_score(mix, sde)
        want = jax.jit(partial(samplers.sample, sde=sde, score=score, **how))(key, x1=x1)
        found = told(key, x1, toy.Way(which, number, corrected, steps))
        np.testing.assert_allclose(found, want, rtol=1e-3, atol=1e-4)
    assert toy.update_of(measure.PC_SDE) == (toy.REVERSE, True)
    assert toy.update_of(measure.PC_SDE, predict=False) == (toy.LANGEVIN, True)


def test_alone_there_is_no_corrector():
    """The flow by Euler's rule is Euler's rule, whatever the noise."""
    mix, x1 = mixture.ring(), jax.random.normal(jax.random.key(1), (20, 2))
    told = jax.jit(partial(toy.sampled, sdes=[VP], mix=mix, snr=0.2))
    number, corrected = toy.update_of(measure.P_EULER)
    found = told(jax.random.key(0), x1, toy.Way(0, number, corrected, 40))
    field, x = processes.probability_flow(VP, mixture.exact_score(mix, VP)), x1
    field = jax.jit(field)
    for t in np.linspace(1, VP.eps, 40, dtype=np.float32):
        x = x - field(x, t) / 40
    np.testing.assert_allclose(found, x, rtol=1e-3, atol=1e-4)


def test_images_are_means_of_blocks():
    """A constant block keeps its value; 2 x 2 blocks are averaged and rounded to even."""
    x = np.array([[[0, 1], [1, 4]]], np.uint8).repeat(14, 1).repeat(14, 2)
    assert images.resized(x, (14, 14, 1))[0, ::7, ::7, 0].tolist() == [[0, 1], [1, 4]]
    fine = np.tile(np.array([[0, 1], [2, 3]], np.uint8), (1, 14, 14))  # mean 1.5
    np.testing.assert_array_equal(images.resized(fine, (14, 14, 1)), 2)
    assert images.resized(x, (28, 28, 1)).shape == (1, 28, 28, 1)


def test_half_of_the_images_are_mirrored():
    rng = np.random.default_rng(0)
    x = rng.integers(0, 255, (1000, 2, 3, 1), np.uint8)
    found = np.asarray(loss.mirrored(jax.random.key(0), x))
    turned = (found == x[:, :, ::-1]).all(axis=(1, 2, 3))
    np.testing.assert_array_equal(found[~turned], x[~turned])
    assert turned.mean() == pytest.approx(0.5, abs=0.07)


def test_too_few_steps_for_a_chain_are_refused():
    assert len(toy.ways([VP], 0, measure.FEW, (50, 200), True)) == 6
    with pytest.raises(ValueError, match="VP chain of 20 steps"):
        toy.ways([VP], 0, (measure.PC_SDE,), (40,), True)


def test_measures_on_planted_arrays():
    rows = len(measure.SAMPLERS)
    planted = np.tile(np.array([4.0, 1.0]), (3, rows, 1))
    planted[:, measure.SAMPLERS.index(measure.PC_EULER)] = [1.0, 1.0]
    np.testing.assert_allclose(measure.flow_repair({"distance_ve": planted}), [[2, 1]] * 3)
    planted[:, measure.SAMPLERS.index(measure.C_ONLY), 1] = 7.0
    assert measure.corrector_alone({"distance_ve": planted}).tolist() == [[7, 1]] * 3
    gap = {"w1_flow": np.full((2, 3), np.e), "null_mean": np.zeros((2, 3))}
    z = measure.marginal_z(gap | {"null_std": np.array([[1, 2, 4], [2, 2, 2.0]])})
    assert z.tolist() == [1, 0.5]

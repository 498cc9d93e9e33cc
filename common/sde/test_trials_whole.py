"""No public function of common/sde and common/ode is without its five trials."""

from common import ode, sde
from common.sde import test_trials, test_trials_fields, test_trials_laws, test_trials_samples
from tests.trials import untried

TABLES = test_trials, test_trials_fields, test_trials_laws, test_trials_samples
BESIDE = {
    # they draw what others scale, or are tried through prior_logp and integrate
    "prior_draw", "prior_sample", "gaussian_logp", "expand",
    # every factory and rule calls them on its numbers
    "processes.clock", "processes.within",
    # functions and numbers of other SDEs, all of them compared in test_choice
    "choice.chosen",
    # what ou and edm are made of
    "gaussian.sde",
    # tried through weighted_w2 and ot.exact.transport
    "transport.programme",
    # functions of t alone, tried through numbers
    "interpolants.linear", "interpolants.brownian", "interpolants.bump", "interpolants.sine",
    "interpolants.nothing",
    # functions of what path.at makes, through denoising; test_matching has their closed forms
    "matching.noise", "matching.velocity", "matching.edm",
    # the means and covariances of fields, and the distance in frechet and bures_w2
    "interpolants.law", "transport.procrustes",
    # what log_likelihood and per_dimension make of images
    "bits.of_images",
    # called by the case of every rule
    "solvers.solve",
}  # fmt: skip


def test_every_public_function_is_tried():
    cases = {name: None for table in TABLES for name in table.CASES}
    assert untried([sde, ode], cases | dict.fromkeys(BESIDE)) == []


def test_what_is_tried_beside_has_no_case_and_no_case_is_given_twice():
    names = [name for table in TABLES for name in table.CASES]
    assert len(set(names)) == len(names)
    assert not BESIDE & {*names}

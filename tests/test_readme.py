"""README's example for somebody else's model does what it shows."""

import re

import flax.linen as nn
import jax
import jax.numpy as jnp

from tests.tree import ROOT


def test_the_spectrum_of_ones_own_model(capsys):
    code = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert len(code) == 1
    assert sum("import" not in line and line != "" for line in code[0].splitlines()) == 2
    net = nn.Sequential([nn.Dense(5), nn.relu, nn.Dense(3)])
    batch = {"x": jax.random.normal(jax.random.key(0), (30, 4)), "y": jnp.arange(30) % 3}
    params = net.init(jax.random.key(1), batch["x"])
    exec(code[0], {"net": net, "batch": batch, "params": params, "jax": jax})
    shown = capsys.readouterr().out
    assert shown.startswith("43 parameters\nlargest eigenvalues")
    assert "products in" in shown

"""Cross-entropy with z-loss, in float32 (section 3.1.2).

Shapes: B batch, T positions, V vocabulary.
"""

import jax
import jax.numpy as jnp


def cross_entropy(logits, targets):
    """Mean of log Z - y_target in nats, and log Z.  [B, T, V], int [B, T] -> ([], [B, T])"""
    log_z = jax.nn.logsumexp(logits.astype(jnp.float32), axis=-1)
    hit = jnp.take_along_axis(logits, targets[..., None], axis=-1)[..., 0]
    return jnp.mean(log_z - hit), log_z


def z_loss(log_z):
    """Mean of log^2 Z.  [B, T] -> []"""
    return jnp.mean(log_z**2)

"""The mesh that a config asks for, of the devices that are there or of described ones."""

from launch.errors import UserError


def mesh_of(cfg, devices=None):
    """The mesh a config asks for: (data, model), or with the keys mesh_model, mesh_ensemble three
    axes.  Errors: UserError if the axes do not cover the devices."""
    from common import partition, sharding  # JAX

    model, ensemble = cfg.get("mesh_model", 1), cfg.get("mesh_ensemble", 1)
    try:
        if model == ensemble == 1:
            return sharding.make_mesh() if devices is None else partition.flat_mesh(devices)
        return partition.make_mesh(model=model, ensemble=ensemble, devices=devices)
    except ValueError as error:
        raise UserError(f"{error}: change mesh_model or mesh_ensemble") from None

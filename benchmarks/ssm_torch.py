"""The contestant of ssm.py that is written in PyTorch: state-spaces/s4's minimal S4D kernel."""

import importlib.util
import os
import sys
from types import ModuleType

import torch


def torch_run(case: str, name: str, data: dict):
    """One run, for `serve`: its kernel, then its convolution (rfft at 2 L), as in its layer."""
    torch.set_num_threads(int(os.environ["THREADS"]))
    sys.modules["src"] = sys.modules["src.models"] = ModuleType("src.models")
    stub = sys.modules["src.models.nn"] = ModuleType("src.models.nn")
    stub.DropoutNd = torch.nn.Identity  # of its package, which needs Lightning; not used here
    path = os.path.join(os.environ["STATE_SPACES"], "models/s4/s4d.py")
    spec = importlib.util.spec_from_file_location("peer", path)
    peer = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(peer)
    tensors = {n: torch.from_numpy(a.copy()) for n, a in data.items()}
    u, slope = tensors["u"], tensors["slope"]
    h, n = tensors["c"].shape
    kernel = peer.S4DKernel(h, N=2 * n)
    with torch.no_grad():
        kernel.C.copy_(torch.view_as_real(tensors["c"]))
        kernel.log_dt.copy_(tensors["step"][:, 0].log())
        kernel.A_imag.copy_(tensors["values"].imag)
    length = u.shape[-1]

    def forward(u):
        k = torch.fft.rfft(kernel(length), n=2 * length)
        return torch.fft.irfft(torch.fft.rfft(u, n=2 * length) * k, n=2 * length)[..., :length]

    def run():
        with torch.set_grad_enabled(case.endswith("gradient")):
            y = forward(u.requires_grad_(case.endswith("gradient")))
        if case.endswith("gradient"):
            torch.autograd.grad(y, [u, *kernel.parameters()], slope)
        return {"size": float(y[0].detach().norm())}

    return run

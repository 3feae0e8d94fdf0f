"""One device, the CPU, behind the names that scripts ask for."""

import contextlib
import gc

import torch

cpu = device = device_interrogate = device_gfpgan = device_esrgan = device_codeformer = torch.device("cpu")
dtype = dtype_vae = dtype_unet = dtype_inference = torch.float32
fp8 = False
unet_needs_upcast = False


class NansException(Exception):  # noqa: N818  the hosts' name
    """A tensor of nothing but NaN came out of a net."""


def get_optimal_device_name():
    return "cpu"


def get_optimal_device():
    return device


def get_device_for(task):
    return device


def torch_gc():
    gc.collect(0)


def autocast(disable=False):
    return contextlib.nullcontext()


def without_autocast(disable=False):
    return contextlib.nullcontext()


def cond_cast_unet(tensor):
    return tensor


def cond_cast_float(tensor):
    return tensor.float()


def test_for_nans(x, where):
    if torch.all(torch.isnan(x)).item():
        raise NansException(f"A tensor with NaNs was produced in {where}.")

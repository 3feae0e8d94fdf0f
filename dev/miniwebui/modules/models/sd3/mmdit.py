"""The class by which A1111 knows layers that hold queries, keys and values in one weight."""

import torch


class QkvLinear(torch.nn.Linear):
    """[3 · out, in]"""

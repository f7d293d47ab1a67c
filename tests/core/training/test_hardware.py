import pytest
import torch
from torch import nn

from ais_app.core.training.hardware import Hardware, sound

CPU = Hardware(torch.device("cpu"), bf16=True)


class OneConvolution(nn.Module):
    def __init__(self, kernel: int):
        super().__init__()
        self.convolution = nn.Conv3d(1, 2, kernel, padding=kernel // 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.convolution(x[:, None])


@pytest.mark.parametrize(("kernel", "slices"), [(3, 2), (5, 3), (5, 4)])
def test_volumes_too_thin_for_the_gradient_in_bf16_are_computed_in_fp32(kernel: int, slices: int):
    network = OneConvolution(kernel).train()
    assert sound(CPU, network, torch.zeros(1, slices, 8, 8)) == Hardware(CPU.device, bf16=False)
    assert network.training and not network.convolution._forward_pre_hooks


@pytest.mark.parametrize(("kernel", "slices"), [(1, 1), (1, 2), (3, 1), (3, 3), (3, 8), (5, 2), (5, 5)])
def test_all_others_stay_in_bf16(kernel: int, slices: int):
    assert sound(CPU, OneConvolution(kernel), torch.zeros(1, slices, 8, 8)) is CPU


def test_networks_of_slices_and_other_machines_are_not_even_run():
    slices = nn.Sequential(nn.Conv2d(1, 1, 3))
    assert sound(CPU, slices, torch.zeros(0)) is CPU
    other = Hardware(torch.device("cpu"), bf16=False)
    assert sound(other, OneConvolution(3), torch.zeros(0)) is other

"""Networks are exported, counted and trained from several threads at once, as the window does it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from ais_app.core.model.card import ModelCard
from ais_app.core.model.onnx_file import to_onnx
from ais_app.core.model.package import new_model
from ais_app.core.training.objective import LossObjective
from ais_app.core.training.parameters import TrainParams
from ais_app.operations.models import list_architectures


def test_threads_export_and_count_networks_at_once() -> None:
    networks = [new_model(ModelCard("vggnet_s")).network for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        exported = [threads.submit(to_onnx, network) for network in networks]
        listed = threads.submit(list_architectures)
        exported += [threads.submit(to_onnx, network) for network in networks]
        assert all(len(each.result().graph.initializer) for each in exported)
        assert len(listed.result()) > 10


@pytest.mark.usefixtures("one_thread")
def test_a_network_learns_while_another_is_exported() -> None:
    """Before steps took turns with exports one or the other failed within a few of them."""
    objective = LossObjective(new_model(ModelCard("vggnet_s")).network.train(), TrainParams("vggnet_s"))
    images, labels = torch.zeros(1, 1, 16, 16), torch.zeros(1, 16, 16, dtype=torch.uint8)
    ended, steps = threading.Event(), 0

    def learn() -> None:
        nonlocal steps
        while not ended.is_set():
            loss = objective.loss(objective.network.logits(images), labels)
            objective.follow(loss, 1e-3)
            steps += 1

    with ThreadPoolExecutor(1) as thread:
        learning = thread.submit(learn)
        try:
            for _ in range(4):
                assert len(to_onnx(new_model(ModelCard("vggnet_s")).network).graph.initializer)
        finally:
            ended.set()
        learning.result()
    assert steps > 4

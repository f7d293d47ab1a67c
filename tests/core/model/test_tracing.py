"""Networks are exported and counted from several threads at once, as the window does it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from ais_app.core.model.card import ModelCard
from ais_app.core.model.onnx_file import to_onnx
from ais_app.core.model.package import new_model
from ais_app.operations.models import list_architectures


def test_threads_export_and_count_networks_at_once() -> None:
    networks = [new_model(ModelCard("vggnet_s")).network for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        exported = [threads.submit(to_onnx, network) for network in networks]
        listed = threads.submit(list_architectures)
        exported += [threads.submit(to_onnx, network) for network in networks]
        assert all(len(each.result().graph.initializer) for each in exported)
        assert len(listed.result()) > 10

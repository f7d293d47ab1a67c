import pytest
import torch


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    """Compute on one core: two that wait for each other are slower than one where other tests run beside."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)

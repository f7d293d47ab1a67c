"""Trainings: they learn, repeat, resume, stop, and say what they did."""

import numpy as np
import pytest
import torch
from phantoms import balls, small_data, small_params

from ais_app.core.errors import FileProblem, ModelProblem, ParameterProblem
from ais_app.core.jobs import JobCancelled, run
from ais_app.core.model.card import ModelCard
from ais_app.core.model.package import load_model, new_model, save_model
from ais_app.core.training.hardware import hardware
from ais_app.core.training.metrics import scores
from ais_app.core.training.optimise import RunningAverage, learning_rate
from ais_app.core.training.preview import contact_sheet
from ais_app.core.training.trainer import train_job


def trained(data=None, params=None, card=None, **options):
    params = params or small_params()
    return run(train_job(data or small_data(params), params, card or ModelCard(params.architecture), **options))


def weights(result) -> bytes:
    return b"".join(value.contiguous().numpy().tobytes() for value in result.model.network.state_dict().values())


def stop_after(steps: int):
    """Return a `stop` that says true after so many reports."""
    left = iter(range(steps))
    return lambda: next(left, None) is None


def test_learns_to_find_balls_it_has_not_seen():
    params = small_params(epochs=6, draws=4, boxes=16, box_size=24, batch=6, architecture="unet_s")
    result = trained(small_data(params), params)
    assert result.finished and len(result.history) == 6
    image, labels = balls(99)
    normal = torch.from_numpy((image - image.mean()) / image.std())
    with torch.inference_mode():
        probability = result.model.network(normal[4:20, None])[:, 0].numpy()
    assert scores(probability, labels[4:20]).dice > 0.7
    assert result.history[-1]["dice"] > 0.7 and result.history[-1]["average_precision"] > 0.75
    assert result.history[-1]["training_loss"] < 0.6 * result.history[0]["training_loss"]


def test_history_and_record():
    params = small_params(epochs=3)
    card = trained(params=params, card=ModelCard("vggnet_s", feature="ball")).model.card
    assert (card.feature, card.voxel_size, card.box_size, card.contrast) == ("ball", 10.0, 16, -1)
    record = card.training
    assert record["epochs"] == 3 and record["steps"] == 9 and record["finished"]
    assert record["parameters"] == params.to_dict() and record["seed"] == 0
    assert {"loss", "dice", "precision", "recall", "average_precision"} <= set(record["metrics"])
    assert record["data"]["tomograms"][0]["annotated_slices"] == 5 and "slab" in record["data"]["held_out"]
    assert "torch" in record["versions"] and record["hardware"]["threads"] >= 1


@pytest.mark.parametrize("architecture", ["vggnet_s", "unet_l"])
def test_same_seed_same_weights(architecture):
    params = small_params(architecture=architecture, epochs=1, boxes=8, batch=4)
    data = small_data(params)
    one = trained(data, params)
    torch.rand(7)  # what others draw in between does not matter
    assert weights(trained(data, params)) == weights(one)
    other = small_params(architecture=architecture, epochs=1, boxes=8, batch=4, seed=5)
    assert weights(trained(data, other)) != weights(one)


def test_others_random_numbers_are_left_alone():
    torch.manual_seed(3)
    wanted = torch.rand(2)
    torch.manual_seed(3)
    trained()
    assert torch.equal(torch.rand(2), wanted)


@pytest.mark.parametrize(("optimiser", "schedule"), [("adamw", "one-cycle"), ("adam", "constant")])
@pytest.mark.parametrize("reports", [2, 4, 6])
def test_resumed_training_ends_with_the_same_weights(tmp_path, reports, optimiser, schedule):
    params = small_params(epochs=3, optimiser=optimiser, schedule=schedule, averaging=0.9)
    data, card = small_data(params), ModelCard("vggnet_s")
    whole = run(train_job(data, params, card))
    file = tmp_path / "x.checkpoint"
    part = run(train_job(data, params, card, checkpoint=file), stop=stop_after(reports))
    assert not part.finished and file.exists()
    resumed = run(train_job(data, params, card, checkpoint=file, resume=True))
    assert resumed.finished and not file.exists()
    assert weights(resumed) == weights(whole) and resumed.history == whole.history


def test_checkpoints_at_the_end_of_an_epoch_lead_to_the_same_weights(tmp_path):
    params = small_params(epochs=3)
    data, card = small_data(params), ModelCard("vggnet_s")
    whole = run(train_job(data, params, card))
    file = tmp_path / "x.checkpoint"
    job = train_job(data, params, card, checkpoint=file, checkpoint_seconds=0)
    while not file.exists():
        next(job)
    job.close()  # killed: nothing more is written
    assert weights(run(train_job(data, params, card, checkpoint=file, resume=True))) == weights(whole)


def test_checkpoints_of_something_else_are_refused(tmp_path):
    params = small_params()
    data, card, file = small_data(params), ModelCard("vggnet_s"), tmp_path / "x.checkpoint"
    with pytest.raises(FileProblem, match="train from the start"):
        trained(data, params, checkpoint=file, resume=True)
    run(train_job(data, params, card, checkpoint=file), stop=stop_after(1))
    with pytest.raises(ParameterProblem, match="other data or with other parameters"):
        trained(data, small_params(learning_rate=1e-4), checkpoint=file, resume=True)
    with pytest.raises(ParameterProblem, match="other data"):
        trained(small_data(params, seed=4), params, checkpoint=file, resume=True)
    content = file.read_bytes()
    for broken in (b"", content[:1000], content[:-5], b"{}" * 50):
        file.write_bytes(broken)
        with pytest.raises(FileProblem, match="no checkpoint, or is damaged"):
            trained(data, params, checkpoint=file, resume=True)


def test_a_training_goes_on_from_its_own_parent_only(tmp_path):
    params = small_params(epochs=3)
    data, card, file = small_data(params), ModelCard("vggnet_s"), tmp_path / "x.checkpoint"
    parent, other = (trained(data, small_params(epochs=1, seed=seed)).model for seed in (0, 1))
    whole = run(train_job(data, params, card, start=parent))
    run(train_job(data, params, card, start=parent, checkpoint=file), stop=stop_after(4))
    for start in (other, None):
        with pytest.raises(ParameterProblem, match="other data or with other parameters"):
            run(train_job(data, params, card, start=start, checkpoint=file, resume=True))
    assert weights(run(train_job(data, params, card, start=parent, checkpoint=file, resume=True))) == weights(whole)


def test_stopped_at_any_batch_it_keeps_the_best_weights():
    params = small_params(epochs=4)
    data, kept = small_data(params), {}

    def keep(model):
        kept[len(kept) + 1] = {name: value.clone() for name, value in model.network.state_dict().items()}

    for reports in (1, 5, 10):
        kept.clear()
        job = train_job(data, params, ModelCard("vggnet_s"), on_epoch=keep)
        result = run(job, stop=stop_after(reports))
        assert not result.finished and not result.model.card.training["finished"]
        best = result.model.card.training["best_epoch"]
        if best:
            found = result.model.network.state_dict()
            assert all(torch.equal(found[name], value) for name, value in kept[best].items())
            losses = [entry["loss"] for entry in result.history]
            assert losses[best - 1] == min(losses)


def test_cancelling_before_the_first_batch():
    job = train_job(small_data(), small_params(), ModelCard("vggnet_s"))
    with pytest.raises(JobCancelled):
        job.throw(JobCancelled())


def test_progress_counts_batches_and_shows_scores():
    params, seen = small_params(epochs=2), []
    run(train_job(small_data(params), params, ModelCard("vggnet_s")), seen.append)
    assert [p.done for p in seen if "loss" in p.values and "epoch" not in p.values] == list(range(1, 7))
    assert {p.total for p in seen} == {6}
    entries = [p.values for p in seen if "epoch" in p.values]
    assert [entry["epoch"] for entry in entries] == [1, 2] and all(0 <= entry["dice"] <= 1 for entry in entries)


def test_weights_in_training_can_be_previewed():
    seen = []
    trained(on_epoch=lambda model: seen.append(float(model.network(torch.zeros(1, 1, 16, 16)).mean())))
    assert len(seen) == 2 and all(0 < value < 1 for value in seen)


def test_patience_stops_early_and_counts_as_finished():
    params = small_params(epochs=40, patience=1, learning_rate=1e-8)
    result = trained(small_data(params), params)
    assert result.finished and len(result.history) < 40


def test_without_held_out_data_the_last_weights_are_kept():
    params = small_params(validation="none", epochs=3)
    result = trained(small_data(params), params)
    assert result.model.card.training["best_epoch"] == 3
    assert set(result.model.card.training["metrics"]) == {"training_loss"}


@pytest.mark.parametrize("loss", ["dice", "focal+dice"])
def test_other_losses_and_depths(loss):
    params = small_params(loss=loss, depth=3, epochs=1)
    result = trained(small_data(params), params)
    assert result.model.card.depth == 3 and np.isfinite(result.history[0]["training_loss"])


def test_goes_on_from_a_parent(tmp_path):
    params = small_params(epochs=1, learning_rate=1e-8, averaging=0.0)
    parent = new_model(ModelCard("vggnet_s"))
    result = trained(small_data(params), params, start=parent)
    pairs = zip(result.model.network.parameters(), parent.network.parameters(), strict=True)
    assert all(torch.allclose(a, b, atol=1e-5) for a, b in pairs)
    with pytest.raises(ModelProblem, match="vggnet_s of depth 1, not a unet_s"):
        trained(params=small_params(architecture="unet_s"), card=ModelCard("unet_s"), start=parent)
    assert load_model(save_model(result.model, tmp_path / "m.aismodel")).card == result.model.card


def test_a_diverging_training_is_stopped():
    params = small_params()
    data = small_data(params)
    data.training.images[:] = np.inf
    with pytest.raises(ModelProblem, match="the loss became (nan|inf) at step 1; lower the learning rate"):
        trained(data, params)


def test_batch_statistics_are_averaged_too():
    network = new_model(ModelCard("unet_l")).network
    average = RunningAverage(network, 0.9)
    with torch.no_grad():
        network.train()(torch.randn(2, 1, 16, 16) + 3)
    average.update(network, 1000)
    name = "body.down.0.0.2.running_mean"
    assert torch.allclose(average.network.state_dict()[name], 0.1 * network.state_dict()[name])
    assert int(average.network.state_dict()["body.down.0.0.2.num_batches_tracked"]) == 1


def test_step_sizes():
    params = small_params(learning_rate=1e-2)
    rates = [learning_rate(step, 100, params) for step in range(100)]
    assert max(rates) == pytest.approx(1e-2) and rates.index(max(rates)) == 10
    assert rates[0] < 2e-4 and rates[-1] < 2e-4 and all(rate > 0 for rate in rates)
    constant = small_params(schedule="constant")
    assert learning_rate(0, 10, constant) == learning_rate(9, 10, constant) == constant.learning_rate
    assert learning_rate(0, 1, params) > 0


def test_hardware_that_is_not_there():
    if not torch.cuda.is_available():
        with pytest.raises(ParameterProblem, match="cuda is not available"):
            hardware(small_params(device="cuda"))
    assert not hardware(small_params(device="cpu", precision="fp32")).bf16


def test_single_precision_agrees_with_bf16():
    one = trained(params=small_params(precision="fp32", averaging=0.0))
    two = trained(params=small_params(averaging=0.0))
    assert one.history[-1]["training_loss"] == pytest.approx(two.history[-1]["training_loss"], rel=0.05)


def test_contact_sheet_shows_image_labels_and_probability():
    params = small_params()
    data = small_data(params)
    sheet = contact_sheet(trained(data, params).model, data)
    assert sheet.dtype == np.uint8 and sheet.shape[1:] == (3 * 18, 3) and sheet.shape[0] % 18 == 0
    assert sheet[:, 18:36].any(), "labels are painted"


def test_wrong_parameters_are_refused():
    for options, words in (
        ({"depth": 2}, "no middle"),
        ({"loss": "mse"}, "not one of bce"),
        ({"epochs": 0}, "out of bounds"),
        ({"learning_rate": float("nan")}, "out of bounds"),
    ):
        with pytest.raises(ParameterProblem, match=words):
            small_params(**options)

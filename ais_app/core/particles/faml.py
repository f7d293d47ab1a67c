"""FAML: fast alignment and maximum likelihood, subtomograms sorted into classes and aligned in one.

    faml_job(cubes, wedges, wedge_of, params) ─► Faml: posteriors, classes, poses, averages

Where a cube can be explained by several poses and classes, all of them count, each as probable as it is; and only the
most probable poses of each class are looked at (Zhao, Zeng, Guo & Xu, 2018, Bioinformatics 34, i227). What is missing
of a cube is expected to be as in the class. The model is in `ais_app.core.particles.faml_model`, the two steps in
`ais_app.core.particles.faml_expectation` and `ais_app.core.particles.faml_maximisation`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from typing import TYPE_CHECKING

import numpy as np

from ais_app.core.errors import ParameterProblem
from ais_app.core.jobs import Job, Progress, direct
from ais_app.core.parallel import small_steps
from ais_app.core.particles.average import averages_of, split_halves
from ais_app.core.particles.average_sums import batches, cubes_tensor
from ais_app.core.particles.faml_params import Faml, FamlParams, FamlState
from ais_app.core.particles.measured_cubes import MeasuredCubes
from ais_app.core.particles.orientations import all_rotations
from ais_app.core.particles.poses import Poses
from ais_app.core.particles.sort_features import check_classes

if TYPE_CHECKING:
    import torch

    from ais_app.core.particles.faml_model import Candidates, Data, Model
    from ais_app.core.particles.wedge import Wedge
    from ais_app.core.tomogram import LazyArray

__all__ = ["Faml", "FamlParams", "FamlState", "faml", "faml_job"]

FIRST_SHELL = 4
_ROWS = 8  # cubes between two looks at whether to stop


@small_steps
def faml_job(
    cubes: np.ndarray | LazyArray,
    wedges: Sequence[Wedge],
    wedge_of: np.ndarray,
    params: FamlParams | None = None,
    *,
    voxel_size: float = 1.0,
    start: Poses | None = None,
    state: FamlState | None = None,
    keep: Callable[[FamlState], object] | None = None,
) -> Job[Faml]:
    """Align subtomograms and sort them into classes by maximum likelihood; nothing needs to be known before.

    Parameters
    ----------
    cubes
        (n, e, e, e), density bright; an array, or a lazy one that is read in batches.
    wedges, wedge_of
        The missing wedges, and which of them each cube has, (n,) int.
    params
        Classes, iterations, rotations tried.
    voxel_size
        Å.
    start
        Poses to make the first classes with; without them cubes are added up as they lie.
    state
        Of an earlier call with the same arguments, to go on with.
    keep
        Called after each iteration with what is needed to go on.

    Raises
    ------
    ParameterProblem
        There are fewer cubes than classes, numbers do not fit each other, or voxels are no number or have no size.
    """
    from ais_app.core.particles.faml_maximisation import maximised
    from ais_app.core.particles.faml_model import Data

    params = params or FamlParams()
    given = MeasuredCubes.of(cubes, wedges, wedge_of, voxel_size, start)
    count = len(given)
    check_classes(params.classes, count)
    last = _last_shell(params, given.edge, voxel_size)
    transforms = yield from _transforms(cubes, given.edge, last, params.device)
    history: list[dict[str, float]] = []
    candidates: Candidates | None = None
    begun = 0 if state is None else state.iteration
    shells = min(FIRST_SHELL + max(0, begun - 1), last)
    data = Data.of(transforms, given.edge, given.wedges, given.wedge_of, shells)
    if state is None:
        random = np.random.default_rng((params.seed, 17))
        model = _first_model(data, Poses.unturned(count) if start is None else start, params.classes, random)
    else:
        model, candidates = _restored(state, data)
        history = list(state.history)
    for iteration in range(begun, params.iterations):
        shells = min(FIRST_SHELL + iteration, last)
        if shells != data.shells:
            data = Data.of(transforms, given.edge, given.wedges, given.wedge_of, shells)
            model = model.on(data)
        before = None if candidates is None else _classes_of(candidates)
        candidates = yield from _expected(data, model, params, voxel_size, iteration)
        smoothing = max(0.0, (5 - iteration) * count / (2 * params.classes**2)) if params.hold_together else 0.0
        model = maximised(data, candidates, model, smoothing)
        history.append(_record(candidates, model, data, before, iteration))
        if keep is not None:
            keep(_state(iteration + 1, model, candidates, history))
        yield Progress((iteration + 1) * count, params.iterations * count, f"iteration {iteration + 1}", history[-1])
    assert candidates is not None
    return (yield from _result(given, candidates, model, data, params, history))


faml = direct(faml_job)


def _state(iteration: int, model: Model, candidates: Candidates, history: Sequence[dict[str, float]]) -> FamlState:
    one = {"classes": model.classes.cpu().numpy(), "alpha": model.alpha}
    one |= {"sigma2": np.float64(model.sigma2), "xi": np.float64(model.xi)}
    return FamlState(
        iteration, one, {each.name: getattr(candidates, each.name) for each in fields(candidates)}, tuple(history)
    )


def _restored(state: FamlState, data: Data) -> tuple[Model, Candidates]:
    import torch

    from ais_app.core.particles.faml_model import Candidates, Model

    one = state.model
    classes = torch.from_numpy(one["classes"].copy()).to(data.cubes.device)
    return Model(classes, one["alpha"], float(one["sigma2"]), float(one["xi"])), Candidates(**state.candidates)


def _last_shell(params: FamlParams, edge: int, voxel_size: float) -> int:
    finest = (edge - 1) // 2
    wanted = edge / 5 * 1.5 if params.low_pass is None else edge * voxel_size / params.low_pass
    if params.low_pass is not None and wanted < 2:
        problem = f"{params.low_pass:g} Å is half of the box of {edge * voxel_size:g} Å or more"
        raise ParameterProblem("low_pass", problem, "choose a smaller number")
    return max(2, min(finest, int(wanted)))


def _transforms(cubes: np.ndarray | LazyArray, edge: int, shells: int, device: str) -> Job[torch.Tensor]:
    """Return the transforms of cubes of variance 1 and mean 0, without frequencies that are never compared."""
    import torch

    from ais_app.core.particles.correlation import compute_device
    from ais_app.core.particles.fourier import resized, to_fourier

    small = min(edge, 2 * shells + 4)
    where = compute_device(device)
    parts = []
    for rows in batches(int(cubes.shape[0]), edge):
        yield Progress(rows.start, int(cubes.shape[0]), "reading")
        read = cubes_tensor(cubes, rows).to(where)
        read = read - read.mean(dim=(1, 2, 3), keepdim=True)
        spread = read.flatten(1).std(dim=1)
        if not bool((spread > 0).all()):
            number = rows.start + int((spread <= 0).nonzero()[0])
            raise ParameterProblem(f"cube {number}, counted from 0", "is the same everywhere", "leave it out")
        parts.append(resized(to_fourier(read / spread[:, None, None, None]), edge, small))
    return torch.cat(parts)


def _first_model(data: Data, poses: Poses, classes: int, random: np.random.Generator) -> Model:
    """Return classes that are averages of a random division, and how far one cube is from one of them."""
    import torch

    from ais_app.core.particles.average_sums import back_turned
    from ais_app.core.particles.faml_model import Model

    count = len(poses)
    of = np.empty(count, np.int64)
    of[random.permutation(count)] = np.arange(count) % classes
    small = Poses(poses.rotations, poses.shifts_zyx / data.scale, poses.scores)
    averages = []
    for number in range(classes):
        rows = np.flatnonzero(of == number)
        spectra, seen = back_turned(
            data.cubes[torch.from_numpy(rows).to(data.cubes.device)],
            small[rows],
            data.wedges,
            data.wedge_of[rows],
            fine=True,
        )
        averages.append(spectra.sum(dim=0) / seen.sum(dim=0).clamp(min=1))
    one, cube = int(random.integers(classes)), int(random.integers(count))
    band = data.bands[int(data.wedge_of[cube])]
    sigma2 = float((band.of(averages[one]) - band.of(data.transforms[cube])).abs().square().double().mean())
    return Model(torch.stack(averages), np.full(classes, 1 / classes), max(sigma2, 1e-12), float(data.edge))


def _expected(data: Data, model: Model, params: FamlParams, voxel_size: float, iteration: int) -> Job[Candidates]:
    from ais_app.core.particles.faml_expectation import Expectation
    from ais_app.core.particles.faml_model import Candidates, Data

    count = len(data.wedge_of)
    reach = data.edge / 4 if params.max_shift is None else params.max_shift / voxel_size
    # at 40 % of the box from the middle, rotations a step apart differ by half a wave of this shell
    told_apart = max(FIRST_SHELL, int(np.ceil(72 / params.angular_step)) + 2)
    coarse = data
    if told_apart < data.shells:
        coarse = Data.of(data.transforms, data.edge, data.wedges, data.wedge_of, told_apart)
    grid = all_rotations(params.angular_step)
    step = Expectation(data, coarse, model, grid, params.candidates, max(reach, 0.5))
    parts: list[Candidates] = []
    order: list[np.ndarray] = []
    for wedge in np.unique(data.wedge_of):
        rows = np.flatnonzero(data.wedge_of == wedge)
        for low in range(0, len(rows), _ROWS):
            done = iteration * count + sum(map(len, order))
            yield Progress(done, params.iterations * count, f"iteration {iteration + 1}")
            order.append(rows[low : low + _ROWS])
            parts.append(step.of(order[-1]))
    back = np.argsort(np.concatenate(order), kind="stable")
    joined = Candidates.joined(parts)
    return replace(joined, **{name: getattr(joined, name)[back] for name in joined.__dataclass_fields__})


def _classes_of(candidates: Candidates) -> np.ndarray:
    return np.asarray(candidates.probability.sum(axis=2).argmax(axis=1))


def _record(
    candidates: Candidates, model: Model, data: Data, before: np.ndarray | None, iteration: int
) -> dict[str, float]:
    from scipy.special import logsumexp

    likelihood = float(logsumexp(candidates.log_probability, axis=(1, 2)).mean())
    changed = 1.0 if before is None else float((before != _classes_of(candidates)).mean())
    shares = {f"class {number + 1}": float(share) for number, share in enumerate(model.alpha)}
    record = {"iteration": iteration + 1, "shells": data.shells, "log_likelihood": likelihood, "changed": changed}
    return record | {"sigma2": _of_a_voxel(model, data), "xi": model.xi} | shares


def _of_a_voxel(model: Model, data: Data) -> float:
    """Return the variance of white noise in a whole cube, of which the noise of a frequency is that of the model."""
    small = int(data.cubes.shape[-1])
    return model.sigma2 * (data.edge / small) ** 6 / data.edge**3


def _result(
    given: MeasuredCubes,
    candidates: Candidates,
    model: Model,
    data: Data,
    params: FamlParams,
    history: list[dict[str, float]],
) -> Job[Faml]:
    """Return classes by size, with averages of the whole cubes."""
    order = np.argsort(-model.alpha, kind="stable")
    probability = candidates.probability.sum(axis=2)[:, order]
    classes = probability.argmax(axis=1)
    half_of = split_halves(len(classes), params.seed)
    averages = []
    for number, place in enumerate(order):
        poses = candidates.best(np.full(len(classes), place))
        weights = probability[:, number]
        first, second = yield from given.sums_job(poses, half_of, 2, weights=weights, fine=True, device=params.device)
        averages.append(averages_of(first, second, given.voxel_size))
    poses = candidates.best(order[classes])
    sigma2 = _of_a_voxel(model, data)
    return Faml(
        probability,
        classes.astype(np.int64),
        poses,
        model.alpha[order],
        sigma2,
        model.xi * given.voxel_size,
        tuple(averages),
        tuple(history),
    )

"""Missing wedges and signal-to-noise ratios, estimated on phantoms whose truth is known.

.venv/bin/python benchmarks/wedge_snr.py [--seed 1 2 3] [--part wedge|volume|halves|pairs] [--shape 64 160 160]

The shape is that of the phantoms of `--part volume` and `--part halves`. Ends with 1 where a wedge is more than 3° off,
or a ratio more than a factor 1.5: that of a volume alone from 0.1 on.
"""

from __future__ import annotations

import argparse
import warnings
from functools import partial

import numpy as np
from goals import GOALS

from ais_app.core.errors import DataWarning
from ais_app.core.jobs import run
from ais_app.core.particles.half_snr import half_snr_job
from ais_app.core.particles.poses import Poses
from ais_app.core.particles.snr import PairParams, pair_snr_job
from ais_app.core.particles.volume_snr import volume_snr_job
from ais_app.core.particles.wedge import Wedge
from ais_app.core.particles.wedge_estimate import estimate_wedge_job
from ais_app.core.simulate.parameters import SimulateParams
from ais_app.core.simulate.phantom import make_phantom
from ais_app.core.simulate.subtomograms import simulate_subtomograms
from ais_app.core.simulate.templates import load_template
from ais_app.core.tomogram import Tomogram

SHAPE = (64, 160, 160)
RATIOS = (0.01, 0.03, 0.1, 0.3, 1.0)
CONTENTS = {
    "cell": {},
    "ribosomes and membranes": {"complexes": ("ribosome",), "carbon": False, "n_beads": 0},
}


def wedges(seed: int) -> None:
    """Print estimated limits at three ranges and two steps."""
    print("| tilts | step | SNR | estimate | error | correlation | power left |")
    print("|---|---|---|---|---|---|---|")
    for tilt in (40, 50, 60):
        for step, snr in ((2.0, 0.1), (1.0, 0.03)):
            if tilt % step:
                continue
            made = make_phantom(SimulateParams(shape=SHAPE, tilt=tilt, tilt_step=step, snr=snr), seed=seed)
            found = run(estimate_wedge_job(Tomogram(made.tomogram_data, (10.0,) * 3)))
            assert found is not None
            low, high = found.wedge.tilt_min, found.wedge.tilt_max
            error = max(abs(low + tilt), abs(high - tilt))
            GOALS.at_most(f"wedge of ±{tilt}°, SNR {snr:g}, degrees off", error, 3)
            print(
                f"| ±{tilt}° | {step:g}° | {snr:g} | {low:.1f} to {high:.1f}° | {error:.1f}° "
                f"| {found.correlation:.2f} | {found.power:.3f} |"
            )


def volumes(seed: int, shape: tuple[int, int, int] = SHAPE) -> None:
    """Print the ratio of whole tomograms, from their own background, next to the truth."""
    print("| content | true SNR, all voxels | estimate | estimate / truth | certain |")
    print("|---|---|---|---|---|")
    for name, content in CONTENTS.items():
        signal, noise = apart(seed, shape, content)
        for snr in RATIOS:
            found = run(volume_snr_job([signal + noise / np.float32(snr**0.5)]))
            if snr >= 0.1:  # below it the background of a single volume does not tell, and the program says so
                _ask(f"volume of {name}, SNR {snr:g}", found.snr / snr)
            print(
                f"| {name} | {snr:g} | {found.snr:.3g} ± {found.error:.2g} | {found.snr / snr:.2f} | {found.certain} |"
            )


def halves(seed: int, shape: tuple[int, int, int] = SHAPE) -> None:
    """Print the ratio of half tomograms, each from the other, next to the truth."""
    print("| content | true SNR, all voxels | estimate | estimate / truth | certain |")
    print("|---|---|---|---|---|")
    for name, content in CONTENTS.items():
        signal, noise = apart(seed, shape, content)
        _, another = apart(seed + 1000, shape, content)
        for snr in RATIOS:
            scale = np.float32(snr**-0.5)
            found = run(half_snr_job([(signal + scale * noise, signal + scale * another)]))
            _ask(f"halves of {name}, SNR {snr:g}", found.snr / snr)
            print(
                f"| {name} | {snr:g} | {found.snr:.3g} ± {found.error:.2g} | {found.snr / snr:.2f} | {found.certain} |"
            )


def apart(seed: int, shape: tuple[int, int, int], content: dict[str, object]) -> tuple[np.ndarray, np.ndarray]:
    """Return the specimen of a phantom, and its noise, of variance 1 both."""
    made = make_phantom(SimulateParams(shape=shape, snr=1.0, keep_noise_free=True, **content), seed=seed)
    assert made.noise_free is not None
    noise = made.tomogram_data - made.noise_free
    return made.noise_free / made.noise_free.std(), noise / noise.std()


def pairs(seed: int) -> None:
    """Print the ratio within the sphere from pairs of simulated ribosomes, next to the truth."""
    print("| SNR of whole boxes | truth in sphere and band | estimate | estimate / truth |")
    print("|---|---|---|---|")
    params = SimulateParams(voxel_size=13.68, tilt_step=3.0)
    made = simulate_subtomograms([load_template("ribosome")], params, 32, 40, seed, empty=False)
    poses, wedge, of = Poses.of(made.rotations, made.shifts_zyx), [Wedge(-60, 60)], np.zeros(len(made), int)
    for snr in RATIOS:
        cubes = made.at(snr)
        noise = cubes - made.signal
        found = run(pair_snr_job(cubes, poses, wedge, of, params=PairParams(pairs=200)))
        # the same region and band, of signal and noise apart
        power = [run(_power_job(one, poses, wedge, of)) for one in (made.signal, noise)]
        truth = power[0] / power[1]
        _ask(f"pairs, SNR {snr:g}", found.snr / truth)
        print(f"| {snr:g} | {truth:.3g} | {found.snr:.3g} | {found.snr / truth:.2f} |")


def _ask(what: str, share: float) -> None:
    """Ask for an estimate within a factor 1.5 of the truth."""
    GOALS.at_most(
        f"{what}, estimate / truth {share:.2f}, factor off", max(share, 1 / share) if share > 0 else np.inf, 1.5
    )


def _power_job(cubes, poses, wedge, of):  # type: ignore[no-untyped-def]
    import torch

    from ais_app.core.particles.fourier import from_fourier, multiplicity, radii, shifted, soft_sphere, to_fourier

    yield from ()
    edge = cubes.shape[-1]
    weights = multiplicity(edge) * (radii(edge) <= edge / 3) * (radii(edge) > 0) * wedge[0].mask(edge)
    ball = torch.from_numpy(soft_sphere(edge, edge / 2 - 1))
    there = torch.from_numpy(cubes - cubes.mean((1, 2, 3), keepdims=True))
    middle = from_fourier(shifted(to_fourier(there), -torch.from_numpy(poses.shifts_zyx.copy()), edge), edge)
    return float((weights * to_fourier(middle * ball).abs() ** 2).double().sum())


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, nargs="+", default=[1])
    parser.add_argument("--part", choices=("wedge", "volume", "halves", "pairs"), action="append")
    parser.add_argument("--shape", type=int, nargs=3, default=SHAPE)
    given = parser.parse_args()
    warnings.simplefilter("ignore", DataWarning)
    shape = tuple(given.shape)
    parts = {
        "wedge": wedges,
        "volume": partial(volumes, shape=shape),
        "halves": partial(halves, shape=shape),
        "pairs": pairs,
    }
    for name in given.part or parts:
        for seed in given.seed:
            print(f"\n{name}, seed {seed}")
            parts[name](seed)
    GOALS.settle()


if __name__ == "__main__":
    main()

"""Picking without a network, against the truth: a difference of Gaussians and saliency.

    python benchmarks/tomogram_picking.py [--seed 1] [--slices 64] [--side 256] [--case crowded] [--method DoG]

Prints recall, precision and F1 of the particles that are looked for, with as many picks as there are (as a person who
looks at a histogram would choose) and with the number that the picker finds by itself. A pick is right within half the
radius of the particle's centre, each particle once.

- *T7*: 60 particles of three kinds, made of Gaussians, in 64 x 160 x 160 voxels, wedge of ±60°; SNR in their boxes.
- *ribosomes*: a phantom with nothing else, imaged with contrast transfer, dose and detector (`ais-app simulate`); SNR
  within 100 Å of structures.
- *few*: the same with a quarter of the ribosomes.
- *crowded*: the same with vesicles, sheets, microtubules, actin, gold, a carbon edge and three other complexes. A pick
  that is no ribosome but another complex is wrong for recall and precision; the last column takes any complex as right.
- *masked*: the same, where nothing within 100 Å of carbon, gold and membranes (their true labels) is picked.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.ndimage import distance_transform_edt
from scipy.optimize import linear_sum_assignment

from ais_app.core.particle_set import Particles
from ais_app.core.pickers.dog import DogParams, pick_dog
from ais_app.core.pickers.saliency import SaliencyParams, pick_saliency
from ais_app.core.simulate.parameters import SimulateParams
from ais_app.core.simulate.phantom import make_phantom
from ais_app.core.tomogram import ZYX

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "core" / "pickers"))
from scattered import scattered  # noqa: E402 - a phantom of the tests

RIBOSOME = 250.0  # Å
BEYOND = 60.0  # Å; complexes whose centres are nearer to a face are cut
ALONE = {"complexes": ("ribosome",), "occupancy": 0.06, "carbon": False, "n_beads": 0}
ALONE |= dict.fromkeys(("n_vesicles", "n_double_membranes", "n_sheets", "n_microtubules", "n_actin"), 0)
FEW = ALONE | {"occupancy": 0.015}
CROWDED = {"complexes": ("ribosome", "tric", "proteasome", "p97"), "occupancy": 0.12}


@dataclass(frozen=True)
class Case:
    """A tomogram with dark particles and where they are, Å; `others` are further complexes."""

    name: str
    snr: float
    volume: np.ndarray
    size: ZYX
    diameter: float
    truth: np.ndarray
    others: np.ndarray
    keep: Callable[[np.ndarray], np.ndarray] | None = None  # which positions may be picked: a mask


Method = Callable[[Case, "int | None"], Particles]


def by_dog(case: Case, number: int | None) -> Particles:
    return pick_dog(case.volume, case.size, DogParams(diameter=case.diameter, number=number), case.keep)


def by_saliency(case: Case, number: int | None) -> Particles:
    return pick_saliency(case.volume, case.size, SaliencyParams(diameter=case.diameter, number=number), case.keep)


# a further method is a line here: name, function of a case and a number (or None) that gives particles
METHODS: dict[str, Method] = {"DoG": by_dog, "saliency": by_saliency}


def matched(found: np.ndarray, truth: np.ndarray, within: float) -> np.ndarray:
    """Return the distances of the picks that are right, each particle once."""
    if not len(found) or not len(truth):
        return np.empty(0)
    away = np.linalg.norm(found[:, None] - truth, axis=2)
    rows, columns = linear_sum_assignment(np.where(away <= within, away, 1e9))
    return away[rows, columns][away[rows, columns] <= within]


def show(case: Case, name: str, method: Method, number: int | None) -> None:
    start = time.perf_counter()
    found = method(case, number).positions_zyx
    seconds = time.perf_counter() - start
    right = matched(found, case.truth, case.diameter / 4)
    any_complex = matched(found, np.vstack([case.truth, case.others]), case.diameter / 4)
    recall, precision = len(right) / len(case.truth), len(right) / max(1, len(found))
    f1 = 2 * len(right) / (len(found) + len(case.truth))
    error = np.median(right) if len(right) else np.nan
    way = "by itself" if number is None else "number given"
    print(
        f"| {case.name} | {case.snr:g} | {name} | {way} | {len(case.truth)} | {len(found)} | {recall:.2f} |"
        f" {precision:.2f} | {f1:.2f} | {error:.0f} | {len(any_complex) / max(1, len(found)):.2f} | {seconds:.1f} |",
        flush=True,
    )


def calibrated(seed: int, snr: float) -> Case:
    made = scattered(seed, snr)
    # sigma of 5 voxels is that of a ball of 17.3 across (narrower by the ratio, see DogParams.narrow)
    return Case("T7", snr, made.volume, (10.0,) * 3, 182.0, made.centres * 10, np.empty((0, 3)))


def away_from(labels: np.ndarray, size: float) -> Callable[[np.ndarray], np.ndarray]:
    """Return a mask: positions (n, 3), Å, that are more than 100 Å from any of the labels (z, y, x)."""
    allowed = distance_transform_edt(~labels) * size > 100

    def keep(positions: np.ndarray) -> np.ndarray:
        voxels = np.clip(np.rint(positions / size).astype(int), 0, np.array(labels.shape) - 1)
        return allowed[tuple(voxels.T)]

    return keep


def phantoms(name: str, contents: dict, shape: tuple[int, int, int], seed: int, snrs: list[float]) -> list[Case]:
    """Image one specimen once, and take its noise times what each ratio asks for."""
    params = replace(SimulateParams(shape=shape, snr=1.0, keep_noise_free=True), **contents)
    made = make_phantom(params, seed)
    sizes = (made.voxel_size,) * 3
    extent = np.array(made.tomogram_data.shape) * made.voxel_size
    places = {}
    for kind, particles in made.particles.items():
        at = particles.positions_zyx
        places[kind] = at[((at > BEYOND) & (at < extent - BEYOND)).all(axis=1)]
    others = np.vstack([np.empty((0, 3)), *(at for kind, at in places.items() if kind not in ("ribosome", "gold"))])
    noise = made.tomogram_data - made.noise_free
    keep = None
    if name == "masked":
        values = [made.label_values[what] for what in ("carbon", "gold", "membrane")]
        keep = away_from(np.isin(made.label_volume, values), made.voxel_size)
    return [
        Case(name, snr, made.noise_free + noise / np.sqrt(snr), sizes, RIBOSOME, places["ribosome"], others, keep)
        for snr in snrs
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--slices", type=int, default=64)
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--snr", type=float, nargs="+", default=[0.5, 0.1, 0.05, 0.02])
    parser.add_argument("--case", nargs="+", default=["T7", "ribosomes", "few", "crowded", "masked"])
    parser.add_argument("--method", nargs="+", default=list(METHODS))
    options = parser.parse_args()
    shape = (options.slices, options.side, options.side)
    print("| case | SNR | method | picks | particles | found | recall | precision | F1 | error, Å | any complex | s |")
    print("|---|---|---|---|---|---|---|---|---|---|---|---|")
    makers: dict[str, Callable[[], list[Case]]] = {
        "T7": lambda: [calibrated(options.seed, snr) for snr in options.snr],
        "ribosomes": lambda: phantoms("ribosomes", ALONE, shape, options.seed, options.snr),
        "few": lambda: phantoms("few", FEW, shape, options.seed, options.snr),
        "crowded": lambda: phantoms("crowded", CROWDED, shape, options.seed, options.snr),
        "masked": lambda: phantoms("masked", CROWDED, shape, options.seed, options.snr),
    }
    for case in (case for name in options.case for case in makers[name]()):
        for name in options.method:
            for number in (len(case.truth), None):
                show(case, name, METHODS[name], number)


if __name__ == "__main__":
    main()

"""Template matching, what it finds and how long it takes: ``python benchmarks/template_matching.py [--help]``.

Finds: ribosomes in a crowded phantom (ribosomes, TRiC, proteasomes, p97, vesicles, filaments, gold; SNR 0.1, tilts to
60 degrees, made from a seed), with the threshold that the program finds, and with their number given. A ribosome is
found when a pick lies within half its radius; those nearer to a face than the radius, where nothing is looked for, do
not count.

Time: of one rotation in a volume of 200 x 256 x 256, against one bare inverse transform of the same size, which every
rotation needs; 7,112 rotations are that number times as long. ``--device cuda`` does it on a GPU, also for 462 x 478 x
250, for which pytom-match-pick's documentation states 193 s on a GTX 1080 Ti.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import time

import numpy as np
import torch
from scipy.spatial import cKDTree

from ais_app.core.matching.match import match
from ais_app.core.matching.parameters import MatchParams
from ais_app.core.matching.search import search_job
from ais_app.core.matching.template import prepare
from ais_app.core.matching.tiles import tiling
from ais_app.core.particles.orientations import all_rotations, angles_between
from ais_app.core.particles.wedge import Wedge
from ais_app.core.simulate.parameters import SimulateParams
from ais_app.core.simulate.phantom import make_phantom
from ais_app.core.simulate.templates import load_template

SIZE = 13.0  # Å
ROTATIONS = 7112  # of the published timing: 12.85 degrees
_WARMING = 3  # rotations that are not timed


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def finding(seed: int, step: float, snr: float, shape: tuple[int, int, int], device: str, refine: bool) -> None:
    made = make_phantom(SimulateParams(shape=shape, voxel_size=SIZE, snr=snr, occupancy=0.12, carbon=False), seed)
    ribosome, truth = load_template("ribosome"), made.particles["ribosome"]
    began = time.perf_counter()
    base = {"angular_step": step, "device": device, "refine": refine}
    found = match(made.tomogram, ribosome.density, ribosome.voxel_size, Wedge(), MatchParams(**base))
    seconds = time.perf_counter() - began
    radius = prepare(ribosome.density, ribosome.voxel_size, SIZE, Wedge(), MatchParams()).radius * SIZE
    far = np.array(shape) * SIZE - truth.positions_zyx
    inside = np.minimum(truth.positions_zyx, far).min(axis=1) >= radius
    say(
        f"\nseed {seed}, {shape}, {step:g} degrees, SNR {snr:g}: {inside.sum()} ribosomes of {len(truth)} can be found;"
    )
    say(f"  {len(found.scores.rotations):,} rotations, {seconds:.0f} s in all; template inverted: {found.inverted}")
    say("  picks                     precision  recall   off, Å  turned, degrees  scores")
    picks = found.particles
    for name, count in (("threshold found", len(picks)), ("as many as there are", int(inside.sum()))):
        chosen = picks[:count]
        distance, nearest = cKDTree(truth.positions_zyx).query(chosen.positions_zyx)
        hit = distance < radius / 2
        recall = len(set(nearest[hit]) & set(np.flatnonzero(inside))) / inside.sum()
        turned = angles_between(chosen.rotations[hit], truth.rotations[nearest[hit]])
        line = f"  {name:20s} {len(chosen):4d}  {hit.mean():9.3f}  {recall:6.3f}  {np.median(distance[hit]):7.1f}"
        say(f"{line}  {np.median(turned):15.1f}  {chosen.scores[0]:.3f} to {chosen.scores[-1]:.3f}")
    say(f"  left out as gold or ice: {found.outliers}; threshold {found.threshold:.3f}")


def timing(shape: tuple[int, int, int], rotations: int, device: str) -> None:
    ribosome = load_template("ribosome")
    template = prepare(ribosome.density, ribosome.voxel_size, SIZE, Wedge(), MatchParams())
    volume = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    memory = 1000.0 if device == "cpu" else 8000.0
    for both in (False, True):
        turns = all_rotations(15)[: rotations + _WARMING]
        job = search_job(volume, 0.0, 1.0, template, turns, both=both, memory=memory, device=device)
        marks = []
        for step in itertools.takewhile(lambda step: step.message.startswith("tile 1 "), job):
            if device == "cuda":
                torch.cuda.synchronize()
            if step.done:
                marks.append(time.perf_counter())
        plan = tiling(shape, template.support, int(memory * 1e6 / 40))
        each = np.diff(marks)[_WARMING:] * len(plan.cores)
        bare = bare_transform(plan.padded, device) * len(plan.cores)
        sign = "found " if both else "given "
        say(f"  sign {sign} {len(plan.cores)} tiles of {plan.padded}: {np.median(each) * 1e3:7.0f} ms a rotation,")
        say(f"    least {each.min() * 1e3:.0f} ms; bare inverse transform {bare * 1e3:.0f} ms;")
        scaled = np.median(each) * ROTATIONS
        say(f"    {np.median(each) / bare:.2f} times as long; {ROTATIONS:,} rotations: {scaled:,.0f} s (scaled)")


def bare_transform(shape: tuple[int, int, int], device: str) -> float:
    spectrum = torch.fft.rfftn(torch.randn(shape, device=device))
    taken = []
    for _ in range(7):
        began = time.perf_counter()
        torch.fft.irfftn(spectrum, s=shape)
        if device == "cuda":
            torch.cuda.synchronize()
        taken.append(time.perf_counter() - began)
    return float(np.median(taken[1:]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="*", default=[1, 2], help="of the phantoms; none: only the time")
    parser.add_argument("--step", type=float, default=15.0, help="degrees between rotations")
    parser.add_argument("--snr", type=float, default=0.1)
    parser.add_argument("--shape", type=int, nargs=3, default=[64, 200, 200], help="of the phantoms")
    parser.add_argument("--rotations", type=int, default=20, help="that are timed; 0 leaves the time out")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--no-refine", action="store_true", help="leave the finer rotations out")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.rotations:
        shapes = [(200, 256, 256)] + ([(250, 478, 462)] if options.device == "cuda" else [])
        for shape in shapes:
            say(f"{shape}, {options.threads} threads, {options.device}, template of 25 voxels:")
            timing(shape, options.rotations, options.device)
    for seed in options.seeds:
        z, y, x = options.shape
        finding(seed, options.step, options.snr, (z, y, x), options.device, not options.no_refine)


if __name__ == "__main__":
    main()

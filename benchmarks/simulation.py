"""Time a phantom stage by stage: ``python benchmarks/simulation.py [z,y,x]``."""

from __future__ import annotations

import resource
import sys
import time
from collections import defaultdict

from ais_app import SimulateParams
from ais_app.core.jobs import Progress, run
from ais_app.core.simulate.phantom import make_phantom_job

SHAPES = ((64, 256, 256), (200, 512, 512))


class Stopwatch:
    """Adds up the time between one message of a job and the next."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self.stage, self.since = "start", time.perf_counter()

    def __call__(self, progress: Progress) -> None:
        """Begin the stage that a job announces."""
        self.lap()
        self.stage = "place complexes" if progress.message.startswith("place ") else progress.message

    def lap(self) -> None:
        """Give the time since the last call to the stage."""
        now = time.perf_counter()
        self.seconds[self.stage] += now - self.since
        self.since = now


def main() -> None:
    shapes = [tuple(int(n) for n in word.split(",")) for word in sys.argv[1:]] or SHAPES
    run(make_phantom_job(SimulateParams(shape=(32, 64, 64)), 0))  # loads or compiles the inner loops
    for shape in shapes:
        watch = Stopwatch()
        phantom = run(make_phantom_job(SimulateParams(shape=shape), 1), watch)
        watch.lap()
        print(f"\n{'x'.join(map(str, shape))}: {sum(watch.seconds.values()):.1f} s")
        for stage, seconds in watch.seconds.items():
            if seconds >= 0.05:
                print(f"  {stage:<24}{seconds:6.2f} s")
        placed = ", ".join(f"{count} {name}" for name, count in phantom.metadata["placed"].items())
        print(f"  {placed}")
    print(f"\npeak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GB")


if __name__ == "__main__":
    main()

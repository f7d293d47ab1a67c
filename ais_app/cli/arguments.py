"""Arguments and options that several commands take, each written once: what they are called and what help says."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ais_app.core.errors import ParameterProblem

# what goes in

Tomograms = Annotated[list[str], typer.Argument(help="Tomograms: files, folders or globs.")]
Segmentations = Annotated[list[str], typer.Argument(help="Segmentations: files, folders or globs.")]
InputsThenOutput = Annotated[
    list[str], typer.Argument(metavar="IN... OUT", help="Inputs, then the output; only inputs with --output-dir.")
]
ModelFile = Annotated[Path, typer.Argument(help="Model package, NAME.aismodel.")]
Stack = Annotated[
    Path,
    typer.Argument(metavar="STACK.zarr", help="Stack of subtomograms, such as ais-app subtomo extract makes."),
]
VoxelSize = Annotated[float | None, typer.Option(help="Replaces what the files say. [Å]", min=0.01)]
TomogramVoxelSize = Annotated[float | None, typer.Option(help="Replaces what the tomograms say. [Å]", min=0.01)]

# lists of particles

Formats = Annotated[str, typer.Option("--format", help="Coordinate formats, with commas between: star, tsv, relion5 …")]
ParticleMask = Annotated[
    str | None, typer.Option(help="Keep particles by this segmentation: a file, {tomogram} allowed, or a feature.")
]
ListFormat = Annotated[str, typer.Option("--from", help="Format of the lists; auto finds it from the content.")]
ListOptions = Annotated[
    list[str] | None, typer.Option("--set-from", help="Option of the format, name=value; repeatable.")
]
Rename = Annotated[list[str] | None, typer.Option(help="Replace in names of tomograms, old:new; repeatable.")]

# tilts

Tilt = Annotated[
    str | None, typer.Option(metavar="MIN,MAX", help="Lowest and highest tilt; estimated if not given. [°]")
]
StackTilt = Annotated[
    str | None,
    typer.Option(metavar="MIN,MAX", help="Lowest and highest tilt of all; the stack's if not given. [°]"),
]
StartingPoses = Annotated[
    Path | None,
    typer.Option("--poses", metavar="POSES.npz", help="Poses to begin with, such as a starting_poses.npz left before."),
]
TiltFile = Annotated[str | None, typer.Option(help="Tilt angles, .tlt .rawtlt .mdoc; {tomogram} stands for its name.")]
TiltAxis = Annotated[str, typer.Option(help="Axis of these tilts: x, y or z.")]
BeamAxis = Annotated[str, typer.Option(help="Beam of these tilts: x, y or z.")]

# what comes out

OutDir = Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Folder of the results.")]
OutputDir = Annotated[
    Path | None, typer.Option("--output-dir", "-o", help="Folder for <name>.<format> of every input.")
]
OutputSuffix = Annotated[
    str, typer.Option("--format", help="Suffix of the files in --output-dir: mrc, mrc.gz, tif, ome.zarr …")
]
ModelOut = Annotated[Path, typer.Option("--out", "-o", metavar="NAME.aismodel", help="Model package to write.")]
StackOut = Annotated[Path, typer.Option("--out", "-o", metavar="STACK.zarr", help="The stack: a folder.")]
SkipExisting = Annotated[
    bool,
    typer.Option("--skip-existing/--overwrite", help="Leave out files whose output is there, or make it again"),
]
GoOn = Annotated[
    bool, typer.Option("--resume/--fresh", help="Go on where the same command was stopped, or begin anew.")
]
SaveClasses = Annotated[bool, typer.Option("--save/--no-save", help="Write the classes into the stack too.")]
SaveAligned = Annotated[bool, typer.Option("--save-aligned", help="Write the poses into the stack too.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
JsonArray = Annotated[bool, typer.Option("--json", help="Write one JSON array, for programs.")]
JsonLines = Annotated[bool, typer.Option("--json", help="Write one JSON object a line, for programs.")]

# networks and their training

Classifier = Annotated[Path, typer.Option("--model", "-m", metavar="NAME.aismodel", help="Network that classifies.")]
Parent = Annotated[Path | None, typer.Option(help="Start from the weights of this model package.")]
LearnFrom = Annotated[
    list[str] | None, typer.Option(help="Learn from this tomogram only; give the option again for more.")
]
ResumeTraining = Annotated[bool, typer.Option("--resume", help="Go on with an interrupted training of the same OUT.")]
TrustModel = Annotated[
    bool, typer.Option("--trust-source", help="Run the architecture's program that is packed with the model.")
]
TrustModels = Annotated[
    bool, typer.Option("--trust-source", help="Run architectures packed with the models: only if you trust them.")
]
TrustParent = Annotated[
    bool, typer.Option("--trust-source", help="Run the architecture's program that is packed with --parent.")
]


def inputs_and_output(files: list[str], out_dir: Path | None, suffix: str) -> tuple[list[str], str | Path, str | None]:
    """Return the inputs, the output, and the suffix of the files where the output is a folder.

    Raises
    ------
    ParameterProblem
        Where only one file is named and no folder.
    """
    if out_dir is not None:
        return files, out_dir, suffix
    if len(files) < 2:
        raise ParameterProblem("output", "only one file is named", "write IN OUT, or IN --output-dir DIR")
    return files[:-1], files[-1], None

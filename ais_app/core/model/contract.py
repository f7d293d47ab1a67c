"""What an architecture must hold to be trained, and a look at whether it does.

Each part is a function that raises `Broken` with the reason; `check_contract` runs all of them on a record. The page
docs/models/plugins.md is made from this module.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ais_app.core.errors import ModelProblem

if TYPE_CHECKING:
    from torch import nn

    from ais_app.models import Architecture

TASKS = {
    "segment": "a logit for each pixel (dimension 2) or voxel (dimension 3)",
    "classify": "cubes in, logits (n, classes) out; features(x) gives what comes before them",
    "encode": "cubes in, the same cubes out; encode(x) gives the code and decode(code) goes back",
}
MOST_SOURCE = 2**20  # bytes; more is not packed with a model


class Broken(Exception):
    """A part of the contract does not hold, and why."""


@dataclass(frozen=True)
class Part:
    """One part of the contract, looked at.

    Parameters
    ----------
    name
        The part, in words.
    problem
        Why it does not hold; empty where it does.
    note
        What was seen where it holds.
    """

    name: str
    problem: str = ""
    note: str = ""

    @property
    def holds(self) -> bool:
        """Whether it does."""
        return not self.problem


def check_contract(record: Architecture) -> Iterator[Part]:
    """Look at every part of the contract, one after the other; what the record's own code raises is named."""
    for name, part in PARTS.items():
        try:
            yield Part(name, note=part(record) or "")
        except Broken as reason:
            yield Part(name, str(reason))
        except (Exception, SystemExit) as error:  # noqa: BLE001 - code of strangers may raise anything; it is named
            yield Part(name, f"{type(error).__name__}: {error}")


def _describes_itself(record: Architecture) -> str:
    """Fill all fields of the record: name, title, source, dimension, task, stride, receptive field."""
    wrong = {
        "name must be a word of letters, digits and _": not str(record.name).isidentifier(),
        "title is empty": not record.title,
        "source is empty: name the paper, or say that it is your own": not record.source,
        "dimension must be 2 or 3": record.dimension not in (2, 3),
        f"task must be one of {', '.join(TASKS)}": record.task not in TASKS,
        "stride must be a whole number from 1 up": not _whole(record.stride),
        "receptive_field must be a whole number from 1 up": not _whole(record.receptive_field),
    }
    if reasons := [reason for reason, is_so in wrong.items() if is_so]:
        raise Broken("; ".join(reasons))
    return f"{record.title} ({record.name}): {TASKS[record.task]}"


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _builds(record: Architecture) -> str:
    """Give a `torch.nn.Module`; draw initial weights from torch's global random numbers and no others."""
    import torch

    one, two = (_body(record, 1) for _ in range(2))
    pairs = list(zip(one.state_dict().values(), two.state_dict().values(), strict=True))
    if not all(torch.equal(a, b) for a, b in pairs):
        raise Broken("two builds from one seed differ; draw initial weights from torch's global random numbers")
    return f"{sum(value.numel() for value, _ in pairs if value.is_floating_point()):,} numbers"


def _refuses_unknown(record: Architecture) -> str:
    """Name each parameter of `build`; one that it does not know is a `TypeError`."""
    try:
        record.build(1, **{**record.parameters, "no_such_parameter": 1})
    except TypeError:
        return ", ".join(f"{name} = {value!r}" for name, value in record.parameters.items()) or "no parameters"
    raise Broken("build takes parameters that it does not know; name each of them instead of **more")


def _shapes(record: Architecture) -> str:
    """Take inputs whose sizes are multiples of the stride, and give one float32 tensor of the task's shape."""
    import torch

    said = []
    for depth in _depths(record):
        body = _body(record, depth).eval()
        for shape in _inputs(record, depth):
            with torch.inference_mode():
                given = body(torch.randn(shape))
            wanted = _output(record, shape)
            if not isinstance(given, torch.Tensor):
                raise Broken(f"gives a {type(given).__name__}, not one tensor")
            if len(given.shape) != len(wanted) or any(w and g != w for g, w in zip(given.shape, wanted, strict=True)):
                words = tuple(size or "classes" for size in wanted)
                raise Broken(f"{shape} gives {tuple(given.shape)} instead of {words}")
            if given.dtype != torch.float32:
                raise Broken(f"gives {given.dtype}, not float32")
            said.append(f"{shape} to {tuple(given.shape)}")
    return said[-1]


def _logits(record: Architecture) -> str:
    """Give logits, without a sigmoid; fresh weights neither drown nor blow up the signal."""
    import torch

    body = _body(record, 1).eval()
    noise = torch.randn(next(iter(_inputs(record, 1))), generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        given, *strong = (body(factor * noise) for factor in (1, 100, -100))
    if not torch.isfinite(given).all():
        raise Broken("fresh weights give values that are not finite")
    everything = torch.stack([given, *strong])
    if record.task == "segment" and 0 <= float(everything.min()) and float(everything.max()) <= 1:
        raise Broken("gives only values from 0 to 1: leave the sigmoid out, logits are wanted")
    if not 1e-3 < float(given.std()) < 1e3:
        raise Broken(f"fresh weights give a deviation of {float(given.std()):.2g}; start near 1")
    return f"deviation {float(given.std()):.2g} on noise"


def _trains(record: Architecture) -> str:
    """Let a gradient reach every weight, and the input."""
    import torch

    body = _body(record, 1).train()
    shape = next(iter(_inputs(record, 1)))
    x = torch.randn(2, *shape[1:], requires_grad=True)
    body(x).square().mean().backward()
    dead = [name for name, value in body.named_parameters() if value.requires_grad and value.grad is None]
    if dead:
        raise Broken(f"no gradient reaches {', '.join(dead[:3])}")
    if x.grad is None or not x.grad.abs().sum() > 0:
        raise Broken("the output does not depend on the input")
    return "gradients reach all weights and the input"


def _methods(record: Architecture) -> str:
    """Have `features(x)` to classify; `encode(x)` and `decode(code)` to encode."""
    import torch

    if record.task == "segment":
        return "none is needed"
    body = _body(record, 1).eval()
    wanted = ("features",) if record.task == "classify" else ("encode", "decode")
    if missing := [name for name in wanted if not callable(getattr(body, name, None))]:
        raise Broken(f"has no {', '.join(missing)}")
    x = torch.randn(next(iter(_inputs(record, 1))))
    with torch.inference_mode():
        code = getattr(body, wanted[0])(x)
    if len(code) != 1:
        raise Broken(f"{wanted[0]} of one cube gives {tuple(code.shape)}")
    return f"{wanted[0]} gives {tuple(code.shape)}"


def _keeps_weights(record: Architecture) -> str:
    """Keep all that is needed in the `state_dict`: the same weights give the same output."""
    import safetensors.torch
    import torch

    one, two = _body(record, 1).eval(), _body(record, 1, seed=1).eval()
    kept = {name: value.contiguous() for name, value in one.state_dict().items()}
    try:
        two.load_state_dict(safetensors.torch.load(safetensors.torch.save(kept)))
    except RuntimeError as error:
        raise Broken(f"weights cannot be kept: {' '.join(str(error).split())[:160]}") from error
    x = torch.randn(next(iter(_inputs(record, 1))))
    with torch.inference_mode():
        if not torch.equal(one(x), two(x)):
            raise Broken("gives something else with the same weights: something it needs is not in its state_dict")
    return "saved and loaded it gives the same"


def _reach(record: Architecture) -> str:
    """Let no pixel farther away than half of `receptive_field` influence a pixel: tiles would show seams."""
    if record.task != "segment":
        return "does not matter for cubes"
    reach = _measured_reach(record)
    if reach > record.receptive_field:
        raise Broken(f"{reach} pixels influence one, more than the {record.receptive_field} declared: seams would show")
    wider = record.receptive_field - reach
    return f"{reach} pixels" + (f"; the {record.receptive_field} declared only cost time" if wider else "")


def _measured_reach(record: Architecture) -> int:
    """Return how many pixels across influence one, along x, for the worst position within a stride."""
    import torch

    body = _body(record, 1).eval().double()
    for value in body.parameters():
        value.data.abs_().add_(1e-3)  # nothing cancels
    stride, cells = record.stride, record.receptive_field // record.stride + 4
    size = 2 * stride * cells
    shape = (1, 1, stride, size) if record.dimension == 2 else (1, stride, stride, size)
    reach = 0
    for phase in range(min(stride, 16)):
        # different pixels win maxima in different draws: the union of what they reach
        touched = torch.zeros(size, dtype=torch.bool)
        for seed in range(3):
            noise = torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
            x = (noise + 0.5).requires_grad_()
            body(x)[..., size // 2 + phase].sum().backward()
            assert x.grad is not None  # noqa: S101 - for the type checker; backward has just filled it
            touched |= x.grad.abs().sum(dim=(0, 1, 2)) > 0
        where = touched.nonzero()[:, 0]
        at = size // 2 + phase
        reach = max(reach, at - int(where.min()), int(where.max()) - at)
    return 2 * reach + 1


PARTS: dict[str, Callable[[Architecture], str]] = {
    "describes itself": _describes_itself,
    "builds, alike from one seed": _builds,
    "refuses unknown parameters": _refuses_unknown,
    "takes and gives the right shapes": _shapes,
    "gives logits, and fresh weights keep the signal": _logits,
    "can be trained": _trains,
    "has the methods of its task": _methods,
    "keeps all it needs in its weights": _keeps_weights,
    "declares how far it sees": _reach,
}


def _body(record: Architecture, depth: int, seed: int = 0) -> nn.Module:
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        body = record.build(depth, **record.parameters)
    if not isinstance(body, torch.nn.Module):
        raise Broken(f"build gives a {type(body).__name__}, not a torch.nn.Module")
    return body


def _depths(record: Architecture) -> tuple[int, ...]:
    return (1, 3) if record.dimension == 2 and record.task == "segment" else (1,)


def _inputs(record: Architecture, depth: int) -> Iterator[tuple[int, int, int, int]]:
    """Give shapes that it must take: multiples of the stride, of different lengths."""
    stride = record.stride
    if record.task != "segment":
        size = int(record.parameters.get("size") or 32)
        yield 1, size, size, size
    elif record.dimension == 2:
        yield 1, depth, 4 * stride, 3 * stride
        yield 2, depth, stride, 5 * stride
    else:
        yield 1, 2 * stride, 4 * stride, 3 * stride
        yield 1, stride, stride, 2 * stride


def _output(record: Architecture, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape that must come out; 0 where any length will do."""
    if record.task == "classify":
        return shape[0], 0
    if record.task == "segment" and record.dimension == 2:
        return shape[0], 1, *shape[2:]
    classes = int(record.parameters.get("classes") or 1)
    return (shape[0], classes, *shape[1:]) if record.task == "segment" and classes > 1 else tuple(shape)


def require_contract(record: Architecture) -> list[Part]:
    """Return all parts of the contract.

    Raises
    ------
    ModelProblem
        One of them does not hold; the message names it.
    """
    parts = list(check_contract(record))
    if broken := [part for part in parts if not part.holds]:
        raise ModelProblem(record.name, f"{broken[0].name}: {broken[0].problem}", "mend its file")
    return parts

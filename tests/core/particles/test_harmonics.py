"""Rotational matching against its formula, written out direction by direction."""

import numpy as np
import pytest

from ais_app.core.particles.fourier import frequencies_xyz
from ais_app.core.particles.harmonics import RotationalMatching
from ais_app.core.particles.wedge import Wedge

EDGE, SHELLS = 40, 9
RADII = np.arange(2, SHELLS + 1)


def amplitude(seed, fine=1.0):
    """A smooth function of frequency, the same at k and -k, whose pattern changes from shell to shell."""
    random = np.random.default_rng(seed)
    forms = random.normal(size=(3, 3, 3))
    forms = forms + np.swapaxes(forms, 1, 2)

    def of(k):
        length = np.maximum(np.linalg.norm(k, axis=-1), 1e-9)
        first, second, third = (np.einsum("...i,ij,...j->...", k, form, k) / length**2 for form in forms)
        return 8 + first * (1 - length / 9) + second * third * np.sin(length / 2) * fine + 2 * third * length / 9

    return of


def even_directions(count=4000):
    """Directions that cover the sphere evenly: a spiral."""
    z = 1 - (2 * np.arange(count) + 1) / count
    turn = np.arange(count) * np.pi * (3 - 5**0.5)
    return np.stack([np.sqrt(1 - z**2) * np.cos(turn), np.sqrt(1 - z**2) * np.sin(turn), z], axis=1)


def seen(wedge, directions):
    """Whether directions x y z were measured by tilts about y of a beam along z."""
    x, z = directions[..., 0], directions[..., 2]
    angle = np.degrees(np.arctan2(np.where(x < 0, -z, z), np.abs(x)))
    return ((angle >= wedge.tilt_min) & (angle <= wedge.tilt_max)).astype(float)


def written_out(own, other, wedge, known, rotation):
    """The constrained correlation of one rotation; both less their means over what is measured of each shell."""
    directions = even_directions()
    back = directions @ rotation  # rows R^T d
    u, v = seen(wedge, directions), seen(known, back)
    sums = np.zeros(3)
    for radius in RADII:
        plain = [one(radius * directions) for one in (own, other)]
        means = [
            np.average(values, weights=seen(w, directions)) for values, w in zip(plain, (wedge, known), strict=True)
        ]
        a, b = own(radius * directions) - means[0], other(radius * back) - means[1]
        sums += radius**2 * np.array([(u * a * v * b).sum(), (u * a**2 * v).sum(), (u * v * b**2).sum()])
    return sums[0] / np.sqrt(sums[1] * sums[2])


def compared(wedge, known, own, other):
    """Scores of some rotations, and what the formula says of them."""
    k = frequencies_xyz(EDGE).numpy().astype(float)
    mask = None if known is None else known.mask(EDGE).numpy()
    matching = RotationalMatching(other(k), wedge.mask(EDGE).numpy(), SHELLS, mask)
    scores, rotations = matching.scores(own(k)), matching.rotations
    chosen = np.random.default_rng(0).choice(len(rotations), 80, replace=False)
    chosen[:2] = scores.argmax(), scores.argmin()
    everywhere = known or Wedge(-90, 90)
    return scores[chosen], np.array([written_out(own, other, wedge, everywhere, rotations[row]) for row in chosen])


def test_scores_within_both_wedges_are_those_of_the_formula():
    found, expected = compared(Wedge(-60, 40), Wedge(-50, 60), amplitude(1), amplitude(2))
    assert np.corrcoef(found, expected)[0, 1] > 0.97
    assert np.polyfit(expected, found, 1)[0] == pytest.approx(1, abs=0.15)


@pytest.mark.parametrize(("wedge", "least"), [(Wedge(-60, 40), 0.998), (Wedge(-90, 90), 0.999)])
def test_scores_of_a_reference_that_is_known_everywhere_rank_as_the_formula(wedge, least):
    """Large shells count as their area."""
    found, expected = compared(wedge, None, amplitude(1, 0.2), amplitude(2, 0.2))
    assert np.corrcoef(found, expected)[0, 1] > least

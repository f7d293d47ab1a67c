import numpy as np
import pytest

from ais_app.core.errors import ParameterProblem
from ais_app.core.scene.camera import Camera
from ais_app.core.scene.turntable import fly, rock, turntable

START = Camera(centre_xyz=(1.0, 2.0, 3.0), azimuth=20.0, elevation=30.0, extent=500.0)


def azimuths(cameras):
    return [camera.azimuth for camera in cameras]


def test_a_whole_turn_plays_in_a_loop():
    found = turntable(START, 36)
    np.testing.assert_allclose(azimuths(found), 20 + 10 * np.arange(36))
    assert {(camera.centre_xyz, camera.elevation, camera.extent) for camera in found} == {
        ((1.0, 2.0, 3.0), 30.0, 500.0)
    }
    np.testing.assert_allclose(azimuths(turntable(START, 4, -720)), [20, -160, -340, -520])


def test_a_part_of_a_turn_ends_where_it_should():
    np.testing.assert_allclose(azimuths(turntable(START, 5, 90)), [20, 42.5, 65, 87.5, 110])
    assert azimuths(turntable(START, 1, 90)) == [20]


def test_rocking_comes_back():
    found = np.array(azimuths(rock(START, 40, 30)))
    assert found[0] == 20
    assert (found.min(), found.max()) == pytest.approx((5, 35))
    assert np.abs(np.diff(found, append=found[0])).max() < 3


def test_flying_takes_the_short_way_and_stops_at_each_view():
    other = Camera(centre_xyz=(11.0, 2.0, 3.0), azimuth=-170.0, elevation=0.0, extent=50.0, field_of_view=30.0)
    found = fly([Camera(azimuth=170.0, extent=500.0), other, START], 20)
    assert len(found) == 41
    assert (found[20], found[40]) == (other, START)
    turn = np.diff(azimuths(found[:20]))
    assert 0 < turn.sum() < 20
    assert turn[0] < turn[9] > turn[-1]
    assert found[10].extent == pytest.approx(np.sqrt(500 * 50))
    assert fly([START], 5) == [START]


def test_what_is_no_film():
    for wrong in (lambda: turntable(START, 0), lambda: rock(START, 0), lambda: fly([START], 0), lambda: fly([], 3)):
        with pytest.raises(ParameterProblem):
            wrong()

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ais_app.core.picking.orientation import principal_rotations, rotations_to, upward

directions = arrays(float, (5, 3), elements=st.floats(-1, 1)).filter(lambda d: (np.linalg.norm(d, axis=1) > 1e-3).all())


@given(directions)
def test_the_reference_z_goes_to_the_direction(way):
    unit = way / np.linalg.norm(way, axis=1, keepdims=True)
    turns = rotations_to(way)
    np.testing.assert_allclose(turns @ [0, 0, 1], unit, atol=1e-4)
    np.testing.assert_allclose(turns @ turns.transpose(0, 2, 1), np.broadcast_to(np.eye(3), (5, 3, 3)), atol=1e-4)
    np.testing.assert_allclose(np.linalg.det(turns), 1, atol=1e-4)
    # the smallest such rotation: its angle is the angle between z and the direction
    np.testing.assert_allclose(np.trace(turns, axis1=1, axis2=2), 1 + 2 * unit[:, 2], atol=1e-4)


def test_up_and_down_are_rotations_too():
    np.testing.assert_allclose(rotations_to(np.array([[0, 0, 2.0]]))[0], np.eye(3))
    down = rotations_to(np.array([[0, 0, -1.0]]))[0]
    np.testing.assert_allclose(down @ [0, 0, 1], [0, 0, -1])
    assert np.linalg.det(down) == 1


def test_an_axis_points_up_or_else_along_y_or_x():
    axes = np.array([[0.6, 0, -0.8], [0, -1, 0], [-1, 0, 0], [0, 0, 1.0]])
    assert upward(axes).tolist() == [[-0.6, 0, 0.8], [0, 1, 0], [1, 0, 0], [0, 0, 1]]


def test_a_point_has_an_arbitrary_axis_and_says_so():
    turns, ratios = principal_rotations(np.zeros((1, 3, 3)), "long-axis")
    assert ratios.tolist() == [1]
    assert abs(np.linalg.det(turns[0])) > 0.99

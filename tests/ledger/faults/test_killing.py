"""kill -9 of a real server under load: what it had answered is there, what it had not is sent again."""

from killing import kill_often
from recording import Place


def test_a_server_killed_again_and_again(tmp_path):
    """Three kills at moments nobody chose, four traders: nothing answered is lost, nothing is there twice."""
    said = kill_often(Place(tmp_path.resolve()), 3, seed=3)
    assert "none lost" in said

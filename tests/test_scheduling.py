"""Files that share the miniature's server run in one process; every other file is free to run beside them."""

from __future__ import annotations

from likeness.tests.scheduling import scope_of


def test_files_that_name_the_server_have_one_scope():
    assert scope_of("tests/test_workflows.py") == scope_of("tests/tools/comfyui/test_server.py")
    assert scope_of("tests/test_miniature_workflows.py") == scope_of("tests/test_workflows.py")


def test_another_file_is_a_scope_of_its_own():
    assert scope_of("tests/test_house.py") == "tests/test_house.py"

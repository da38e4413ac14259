def test_stages_hand_on_their_results_and_add_up_by_their_medians(capsys):
    from likeness.benchmarks.consistentid_encoding import Stages

    stages = Stages()
    assert stages.time("parsing", lambda: 7) == 7
    stages.seconds |= {"parsing": [9.0, 1.0, 2.0], "fusion": [0.5]}
    assert stages.together == 2.5
    stages.print()
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["parsing", "2.000", "s"],
        ["fusion", "0.500", "s"],
    ]

from likeness.benchmarks.paired_ratios import compare, measure, median_of


def test_every_round_calls_everything_once_in_changing_order():
    called: list[str] = []
    calls = {name: (lambda name=name: called.append(name)) for name in "abc"}

    seconds = measure(calls, rounds=20, warm_up=2, seed=0)

    rounds = ["".join(called[start : start + 3]) for start in range(0, len(called), 3)]
    assert len(rounds) == 22
    assert {"".join(sorted(names)) for names in rounds} == {"abc"}
    assert len(set(rounds)) > 1
    assert {name: len(times) for name, times in seconds.items()} == dict.fromkeys("abc", 20)


def test_the_ratio_belongs_to_the_pair_not_to_the_whole():
    plain = [1.0, 2.0, 4.0, 8.0]

    ratio = compare([1.1 * second for second in plain], plain)

    assert abs(ratio.median - 1.1) < 1e-9
    assert abs(ratio.high - ratio.low) < 1e-9
    assert str(ratio).startswith("+10.00 %")


def test_the_interval_holds_the_median_and_narrows_with_pairs():
    spread = [1.0, 1.2, 1.1, 0.9, 1.3]

    few, many = (compare(spread * times, [1.0] * len(spread) * times) for times in (1, 20))

    assert few.low <= few.median <= few.high
    assert many.high - many.low < few.high - few.low


def test_the_median_of_differences_keeps_their_signs():
    median, low, high = median_of([-3.0, -1.0, -2.0] * 10)
    assert low <= median == -2.0 <= high < 0


def test_durations_are_told_by_the_clock_that_is_given():
    ticks = iter(range(100))
    seconds = measure({"a": lambda: None}, rounds=2, warm_up=1, seed=0, clock=lambda: float(next(ticks) ** 2))
    assert seconds == {"a": [3.0, 7.0]}

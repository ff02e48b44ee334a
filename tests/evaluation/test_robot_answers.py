"""`regionclip eval robot`: two real processes over loopback, and what is counted of them."""

from toy import toy_detector

from regionclip.evaluation.speed.robot import Case, measure_answers, table


def test_ages_of_answers() -> None:
    cases = (
        Case("raw", (120, 160), False, 0.0),
        Case("JPEG, slow", (120, 160), True, 0.25),
        Case("the tower", (120, 160), True, None),
    )
    quick, slow, own = measure_answers(toy_detector(4), ["red"], cases, fps=20, seconds=1.5)
    assert [each.sent for each in (quick, slow, own)] == [30, 30, 30]
    assert 0 < len(slow.ages) < len(quick.ages) <= 30
    assert 0 < len(own.ages) <= 30
    assert min(quick.ages) > 0
    assert min(slow.ages) > 250
    lines = table((quick, slow, own), 20).splitlines()
    assert lines[0] == "from the stamp of an image to its detections, a camera of 20 fps"
    assert lines[2].split()[:3] == ["raw", "30", str(len(quick.ages))]

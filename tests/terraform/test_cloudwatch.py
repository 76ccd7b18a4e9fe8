"""The evaluator of alarms against the tables and rules of CloudWatch's documentation."""

from __future__ import annotations

import pytest

from tests.terraform.cloudwatch import Rule, calculate, judge, statistic

MISSING_DATA = ("missing", "ignore", "breaching", "notBreaching")

THREE_OF_THREE = """
0 - X - X | OK OK OK OK
0 - - - - | OK OK OK OK
- - - - - | INSUFFICIENT_DATA kept ALARM OK
0 X X - X | ALARM ALARM ALARM ALARM
- - X - - | ALARM kept ALARM OK
"""

TWO_OF_THREE = """
0 - X - X | ALARM ALARM ALARM ALARM
0 0 X 0 X | ALARM ALARM ALARM ALARM
0 - X - - | OK OK ALARM OK
- - - - 0 | OK OK ALARM OK
- - - X - | ALARM kept ALARM OK
"""


@pytest.mark.parametrize(("table", "datapoints"), [(THREE_OF_THREE, 3), (TWO_OF_THREE, 2)])
def test_the_tables_of_the_documentation(table: str, datapoints: int) -> None:
    """Each row of AWS's table gives its state, for each way of treating missing data.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
    """
    for row in table.strip().splitlines():
        shown, states = row.split(" | ")
        breaches = [{"0": False, "X": True, "-": None}[each] for each in shown.split()]
        found = [judge(breaches, 3, datapoints, each, "INSUFFICIENT_DATA") for each in MISSING_DATA]
        kept = [judge(breaches, 3, datapoints, each, "ALARM") for each in MISSING_DATA]
        wanted = states.split()
        assert found == ["INSUFFICIENT_DATA" if each == "kept" else each for each in wanted], row
        assert kept == ["ALARM" if each == "kept" else each for each in wanted], row


@pytest.mark.parametrize("shown", ["- - - - X", "- - - X -"])
def test_an_alarm_is_not_premature(shown: str) -> None:
    """One breaching datapoint that is younger than the datapoints to alarm makes no alarm of 3 of 3 yet."""
    breaches = [True if each == "X" else None for each in shown.split()]
    assert judge(breaches, 3, 3, "missing", "OK") != "ALARM"


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("a", 3.0),
        ("gone", None),
        ("a + gone", None),
        ("FILL(a, 0) + FILL(gone, 0)", 3.0),
        ("100 * a / (FILL(gone, 0) + a)", 100.0),
        ("a / FILL(gone, 0)", None),
        ("IF(a > 2, 100 * a, 0)", 300.0),
        ("IF(FILL(gone, 0) > 2, a, 0)", 0.0),
    ],
)
def test_metric_math(expression: str, value: float | None) -> None:
    """FILL replaces a missing figure; an operator with a missing side, or a division by zero, has no value."""
    assert calculate(expression, {"a": {7: 3.0}, "gone": {}}, 7) == value


def test_unknown_metric_math_is_refused() -> None:
    """Nothing is guessed: a function that the evaluator does not know is named."""
    with pytest.raises(ValueError, match="RATE"):
        calculate("RATE(a)", {"a": {}}, 0)


@pytest.mark.parametrize(("name", "value"), [("Sum", 110.0), ("Average", 11.0), ("Maximum", 20.0), ("p99", 20.0)])
def test_statistics(name: str, value: float) -> None:
    """A minute's samples make the statistic that a metric names."""
    assert statistic(name, [2.0, *range(4, 20, 2), 20.0]) == value


def test_a_filled_sum_of_two_of_two_never_fires_when_figures_are_late() -> None:
    """The newest two datapoints are fillings at every evaluation: the fault that this evaluator is for."""
    rule = Rule("FILL(a, 0)", 0, periods=2, datapoints=2, treat_missing_data="notBreaching")
    for end in range(20):
        arrived = {"a": {minute: 9.0 for minute in range(10) if minute <= end - 3}}
        assert rule.state(arrived, end, "OK") == "OK"

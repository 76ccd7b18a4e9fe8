"""CloudWatch's rule for an alarm, in plain Python: which state an alarm has, given the figures that have arrived.

Pure: minutes are whole numbers, a series is minute -> value, and a minute that is absent has no figure. Every period is
one minute. The rules and their sources, all under https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/:

- State from datapoints, and how missing ones are filled:
  https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html.
- Metric math:
  https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html.
  FILL replaces a missing figure in every minute of the evaluation range. The
  newest minute has no figure yet, so the newest datapoint of a filled metric is always the filling.
- Alarms on metrics of AWS/DynamoDB ignore missing data, whatever ``treat_missing_data`` says:
  https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html (TreatMissingData).
"""

from __future__ import annotations

import ast
import math
import operator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

State = Literal["OK", "ALARM", "INSUFFICIENT_DATA"]

BEYOND_PERIODS: Final = 2
"""Datapoints that CloudWatch reads beyond the evaluation periods. Only its example is published: 5 for 3 periods."""

_ARITHMETIC: Final[dict[type[ast.operator], Callable[[float, float], float]]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
}  # fmt: skip
_COMPARISONS: Final[dict[type[ast.cmpop], Callable[[float, float], bool]]] = {
    ast.Gt: operator.gt, ast.GtE: operator.ge, ast.Lt: operator.lt, ast.LtE: operator.le,
}  # fmt: skip
_OPERATORS: Final[dict[str, Callable[[float, float], bool]]] = {
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}


@dataclass(frozen=True, slots=True)
class Rule:
    """The rule that decides an alarm's state. ``expression`` is metric math over the ids of metrics, or just one id."""

    expression: str
    threshold: float
    periods: int
    """Evaluation periods: N of "M out of N"."""
    datapoints: int
    """Datapoints to alarm: M of "M out of N"."""
    treat_missing_data: str
    comparison: str = "GreaterThanThreshold"
    beyond: int = BEYOND_PERIODS
    """Datapoints read beyond the evaluation periods: together they are the evaluation range."""

    @property
    def range(self) -> int:
        """The evaluation range in minutes."""
        return self.periods + self.beyond

    def state(self, series: Mapping[str, Mapping[int, float]], end: int, before: State) -> State:
        """The state at the beginning of minute ``end``, given the series that have arrived and the state before.

        Raises ValueError for metric math that this evaluator does not know.
        """
        points = [calculate(self.expression, series, minute) for minute in range(end - self.range, end)]
        breaches = [None if point is None else _OPERATORS[self.comparison](point, self.threshold) for point in points]
        return judge(breaches, self.periods, self.datapoints, self.treat_missing_data, before)


def judge(
    breaches: Sequence[bool | None], periods: int, datapoints: int, treat_missing_data: str, before: State
) -> State:
    """The state by the datapoints of the evaluation range, oldest first: breaching, not breaching or missing (None)."""
    real = [each for each in breaches if each is not None]
    if len(real) >= periods:
        return "ALARM" if sum(real[-periods:]) >= datapoints else "OK"
    if treat_missing_data == "breaching":
        return "ALARM" if sum(real) + periods - len(real) >= datapoints else "OK"
    if treat_missing_data == "notBreaching":
        return "ALARM" if sum(real) >= datapoints else "OK"
    if real and sum(real) >= datapoints:
        return "ALARM"
    if real and not all(real):
        return "OK"
    if treat_missing_data == "ignore":
        return before
    # Only breaching ones, and too few: an alarm once the oldest has waited for as many minutes as must breach.
    waited = len(breaches) - breaches.index(True) if real else 0
    return "ALARM" if real and waited >= datapoints else "INSUFFICIENT_DATA"


def calculate(expression: str, series: Mapping[str, Mapping[int, float]], minute: int) -> float | None:
    """The value of metric math in a minute, None if it has none.

    An operator with a missing side has no value, nor has a division by zero. Raises ValueError for what is not known.
    """
    return _value(_parsed(expression), series, minute)


def statistic(name: str, samples: Sequence[float]) -> float:
    """A statistic (Sum, Average, Maximum, p99 …) of the samples of a minute, of which there is at least one.

    Raises ValueError for one that is not known.
    """
    match name:
        case "Sum":
            return sum(samples)
        case "Average":
            return sum(samples) / len(samples)
        case "Maximum":
            return max(samples)
        case _ if name.startswith("p"):
            return sorted(samples)[math.ceil(float(name[1:]) / 100 * len(samples)) - 1]
    raise ValueError(f"the statistic {name} is not known")


@cache
def _parsed(expression: str) -> ast.expr:
    """Metric math has the form of Python's expressions, as far as it is used here."""
    return ast.parse(expression, mode="eval").body


def _value(node: ast.expr, series: Mapping[str, Mapping[int, float]], minute: int) -> float | None:
    match node:
        case ast.Constant(value=int() | float() as number):
            return float(number)
        case ast.Name(id=name):
            return series[name].get(minute)
        case ast.Call(func=ast.Name(id="FILL"), args=[filled, filling]):
            found = _value(filled, series, minute)
            return _value(filling, series, minute) if found is None else found
        case ast.Call(func=ast.Name(id="IF"), args=[condition, true, false]):
            chosen = _value(condition, series, minute)
            return None if chosen is None else _value(true if chosen else false, series, minute)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
            return _applied(_ARITHMETIC[type(op)], _value(left, series, minute), _value(right, series, minute))
        case ast.Compare(left=left, ops=[comparison], comparators=[right]) if type(comparison) in _COMPARISONS:
            return _applied(_COMPARISONS[type(comparison)], _value(left, series, minute), _value(right, series, minute))
    raise ValueError(f"metric math that is not known here: {ast.unparse(node)}")


def _applied(function: Callable[[float, float], float], left: float | None, right: float | None) -> float | None:
    if left is None or right is None:
        return None
    try:
        return float(function(left, right))
    except ZeroDivisionError:
        return None

"""Pure: a transport that broadcasts itself, as a model: our publisher's frames, and a service that delivers at a rate.

Above its rate the service delays frames, and drops those that would wait for too long. Viewers find a dropped frame by
the next one, or by their check after a silence; the client's own rules say when.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from client.repair_plan import delay, looking
from client.viewer import SILENCE_MOST_SECONDS, SILENCE_SECONDS
from forecast.latencies import Latencies
from forecast.simulation.outcome import GoalTimes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from forecast.simulation.scenario import Goal

SAMPLED = 1_000
"""Viewers of a dropped frame whose repair is played; the others are like them."""

READ_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Service:
    """A service in one cell. ``rate``: deliveries a second. ``longest_s``: a frame that waits for longer is dropped."""

    rate: float
    longest_s: float = float("inf")


@dataclass(frozen=True, slots=True)
class ServiceOutcome:
    """The outcome: times of each goal, deliveries and drops, and how long viewers were behind after a drop."""

    goals: tuple[GoalTimes, ...]
    published: int
    delivered: int
    dropped: int
    repair_max_s: float

    def report(self) -> dict[str, object]:
        """For JSON."""
        last = sorted(each.last_s for each in self.goals)
        return {
            "goals": len(self.goals),
            "first_viewer_s": round(min(each.first_s for each in self.goals), 3),
            "last_viewer_s": round(last[len(last) // 2], 3),
            "slowest_goal_s": round(last[-1], 3),
            "published": self.published,
            "delivered": self.delivered,
            "dropped": self.dropped,
            "repair_max_s": round(self.repair_max_s, 2),
        }


def play(
    viewers: Sequence[int], goals: Sequence[Goal], service: Service, latencies: Latencies | None = None, seed: int = 0
) -> ServiceOutcome:
    """Play goals in one cell with ``viewers`` of each match. The service delivers in the order of publishes."""
    times = latencies or Latencies()
    chance = random.Random(seed)
    begun_s = 5 * times.call_s + times.stream_s + times.publish_s
    free_at, delivered, dropped, longest = 0.0, 0, 0, 0.0
    found = []
    ordered = sorted(goals, key=lambda each: (each.at_s, each.match))
    for number, goal in enumerate(ordered):
        taken_at = goal.at_s + begun_s
        begin = max(free_at, taken_at)
        audience = viewers[goal.match]
        room = max(0.0, taken_at + service.longest_s - begin) * service.rate
        reached = audience if room >= audience else round(room)
        end = begin + reached / service.rate
        free_at, delivered, dropped = end, delivered + reached, dropped + audience - reached
        first, middle, last = begin, begin + audience / 2 / service.rate, end
        if reached < audience:
            later = [each.at_s for each in ordered[number + 1 :] if each.match == goal.match]
            without = audience - reached
            behind = sorted(_behind(chance, later, taken_at, begun_s) for _ in range(min(SAMPLED, without)))
            longest, last = max(longest, behind[-1]), max(end, taken_at + behind[-1])
            if reached == 0:
                first = taken_at + behind[0]
            if reached < audience / 2:
                middle = taken_at + behind[int((audience / 2 - reached) / without * len(behind))]
        found.append(GoalTimes(goal.match, audience, first - goal.at_s, middle - goal.at_s, last - goal.at_s))
    return ServiceOutcome(tuple(found), 2 * len(ordered), delivered, dropped, longest)


def _behind(chance: random.Random, later: Sequence[float], lost_at: float, begun_s: float) -> float:
    """Seconds until a viewer has the events of a frame that was dropped.

    The next frame of the match shows the gap, or the check after a silence does; then the viewer reads over HTTP.
    """
    silence = looking(SILENCE_SECONDS, SILENCE_MOST_SECONDS, SILENCE_MOST_SECONDS, chance.random())
    shown = min([silence, *(each + begun_s - lost_at for each in later)])
    return shown + delay(1, chance.random()) + READ_SECONDS

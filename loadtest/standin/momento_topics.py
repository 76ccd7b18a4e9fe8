"""Pure: the topics of the stand-in for Momento: sequence numbers, pages, a bounded backlog, discontinuities.

(https://docs.momentohq.com/topics/api-reference/http-api)
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

FIRST = 1
"""The sequence number of the first message of a page."""


@dataclass(slots=True)
class Topic:
    """One topic. A page is one life of a topic: a topic that begins again has another page."""

    page: int
    kept: int
    """Messages that stay for those who come later."""
    newest: int = FIRST - 1
    _backlog: deque[tuple[int, dict[str, Any]]] = field(default_factory=deque)

    def publish(self, value: dict[str, Any]) -> dict[str, Any]:
        """Take a message; returns its item, as an answer has it."""
        self.newest += 1
        item = {"item": {"topic_sequence_number": self.newest, "sequence_page": self.page, "value": value}}
        self._backlog.append((self.newest, item))
        while len(self._backlog) > self.kept:
            self._backlog.popleft()
        return item

    def begin_again(self, page: int) -> None:
        """Forget everything, as Momento may after maintenance: the sequence numbers begin again on another page."""
        self.page, self.newest = page, FIRST - 1
        self._backlog.clear()

    def since(self, sequence: int, page: int) -> list[dict[str, Any]]:
        """The items from ``sequence`` on; empty if the next message is the wanted one.

        ``sequence`` 0 wants only what comes from now on. ``page`` 0 is the page of now.
        """
        if sequence == 0:
            return []
        is_other_page = page not in (0, self.page)
        oldest = self._backlog[0][0] if self._backlog else self.newest + 1
        begin = oldest if is_other_page else sequence
        found = [item for number, item in self._backlog if number >= begin]
        if is_other_page or begin < oldest or begin > self.newest + 1:
            new = oldest if found else self.newest + 1
            gap = {"last_topic_sequence": sequence - 1, "new_topic_sequence": new, "new_sequence_page": self.page}
            return [{"discontinuity": gap}, *found]
        return found

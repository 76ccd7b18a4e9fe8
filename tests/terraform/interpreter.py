"""Runs broadcast.asl.json without AWS: JSONata's reference implementation evaluates it, a test plays the services.

The interpreter knows what the definition uses: Task with Arguments, Assign, Output and Catch; Choice; Pass; Succeed; a
Map, inline, one iteration after the other. Variables that an iteration assigns end with the iteration
(https://docs.aws.amazon.com/step-functions/latest/dg/workflow-variables.html). A failed task is not tried again.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
from typing import TYPE_CHECKING, Any

from devstack.system import ROOT, System

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PATIENCE_SECONDS = 60.0
"""Node answers within this time, or is killed."""

TOOLS = ROOT / "tests/terraform/asl"
DEFINITION: dict[str, Any] = json.loads(System(1).state_machine())
"""The definition as devstack fills it in."""


class TaskError(Exception):
    """A task has failed: ``error`` is its name in ErrorEquals."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error


def node(*arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    """Run Node; ``given`` is its standard input."""
    command = [shutil.which("node") or "node", *arguments]
    return subprocess.run(command, input=given, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False)


class Jsonata:
    """The reference implementation in a process of its own; asl/evaluate.mjs has the shapes."""

    def __init__(self, tools: Path) -> None:
        command = [shutil.which("node") or "node", str(tools / "evaluate.mjs")]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def evaluate(self, asked: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The answer to each ``{expression, bindings, now}``."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        late = threading.Timer(PATIENCE_SECONDS, self._process.kill)
        late.start()
        line = self._process.stdout.readline()
        late.cancel()
        assert line, f"Node ended with {self._process.wait(PATIENCE_SECONDS)}, or did not answer."
        answers: list[dict[str, Any]] = json.loads(line)
        return answers

    def close(self) -> None:
        """End the process."""
        self._process.communicate(timeout=PATIENCE_SECONDS)
        assert self._process.returncode == 0


class Interpreter:
    """One execution of ``definition``.

    ``call`` plays the services: it gets name and arguments of a task. It returns the answer or raises TaskError.
    """

    def __init__(
        self,
        jsonata: Jsonata,
        name: str,
        call: Callable[[str, Any], Any],
        *,
        now: int,
        definition: dict[str, Any] = DEFINITION,
    ) -> None:
        self._jsonata = jsonata
        self._definition = definition
        self._call = call
        self.now = now
        """``$millis()``."""
        self.owner = f"arn:aws:states:eu-west-1:123456789012:express:livescore-broadcast:{name}"
        self._context = {
            "Execution": {"Id": self.owner, "Name": name},
            "StateMachine": {"Id": "arn:aws:states:eu-west-1:123456789012:stateMachine:livescore-broadcast"},
        }
        self.states: list[str] = []
        """The names of the states so far, in the order in which they were entered."""

    def run(self, given: dict[str, Any]) -> Any:
        """From StartAt to the end; returns the execution's output."""
        return self._run(self._definition, json.loads(json.dumps(given)), {})

    def _run(self, machine: dict[str, Any], given: Any, variables: dict[str, Any]) -> Any:
        name: str | None = machine["StartAt"]
        while name is not None:
            self.states.append(name)
            given, name = getattr(self, f"_{machine['States'][name]['Type'].lower()}")(
                name, machine["States"][name], given, variables
            )
        return given

    def _task(self, name: str, state: dict[str, Any], given: Any, variables: dict[str, Any]) -> tuple[Any, str | None]:
        arguments = self._fill(state["Arguments"], variables, input=given)
        try:
            result = json.loads(json.dumps(self._call(name, arguments)))
        except TaskError as error:
            caught = {"Error": error.error, "Cause": "a test"}
            for each in state.get("Catch", []):
                if error.error in each["ErrorEquals"] or "States.ALL" in each["ErrorEquals"]:
                    return self._leave(each, variables, caught, input=given, errorOutput=caught), each["Next"]
            raise
        return self._leave(state, variables, result, input=given, result=result), state.get("Next")

    def _choice(self, _: str, state: dict[str, Any], given: Any, variables: dict[str, Any]) -> tuple[Any, str]:
        for each in state["Choices"]:
            if self._fill(each["Condition"], variables, input=given) is True:
                return self._leave(each, variables, given, input=given), each["Next"]
        return given, state["Default"]

    def _map(self, _: str, state: dict[str, Any], given: Any, variables: dict[str, Any]) -> tuple[Any, str]:
        items = self._fill(state["Items"], variables, input=given)
        result = [self._run(state["ItemProcessor"], each, dict(variables)) for each in items]
        return self._leave(state, variables, result, input=given, result=result), state["Next"]

    def _pass(self, _: str, state: dict[str, Any], given: Any, variables: dict[str, Any]) -> tuple[Any, str]:
        return self._leave(state, variables, given, input=given), state["Next"]

    def _succeed(self, _name: str, _state: dict[str, Any], given: Any, _variables: Any) -> tuple[Any, None]:
        return given, None

    def _leave(self, leaving: dict[str, Any], variables: dict[str, Any], output: Any, **states: Any) -> Any:
        """The output of a state, a Catch or a choice. Both Output and Assign see the variables of before."""
        template = {"Output": leaving.get("Output"), "Assign": leaving.get("Assign", {})}
        filled = self._fill(template, variables, **states)
        variables.update(filled["Assign"])
        return filled["Output"] if "Output" in leaving else output

    def _fill(self, template: Any, variables: dict[str, Any], **states: Any) -> Any:
        """A template with the values of its expressions. An expression without a value fails, as on AWS."""
        asked: list[dict[str, Any]] = []
        bindings = {"states": {"context": self._context, **states}, **variables}

        def find(value: Any) -> None:
            if isinstance(value, str) and value.startswith("{%"):
                expression = value.removeprefix("{%").removesuffix("%}").strip()
                asked.append({"expression": expression, "bindings": bindings, "now": self.now})
            for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
                find(each)

        def put(value: Any) -> Any:
            if isinstance(value, dict):
                return {key: put(each) for key, each in value.items()}
            if isinstance(value, list):
                return [put(each) for each in value]
            if isinstance(value, str) and value.startswith("{%"):
                question, answer = asked[len(asked) - len(answers)], answers.pop(0)
                assert "value" in answer, f"{question['expression']}: {answer}"
                return answer["value"]
            return value

        find(template)
        answers = self._jsonata.evaluate(asked) if asked else []
        return put(template)

"""The command, as a person and a program use it, in its own process."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from commands.cli import app
from devstack.stack.ministack import free_port
from devstack.stack.provision import client
from devstack.system import ROOT
from subscriptions.listeners import Listeners
from tests.support import until

if TYPE_CHECKING:
    from collections.abc import Callable

    from devstack.operator.api_client import Operator
    from devstack.system import System

LIVESCORE = str(Path(sys.executable).parent / "livescore")


@dataclass(frozen=True)
class Ran:
    """The exit status and the output of a command."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture(scope="module")
def livescore(system: System) -> Callable[..., Ran]:
    """Runs the command against the running system, in this process: a process of its own takes more than a second."""
    env = {"LIVESCORE_API": system.api_url, "LIVESCORE_WS": system.websocket_url}

    def run(*args: str) -> Ran:
        ran = CliRunner().invoke(app, args, env=env)
        return Ran(ran.exit_code, ran.stdout, ran.stderr)

    return run


def test_a_match_from_the_terminal(livescore: Any, match_id: str, system: System) -> None:
    """Create, kick off, goal, cancellation, receipts: what an operator types, and what a watcher sees."""
    made = livescore("match", "create", "Argentina", "France", "--id", match_id, "--json")
    assert json.loads(made.stdout)["match"] == match_id
    env = {**os.environ, "LIVESCORE_WS": system.websocket_url}
    command = [LIVESCORE, "watch", match_id, "--json", "--until-full-time"]
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as watcher:
        try:
            assert livescore("event", match_id, "kick_off").returncode == 0
            goal = livescore("goal", match_id, "France", "--minute", "80", "--penalty", "--player", "Mbappé", "--json")
            assert json.loads(goal.stdout)["seq"] == 2
            taken_back = livescore("event", match_id, "cancellation", "--cancels", json.loads(goal.stdout)["event_id"])
            assert "applied as seq 3" in taken_back.stdout
            for phase in ("half_time", "second_half", "full_time"):
                livescore("event", match_id, phase)
            seen = [json.loads(line) for line in watcher.communicate(timeout=60)[0].splitlines()]
        finally:
            watcher.kill()
    assert [event["seq"] for event in seen] == [1, 2, 3, 4, 5, 6]
    assert seen[1]["player"] == "Mbappé"

    def receipts() -> list[int]:
        return [receipt["seq"] for receipt in json.loads(livescore("receipts", match_id, "--json").stdout)["receipts"]]

    # A receipt is written after the viewers have been told: at first there may be none.
    until(lambda: receipts()[-1:] == [6], "there is no receipt of the last event")
    priced = json.loads(livescore("receipts", match_id, "--cost", "--json").stdout)["receipts"]
    assert all(each["cost"]["complete"] and each["cost"]["usd"] > 0 for each in priced)
    assert "together" in livescore("receipts", match_id, "--cost").stdout


def test_the_matches_of_a_day_on_the_terminal(livescore: Any, match_id: str) -> None:
    """A match is listed under its day, for a person and for a program, and names of others do nothing to a terminal."""
    made = livescore("match", "create", "[red]Ⓐ", "B", "--id", match_id, "--kickoff", "1930-07-13T15:00-03:00")
    assert made.returncode == 0
    assert "[red]Ⓐ" in livescore("match", "list", "--day", "1930-07-13").stdout
    [found] = json.loads(livescore("match", "list", "--day", "1930-07-13", "--json").stdout)["matches"]
    assert (found["match"], found["status"]) == (match_id, "scheduled")


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("goal", "nobody", "home", "--minute", "3"), "There is no match nobody."),
        (("receipts", "nobody"), "There is no match nobody."),
        (("match", "list", "--day", "yesterday"), "must be a day like 2022-12-18"),
        (("watch", "nobody"), "There is no such match."),
        (("replay", "missing.json", "--all"), "missing.json cannot be read"),
    ],
)
def test_what_cannot_be_done_is_a_sentence(livescore: Any, args: tuple[str, ...], says: str) -> None:
    """A clear line on stderr, exit status 1, and no traceback."""
    ran = livescore(*args)
    assert ran.returncode == 1
    assert says in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_refusal_by_the_rules_is_an_exit_status(livescore: Any, match: str) -> None:
    """A program sees that the goal does not stand, a person sees why."""
    ran = livescore("goal", match, "home", "--minute", "3")
    assert ran.returncode == 1
    assert "refused: the match has not kicked off" in ran.stdout


def test_without_a_stack_the_command_says_so() -> None:
    """Nothing listens: the sentence names the URL and what to do."""
    env = {**os.environ, "LIVESCORE_API": f"http://127.0.0.1:{free_port()}"}
    ran = subprocess.run([LIVESCORE, "receipts", "m"], env=env, capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert "livescore up" in ran.stderr


def test_a_replay_ends_with_the_score(livescore: Any, tmp_path: Path) -> None:
    """All matches of a file at once, read back by the API and by a real viewer; the same file twice."""
    feed = {
        "name": "Cup",
        "matches": [
            {"date": "2024-07-14", "team1": "Spain", "team2": "England", "score": {"ft": [2, 1]},
             "goals1": [{"name": "Williams", "minute": 47}, {"name": "Oyarzabal", "minute": 86}],
             "goals2": [{"name": "Palmer", "minute": 73}]},
            {"date": "2024-07-05", "team1": "Portugal", "team2": "France",
             "score": {"ft": [0, 0], "et": [0, 0], "p": [3, 5]}},
        ],
    }  # fmt: skip
    path = tmp_path / "feed.json"
    path.write_text(json.dumps(feed))
    for _ in range(2):
        ran = livescore("replay", str(path), "--all", "--json")
        assert ran.returncode == 0, ran.stderr
        matches = json.loads(ran.stdout)["matches"]
        assert [each["score"] for each in matches] == [[2, 1], [0, 0]]
        assert [each["viewer_score"] for each in matches] == [[2, 1], [0, 0]]
        assert [each["shootout"] for each in matches] == [None, [3, 5]]


def test_a_replay_names_what_the_file_lacks_and_replays_the_rest(livescore: Any, tmp_path: Path) -> None:
    """A match without its goals is left out with the reason, which is an exit status; the others are replayed."""
    path = tmp_path / "feed.json"
    totals = {"date": "2025-07-13", "team1": "Chelsea", "team2": "Paris", "score": {"ft": [3, 0]}}
    awarded = {"date": "2025-07-13", "team1": "Basel", "team2": "Sion", "score": [3, 0], "status": "awarded"}
    goal = {"name": "A", "minute": 92}
    whole = {"date": "2025-07-13", "team1": "Porto", "team2": "Ajax", "score": [1, 0], "goals1": [goal]}
    path.write_text(json.dumps({"matches": [totals, awarded, whole, {**whole, "score": {}, "goals1": []}]}))
    ran = livescore("replay", str(path), "--all", "--json")
    assert ran.returncode == 1
    why = "goals1 and goals2: the goals are not listed, and the score is not 0–0"
    assert f"livescore: Left out: Match 1 (Chelsea - Paris): {why}\n" in ran.stderr
    assert "Porto - Ajax: minute: 92 is read as 90+2" in ran.stderr
    replayed = json.loads(ran.stdout)
    assert [(each["home"], each["viewer_score"], each["agrees"]) for each in replayed["matches"]] == [
        ("Basel", [3, 0], True), ("Porto", [1, 0], True),
    ]  # fmt: skip
    assert replayed["left_out"] == [{"number": 1, "match": "Chelsea - Paris", "why": why}]
    assert (replayed["unplayed"], len(replayed["notes"])) == (1, 1)
    ran = livescore("replay", str(path), "--match", "Chelsea - Paris")
    assert (ran.returncode, ran.stdout) == (1, "")
    assert why in ran.stderr


@pytest.mark.parametrize(("left_out", "status"), [([], 0), ([{"team1": "A", "score": [0, 0]}], 1)])
def test_a_file_is_checked_without_a_stack(tmp_path: Path, left_out: list[Any], status: int) -> None:
    """``--check`` says what the file lacks, posts nothing and needs nothing that runs."""
    path = tmp_path / "feed.json"
    whole = json.loads((ROOT / "examples" / "worldcup.json").read_text(encoding="utf-8"))["matches"]
    path.write_text(json.dumps({"matches": [*whole, *left_out]}))
    env = {**os.environ, "LIVESCORE_API": f"http://127.0.0.1:{free_port()}"}
    command = [LIVESCORE, "replay", str(path), "--all", "--check"]
    ran = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (status, "")
    assert f"To replay: 3 of {3 + status}" in ran.stderr
    assert ("Left out: Match 4: team2: missing" in ran.stderr) == bool(left_out)


def test_a_kick_off_keeps_its_offset(livescore: Any, match_id: str) -> None:
    """Six in the evening in Doha is three in the afternoon UTC."""
    args = ("match", "create", "A", "B", "--id", match_id, "--json", "--kickoff")
    made = livescore(*args, "2022-12-18T18:00+03:00")
    assert json.loads(made.stdout)["kickoff"] == "2022-12-18T18:00:00+03:00"
    assert livescore(*args, "soon").returncode == 2


def test_events_are_listed_with_their_ids(livescore: Any, match: str) -> None:
    """The id that a cancellation needs can be looked up."""
    livescore("event", match, "kick-off", "--id", "start")
    shown = livescore("match", "show", match)
    assert "start" in shown.stdout
    assert json.loads(livescore("match", "show", match, "--json").stdout)["events"][0]["event_id"] == "start"


def test_an_event_is_corrected_from_the_terminal(livescore: Any, match: str, system: System) -> None:
    """A scorer is put right and an assist taken away; lists show the right ones, and a watcher sees no second goal."""
    livescore("event", match, "kick_off")
    livescore("goal", match, "home", "--minute", "23", "--player", "Wrong", "--assist", "Nobody", "--id", "g1")
    correction = ("event", match, "amendment", "--amends", "g1", "--assist", "", "--player")
    assert "applied as seq 3" in livescore(*correction, "Messi").stdout
    assert "the event already has these values" in livescore(*correction, "Messi").stdout
    livescore("event", match, "half_time")
    shown = livescore("match", "show", match).stdout
    assert "Goal, Messi" in shown
    assert "corrected by 3" in shown
    assert "Wrong" not in shown
    goal = json.loads(livescore("match", "show", match, "--json").stdout)["events"][1]
    assert (goal["player"], goal["amended_by"], "assist" in goal) == ("Messi", 3, False)


def test_what_was_taken_back_is_said_with_its_reason(livescore: Any, match: str, system: System) -> None:
    """The list of events and a watcher name the event that does not count, its player, its minute and the reason."""
    livescore("event", match, "kick_off")
    livescore("goal", match, "home", "--minute", "23", "--player", "Messi", "--id", "g1")
    assert livescore("event", match, "cancellation", "--cancels", "g1", "--reason", "offside").returncode == 0
    for phase in ("half_time", "second_half", "full_time"):
        livescore("event", match, phase)
    seen = livescore("watch", match, "--until-full-time").stdout
    assert "Goal 23' Messi taken back: offside  0–0" in seen
    shown = livescore("match", "show", match).stdout
    assert "Goal 23' Messi taken back: offside" in shown
    assert "taken back by 3" in shown


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("event", "m", "cancellation"), "--cancels is missing: name the event to take back."),
        (("event", "m", "amendment", "--player", "A"), "--amends is missing: name the event to correct."),
        (("event", "m", "goal", "--minute", "3"), "--team is missing: say home, away or the name of a team."),
        (("event", "m", "kick_off", "--id", "a b"), "--id must be 1 to 64 letters without accents, digits or "),
        (("event", "m", "shootout_kick", "--team", "home"), "--scored or --missed is missing: say whether "),
        (("event", "m", "golazo"), "KIND must be one of: goal, own_goal, "),
        (("event", "m", "half_time", "--player", "A"), "a half_time has no --player."),
        (("event", "m", "awarded", "--score", "three"), "--score is the goals of the home and of the away team, "),
        (("goal", "m", "", "--minute", "3"), "TEAM must not be empty."),
        (("goal", "m", "home", "--stoppage", "2"), "stoppage time needs its minute."),
        (("goal", "m", "home", "--minute", "500"), "--minute must be at most 160."),
        (("event", "m", "awarded", "--reason", "fog"), "--score is missing: state the goals of both sides "),
        (("match", "create", "A", "A"), "a team cannot play itself."),
        (("match", "create", "A", "B", "--id", "A B"), "--id must be the id of a match: at most 20 small letters "),
        (("match", "create", "A", "B", "--half-minutes", "90"), "--half-minutes must be at most 60."),
        (("match", "change", "m", "--home", ""), "--home must not be empty."),
        (("match", "change", "m", "--leg", "3"), "--leg must be one of: 1, 2."),
        (("match", "create", "A", "B", "--kickoff", "soon"), "--kickoff is a time such as 2022-12-18T18:00+03:00, "),
        (("match", "create", "A", "B", "--kickoff", "2022-02-30"), "--kickoff is a time such as "),
        (("match", "create", "A", "B", "--first-leg", "2"), "--first-leg is the goals of the home and of the away "),
        (("match", "create", "A", "B", "--lineups", "/missing.json"), "--lineups: /missing.json cannot be read: "),
        (("match", "create"), "Name at least one team, or give the match an id with --id."),
        (("match", "change", "m"), "Name at least one thing to change, "),
    ],
)
def test_a_wrong_option_is_named_in_words(args: tuple[str, ...], says: str) -> None:
    """One sentence with the option as it is typed, before anything is sent, and no regular expression."""
    ran = CliRunner().invoke(app, [*args], env={"LIVESCORE_API": f"http://127.0.0.1:{free_port()}"})
    assert (ran.exit_code, ran.output.startswith(f"livescore: {says}")) == (2, True), ran.output
    assert ran.output.count("\n") == 1


def test_a_match_is_changed_before_it_begins_and_removed(livescore: Any, match_id: str, tmp_path: Path) -> None:
    """A day without a time, teams that are named later, ground, legs, halves and players: then the match is gone."""
    players = tmp_path / "players.json"
    players.write_text('{"home": ["Emiliano Martínez", "Lionel Messi"], "away": []}')
    made = livescore("match", "create", "Argentina", "--id", match_id, "--kickoff", "1931-11-28", "--neutral",
                     "--half-minutes", "35", "--lineups", str(players))  # fmt: skip
    assert "Argentina – To be decided, kick-off 1931-11-28, neutral ground, halves of 35 minutes" in made.stdout
    assert "Emiliano Martínez, Lionel Messi" in livescore("match", "lineups", match_id).stdout
    listed = livescore("match", "list", "--day", "1931-11-28").stdout
    assert (match_id in listed, "00:00" in listed) == (True, False)
    args = (
        "--away",
        "France",
        "--kickoff",
        "1931-11-29T18:00+03:00",
        "--leg",
        "2",
        "--first-leg",
        "2-1",
        "--no-neutral",
    )
    changed = json.loads(livescore("match", "change", match_id, *args, "--json").stdout)
    assert (changed["away"], changed["first_leg"], changed["neutral"]) == ("France", [2, 1], False)
    assert "leg 2, 2–1 on aggregate" in livescore("match", "show", match_id).stdout
    asked = livescore("match", "remove", match_id)
    assert (asked.returncode, "--yes" in asked.stderr) == (1, True)
    assert livescore("match", "remove", match_id, "--yes").stdout == f"{match_id} is removed\n"
    assert "There is no match" in livescore("match", "show", match_id).stderr


def test_a_match_that_goes_wrong_from_the_terminal(livescore: Any, match: str) -> None:
    """Events without a minute, a card on the bench, a suspension and an award: applied, and in the list in words."""
    for args in (
        ("event", match, "yellow_card", "--team", "home", "--player", "Scaloni", "--bench"),
        ("event", match, "kick_off"),
        ("goal", match, "home"),
        ("event", match, "substitution", "--team", "away", "--player-off", "Giroud", "--no-replacement"),
        ("event", match, "var_decision", "--decision", "checking", "--team", "home"),
        ("event", match, "suspended", "--reason", "floodlights", "--id", "dark"),
        ("event", match, "resumed", "--id", "light"),
        ("event", match, "cancellation", "--cancels", "light", "--reason", "still dark"),
        ("event", match, "abandoned"),
        ("event", match, "awarded", "--score", "0-3", "--reason", "home side walked off"),
    ):
        ran = livescore(*args)
        assert ran.returncode == 0, (args, ran.stdout, ran.stderr)
    shown = livescore("match", "show", match).stdout
    for words in (
        "Argentina 0–3 France, awarded",
        "Yellow card on the bench, Scaloni",
        "Giroud goes off, no",
        "VAR: checking",
        "Suspended: floodlights",
        "Resumed taken back: still dark",
        "Awarded 0–3: home side walked",
    ):
        assert words in shown, shown
    watched = livescore("watch", match, "--until-full-time").stdout
    assert "Abandoned" in watched


@pytest.mark.parametrize("wrong", ["[]", "{", '{"home": ["A", ""]}', '{"home": ["A"], "away": "B"}', "[" * 100_000])
def test_a_file_of_players_that_is_none_is_a_sentence(tmp_path: Path, wrong: str) -> None:
    """A file of players that cannot be used is named, with the form that it should have."""
    file = tmp_path / "players.json"
    file.write_text(wrong)
    ran = CliRunner().invoke(app, ["match", "change", "m", "--lineups", str(file)])
    assert (ran.exit_code, ran.output.startswith("livescore: --lineups")) == (2, True), ran.output


def test_what_was_set_aside_is_listed_and_dropped(livescore: Any, system: System, match_id: str) -> None:
    """Poison on the stream is found by its match with its reason; dropped by hand it is gone, and only after a yes."""
    data = json.dumps({"match": match_id, "v": 99}).encode()
    client(system, "kinesis").put_record(StreamName=system.resolve("stream"), Data=data, PartitionKey="any")

    def listed() -> list[dict[str, Any]]:
        messages = json.loads(livescore("redrive", "--json").stdout)["messages"]
        return [each for each in messages if each["match"] == match_id]

    [message] = until(listed, seconds=30)
    assert (message["kind"], message["reason"]) == ("record", "not a record of version 1")
    assert match_id in livescore("redrive").stdout
    refused = livescore("redrive", "--drop", message["id"])
    assert (refused.returncode, "--yes" in refused.stderr) == (1, True)
    assert len(listed()) == 1
    dropped = livescore("redrive", "--drop", "--yes", message["id"][:13])
    assert (dropped.returncode, "dropped" in dropped.stdout) == (0, True)
    assert listed() == []


@pytest.mark.parametrize(
    ("options", "status", "said"),
    [
        (("--send", "no-such-id"), 1, "No message has an id"),
        (("--send",), 2, "which"),
        (("--all",), 2, "which"),
        (("--send", "--drop", "--all"), 2, "not both"),
        (("--api", "https://api.example.com/"), 1, "--aws"),
        (("--api", "http://127.0.0.1:1/_aws/execute-api/livescoreapi/$default"), 1, "running?"),
    ],
)
def test_a_redrive_that_makes_no_sense_says_so(
    livescore: Any, options: tuple[str, ...], status: int, said: str
) -> None:
    """With a sentence and an exit status, and without touching a message."""
    ran = livescore("redrive", *options)
    assert (ran.returncode, said in ran.stderr, "Traceback" in ran.stderr) == (status, True, False), ran.stderr


def test_a_port_in_use_is_said_clearly() -> None:
    """The port is taken: a sentence, exit status 1, and nothing is left running."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ran = subprocess.run(
            [LIVESCORE, "up", "--port", str(port)], capture_output=True, text=True, timeout=120, check=False
        )
    assert ran.returncode == 1
    assert f"Port {port} is in use" in ran.stderr


def test_an_id_is_never_cut_short(livescore: Any, operator: Operator, match_id: str) -> None:
    """However long the names are, an event's id can be copied from ``match show`` into the next command."""
    name = "Verein für Bewegungsspiele Traditionsgemeinschaft"
    longest = "3cdbccfc-fdeb-4c0d-a8b0-0123456789ab"
    operator.create_match(match=match_id, home=f"{name} Ost", away=f"{name} West", kickoff="2022-12-18T15:00:00Z")
    goal = {"kind": "goal", "team": "home", "minute": 3, "player": name, "event_id": longest}
    operator.play(match_id, {"kind": "kick_off"}, goal)
    assert longest in livescore("match", "show", match_id).stdout


def test_a_match_is_reset_from_the_terminal(livescore: Any, match: str) -> None:
    """Nothing is removed without a yes; then everything is, place by place, and a second time nothing is left."""
    assert livescore("event", match, "kick_off").returncode == 0
    asked = livescore("match", "reset", match)
    assert (asked.returncode, "--yes" in asked.stderr) == (1, True)
    assert livescore("match", "show", match).returncode == 0
    removed = livescore("match", "reset", match, "--yes", "--json")
    assert removed.returncode == 0, removed.stderr
    found = json.loads(removed.stdout)
    assert (found["match"], found["home"]["removed"]["event"]) == (match, 1)
    assert found["cells"]["us-east-1"]["removed"]["state"] == 1
    # A process of the API keeps what it has read for a second.
    until(lambda: "There is no match" in livescore("match", "show", match).stderr, "the match is still shown")
    # Nobody knows any more how many shards the match had: all that there may be are looked through.
    assert livescore("match", "reset", match, "--yes").stdout == "home: nothing\nus-east-1: nothing\n"
    refused = livescore("match", "reset", "audience#x", "--yes")
    assert refused.returncode == 2
    assert "is not the id of a match" in refused.stderr


def test_a_message_from_the_terminal(livescore: Any, system: System, dynamodb: Any) -> None:
    """``tell`` says how many connections took the message, and how many were gone."""
    listeners = Listeners(system.name("subscriptions"), dynamodb)
    listeners.add("terminal", "goneGoneGone=")
    told = livescore("tell", "terminal", "bet-settled", "--body", '{"won": 3}')
    assert (told.returncode, told.stdout) == (0, "0 connections of terminal took bet-settled; 1 more had gone.\n")
    told = livescore("tell", "terminal", "bet-settled", "--json")
    assert json.loads(told.stdout) == {
        "subject": "terminal", "key": "bet-settled", "taken": 0, "pruned": 0, "failed": 0,
        "cells": {"us-east-1": {"taken": 0, "pruned": 0, "failed": 0}},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [(["two words"], "KEY"), (["k", "--body", "{"], "--body is JSON")],
)
def test_a_message_with_a_slip_is_not_sent(livescore: Any, arguments: list[str], sentence: str) -> None:
    """A key that the API would refuse, and a body that is no JSON, end the command with status 2 and a sentence."""
    told = livescore("tell", "terminal", *arguments)
    assert (told.returncode, sentence in told.stderr) == (2, True)

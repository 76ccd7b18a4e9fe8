"""The desk's keys on keyboards of other scripts and layouts, by key events as the browser gets them from the system."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

from tests.web.desk import desk_of

if TYPE_CHECKING:
    from playwright.async_api import CDPSession

    from tests.web.conftest import Stage
    from tests.web.desk import Desk
    from tests.web.looking import Looker

SHIFT, CTRL, ALT, META = 8, 2, 1, 4


async def typed(keyboard: CDPSession, key: str, code: str, modifiers: int = 0) -> None:
    """Press a key: what it writes, and where a US keyboard has it."""
    about = {"key": key, "code": code, "modifiers": modifiers}
    await keyboard.send("Input.dispatchKeyEvent", {"type": "rawKeyDown", **about})
    await keyboard.send("Input.dispatchKeyEvent", {"type": "keyUp", **about})


async def keyboard_of(desk: Desk) -> CDPSession:
    """The keyboard of a desk's page."""
    return await desk.page.context.new_cdp_session(desk.page)


@pytest.mark.parametrize(
    ("goal", "booked"),
    [
        pytest.param("р", ("Н", "KeyY"), id="russian"),
        pytest.param("η", ("Υ", "KeyY"), id="greek"),
        pytest.param("ا", ("إ", "KeyY"), id="arabic"),
        pytest.param("ㅗ", ("ㅛ", "KeyY"), id="korean"),
    ],
)
async def test_keys_work_by_their_place(stage: Stage, looker: Looker, goal: str, booked: tuple[str, str]) -> None:
    """Without Latin letters the key at the place of H is the goal; with Shift a card is the away side's."""
    match = stage.match()
    stage.post(match, "kick_off")
    desk = await desk_of(stage, looker, match)
    keyboard = await keyboard_of(desk)
    await typed(keyboard, goal, "KeyH")
    await desk.counted("goal")
    await typed(keyboard, *booked, SHIFT)
    await desk.counted("yellow_card")
    assert [event.get("team") for event in desk.audit()] == [None, "home", "away"]


async def test_a_latin_keyboard_goes_by_its_letters(stage: Stage, looker: Looker) -> None:
    """On AZERTY the A that is written counts; Q at its place, a digit's é and the comma at M's place do nothing."""
    match = stage.match()
    stage.post(match, "kick_off")
    desk = await desk_of(stage, looker, match)
    keyboard = await keyboard_of(desk)
    for key, code in (("q", "KeyA"), ("é", "Digit2"), (",", "KeyM"), ("Dead", "BracketLeft"), ("&", "Digit1")):
        await typed(keyboard, key, code)
    await expect(desk.page.locator("input[name=sort][value=goal]")).to_be_checked()
    assert await desk.page.evaluate("document.activeElement.id") != "minute"
    for modifiers in (CTRL, ALT, META, CTRL | ALT):
        await typed(keyboard, "р", "KeyH", modifiers)
    await typed(keyboard, "a", "KeyQ")
    await desk.counted("goal")
    await desk.all_sent()
    assert [event.get("team") for event in desk.audit()] == [None, "away"]


async def test_caps_lock_changes_nothing(stage: Stage, looker: Looker) -> None:
    """With CapsLock a letter is the home side's, and with Shift the away side's, as without."""
    match = stage.match()
    stage.post(match, "kick_off")
    desk = await desk_of(stage, looker, match)
    keyboard = await keyboard_of(desk)
    await typed(keyboard, "R", "KeyR")
    await desk.counted("red_card")
    await typed(keyboard, "r", "KeyR", SHIFT)
    await desk.counted("red_card", 2)
    assert [event.get("team") for event in desk.audit()] == [None, "home", "away"]


async def test_an_input_method_composes_in_a_field(stage: Stage, looker: Looker) -> None:
    """While a Korean name is composed, keys belong to the field: nothing is posted, and the name arrives whole."""
    match = stage.match()
    stage.post(match, "kick_off")
    desk = await desk_of(stage, looker, match)
    keyboard = await keyboard_of(desk)
    await typed(keyboard, "ㅔ", "KeyP")
    assert await desk.page.evaluate("document.activeElement.id") == "player"
    await keyboard.send("Input.imeSetComposition", {"text": "손흥", "selectionStart": 2, "selectionEnd": 2})
    await typed(keyboard, "Process", "KeyH")
    await keyboard.send(
        "Input.dispatchKeyEvent", {"type": "rawKeyDown", "key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 229}
    )
    assert await desk.page.evaluate("document.activeElement.id") == "player"
    await keyboard.send("Input.insertText", {"text": "손흥민"})
    await desk.press("Enter")
    await typed(keyboard, "ㅗ", "KeyH")
    await desk.counted("goal")
    await desk.all_sent()
    assert [event.get("player") for event in desk.audit()] == [None, "손흥민"]


async def test_a_late_undo_says_so(stage: Stage, looker: Looker) -> None:
    """`U` with nothing to undo shows a sentence, and takes nothing back."""
    match = stage.match()
    stage.post(match, "kick_off")
    desk = await desk_of(stage, looker, match)
    await desk.press("u")
    await expect(desk.page.locator("#told")).to_have_text("There is nothing left to undo. Cancel it in the timeline.")
    await expect(desk.page.locator("#told")).to_be_visible()
    await expect(desk.page.locator("#told")).to_be_hidden()
    assert desk.kinds() == ["kick_off"]

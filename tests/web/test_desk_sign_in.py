"""Signing in at the desk with an authorization code and PKCE, against Cognito's own page as MiniStack serves it."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.async_api import expect

from devstack.stack.provision import client
from devstack.system import HTTP_API_ID
from tests.web.desk import Desk
from tests.web.looking import live

if TYPE_CHECKING:
    from playwright.async_api import Page, Route

    from tests.web.conftest import Stage
    from tests.web.looking import Looker

PASSWORD = f"Aa1!{secrets.token_hex(8)}"


@pytest.fixture(scope="module")
def provider(stage: Stage) -> dict[str, str]:
    """The entry of deployment.json for an app client for people, and a user of it."""
    cognito = client(stage.system, "cognito-idp")
    pool = next(
        each["Id"]
        for each in cognito.list_user_pools(MaxResults=60)["UserPools"]
        if each["Name"] == stage.system.name("users")
    )
    scope = stage.system.resolve("setting.operator_scope")
    made = cognito.create_user_pool_client(
        UserPoolId=pool,
        ClientName="desk",
        GenerateSecret=False,
        AllowedOAuthFlows=["code"],
        AllowedOAuthFlowsUserPoolClient=True,
        AllowedOAuthScopes=[scope],
        CallbackURLs=[f"{stage.site}operator.html"],
        SupportedIdentityProviders=["COGNITO"],
    )["UserPoolClient"]["ClientId"]
    cognito.admin_create_user(UserPoolId=pool, Username="referee", MessageAction="SUPPRESS")
    cognito.admin_set_user_password(UserPoolId=pool, Username="referee", Password=PASSWORD, Permanent=True)
    gateway = client(stage.system, "apigatewayv2")
    [authorizer] = gateway.get_authorizers(ApiId=HTTP_API_ID)["Items"]
    accepted = authorizer["JwtConfiguration"]
    gateway.update_authorizer(
        ApiId=HTTP_API_ID,
        AuthorizerId=authorizer["AuthorizerId"],
        JwtConfiguration={**accepted, "Audience": [*accepted["Audience"], made]},
    )
    endpoint = stage.system.endpoint
    return {
        "authorize_url": f"{endpoint}/oauth2/authorize",
        "token_url": f"{endpoint}/oauth2/token",
        "client_id": made,
        "scope": scope,
    }


async def test_an_operator_signs_in(stage: Stage, looker: Looker, provider: dict[str, str]) -> None:
    """Away to the provider's page and back to the same match; what was pressed before it waits for "Post"."""
    match = "web-sign-in"
    stage.operator.create_match(match=match, home="A", away="B", kickoff="2022-12-18T15:00:00Z")
    # On AWS the policy names the provider; here it names only the cells.
    page = await looker.blank(bypass_csp=True)
    addresses: list[str] = []
    page.on("framenavigated", lambda frame: addresses.append(frame.url))
    await with_provider(page, stage, provider)
    await page.goto(f"{stage.site}operator.html?match={match}")
    await live(page)
    desk = Desk(page, stage, match)
    await expect(page.locator("#whistles")).to_contain_text("Kick-off")
    await desk.press("n")
    await expect(desk.notice("token")).to_contain_text("1 event is kept here and not sent yet")
    await page.locator("#open-token").click()
    await page.locator("#sign-in").click()
    await page.locator("#username").fill("referee")
    asked = parse_qs(urlsplit(page.url).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["state"][0] not in asked["code_challenge"][0]
    await page.locator("#password").fill(PASSWORD)
    await page.keyboard.press("Enter")
    await expect(page.locator("#waiting li")).to_contain_text("while nobody was signed in")
    assert desk.kinds() == []
    await page.locator("#waiting").get_by_role("button", name="Post").click()
    await desk.counted("kick_off")
    await expect(page.locator("#open-token")).to_have_text("Signed in")
    assert page.url == f"{stage.site}operator.html?match={match}"
    assert desk.kinds() == ["kick_off"]
    await page.locator("#open-token").click()
    await expect(page.locator("#token-about")).to_contain_text("Signed in as \u2068referee\u2069.")
    stored = await page.evaluate("Object.keys(sessionStorage).sort()")
    assert "livescore.sign-in" not in stored
    token = await page.evaluate("sessionStorage.getItem('livescore.operator.token')")
    assert token
    assert not any(token[-20:] in address for address in addresses)


async def test_an_answer_that_nobody_asked_for(stage: Stage, looker: Looker, provider: dict[str, str]) -> None:
    """A code with a state that this tab did not send is not exchanged, and leaves the address."""
    # On AWS the policy names the provider; here it names only the cells.
    page = await looker.blank(bypass_csp=True)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "oauth2/token" in request.url else None)
    await with_provider(page, stage, provider)
    under_way = '{"state": "sent", "verifier": "v", "search": ""}'
    await page.add_init_script(f"sessionStorage.setItem('livescore.sign-in', '{under_way}')")
    await page.goto(f"{stage.site}operator.html?code=stolen&state=forged")
    await expect(page.locator("[data-notice=token]")).to_contain_text("That sign-in was not begun here.")
    assert page.url == f"{stage.site}operator.html"
    assert asked == []


async def with_provider(page: Page, stage: Stage, provider: dict[str, str]) -> None:
    """Have the site say that operators sign in at a provider."""

    async def deployment(route: Route) -> None:
        answer = await route.fetch()
        about: dict[str, Any] = {**await answer.json(), "operators": {"sign_in": provider}}
        await route.fulfill(response=answer, json=about)

    await page.context.route("**/deployment.json", deployment)

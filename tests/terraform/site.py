"""The static site, the snapshots and the operators' way to the API behind CloudFront."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from api.list_max_age import LIST_SECONDS
from subscriptions import authorizer
from tests.support import environment
from tests.terraform import broadcasting
from tests.terraform.applied import GATEWAY, listed, statements

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.terraform.applied import Applied, Cell, Resource


CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
"""AWS's policy that keeps nothing
(https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-cache-policies.html)."""

ALL_BUT_HOST = "b689b0a8-53d0-40ab-baf2-68738e2966ac"
"""AWS's policy that passes all on but Host
(https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-origin-request-policies.html)."""


def distribution(applied: Applied) -> list[str]:
    """The faults in what CloudFront passes on, keeps, or lets through."""
    [cloudfront] = applied.of("aws_cloudfront_distribution")
    found = []
    snapshots = [each for each in cloudfront["ordered_cache_behavior"] if each["path_pattern"] == "/matches*"]
    if not snapshots:
        return ["/matches* is not the API's"]
    [behavior] = snapshots
    if behavior["origin_request_policy_id"]:
        found.append("an origin request policy passes more on to the API, Host among it")
    if not set(behavior["allowed_methods"]) <= {"GET", "HEAD"}:
        found.append("CloudFront lets more than reading through")
    if (
        behavior["viewer_protocol_policy"] == "allow-all"
        or cloudfront["default_cache_behavior"][0]["viewer_protocol_policy"] == "allow-all"
    ):
        found.append("CloudFront answers in the clear")
    policies = [each for each in applied.of("aws_cloudfront_cache_policy") if each["id"] == behavior["cache_policy_id"]]
    if len(policies) != 1:
        return [*found, "the snapshots' cache policy is not ours"]
    found += _kept(policies[0])
    slow = [
        each["error_code"] for each in cloudfront["custom_error_response"] or [] if each["error_caching_min_ttl"] > 1
    ]
    found += [f"an error {code} is kept for more than a second" for code in slow]
    if 404 not in {each["error_code"] for each in cloudfront["custom_error_response"] or []}:
        found.append("an error 404 is kept for ten seconds")
    api = next(each for each in cloudfront["origin"] if each["origin_id"] == behavior["target_origin_id"])
    home = applied.api("HTTP", applied.home)
    if home is None or api["domain_name"] not in _hosts(applied, home):
        found.append(f"snapshots are asked of {api['domain_name']}, which is not the HTTP API")
    if any(each["origin_protocol_policy"] != "https-only" for each in api["custom_origin_config"]):
        found.append("CloudFront asks the API in the clear")
    return found


def shielded(applied: Applied) -> list[str]:
    """The faults of Origin Shield, without which each regional edge cache asks the API for itself.

    AWS says which region is for which home:
    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/origin-shield.html, choose-origin-shield-region.
    """
    [cloudfront] = applied.of("aws_cloudfront_distribution")
    regions = json.loads((applied.root / "terraform/origin_shield.json").read_text())
    near = applied.home if applied.home in regions["regions"] else regions["instead"].get(applied.home)
    shields = {
        each["origin_id"]: [
            shield["origin_shield_region"] for shield in each["origin_shield"] or [] if shield["enabled"]
        ]
        for each in cloudfront["origin"]
    }
    if not shields["api"]:
        return ["every regional edge cache asks the API: there is no Origin Shield"]
    return [] if shields["api"] == [near] else [f"Origin Shield is in {shields['api']}, and {near} is near home"]


def operators(applied: Applied) -> list[str]:
    """The faults in the way from the desk to the API: the token must get there, and to nobody else."""
    [cloudfront] = applied.of("aws_cloudfront_distribution")
    path = described(applied)["operators"]["path"]
    found = [each for each in cloudfront["ordered_cache_behavior"] if each["path_pattern"] == path]
    if not found:
        return [f"{path} is not the API's"]
    [behavior] = found
    wrong = []
    if behavior["target_origin_id"] != "api":
        wrong.append(f"{path} leads to {behavior['target_origin_id']}")
    if behavior["cache_policy_id"] != CACHING_DISABLED:
        wrong.append("what operators are told may be kept for others")
    if behavior["origin_request_policy_id"] != ALL_BUT_HOST:
        wrong.append("the operators' Authorization, or too much, is passed on to the API")
    if not {"GET", "POST", "PATCH"} <= set(behavior["allowed_methods"]):
        wrong.append("operators may not post")
    if behavior["viewer_protocol_policy"] != "https-only":
        wrong.append("operators' tokens may come in the clear")
    functions = {each["arn"]: each for each in applied.of("aws_cloudfront_function")}
    used = [
        functions[each["function_arn"]]
        for each in behavior["function_association"] or []
        if each["event_type"] == "viewer-request" and each["function_arn"] in functions
    ]
    source = (applied.root / "terraform/modules/web/operators.js").read_text()
    if [each["code"] for each in used] != [source] or not all(each["publish"] for each in used):
        wrong.append("the prefix is not taken off the path")
    elif used[0]["runtime"] != "cloudfront-js-2.0":
        wrong.append(f"the prefix is taken off by {used[0]['runtime']}")
    policy = _headers(applied, behavior)
    if policy is None or policy["cors_config"]:
        wrong.append("another site's page may read what operators are told")
    return wrong


def listeners(applied: Applied) -> list[str]:
    """The faults in the way of a viewer's request for its service, to which the viewer's token must come."""
    [cloudfront] = applied.of("aws_cloudfront_distribution")
    path = described(applied)["listeners"]["path"]
    found = [each for each in cloudfront["ordered_cache_behavior"] if each["path_pattern"] == path]
    if not found:
        return [f"{path} is not the API's"]
    [behavior] = found
    wrong = []
    if behavior["target_origin_id"] != "api":
        wrong.append(f"{path} leads to {behavior['target_origin_id']}")
    if behavior["cache_policy_id"] != CACHING_DISABLED:
        wrong.append("a viewer's token for its service may be kept for others")
    if behavior["origin_request_policy_id"] != ALL_BUT_HOST:
        wrong.append("the viewer's Authorization does not come to the API")
    if behavior["viewer_protocol_policy"] != "https-only":
        wrong.append("viewers' tokens may come in the clear")
    if "OPTIONS" not in behavior["allowed_methods"] or _functions(applied, behavior) != ["listeners"]:
        wrong.append("nobody answers a page of another origin that asks whether it may send a token")
    policy = _headers(applied, behavior)
    [cors] = policy["cors_config"] if policy else [{"access_control_allow_headers": []}]
    allowed = [each["items"] for each in cors["access_control_allow_headers"]]
    if not any("Authorization" in each for each in allowed):
        wrong.append("a page of another origin may not send Authorization")
    return wrong


def _functions(applied: Applied, behavior: Mapping[str, Any]) -> list[str]:
    """The files of the CloudFront functions at a behavior's requests, without their endings."""
    used = {each["function_arn"] for each in behavior["function_association"] or []}
    folder = applied.root / "terraform/modules/web"
    return [
        path.stem
        for each in applied.of("aws_cloudfront_function")
        for path in sorted(folder.glob("*.js"))
        if each["arn"] in used and each["code"] == path.read_text()
    ]


def forwarded(applied: Applied) -> list[str]:
    """Paths and methods that CloudFront passes on to the API and that site.json does not name."""
    [cloudfront] = applied.of("aws_cloudfront_distribution")
    site = described(applied)
    named = {site[name]["path"]: site[name]["methods"] for name in ("readers", "listeners", "operators")}
    patterns = [each["path_pattern"] for each in cloudfront["ordered_cache_behavior"]]
    if twice := sorted({each for each in patterns if patterns.count(each) > 1}):
        # CloudFront takes the first, and the other would not be looked at.
        return [f"two behaviors are for {path}" for path in twice]
    behaviors = {each["path_pattern"]: each for each in cloudfront["ordered_cache_behavior"]}
    pages = cloudfront["default_cache_behavior"][0]
    found = _ways(cloudfront, {**behaviors, "every other path": pages}, site)
    found += [f"{path} is passed on, which site.json does not name" for path in behaviors.keys() - named.keys()]
    found += [
        f"{path} takes {sorted(set(behavior['allowed_methods']) ^ set(named[path]))} other than site.json says"
        for path, behavior in behaviors.items()
        if path in named and set(behavior["allowed_methods"]) != set(named[path])
    ]
    if pages["target_origin_id"] != "site" or set(pages["allowed_methods"]) != {"GET", "HEAD"}:
        found.append("every other path is passed on, or takes more than reading")
    found += [
        f"the origin {each['origin_id']} is asked below {each['origin_path']}"
        for each in cloudfront["origin"]
        if each["origin_path"]
    ]
    others = {each["origin_id"] for each in cloudfront["origin"]} - {"site", "api"}
    return found + [f"there is another origin, {each}" for each in sorted(others)]


def _ways(cloudfront: Resource, behaviors: Mapping[str, Mapping[str, Any]], site: Mapping[str, Any]) -> list[str]:
    """The things that change a request on its way: code, headers, other origins, error pages."""
    found = []
    for path, behavior in behaviors.items():
        if behavior.get("lambda_function_association"):
            found.append(f"a function at the edge changes {path}")
        functions = len(behavior.get("function_association") or [])
        if functions != (path.startswith(("/operators", "/listeners"))):
            found.append(f"{functions} CloudFront functions change {path}")
        if behavior.get("forwarded_values"):
            found.append(f"{path} passes on what no policy names")
        if behavior.get("origin_request_policy_id") and not path.startswith(("/operators", "/listeners")):
            found.append(f"{path} passes on more than its cache policy says")
    api = [each for each in cloudfront["origin"] if each["origin_id"] == "api"]
    for origin in cloudfront["origin"]:
        # The key of the site, which the API asks for, is the one header of ours (site_key.py).
        names = [each["name"] for each in origin.get("custom_header") or []]
        if names != ([site["key_header"]] if origin["origin_id"] == "api" else []):
            found.append(f"the origin {origin['origin_id']} is sent the headers {names}")
        if origin["origin_id"] != "api" and any(origin["domain_name"] == each["domain_name"] for each in api):
            found.append(f"the origin {origin['origin_id']} is the API as well")
    if cloudfront["origin_group"]:
        found.append("a group of origins may ask another one")
    if any(
        each.get("response_page_path") or each.get("response_code")
        for each in cloudfront["custom_error_response"] or []
    ):
        found.append("an error is answered with another page")
    return found


def as_described(applied: Applied) -> list[str]:
    """Headers that differ from those that site.json lists, which devstack's site sends."""
    [cloudfront] = applied.of("aws_cloudfront_distribution")
    site = described(applied)
    behaviors = {each["path_pattern"]: each for each in cloudfront["ordered_cache_behavior"]}
    pages = cloudfront["default_cache_behavior"][0]
    found = []
    for name, behavior in (
        ("pages", pages),
        ("readers", behaviors.get(site["readers"]["path"])),
        ("operators", behaviors.get(site["operators"]["path"])),
    ):
        policy = _headers(applied, behavior) if behavior else None
        sent = _sent(policy) if policy else {}
        wanted = dict(site[name]["headers"])
        if name == "pages":
            sent.pop("Content-Security-Policy", None)  # a deployment's own: see pages()
        found += [
            f"{name}: {each} is {sent.get(each)!r}, and {wanted.get(each)!r} in site.json"
            for each in sorted(sent.keys() | wanted.keys())
            if sent.get(each) != wanted.get(each)
        ]
    return found


def deployment(applied: Applied) -> list[str]:
    """The facts that deployment.json does not tell the pages, or tells wrong."""
    files = [each for each in applied.of("aws_s3_object") if each["key"] == "deployment.json"]
    if len(files) != 1:
        return ["there is no deployment.json"]
    told = json.loads(files[0]["content"])
    found = []
    if told.get("version") != 1 or not isinstance(told.get("operators"), dict):
        found.append("deployment.json is not as the pages read it")
    cells = {cell.name: cell for cell in applied.cells}
    found += [
        f"deployment.json leads to {url}, which is no cell in {name}"
        for name, url in told.get("websockets", {}).items()
        if name not in cells or not any(url.startswith(socket) for socket in _sockets(applied, cells[name]))
    ]
    found += [
        f"deployment.json has no cell in {cell}"
        for cell in applied.gateway_cells
        if cell.name not in told["websockets"]
    ]
    found += [
        f"deployment.json says of the cell {cell} {told['cells'].get(cell.name)}"
        for cell in applied.cells
        if not _is_address(applied, cell, told["cells"].get(cell.name) or {})
    ]
    found += [f"deployment.json has a cell {name}, which is none" for name in told["cells"].keys() - cells.keys()]
    [cloudfront] = applied.of("aws_cloudfront_distribution")
    policy = _headers(applied, cloudfront["default_cache_behavior"][0])
    allowed = _sent(policy).get("Content-Security-Policy", "") if policy else ""
    sign_in = told.get("operators", {}).get("sign_in")
    if sign_in and re.match("https://[^/]+", sign_in["token_url"])[0] not in allowed.replace(";", " ").split():  # type: ignore[index]
        found.append("the console may not ask for a token where operators sign in")
    return found


def _is_address(applied: Applied, cell: Cell, told: dict[str, str]) -> bool:
    """Whether this is what a viewer needs to connect to the cell."""
    if cell.transport != GATEWAY:
        return told == broadcasting.address(applied, cell)
    url = str(told.get("url"))
    stated = {"transport": cell.transport, "region": cell.region, "url": url}
    return told == stated and any(url.startswith(socket) for socket in _sockets(applied, cell))


def described(applied: Applied) -> dict[str, Any]:
    """The one description of the site."""
    site: dict[str, Any] = json.loads((applied.root / "terraform/site.json").read_text())
    return site


def _hosts(applied: Applied, api: Resource) -> set[str]:
    """Where the API answers: at its own name, or at AWS's where it has none."""
    mappings = applied.of("aws_apigatewayv2_api_mapping", api.region)
    named = {str(each["domain_name"]) for each in mappings if each["api_id"] == api["id"]}
    return named or {f"{api['id']}.execute-api.{api.region}.amazonaws.com"}


def _headers(applied: Applied, behavior: dict[str, Any]) -> Resource | None:
    wanted = behavior["response_headers_policy_id"]
    policies = [each for each in applied.of("aws_cloudfront_response_headers_policy") if each["id"] == wanted]
    return policies[0] if policies else None


def _sent(policy: Resource) -> dict[str, str]:
    """The headers that a policy adds, but for CORS."""
    [blocks] = policy["security_headers_config"] or [{}]
    block = {name: value[0] for name, value in blocks.items() if isinstance(value, list) and value}
    found = {
        each["header"]: each["value"]
        for config in policy["custom_headers_config"] or []
        for each in config["items"] or []
    }
    if "content_security_policy" in block:
        found["Content-Security-Policy"] = block["content_security_policy"]["content_security_policy"]
    if "content_type_options" in block:
        found["X-Content-Type-Options"] = "nosniff"
    if "frame_options" in block:
        found["X-Frame-Options"] = block["frame_options"]["frame_option"]
    if "referrer_policy" in block:
        found["Referrer-Policy"] = block["referrer_policy"]["referrer_policy"]
    if "strict_transport_security" in block:
        hsts = block["strict_transport_security"]
        more = "; includeSubDomains" if hsts["include_subdomains"] else ""
        found["Strict-Transport-Security"] = f"max-age={hsts['access_control_max_age_sec']}{more}"
    return found


def _kept(policy: Resource) -> list[str]:
    [key] = policy["parameters_in_cache_key_and_forwarded_to_origin"]
    found = []
    # The API says how long: LIST_SECONDS for a list on which nothing is played, a second for all else.
    if policy["max_ttl"] != LIST_SECONDS or policy["min_ttl"]:
        found.append(f"a snapshot is kept for up to {max(policy['max_ttl'], policy['min_ttl'] or 0)} seconds")
    if policy["default_ttl"] != 1:
        found.append(f"what says nothing of it is kept for {policy['default_ttl']} seconds")
    if key["headers_config"][0]["header_behavior"] != "none":
        found.append("headers of the caller are passed on to the API")
    if key["cookies_config"][0]["cookie_behavior"] != "none":
        found.append("cookies are passed on to the API")
    if key["query_strings_config"][0]["query_string_behavior"] != "whitelist":
        found.append("all query strings are passed on to the API")
    items = {item for each in key["query_strings_config"][0]["query_strings"] or [] for item in each["items"]}
    if items != {"after", "day", "epoch", "limit", "page", "request"}:
        found.append(f"snapshots are told apart by {sorted(items)}")
    return found


def pages(applied: Applied) -> list[str]:
    """The rights of a page that it should not have, and those that it lacks."""
    [cloudfront] = applied.of("aws_cloudfront_distribution")
    wanted = cloudfront["default_cache_behavior"][0]["response_headers_policy_id"]
    policies = [each for each in applied.of("aws_cloudfront_response_headers_policy") if each["id"] == wanted]
    if len(policies) != 1 or not policies[0]["security_headers_config"]:
        return ["pages have no security headers"]
    [headers] = policies[0]["security_headers_config"]
    if not headers["content_security_policy"]:
        return ["pages have no content security policy"]
    policy = headers["content_security_policy"][0]["content_security_policy"]
    rules = {rule.split()[0]: rule.split()[1:] for rule in policy.split("; ")}
    found = []
    if rules.get("default-src") != ["'none'"]:
        found.append("pages may load anything that is not named")
    if rules.get("script-src") != ["'self'"]:
        found.append(f"pages run scripts of {rules.get('script-src')}")
    if any("unsafe" in source for sources in rules.values() for source in sources):
        found.append("pages run what stands in them")
    reachable = set(rules.get("connect-src", []))
    found += [
        f"pages cannot reach the cell {cell}" for cell in applied.cells if not reachable & _sockets(applied, cell)
    ]
    missing = {"content_type_options", "frame_options", "referrer_policy", "strict_transport_security"}
    return found + [f"pages have no {each}" for each in sorted(missing) if not headers[each]]


def visitors(applied: Applied) -> list[str]:
    """Cells whose authorizer refuses a visitor of the site who has no token: such a visitor gets no live updates."""
    [cloudfront] = applied.of("aws_cloudfront_distribution")
    site = f"https://{[*(cloudfront['aliases'] or []), cloudfront['domain_name']][0]}"
    found = []
    for region in applied.gateway_cells:
        function = applied.function("authorizer", region)
        if function is None or not _lets_in(function["environment"][0]["variables"], site):
            found.append(f"a visitor of {site} gets no live updates from the cell in {region}")
    return found


def _lets_in(variables: dict[str, str], origin: str) -> bool:
    """Whether the authorizer itself, with these environment variables, lets in a page of an origin without a token."""
    event = {
        "methodArn": "arn:aws:execute-api:eu-west-1:000000000000:api/live/$connect",
        "headers": {"Origin": origin},
        "requestContext": {"connectionId": "L0SM9cOFvHcCIhw="},
    }
    context: Any = None
    with environment(variables):
        answer = authorizer.handler(event, context)
    return bool(answer["policyDocument"]["Statement"][0]["Effect"] == "Allow")


def _sockets(applied: Applied, cell: Cell) -> set[str]:
    """Where the viewers of a cell may be told to connect: its domains, or AWS's name where it has none."""
    if cell.transport != GATEWAY:
        return {re.match("(wss|https)://[^/]+", broadcasting.address(applied, cell)["url"])[0]}  # type: ignore[index]
    api = applied.api("WEBSOCKET", cell)
    mapped = [
        each for each in applied.of("aws_apigatewayv2_api_mapping", cell.region) if api and each["api_id"] == api["id"]
    ]
    domains = {f"wss://{each['domain_name']}" for each in mapped}
    return domains or ({f"wss://{api['id']}.execute-api.{cell.region}.amazonaws.com"} if api else set())


def bucket(applied: Applied) -> list[str]:
    """Ways to the site's files around CloudFront."""
    [cloudfront] = applied.of("aws_cloudfront_distribution")
    origin = next(
        each
        for each in cloudfront["origin"]
        if each["origin_id"] == cloudfront["default_cache_behavior"][0]["target_origin_id"]
    )
    found = [] if origin["origin_access_control_id"] else ["CloudFront does not sign its requests to the bucket"]
    shut = ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets")
    for each in applied.of("aws_s3_bucket"):
        blocks = [
            block for block in applied.of("aws_s3_bucket_public_access_block") if block["bucket"] == each["bucket"]
        ]
        if not blocks or not all(blocks[0][name] for name in shut):
            found.append(f"the bucket {each['bucket']} may be made public")
    for policy in applied.of("aws_s3_bucket_policy"):
        allows = [each for each in statements(policy["policy"]) if each["Effect"] == "Allow"]
        found += [
            f"{policy['bucket']} is open to {each['Principal']}" for each in allows if not _of_ours(each, cloudfront)
        ]
        if not any(_denies_clear(each) for each in statements(policy["policy"])):
            found.append(f"{policy['bucket']} may be read in the clear")
    return found


def _of_ours(statement: dict[str, Any], cloudfront: Resource) -> bool:
    """Whether a statement is about our distribution alone."""
    condition = json.dumps(statement.get("Condition", {}))
    return (
        listed(statement["Principal"]) == [{"Service": "cloudfront.amazonaws.com"}]
        and str(cloudfront["arn"]) in condition
    )


def _denies_clear(statement: dict[str, Any]) -> bool:
    return statement["Effect"] == "Deny" and statement.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}}

"""The cells whose service tells every viewer of a channel by itself: addresses, who may publish, and who may hear.

MiniStack asks no role and no policy, so these checks are of the resources that Terraform makes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from tests.terraform.applied import statements

if TYPE_CHECKING:
    from tests.terraform.applied import Applied, Cell, Resource

MOMENTO: Final = {
    "url": "https://api.cache.cell-4-us-west-2-1.prod.a.momentohq.com",
    "cache": "livescore",
    "api_key_parameter": "/livescore/momento",
}
"""The options of a cell of the transport ``momento`` in the deployment that the checks look at."""

PUBLISHES: Final = {
    "appsync:EventPublish": "appsync-events",
    "appsync:GraphQL": "appsync-graphql",
    "iot:Publish": "iot-core",
    "ssm:GetParameter": "momento",
    "states:StartExecution": "api-gateway",
}
"""An action of IAM that tells a cell's viewers, and the transport of the cells that need it."""


def of_cell(applied: Applied, kind: str, cell: Cell) -> list[Resource]:
    """The resources of a type that the module of this cell has made."""
    here = re.compile(rf'module\.cell\w*\["{cell.name}"\]')
    return [each for each in applied.of(kind) if here.search(each.address)]


def hosts(applied: Applied, cell: Cell) -> tuple[str, str]:
    """The hosts of an API of AppSync: for publishes, and for viewers."""
    for events in of_cell(applied, "aws_appsync_api", cell):
        named = events["dns"] or {}
        return (
            named.get("HTTP", f"{events['api_id']}.appsync-api.{cell.region}.amazonaws.com"),
            named.get("REALTIME", f"{events['api_id']}.appsync-realtime-api.{cell.region}.amazonaws.com"),
        )
    [graphql] = of_cell(applied, "aws_appsync_graphql_api", cell)
    # The providers that make nothing choose no names.
    stated = {side: url.split("/")[2] for side, url in (graphql["uris"] or {}).items()}
    return (
        stated.get("GRAPHQL", f"{graphql['id']}.appsync-api.{cell.region}.amazonaws.com"),
        stated.get("REALTIME", f"{graphql['id']}.appsync-realtime-api.{cell.region}.amazonaws.com"),
    )


def iot_endpoint(applied: Applied, cell: Cell) -> str:
    """The host where IoT Core takes publishes of the account in the cell's region."""
    [endpoint] = of_cell(applied, "aws_iot_endpoint", cell)
    assert endpoint["endpoint_type"] == "iot:Data-ATS"
    return str(endpoint["endpoint_address"])


def address(applied: Applied, cell: Cell) -> dict[str, str]:
    """The entry of deployment.json for a cell of these transports."""
    known = {"transport": cell.transport, "region": cell.region, "namespace": applied.prefix}
    match cell.transport:
        case "appsync-events":
            http, realtime = hosts(applied, cell)
            return known | {"url": f"wss://{realtime}/event/realtime", "host": http}
        case "appsync-graphql":
            http, realtime = hosts(applied, cell)
            return known | {"url": f"wss://{realtime}/graphql", "host": http}
        case "iot-core":
            [domain] = of_cell(applied, "aws_iot_domain_configuration", cell)
            return known | {"url": f"wss://{domain['domain_name']}/mqtt"}
    return known | {"url": MOMENTO["url"], "cache": MOMENTO["cache"]}


def publish_rights(applied: Applied) -> list[str]:
    """Functions that may publish to more than the cells' own channels, or to fewer."""
    wanted = {(action, arn) for cell in applied.cells for action, arn in _rights(applied, cell).items()}
    found = []
    ours = PUBLISHES.keys() - {"states:StartExecution"}
    for name in ("api", "fanout", "watchdog"):
        function = applied.function(name, applied.home)
        allowed = set() if function is None else _allowed(applied.policy(function), ours)
        found += [f"{name} may not {action} on {arn}" for action, arn in sorted(wanted - allowed)]
        found += [f"{name} may {action} on {arn}, which no cell needs" for action, arn in sorted(allowed - wanted)]
    return found


def _rights(applied: Applied, cell: Cell) -> dict[str, str]:
    """The one right that a publisher needs in a cell, as action = resource."""
    account = str(applied.of("aws_sqs_queue")[0]["arn"]).split(":")[4]
    match cell.transport:
        case "appsync-events":
            [api] = of_cell(applied, "aws_appsync_api", cell)
            apis = f"arn:aws:appsync:{cell.region}:{account}:apis/{api['api_id']}"
            return {"appsync:EventPublish": f"{apis}/channelNamespace/{applied.prefix}"}
        case "appsync-graphql":
            [graphql] = of_cell(applied, "aws_appsync_graphql_api", cell)
            apis = f"arn:aws:appsync:{cell.region}:{account}:apis/{graphql['id']}"
            return {"appsync:GraphQL": f"{apis}/types/Mutation/fields/publish"}
        case "iot-core":
            return {"iot:Publish": f"arn:aws:iot:{cell.region}:{account}:topic/{applied.prefix}/*"}
        case "momento":
            return {"ssm:GetParameter": f"arn:aws:ssm:{applied.home}:{account}:parameter{MOMENTO['api_key_parameter']}"}
    return {}


def _allowed(policy: list[dict[str, Any]], actions: set[str]) -> set[tuple[str, str]]:
    """The pairs of action and resource that a policy allows, of these actions' services."""
    services = {each.partition(":")[0] for each in actions}
    return {
        (action, arn)
        for statement in policy
        for action in statement["Action"]
        for arn in statement["Resource"]
        if action.partition(":")[0] in services
    }


def listeners(applied: Applied) -> list[str]:
    """Ways to hear, or to publish, that do not ask the cell's authorizer or IAM."""
    found = [f"{each.address} lets whoever has the key in" for each in applied.of("aws_appsync_api_key")]
    found += [
        f"{each.address} allows {', '.join(statement['Action'])} to whatever it is attached to"
        for each in applied.of("aws_iot_policy")
        for statement in statements(each["policy"])
        if statement["Effect"] == "Allow"
    ]
    checks = {"appsync-events": _events, "appsync-graphql": _graphql, "iot-core": _iot}
    for cell in applied.cells:
        found += [f"the cell {cell}: {each}" for each in checks.get(cell.transport, _nothing)(applied, cell)]
    return found


def _nothing(applied: Applied, cell: Cell) -> list[str]:
    del applied, cell
    return []


def _events(applied: Applied, cell: Cell) -> list[str]:
    apis, namespaces = (
        of_cell(applied, "aws_appsync_api", cell),
        of_cell(applied, "aws_appsync_channel_namespace", cell),
    )
    if len(apis) != 1 or [each["name"] for each in namespaces] != ["livescore"]:
        return ["there is not one Event API with the namespace livescore"]
    [config] = apis[0]["event_config"]
    providers = {each["auth_type"]: each for each in config["auth_provider"]}
    found = _unequal("takes", sorted(providers), ["AWS_IAM", "AWS_LAMBDA"])
    for what, modes in {
        "connections by": config["connection_auth_mode"],
        "subscriptions by": config["default_subscribe_auth_mode"],
        "subscriptions in the namespace by": namespaces[0]["subscribe_auth_mode"],
    }.items():
        found += _unequal(f"takes {what}", [each["auth_type"] for each in modes or []], ["AWS_LAMBDA"])
    for what, modes in {
        "publishes by": config["default_publish_auth_mode"],
        "publishes in the namespace by": namespaces[0]["publish_auth_mode"],
    }.items():
        found += _unequal(f"takes {what}", [each["auth_type"] for each in modes or []], ["AWS_IAM"])
    lambdas = providers.get("AWS_LAMBDA", {}).get("lambda_authorizer_config") or []
    found += _asks(applied, cell, "events_authorizer", [each["authorizer_uri"] for each in lambdas])
    found += _unequal("keeps answers for", [each["authorizer_result_ttl_in_seconds"] for each in lambdas], [0])
    return found + _log(applied, cell, apis[0]["api_id"], [each["log_level"] for each in config["log_config"] or []])


def _graphql(applied: Applied, cell: Cell) -> list[str]:
    apis = of_cell(applied, "aws_appsync_graphql_api", cell)
    if len(apis) != 1:
        return ["there is not one GraphQL API"]
    [api] = apis
    others = api["additional_authentication_provider"] or []
    found = _unequal("takes", [api["authentication_type"]], ["AWS_IAM"])
    found += _unequal("takes beside IAM", [each["authentication_type"] for each in others], ["AWS_LAMBDA"])
    lambdas = [config for each in others for config in each["lambda_authorizer_config"] or []]
    found += _asks(applied, cell, "graphql_authorizer", [each["authorizer_uri"] for each in lambdas])
    found += _unequal("keeps answers for", [each["authorizer_result_ttl_in_seconds"] for each in lambdas], [0])
    found += _unequal("shows its schema:", [api["introspection_config"]], ["DISABLED"])
    files = applied.root / "terraform/graphql"
    if api["schema"] != (files / "schema.graphql").read_text():
        found.append("its schema is not terraform/graphql/schema.graphql")
    resolvers = {(each["type"], each["field"]): each["code"] for each in of_cell(applied, "aws_appsync_resolver", cell)}
    wanted = {("Mutation", "publish"): "publish.js", ("Subscription", "onFrame"): "subscribe.js"}
    if resolvers != {field: (files / name).read_text() for field, name in wanted.items()}:
        found.append("its resolvers are not those of terraform/graphql: a viewer may hear what it may not")
    logs = api["log_config"] or []
    found += _unequal("logs headers:", [not each["exclude_verbose_content"] for each in logs], [False])
    return found + _log(applied, cell, api["id"], [each["field_log_level"] for each in logs])


def _iot(applied: Applied, cell: Cell) -> list[str]:
    authorizers = of_cell(applied, "aws_iot_authorizer", cell)
    domains = of_cell(applied, "aws_iot_domain_configuration", cell)
    if len(authorizers) != 1 or len(domains) != 1:
        return ["there is not one authorizer and one address"]
    found = _asks(applied, cell, "iot_authorizer", [authorizers[0]["authorizer_function_arn"]])
    found += _unequal("has an authorizer that is", [authorizers[0]["status"]], ["ACTIVE"])
    found += _unequal("keeps answers:", [bool(authorizers[0]["enable_caching_for_http"])], [False])
    asked = [
        (each["default_authorizer_name"], bool(each["allow_authorizer_override"]))
        for each in domains[0]["authorizer_config"] or []
    ]
    found += _unequal("asks by default, and lets a client choose another:", asked, [(authorizers[0]["name"], False)])
    found += _presence(applied, cell)
    takes = (domains[0]["authentication_type"], domains[0]["application_protocol"])
    return found + _unequal("takes", [takes], [("CUSTOM_AUTH", "MQTT_WSS")])


def _presence(applied: Applied, cell: Cell) -> list[str]:
    """The rules of the description tell the cell's own function of viewers who come and leave."""
    wanted = applied.system["iot_rules"]
    made = of_cell(applied, "aws_iot_topic_rule", cell)
    found = _unequal("has rules for", sorted(each["sql"] for each in made), sorted(wanted.values()))
    for rule in made:
        found += _asks(applied, cell, "iot_presence", [each["function_arn"] for each in rule["lambda"]])
        permissions = [each["source_arn"] or "" for each in of_cell(applied, "aws_lambda_permission", cell)]
        if not any(each.endswith(f":rule/{rule['name']}") for each in permissions):
            found.append(f"it may not tell iot_presence by {rule['name']}")
    return found


def _unequal(what: str, has: list[Any], wanted: list[Any]) -> list[str]:
    return [] if has == wanted else [f"it {what} {has}, and not {wanted}"]


def _asks(applied: Applied, cell: Cell, name: str, asked: list[str]) -> list[str]:
    """The service asks the cell's own function, and may invoke it: itself, or its alias."""
    function = applied.function(name, cell)
    if function is None:
        return [f"there is no function {name}"]
    pattern = re.compile(rf"arn:aws:lambda:{cell.region}:\d+:function:{function['function_name']}(?::(\w+))?")
    found = [pattern.fullmatch(each) for each in asked]
    if len(found) != 1 or found[0] is None:
        return [f"it asks {asked}, and not {name}"]
    may = {(each["function_name"], each["qualifier"]) for each in of_cell(applied, "aws_lambda_permission", cell)}
    return [] if (function["function_name"], found[0][1]) in may else [f"it may not invoke {asked[0]}"]


def _log(applied: Applied, cell: Cell, api: str, levels: list[str]) -> list[str]:
    """Errors are logged, in a group that is not kept for ever."""
    found = _unequal("logs", levels, ["ERROR"])
    name = f"/aws/appsync/apis/{api}"
    kept = [
        each["retention_in_days"]
        for each in applied.of("aws_cloudwatch_log_group", cell.region)
        if each["name"] == name
    ]
    if len(kept) != 1 or not kept[0]:
        found.append("its log is kept for ever")
    return found


def invocations(applied: Applied) -> list[str]:
    """Permissions of services that invoke functions for more than one API, authorizer or rule."""
    return [
        f"{each.address} lets {each['principal']} invoke {each['function_name']} from {each['source_arn']}"
        for each in applied.of("aws_lambda_permission")
        if each["principal"] in {"appsync.amazonaws.com", "iot.amazonaws.com"}
        and (not each["source_arn"] or "*" in each["source_arn"])
    ]

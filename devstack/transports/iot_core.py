"""The transport AWS IoT Core on this machine, in MiniStack (devstack/stack/ministack_corrections.py)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devstack.errors import StackError
from devstack.system import Provisioned
from devstack.transports.ministack_resources import client, function_arn, url_of_host
from devstack.transports.transport import StackTransport

if TYPE_CHECKING:
    from devstack.system import System


def provision(system: System) -> Provisioned:
    """Create the domain at which viewers connect, with its default authorizer, and the rules that report viewers.

    MiniStack has no authorizers. The guard of its broker takes the name of the authorizer for that of the function.
    Raises StackError if the deployment has a cell of IoT Core in the region: the viewers of each would hear the frames
    of both, and count twice.
    """
    iot = client(system, "iot")
    for each in iot.list_domain_configurations()["domainConfigurations"]:
        if each["domainConfigurationName"].startswith(f"{system.prefix}-viewers"):
            raise StackError(
                f"The region {system.region} has a cell of IoT Core already, and topics belong to the region. "
                f"Give the cell {system.cell.name if system.cell else ''} another region."
            )
    domain = iot.create_domain_configuration(
        domainConfigurationName=system.name("viewers"),
        serviceType="DATA",
        authenticationType="CUSTOM_AUTH",
        applicationProtocol="MQTT_WSS",
        authorizerConfig={"defaultAuthorizerName": system.name("iot_authorizer"), "allowAuthorizerOverride": False},
    )
    for name, sql in system.raw["iot_rules"].items():
        # The name of a rule has no hyphen.
        iot.create_topic_rule(
            ruleName=system.name(name).replace("-", "_"),
            topicRulePayload={
                "sql": sql,
                "awsIotSqlVersion": "2016-03-23",
                "actions": [{"lambda": {"functionArn": function_arn(system, "iot_presence")}}],
            },
        )
    found = iot.describe_domain_configuration(domainConfigurationName=domain["domainConfigurationName"])
    url = url_of_host(system, "ws", found["domainName"], "/mqtt")
    return Provisioned(texts={"url": system.endpoint}, address={"url": url})


TRANSPORT = StackTransport(provision)

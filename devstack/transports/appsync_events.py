"""The transport AppSync Events on this machine, in MiniStack (devstack/stack/ministack_corrections.py)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devstack.system import Provisioned
from devstack.transports.ministack_resources import client, function_arn, url_of_host
from devstack.transports.transport import StackTransport

if TYPE_CHECKING:
    from devstack.system import System


def provision(system: System) -> Provisioned:
    """Create the Event API and its namespace: viewers pass the Lambda authorizer, and publishing needs IAM."""
    appsync = client(system, "appsync")
    viewers, publishers = [{"authType": "AWS_LAMBDA"}], [{"authType": "AWS_IAM"}]
    authorizer = {"authorizerUri": function_arn(system, "events_authorizer"), "authorizerResultTtlInSeconds": 0}
    api = appsync.create_api(
        name=system.name("viewers"),
        eventConfig={
            "authProviders": [{"authType": "AWS_LAMBDA", "lambdaAuthorizerConfig": authorizer}, *publishers],
            "connectionAuthModes": viewers,
            "defaultPublishAuthModes": publishers,
            "defaultSubscribeAuthModes": viewers,
        },
    )["api"]
    appsync.create_channel_namespace(
        apiId=api["apiId"], name=system.prefix, publishAuthModes=publishers, subscribeAuthModes=viewers
    )
    dns = api["dns"]
    return Provisioned(
        texts={"url": url_of_host(system, "http", dns["HTTP"], "/event")},
        address={"url": url_of_host(system, "ws", dns["REALTIME"], "/event/realtime"), "host": dns["HTTP"]},
    )


TRANSPORT = StackTransport(provision)

"""The names of the channels of the deployment in these tests."""

from __future__ import annotations

from devstack.system import PREFIX
from matches.channels import Channels

CHANNELS = Channels(PREFIX)

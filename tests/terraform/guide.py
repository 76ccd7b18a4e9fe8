"""docs/deploy.md and docs/tokens.md as scripts: their steps, and programs in place of what only an account has.

The stand-in for ``aws`` knows the calls from botocore's models: an operation or an option that AWS does not have, or a
missing one that it needs, ends the script. Terraform is the real one, with providers that make nothing.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import botocore.session
from botocore import xform_name

ROOT = Path(__file__).parents[2]

_SERVICES = {"s3api": "s3"}

REGION = "us-east-2"
"""The home region of a reader who does not choose the one of the guide."""

_OWN = "livescore-pretoken"
ANSWERS = {
    "UserPool.Id": f"{REGION}_AbCdEfGhI",
    "UserPool.Arn": f"arn:aws:cognito-idp:{REGION}:123456789012:userpool/{REGION}_AbCdEfGhI",
    "UserPoolClient.ClientSecret": "secret",
    "Role.Arn": f"arn:aws:iam::123456789012:role/{_OWN}",
    "FunctionArn": f"arn:aws:lambda:{REGION}:123456789012:function:{_OWN}",
}
"""--query -> what the stand-in prints; of a client's id, ``client-`` and the name of the client."""

_OF_THE_CLI = {("create-function", "zip-file"): "code"}
"""Options that the CLI adds to an operation's own, and which of them each stands for."""

PREAMBLE = """
set -eu
terraform() {
  case " $* " in
    # The state's bucket is in an account: the state lies in the folder instead.
    *" init "*) cp terraform/backend.tf made-backend.tf; rm terraform/backend.tf; command terraform "$@" -input=false ;;
    *" apply "*) command terraform "$@" -input=false -auto-approve -no-color ;;
    *) command terraform "$@" ;;
  esac
}
aws() { "$PYTHON" -m tests.terraform.guide "$@"; }
git() { :; }
make() { :; }
sleep() { :; }
curl() { echo '{"access_token": "TOKEN"}'; }
"""


def steps(page: str = "deploy.md") -> dict[str, str]:
    """The text of each numbered step of a page by its number, in order."""
    text = (ROOT / "docs" / page).read_text().partition("\n## Upgrade")[0]
    return {step.partition(".")[0]: step for step in re.split(r"^## (?=\d+\. )", text, flags=re.MULTILINE)[1:]}


def script(step: str) -> str:
    """The commands of a step, without the indentation of their blocks."""
    text = "\n".join(line[4:] for line in step.splitlines() if line.startswith("    "))
    text = text.replace("AWS_REGION=eu-west-1", f"AWS_REGION={REGION}")
    return re.sub(r"YOUR-[\w-]*", lambda found: found[0].lower(), text) + "\n"


def aws(arguments: list[str]) -> str:
    """The output of ``aws`` for a call. Raises ValueError for one that AWS does not know."""
    service, command, *options = arguments
    model = botocore.session.get_session().get_service_model(_SERVICES.get(service, service))
    operations = {xform_name(name, "-"): name for name in model.operation_names}
    if command not in operations:
        raise ValueError(f"{service} has no {command}")
    shape = model.operation_model(operations[command]).input_shape
    assert shape is not None
    given: dict[str, list[str]] = {}
    for word in options:
        if word.startswith("--"):
            given[word[2:]] = []
        elif given:
            given[[*given][-1]].append(word)
    known = {xform_name(name, "-"): name for name in shape.members}
    asked = {_OF_THE_CLI.get((command, each), each) for each in given.keys() - {"query", "output"}}
    if unknown := asked - known.keys():
        raise ValueError(f"{command} has no {', '.join(sorted(unknown))}")
    if missing := set(shape.required_members) - {known[each] for each in asked}:
        raise ValueError(f"{command} needs {', '.join(sorted(missing))}")
    query = given.get("query", [""])[0]
    return f"client-{given['client-name'][0]}" if query == "UserPoolClient.ClientId" else ANSWERS.get(query, "")


if __name__ == "__main__":
    try:
        sys.stdout.write(aws(sys.argv[1:]) + "\n")
    except ValueError as error:
        sys.exit(f"aws: {error}: {json.dumps(sys.argv[1:])}")

#!/usr/bin/env bash
# Runs ETSI's NGSI-LD test suite against a city: run.sh SUITE [GROUP ...] [--store ENGINE] [--write]
#   SUITE   a checkout of the suite (repository marek-mraz/ngsi-ld-test-suite: ETSI's tests and extensions to them)
#   GROUP   folders below TP/NGSI-LD, such as ContextInformation/Provision; all when none is named
#   --store sqlite (as it is without), postgresql (a throw-away server) or postgresql://… (an empty database, for one group)
#   --write puts what passed into the engine's columns of the table in docs/conformance.md
# The suite's own packages go into an environment of their own, because they pin versions.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../../.." && pwd)
suite=$(realpath "${1:?usage: run.sh SUITE [GROUP ...] [--write]}")
shift
environment=$root/.make/etsi
mark=$environment/$(sha256sum "$suite/requirements.txt" | cut -c1-16)
if [ ! -e "$mark" ]; then
  "$root/.venv/bin/python" -m venv --clear "$environment"
  (cd "$suite" && "$environment/bin/pip" --disable-pip-version-check -qqq install -r requirements.txt)
  touch "$mark"
fi
exec "$root/.venv/bin/python" "$here/run.py" "$suite" "$environment/bin/robot" "$@"

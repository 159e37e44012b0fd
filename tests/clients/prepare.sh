#!/usr/bin/env bash
# Makes an environment for each NGSI-LD client that others wrote, in .make/clients/<client>, as <client>.txt pins it.
# They have environments of their own because their pins go neither with ours nor with each other's.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)

for pins in "$here"/*.txt; do
  client=$(basename "$pins" .txt)
  folder=$root/.make/clients/$client
  mark=$folder/$(sha256sum "$pins" | cut -c1-16)
  if [ -e "$mark" ]; then
    continue
  fi
  echo "Installing the client $client"
  "$root/.venv/bin/python" -m venv --clear "$folder"
  if ! "$folder/bin/python" -m pip --disable-pip-version-check -qqq install --requirement "$pins"; then
    echo "Not installed: $client; its tests are skipped until \`bash tests/clients/prepare.sh\` succeeds."
    continue
  fi
  touch "$mark"
done

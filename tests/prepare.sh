#!/usr/bin/env bash
# Installs what the tests need beside Python packages: a Chromium for the journeys, mosquitto as another's MQTT server,
# PostgreSQL with PostGIS for the store's second engine (each test session starts one of its own in a temporary folder).
# As root on Debian it does so by itself; elsewhere it says what is missing, and the tests that need it are skipped.
set -euo pipefail
PATH=$PATH:/usr/sbin

missing=()
command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || missing+=(chromium)
command -v mosquitto >/dev/null || missing+=(mosquitto)
compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || command -v initdb >/dev/null || missing+=(postgresql)
compgen -G '/usr/share/postgresql/*/extension/postgis.control' >/dev/null ||
  { command -v pg_config >/dev/null && [ -e "$(pg_config --sharedir)/extension/postgis.control" ]; } ||
  missing+=(postgresql-postgis)
# What drives Chromium brings a Node of its own, which needs this library; small systems lack it.
[ "$(uname -s)" != Linux ] || ldconfig -p | grep -q 'libatomic\.so\.1' || missing+=(libatomic1)

if [ ${#missing[@]} -eq 0 ]; then
  exit 0
fi
if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
  echo "Installing ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  if apt-get update -qq && apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null; then
    exit 0
  fi
fi
echo "Not installed: ${missing[*]}. Your system's package manager has them; until then the tests that need them are skipped."

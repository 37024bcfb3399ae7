#!/usr/bin/env bash
# Creates the virtual environment and installs Nextbest with the exact versions of constraints.txt.
set -euo pipefail
PYTHON=${PYTHON:-python3}
VENV=${VENV:-.venv}

"$PYTHON" - <<'PY' || { echo "Nextbest needs Python 3.11 or newer; call: make PYTHON=/path/to/python3.11" >&2; exit 2; }
import sys
sys.exit(sys.version_info < (3, 11))
PY

# LightGBM and implicit use the system's OpenMP library.
if ! ldconfig -p 2>/dev/null | grep -q 'libgomp\.so\.1'; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "Installing the system package libgomp1 ..."
        apt-get update -qq && apt-get install -y -qq --no-install-recommends libgomp1 >/dev/null
    else
        echo "Please install the system package libgomp1 (as root: apt-get install libgomp1)" >&2
        exit 2
    fi
fi

# The browser tests drive the distribution's Chromium; without it they are skipped.
if ! command -v chromium >/dev/null; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "Installing the system package chromium (for the browser tests) ..."
        { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium; } >/dev/null 2>&1 ||
            echo "chromium could not be installed; the browser tests will be skipped" >&2
    else
        echo "For the browser tests install the system package chromium (as root: apt-get install chromium)" >&2
    fi
fi

# The tests of the outgrown set-up start a Redis of their own; without it they are skipped.
if ! command -v redis-server >/dev/null; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "Installing the system package redis-server (for the tests of the outgrown set-up) ..."
        { apt-get update -qq && apt-get install -y -qq --no-install-recommends redis-server; } >/dev/null 2>&1 ||
            echo "redis-server could not be installed; its tests will be skipped" >&2
    else
        echo "For the Redis tests install the system package redis-server (as root: apt-get install redis-server)" >&2
    fi
fi

if [ ! -x "$VENV/bin/python" ]; then
    echo "Creating $VENV ..."
    "$PYTHON" -m venv "$VENV"
fi
echo "Installing Nextbest and what it needs (about two minutes the first time) ..."
"$VENV/bin/python" -m pip install --quiet --disable-pip-version-check \
    -c constraints.txt -e '.[dev]' 2> >(grep -v '^WARNING: Location' >&2)
echo "Installed."

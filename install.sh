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

# What tests need of the distribution; without it they are skipped.
for_tests() { # package, what it is for, the command it brings
    command -v "$3" >/dev/null && return
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "Installing the system package $1 (for $2) ..."
        { apt-get update -qq && apt-get install -y -qq --no-install-recommends "$1"; } >/dev/null 2>&1 ||
            echo "$1 could not be installed; $2 will be skipped" >&2
    else
        echo "For $2 install the system package $1 (as root: apt-get install $1)" >&2
    fi
}
for_tests chromium "the browser tests" chromium
for_tests redis-server "the tests of the outgrown set-up" redis-server
for_tests faketime "the tests of a clock that is set back" faketime

if [ ! -x "$VENV/bin/python" ]; then
    echo "Creating $VENV ..."
    "$PYTHON" -m venv "$VENV"
fi
echo "Installing Nextbest and what it needs (about two minutes the first time) ..."
"$VENV/bin/python" -m pip install --quiet --disable-pip-version-check \
    -c constraints.txt -e '.[dev]' 2> >(grep -v '^WARNING: Location' >&2)
echo "Installed."

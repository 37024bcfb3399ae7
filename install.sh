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

if [ ! -x "$VENV/bin/python" ]; then
    echo "Creating $VENV ..."
    "$PYTHON" -m venv "$VENV"
fi
echo "Installing Nextbest and what it needs (about two minutes the first time) ..."
"$VENV/bin/python" -m pip install --quiet --disable-pip-version-check \
    -c constraints.txt -e '.[dev]' 2> >(grep -v '^WARNING: Location' >&2)
echo "Installed."

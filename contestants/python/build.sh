#!/bin/sh
# Installs what requirements.txt pins into a virtual environment at $1; once for each state of that file.
set -eu
venv=$1/venv
stamp=$venv/netsplit-requirements
if ! cmp -s requirements.txt "$stamp"; then
    python3 -m venv --clear "$venv"
    "$venv/bin/pip" install --quiet --no-deps --only-binary :all: --requirement requirements.txt
    cp requirements.txt "$stamp"
fi

#!/bin/sh
# Installs what package-lock.json pins, Node itself among it, beside the contestants; once for each state of that file.
set -eu
stamp=node_modules/.netsplit-lock
if ! cmp -s package-lock.json "$stamp"; then
    npm ci --silent --no-audit --no-fund
    node_modules/.bin/node --version
    cp package-lock.json "$stamp"
fi

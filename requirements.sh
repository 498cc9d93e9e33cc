#!/usr/bin/env bash
# Makes every requirements*.txt from its .in file: one version of each package for Python 3.11-3.13.
# Needs uv (pip install uv).
set -eu
cd "$(dirname "$0")"
compile() {
  uv pip compile --quiet --universal --python-version 3.11 --fork-strategy fewest \
    --no-emit-index-url --no-emit-find-links --no-annotate \
    --custom-compile-command ./requirements.sh "$@"
}
compile "$@" requirements.in -o requirements.txt
for name in dev cuda tpu; do
  compile -c requirements.txt requirements-$name.in -o requirements-$name.txt
done

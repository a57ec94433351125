#!/usr/bin/env bash
# Fetches cuda.h, 1 MB, from NVIDIA's wheel of the CUDA runtime into build/cuda/include.
set -euo pipefail
cd "$(dirname "$0")/.."

wheels=build/cuda/wheels
python3 -m venv build/cuda/venv
build/cuda/venv/bin/pip download -q --no-deps --only-binary :all: --require-hashes -r scripts/requirements/cuda-headers.txt -d "$wheels"
mkdir -p build/cuda/include
python3 - "$wheels"/*.whl <<'PYTHON'
import sys, zipfile
wheel = zipfile.ZipFile(sys.argv[1])
name = next(n for n in wheel.namelist() if n.endswith("/include/cuda.h"))
open("build/cuda/include/cuda.h", "wb").write(wheel.read(name))
PYTHON
rm -rf "$wheels" build/cuda/venv

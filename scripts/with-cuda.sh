#!/usr/bin/env bash
# Runs a command, such as go build -tags cuda, with what cgo needs for package gorgonia.org/cu:
#
#   scripts/with-cuda.sh COMMAND…    exits with 3, and says why, if CUDA cannot be built in
#   scripts/with-cuda.sh             only says whether it can be
#
# It needs a C compiler and the header cuda.h of CUDA 12, from the toolkit, from Debian's
# nvidia-cuda-dev or from make cuda-headers. It needs no driver and no library: package internal/cuda/driver
# takes the place of libcuda, and the libcuda.a that the linker gets is empty.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() {
	echo "$1" >&2
	exit 3
}

command -v "${CC:-gcc}" >/dev/null || fail "no C compiler"
for folder in ${CUDA_HOME:+"$CUDA_HOME/include"} "$PWD/build/cuda/include" /usr/local/cuda/include /usr/include; do
	if [ -f "$folder/cuda.h" ]; then
		include=$folder
		break
	fi
done
[ -n "${include:-}" ] || fail "no cuda.h (make cuda-headers fetches one)"
grep -q '^#define CUDA_VERSION 12' "$include/cuda.h" || fail "$include/cuda.h is not of CUDA 12"

mkdir -p build/cuda/lib
[ -f build/cuda/lib/libcuda.a ] || printf '!<arch>\n' >build/cuda/lib/libcuda.a
export CGO_ENABLED=1
# Not CGO_CFLAGS and CGO_LDFLAGS: with other flags the go command compiles everything anew that uses cgo, with the
# packages that depend on it.
export CPATH="$include${CPATH:+:$CPATH}"
export LIBRARY_PATH="$PWD/build/cuda/lib${LIBRARY_PATH:+:$LIBRARY_PATH}"
if [ $# -eq 0 ]; then
	echo "cuda.h in $include"
else
	exec "$@"
fi

#!/bin/sh
# The demo: from a trained checkpoint to its own kernels and back, bit for bit.
# Usage: demo.sh BESPOKE FOLDER
set -eu
bespoke=$1 folder=$2
model=testdata/shakespeare-llama package=out/shakespeare
bold= plain=
if [ -t 1 ]; then bold=$(printf '\033[1m') plain=$(printf '\033[0m'); fi

step() {
	printf '\n%s%s%s\n$ %s\n' "$bold" "$1" "$plain" "$2"
	sh -c "$2"
}

rm -rf "$folder" && mkdir -p "$folder"
step "1. The exponents of a trained model" "$bespoke inspect $model --plot $folder/exponents.png"
step "2. The kernels cut for it" "$bespoke generate $model -o $package"
step "3. The checkpoint, compressed" "$bespoke compress $model -o $folder/df11"
step "4. Decoded by the generated decoder" "${GO:-go} run ./examples/restore $folder/df11 $folder/restored"
step "5. Every tensor compared, then every file" "$bespoke verify $model $folder/df11 && diff -r $model $folder/restored"
echo "every file of $model came back identical"

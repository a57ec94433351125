#!/bin/sh
# The whole way, from a trained checkpoint to its own kernels and back, bit for bit.
# Usage: demo.sh BESPOKE MODEL FOLDER
set -eu
bespoke=$1 model=$2 folder=$3
name=$(basename "$model" | tr -d -)

step() { printf '\n\033[1m%s\033[0m\n$ %s\n' "$1" "$2" ; shift ; sh -c "$1" ; }
[ -t 1 ] || step() { printf '\n%s\n$ %s\n' "$1" "$2" ; shift ; sh -c "$1" ; }

rm -rf "$folder" && mkdir -p "$folder"
step "1. What the exponents of a trained model look like" "$bespoke inspect $model --plot $folder/exponents.png"
step "2. The kernels cut for it" "$bespoke generate $model -o out/$name"
step "3. The checkpoint, compressed" "$bespoke compress $model -o $folder/df11"
step "4. Decoded by the generated decoder" "${GO:-go} run ./examples/restore $folder/df11 $folder/restored"
step "5. Every tensor and every file, compared" "$bespoke verify $model $folder/df11"
step "" "diff -r $model $folder/restored"
echo "every file of $model came back identical"

#!/bin/sh
# Writes constraints.txt: installs the project with every extra into a throw-away environment and notes what came.
# Usage: sh scripts/constraints.sh PYTHON. torch stays as it is: its releases are chosen by hand.
set -eu
cd "$(dirname "$0")/.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"$1" -m venv "$scratch/venv"
# The pip that comes with Python 3.11 installs what is pinned, but gives up on choosing releases by itself.
"$scratch/venv/bin/pip" install --quiet --upgrade pip
grep '^torch==' constraints.txt >"$scratch/torch.txt"
"$scratch/venv/bin/pip" install --quiet -c "$scratch/torch.txt" '.[anthropic,bench,gguf,google,ollama,parquet,postgres,dev]'
{
    grep '^#' constraints.txt
    # Local version labels (+cpu) name one machine's build, URLs one machine's files.
    "$scratch/venv/bin/pip" freeze --all --exclude pip --exclude dateline | grep -v ' @ ' | sed 's/+.*//' | LC_ALL=C sort -f
} >"$scratch/constraints.txt"
cp "$scratch/constraints.txt" constraints.txt

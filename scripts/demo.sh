#!/bin/sh
# Ingests the sample articles into a home (.demo, or the one named) and asks about them. `make demo` runs it, with
# `dateline` on the PATH.
set -eu
cd "$(dirname "$0")/.."
export DATELINE_HOME="${1:-.demo}" DATELINE_MODEL=extractive

show() {
    printf '\n$ dateline'
    for word in "$@"; do
        case $word in *' '*) printf ' "%s"' "$word" ;; *) printf ' %s' "$word" ;; esac
    done
    printf '\n'
    dateline "$@"
}

show ingest tests/data/sample/articles
# The same question on two days: what was known then, and what was known later.
show ask "How many people did the flood in Brannick kill?" --as-of 2025-03-25
show ask "How many people did the flood in Brannick kill?" --as-of 2025-06-30
show ask "Who is the transport minister of Varren?" --as-of 2025-06-30
# The articles do not answer this one.
show ask "What is the capital of Portugal?" --as-of 2025-06-30

# Recipes; what they call works without just.

# Lists the recipes.
default:
    @just --list --unsorted

# The demo: an engine, a reconciler, governed runs. Ctrl-C ends it and leaves nothing behind.
demo:
    scripts/demo

# All checks and tests; with arguments only these: just test -p provost-engine
test *args:
    scripts/test {{args}}

# Formats the code.
fmt:
    cargo fmt --all

# The linter, as strict as the tests are.
lint:
    cargo clippy --workspace --all-targets -- -D warnings

# The figures of benches/, one table.
bench *args:
    cargo bench --package provost {{args}}

# Fuzzes what reads hostile input, so many seconds a target.
fuzz *args:
    scripts/fuzz {{args}}

# Writes the generated files in schema/ anew.
schema:
    cargo run --package provost -- schema --write schema

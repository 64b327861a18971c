# shellcheck shell=sh
# What demo, test and bench/run need before they can start. Sourced with `root` set; `set_up demo|test "$@"` then
# either returns with everything there and `node` on PATH, or says what is missing and exits 1. The second time it
# only looks: a handful of file tests and two `--version` calls.
#
# It writes to .tools/ and node_modules/ of the checkout and, as root on Debian and Ubuntu, through apt-get.
# Everything it says goes to standard error, so that `demo --json` has standard output to itself.

node_pin=24.21.0
node_floor=22.18
pnpm_pin=12.21.0

tools=$root/.tools
. "$root/scripts/setup/programs.sh"
. "$root/scripts/setup/packages.sh"

set_up() {
  purpose=$1
  shift
  # ip and friends live in sbin, which a plain user's PATH may lack; a Nix installed for all users is reached by profile only.
  PATH=$tools/node_modules/.bin:$PATH:/usr/sbin:/sbin:/nix/var/nix/profiles/default/bin
  export PATH
  reach_npm "$@"
  mkdir -p "$tools"
  is_ready || install_missing || exit 1
}

is_ready() {
  [ -z "$(missing_programs)" ] && has_tools && has_dependencies && is_nix_new_enough
}

# Two set-ups at once: the second waits, looks again, and finds the work done. The lock is released by the end of the
# subshell, however it ends. Without flock (not Linux) there is no lock.
install_missing() (
  said=$tools/.said.$$
  trap 'rm -f "$said"' EXIT
  trap 'exit 130' INT TERM HUP
  if command -v flock >/dev/null; then
    flock -n 9 || { say 'waiting for another set-up to finish'; flock 9; }
  fi
  install_programs
  install_tools
  install_dependencies
  is_nix_new_enough || refuse "Nix 2.8 or newer is needed and $(nix --version 2>/dev/null) was found; see https://nixos.org/download"
  is_ready || refuse 'something is still missing after it was installed; run again with sh -x to see what'
) 9>>"$tools/.lock"

say() {
  printf 'argunix: %s\n' "$*" >&2
}

refuse() {
  say "$*"
  exit 1
}

# quietly SENTENCE COMMAND...: silent when it goes well, everything it said when not.
quietly() {
  sentence=$1
  shift
  if "$@" >"$said" 2>&1 </dev/null; then return; fi
  cat "$said" >&2
  refuse "$sentence failed: $*"
}

# is_at_least FLOOR VERSION: major and minor only.
is_at_least() {
  floor_major=${1%%.*} floor_minor=${1#*.}
  major=${2%%.*} minor=${2#*.} minor=${minor%%[!0-9]*}
  case $major$minor in '' | *[!0-9]*) return 1 ;; esac
  [ "$major" -gt "$floor_major" ] || { [ "$major" -eq "$floor_major" ] && [ "${minor:-0}" -ge "$floor_minor" ]; }
}

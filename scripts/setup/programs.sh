# shellcheck shell=sh
# Programs of the machine: which are needed for what, which are missing, and how they come.

# command:Debian package. Linux has them all; elsewhere evaluations are confined by other means or not at all.
linux_programs='bwrap:bubblewrap slirp4netns:slirp4netns setpriv:util-linux flock:util-linux'
# bash-static is the /bin/sh of sandboxed builds with Debian's Nix; a Nix from elsewhere brings its own.
debian_programs='bash-static:bash-static'
test_programs='git-lfs:git-lfs chromium:chromium patchelf:patchelf ip:iproute2'

# nix-bin and not nix-setup-systemd: see scripts/demo/nix-settings.ts for what that would do to the machine.
needed_programs() {
  echo 'git:git nix:nix-bin'
  if [ "$(uname)" = Linux ]; then echo "$linux_programs"; fi
  if command -v apt-get >/dev/null; then echo "$debian_programs"; fi
  if [ "$purpose" = test ]; then echo "$test_programs"; fi
}

missing_programs() {
  for pair in $(needed_programs); do
    command -v "${pair%%:*}" >/dev/null || printf '%s\n' "$pair"
  done
}

install_programs() {
  missing=$(missing_programs)
  if [ -z "$missing" ]; then return; fi
  packages=$(for pair in $missing; do echo "${pair#*:}"; done | sort -u | tr '\n' ' ')
  packages=${packages% }
  if ! command -v apt-get >/dev/null; then
    for pair in $missing; do explain_missing "${pair%%:*}"; done
    exit 1
  fi
  if [ "$(id -u)" != 0 ]; then
    refuse "these packages are missing: as root, run: apt-get install --no-install-recommends $packages"
  fi
  say "installing $packages (apt-get)"
  # After an interruption apt wants this first. It fails while someone else installs, and then apt waits for them.
  if [ -n "$(ls -A /var/lib/dpkg/updates 2>/dev/null)" ]; then
    DEBIAN_FRONTEND=noninteractive dpkg --configure -a >"$said" 2>&1 </dev/null || true
  fi
  # The lists may be fresh enough, but a machine that lacks Nix rarely has fresh lists, and a stale one fails halfway.
  quietly 'reading the package lists' apt-get -q update
  # shellcheck disable=SC2086 -- a list of package names
  DEBIAN_FRONTEND=noninteractive quietly "installing $packages" \
    apt-get -q -y -o DPkg::Lock::Timeout=120 install --no-install-recommends $packages
}

explain_missing() {
  case $1 in
    nix) say 'nix is missing: install Nix 2.8 or newer, see https://nixos.org/download' ;;
    chromium) say 'chromium is missing: install Chromium with the package manager of this system, so that `chromium` is on PATH' ;;
    setpriv | flock) say "$1 is missing: it is part of util-linux, install that with the package manager of this system" ;;
    ip) say 'ip is missing: it is part of iproute2, install that with the package manager of this system' ;;
    bwrap) say 'bwrap is missing: install bubblewrap with the package manager of this system' ;;
    *) say "$1 is missing: install it with the package manager of this system" ;;
  esac
}

# `nix (Nix) 2.8.0`, with its warnings on standard error.
is_nix_new_enough() {
  nix_says=$(nix --version 2>/dev/null) || return 1
  is_at_least 2.8 "${nix_says##* }"
}

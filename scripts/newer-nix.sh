#!/bin/sh
# Brings the Nix of Debian trixie (2.26) beside the machine's own, into .tools/nix-2.26/bin, for tests of both.
# Nothing of the system changes: apt works with lists, a cache and an (empty) package database of its own, the packages
# are only unpacked, and patchelf points the one binary at the libraries beside it.
#
# Prints nothing when it is there. When it cannot be had it says why on standard error and exits 1; then the tests
# that want it are skipped with that reason, which is kept in .tools/nix-2.26.missing for them.
set -eu
release=trixie
version=2.26
root=$(dirname -- "$(dirname -- "$(readlink -f -- "$0")")")
tools=$root/.tools
prefix=$tools/nix-$version
reason=$tools/nix-$version.missing

give_up() {
  printf '%s\n' "$*" >"$reason"
  printf 'argunix: no Nix %s for the tests: %s\n' "$version" "$*" >&2
  exit 1
}

is_there() {
  "$prefix/bin/nix" --version 2>/dev/null | grep -q " $version\."
}

mkdir -p "$tools"
exec 8>>"$tools/.newer-nix.lock"
if command -v flock >/dev/null; then flock 8; fi
if is_there; then
  rm -f "$reason"
  exit 0
fi
# A day after it could not be had it is tried again, not at every run.
if [ -f "$reason" ] && [ -z "$(find "$reason" -mmin +1440)" ]; then give_up "$(cat "$reason")"; fi

for program in apt-get dpkg-deb patchelf; do
  command -v "$program" >/dev/null || give_up "$program is missing"
done
# The mirror that this machine uses for its own Debian.
mirror=$(apt-get indextargets --format '$(ORIGIN) $(COMPONENT) $(SITE) $(REPO_URI)' 'Created-By: Packages' |
  awk '$1 == "Debian" && $2 == "main" && $4 !~ /security/ { print $4; exit }')
[ -n "$mirror" ] || give_up 'this is not Debian: its apt knows no Debian mirror'
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
[ -f "$keyring" ] || give_up "$keyring is missing"

echo "argunix: fetching Nix $version of Debian $release for the tests (apt-get, 40 MB)" >&2
work=$(mktemp -d "$tools/.nix-$version.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP
mkdir -p "$work/apt/lists/partial" "$work/apt/cache/archives/partial" "$work/tree"
: >"$work/apt/status"
echo "deb [signed-by=$keyring] $mirror $release main" >"$work/apt/sources.list"
# Its own file of options: a path with a space does not survive apt's command line.
cat >"$work/apt/apt.conf" <<END
Dir::Etc::sourcelist "$work/apt/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::State::Lists "$work/apt/lists";
Dir::State::status "$work/apt/status";
Dir::Cache "$work/apt/cache";
Acquire::Languages "none";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled "false";
APT::Install-Recommends "false";
APT::Sandbox::User "root";
Debug::NoLocking "true";
END
apt() {
  APT_CONFIG=$work/apt/apt.conf apt-get -q "$@" >"$work/said" 2>&1 </dev/null && return
  tail -n 5 "$work/said" >&2
  give_up "apt-get $1 failed for Debian $release: $(grep -m 1 '^E:' "$work/said" || echo 'no reason given')"
}
apt update
apt -y --download-only install nix-bin

for package in "$work/apt/cache/archives/"*.deb; do
  dpkg-deb -x "$package" "$work/tree" || give_up "$package could not be unpacked"
done
# Made where it will stay by name: patchelf writes the final place into the binary, and the rename makes it real.
libraries=$(dirname -- "$(find "$work/tree/usr/lib" -name 'libc.so.6' | head -n 1)")
libraries=$prefix/${libraries#"$work/tree/"}
loader=$(find "$work/tree/usr/lib" -name 'ld-linux*.so.*' | head -n 1)
loader=$prefix/${loader#"$work/tree/"}
mkdir "$work/tree/bin.new"
cp "$work/tree/usr/bin/nix" "$work/tree/bin.new/nix"
patchelf --set-interpreter "$loader" --set-rpath "$libraries:$prefix/usr/lib/nix:$prefix/usr/lib" --force-rpath \
  "$work/tree/bin.new/nix" || give_up 'patchelf failed on the Nix binary'
for name in nix-build nix-channel nix-collect-garbage nix-copy-closure nix-daemon nix-env nix-hash nix-instantiate \
  nix-prefetch-url nix-shell nix-store; do
  ln -s nix "$work/tree/bin.new/$name"
done
rm -rf "$work/tree/bin"
mv "$work/tree/bin.new" "$work/tree/bin"
rm -rf "$prefix"
mv "$work/tree" "$prefix"
is_there || give_up "it was unpacked but does not run: $("$prefix/bin/nix" --version 2>&1 | head -n 1)"
rm -f "$reason"

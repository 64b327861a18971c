# shellcheck shell=sh
# Node, pnpm and the locked dependencies.

# Where there is no npm but Nix, all of it runs in a shell that has Node, npm and pnpm from nixpkgs.
reach_npm() {
  if command -v npm >/dev/null; then return; fi
  if command -v nix >/dev/null && [ -z "${ARGUNIX_IN_NIX_SHELL:-}" ]; then
    say 'npm is missing: taking Node and pnpm from nixpkgs (nix shell)'
    ARGUNIX_IN_NIX_SHELL=1
    export ARGUNIX_IN_NIX_SHELL
    exec nix --extra-experimental-features 'nix-command flakes' shell nixpkgs#nodejs_24 nixpkgs#pnpm -c "$0" "$@"
  fi
  has_tools && has_dependencies || refuse 'npm is missing: install Node.js with npm, any recent version, or Nix'
}

is_own_node_new_enough() {
  own_node=$(PATH=${PATH#"$tools/node_modules/.bin:"} command -v node) && is_at_least "$node_floor" "$("$own_node" --version | tr -d v)"
}

wanted_tools() {
  if [ -x "$tools/node_modules/node/bin/node" ] || ! is_own_node_new_enough; then printf 'node@%s ' "$node_pin"; fi
  printf 'pnpm@%s' "$pnpm_pin"
}

# The stamp is written last: without it, what is in .tools is half an installation, or one of other versions.
has_tools() {
  [ -n "${ARGUNIX_IN_NIX_SHELL:-}" ] || { [ -f "$tools/.installed" ] && [ "$(cat "$tools/.installed")" = "$(wanted_tools)" ]; }
}

install_tools() {
  if has_tools; then return; fi
  wanted=$(wanted_tools)
  say "installing $wanted into .tools (npm)"
  rm -rf "$tools/node_modules" "$tools/package-lock.json" "$tools/.installed"
  # npm refuses a folder inside a pnpm workspace that is not a package of its own.
  echo '{"private":true}' >"$tools/package.json"
  # shellcheck disable=SC2086 -- a list of packages
  quietly "installing $wanted" npm install --prefix "$tools" --no-audit --no-fund --ignore-scripts=false --save-exact $wanted
  "$tools/node_modules/.bin/pnpm" --version >/dev/null 2>&1 || refuse 'pnpm was installed into .tools but does not run'
  case $wanted in
    node@*) "$tools/node_modules/.bin/node" --version >/dev/null 2>&1 || refuse 'node was installed into .tools but does not run' ;;
  esac
  printf '%s' "$wanted" >"$tools/.installed"
}

# What is installed belongs to this lockfile, these manifests, and this place: the links in node_modules name it.
dependency_stamp() (
  cd "$root" && cksum pnpm-lock.yaml pnpm-workspace.yaml package.json ./*/package.json && pwd -P
)

has_dependencies() {
  [ -f "$root/node_modules/.argunix-stamp" ] && [ -d "$root/coordinator/node_modules" ] &&
    [ "$(cat "$root/node_modules/.argunix-stamp")" = "$(dependency_stamp)" ]
}

install_dependencies() {
  if has_dependencies; then return; fi
  say 'installing the locked dependencies (pnpm)'
  # CI=true: pnpm asks nothing, and remakes a node_modules that another pnpm made.
  quietly 'installing the dependencies' env CI=true pnpm --dir "$root" install --frozen-lockfile
  dependency_stamp >"$root/node_modules/.argunix-stamp"
}

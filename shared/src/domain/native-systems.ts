/**
 * The systems that a processor runs itself, its own first. What else a Nix takes (`extra-platforms`) goes through an
 * emulator, ten times slower. Rosetta counts as one: what is built for it belongs on a machine of its own kind.
 */
export function nativeSystems(system: string): readonly string[] {
  return [system, ...(ALSO[system] ?? [])];
}

const ALSO: Readonly<Record<string, readonly string[]>> = {
  'x86_64-linux': ['i686-linux', ...[1, 2, 3, 4].map((level) => `x86_64-v${level}-linux`)],
  'aarch64-linux': ['armv7l-linux', 'armv6l-linux'],
};

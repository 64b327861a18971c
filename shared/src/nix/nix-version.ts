/** Of Nix or of a relative of it, as `nix --version` tells it. */
export interface NixVersion {
  readonly text: string;
  readonly major: number;
  readonly minor: number;
}

// `nix (Nix) 2.8.0`, `nix (Nix) 2.19.0pre20231212_abc`, `nix (Lix, like Nix) 2.91.0`, `nix (Determinate Nix 3.0) 2.26.3`.
const VERSION = /\) (?<text>(?<major>\d{1,6})\.(?<minor>\d{1,6})[0-9A-Za-z._+-]{0,80})\s*$/m;

export function parseNixVersion(output: string): NixVersion | undefined {
  const found = VERSION.exec(output.slice(0, 1_000))?.groups;
  return found === undefined
    ? undefined
    : { text: found['text'] ?? '', major: Number(found['major']), minor: Number(found['minor']) };
}

export function isAtLeast(version: NixVersion, major: number, minor: number): boolean {
  return version.major > major || (version.major === major && version.minor >= minor);
}

/** The options of `argunix-builder`, for its help and for docs/reference. */
export interface OptionSpec {
  /** Without the leading dashes, and without what stands for a value. */
  readonly long: string;
  readonly value: string | null;
  readonly summary: string;
  readonly fallback: string | null;
  readonly isRequired: boolean;
}

function option(
  long: string,
  value: string | null,
  summary: string,
  fallback: string | null = null,
): OptionSpec {
  return { long, value, summary, fallback, isRequired: false };
}

export const OPTIONS: readonly OptionSpec[] = [
  { ...option('argunix-host', 'host', 'where the coordinator is'), isRequired: true },
  { ...option('argunix-port', 'port', 'the port of its `builder_enrollment.listen`'), isRequired: true },
  option(
    'name',
    'name',
    'what this builder is called; by default as it was called before, else as its invitation says, else as this host',
  ),
  option(
    'enrollment-token-path',
    'file',
    'a file with what `argunixctl builders invite` made, or with the shared token: needed once, the first time',
  ),
  option('host-key-fingerprint', 'SHA256:…', 'of the coordinator’s host key, as `ssh-keygen -l` shows it'),
  option(
    'trust-first-host-key',
    null,
    'take the host that answers first for the coordinator, and tell it the token',
  ),
  option('state-dir', 'dir', 'identity, and what is being built', './argunix-builder-state'),
  option('max-jobs', 'n', 'how many derivations are built at a time; Nix’s `max-jobs` by default'),
  option('features', 'a,b', 'which of Nix’s `system-features` are offered; all by default'),
  option('mandatory-features', 'a,b', 'take only what requires all of these'),
  option('systems', 'a,b', 'which systems are offered; all that Nix builds by default'),
  option('speed-factor', 'x', 'against other builders of the same system: 2 builds in half the time', '1'),
  option('min-free-disk', 'size', 'nothing new is begun while the disk of the Nix store has less', '2G'),
  option(
    'stop-within',
    'seconds',
    'after SIGTERM, how long what runs may take to be finished and fetched',
    '600',
  ),
  option('log-level', 'level', 'debug, info, warn or error', 'info'),
];

export function environmentName(long: string): string {
  const word = long
    .replace(/^argunix-/, '')
    .replaceAll('-', '_')
    .toUpperCase();
  return `ARGUNIX_BUILDER_${word}`;
}

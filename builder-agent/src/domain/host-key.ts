/** Whether the host that answers is the coordinator: what is said first about its key counts, in this order. */
export interface ExpectedHostKey {
  /** By the operator of this host. */
  readonly given: string | null;
  /** In the invitation. */
  readonly invited: string | null;
  /** Seen before, and kept in the file. */
  readonly pinned: string | null;
  readonly pinFile: string;
  readonly trustsFirst: boolean;
}

export type HostKeyVerdict =
  | { readonly kind: 'known' | 'first' }
  | { readonly kind: 'refused'; readonly reason: string };

export function judgeHostKey(expected: ExpectedHostKey, presented: string): HostKeyVerdict {
  const { given, invited, pinned } = expected;
  const wanted = given ?? invited ?? pinned;
  if (wanted === null) {
    return expected.trustsFirst
      ? { kind: 'first' }
      : {
          kind: 'refused',
          reason:
            `The coordinator shows the host key ${presented}, and nothing says whether that is its own. ` +
            `Compare it with what the coordinator tells, then give it as --host-key-fingerprint ${presented}, ` +
            'or join by an invitation, which holds it, or trust it unseen with --trust-first-host-key.',
        };
  }
  if (wanted === presented) {
    return { kind: 'known' };
  }
  return {
    kind: 'refused',
    reason:
      `The host shows the key ${presented}, but the coordinator’s is ${wanted}: somebody may be in between, and ` +
      `nothing was told to it. If the coordinator really has a new key, ${remedyFor(expected)} and start again.`,
  };
}

function remedyFor({ given, invited, pinFile }: ExpectedHostKey): string {
  if (given !== null) {
    return 'correct --host-key-fingerprint';
  }
  return invited === null ? `delete ${pinFile}` : 'ask for a new invitation';
}

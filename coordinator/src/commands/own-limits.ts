/** How a person's own flake is evaluated by hand: as CI does by default, with more patience. */
export const OWN_LIMITS = {
  timeoutMs: 3_600_000,
  memoryBytes: 4 * 1024 ** 3,
  workers: 2,
  allowImportFromDerivation: true,
  allowNetwork: true,
} as const;

import type { SourceCheckout } from '../../ports/source-checkout.ts';

/** A flake reference that a person gave, in the place of a repository: there is nothing to look at or to check out. */
export function createReferenceSource(reference: string): SourceCheckout {
  return {
    look: () => Promise.resolve({ heads: [], defaultBranch: null }),
    checkOut: () => Promise.resolve({ kind: 'reference', reference }),
    remove: () => Promise.resolve(),
    sweep: () => Promise.resolve(),
  };
}

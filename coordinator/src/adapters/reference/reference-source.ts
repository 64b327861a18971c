import { AppError } from '@argunix/shared/kit/app-error';
import type { SourceCheckout } from '../../ports/source-checkout.ts';

/** A flake reference that a person gave, in the place of a repository: there is nothing to look at or to check out. */
export function createReferenceSource(reference: string): SourceCheckout {
  return {
    look: () => Promise.resolve({ heads: [], defaultBranch: null }),
    checkOut: () => Promise.resolve({ kind: 'reference', reference }),
    treeOf: () => Promise.reject(new AppError('git.refused', 'a flake reference has no tree')),
    fetchMerge: () => Promise.resolve(undefined),
    isReachable: () => Promise.resolve(undefined),
    remove: () => Promise.resolve(),
    sweep: () => Promise.resolve(),
  };
}

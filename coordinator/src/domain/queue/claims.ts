/**
 * On whose behalf something is built. A step that jobs of several repositories need has the claims of all of them.
 * Equal sets are one object, so that a step carries one reference and comparing is `===`.
 */
import type { RepositoryId } from '@argunix/shared/domain/ids';

/** 0: the default branch; 1: another branch, a tag, or a person's wish; 2: a request. */
export type Rank = 0 | 1 | 2;

export interface Claim {
  readonly repositoryId: RepositoryId;
  readonly rank: Rank;
  readonly isTrusted: boolean;
}

export interface ClaimSet {
  readonly id: number;
  /** One trusted claim is enough: a trusted evaluation names this very derivation. */
  readonly isTrusted: boolean;
  /** Each repository once, with the best of its ranks; by id. */
  readonly members: readonly Claim[];
}

export interface Claims {
  readonly none: ClaimSet;
  of(claim: Claim): ClaimSet;
  union(one: ClaimSet, other: ClaimSet): ClaimSet;
}

// Two of so many ids still make one exact number; a new set each second would take two years.
const MOST_IDS = 2 ** 26;
// Those that are not wanted any more go with all others: equal sets of before and after then cost a comparison more.
const MOST_KEPT = 2 ** 14;

export function createClaims(): Claims {
  const sets = new Map<string, ClaimSet>();
  const unions = new Map<number, ClaimSet>();
  let made = 0;

  function setOf(members: readonly Claim[], isTrusted: boolean): ClaimSet {
    const key = members.map(({ repositoryId, rank }) => `${repositoryId}:${rank}`).join(' ') + isTrusted;
    let found = sets.get(key);
    if (found === undefined) {
      if (sets.size >= MOST_KEPT) {
        sets.clear();
        unions.clear();
      }
      found = { id: made, isTrusted, members };
      made += 1;
      sets.set(key, found);
    }
    return found;
  }
  function join(one: ClaimSet, other: ClaimSet): ClaimSet {
    const best = new Map<RepositoryId, Claim>();
    for (const claim of [...one.members, ...other.members]) {
      const known = best.get(claim.repositoryId);
      if (known === undefined || claim.rank < known.rank) {
        best.set(claim.repositoryId, claim);
      }
    }
    const members = [...best.values()].toSorted((a, b) => a.repositoryId - b.repositoryId);
    return setOf(members, one.isTrusted || other.isTrusted);
  }

  const none = setOf([], false);
  return {
    none,
    of: (claim) => setOf([claim], claim.isTrusted),
    union: (one, other) => {
      if (one === other || other === none) {
        return one;
      }
      if (one === none) {
        return other;
      }
      const key = one.id * MOST_IDS + other.id;
      let found = unions.get(key);
      if (found === undefined) {
        found = join(one, other);
        unions.set(key, found);
      }
      return found;
    },
  };
}

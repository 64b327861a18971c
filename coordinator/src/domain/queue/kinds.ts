import type { Kind } from './kind.ts';
import type { Step } from './step.ts';

export interface Kinds {
  of(step: Step): Kind;
}

/** One object for each kind of work. */
export function createKinds(): Kinds {
  const kinds = new Map<string, Kind>();
  return {
    of: ({ system, requiredFeatures, claims: { isTrusted } }) => {
      const key = `${isTrusted ? 't' : 'u'} ${system} ${requiredFeatures.length === 0 ? '' : requiredFeatures.toSorted().join(' ')}`;
      let kind = kinds.get(key);
      if (kind === undefined) {
        kind = { id: kinds.size, system, requiredFeatures: requiredFeatures.toSorted(), isTrusted };
        kinds.set(key, kind);
      }
      return kind;
    },
  };
}

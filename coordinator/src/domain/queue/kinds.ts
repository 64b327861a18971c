import type { Kind } from './kind.ts';
import type { Step } from './step.ts';

export interface Kinds {
  of(step: Step): Kind;
}

/** One object for each kind of work. Asked for at every change of every step: no key is put together for most of them. */
export function createKinds(): Kinds {
  const trusted = new Map<string, Map<string, Kind>>();
  const untrusted: typeof trusted = new Map();
  let count = 0;
  return {
    of: ({ system, requiredFeatures, claims: { isTrusted } }) => {
      const bySystem = isTrusted ? trusted : untrusted;
      let byFeatures = bySystem.get(system);
      if (byFeatures === undefined) {
        byFeatures = new Map();
        bySystem.set(system, byFeatures);
      }
      const features = keyOf(requiredFeatures);
      let kind = byFeatures.get(features);
      if (kind === undefined) {
        kind = { id: count, system, requiredFeatures: requiredFeatures.toSorted(), isTrusted };
        count += 1;
        byFeatures.set(features, kind);
      }
      return kind;
    },
  };
}

function keyOf(features: readonly string[]): string {
  const [first = ''] = features;
  return features.length < 2 ? first : features.toSorted().join(' ');
}

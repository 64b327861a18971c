/** The builders of this host: they are there as long as the program is. */
import type { Builder } from '../../ports/builder.ts';
import type { BuilderFleet } from '../../ports/builder-fleet.ts';

export function createLocalFleet(
  builders: readonly Builder[],
  isExpectedOffline: (name: string) => boolean,
): BuilderFleet {
  return { present: builders, absent: [], isExpectedOffline, listen: () => () => undefined };
}

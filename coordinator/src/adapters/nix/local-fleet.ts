/** The builders of this host, as a fleet that never changes. They share its store, and each offers a part of it. */

import type { DerivationReader } from '@argunix/shared/nix/derivation-reader';
import type { NixConfiguration, NixEnvironment } from '@argunix/shared/nix/nix-configuration';
import { lackingOf, type OfferedPart } from '@argunix/shared/nix/nix-offer';
import type { BuilderFleet } from '../../ports/builder-fleet.ts';
import { createLocalBuilder } from './local-builder.ts';

export interface LocalFleetOptions {
  readonly configuration: NixConfiguration;
  readonly env: NixEnvironment;
  readonly derivations: DerivationReader;
  readonly builders: readonly (OfferedPart & { readonly name: string })[];
  readonly isExpectedOffline: (name: string) => boolean;
}

export interface LocalFleet extends BuilderFleet {
  /** What is asked of this host that its Nix does not have. */
  readonly warnings: readonly string[];
}

export function createLocalFleet(options: LocalFleetOptions): LocalFleet {
  const { configuration, env, derivations, builders, isExpectedOffline } = options;
  return {
    present: builders.map(({ name, ...offer }) =>
      createLocalBuilder({ name, configuration, env, derivations, offer }),
    ),
    absent: [],
    isExpectedOffline,
    // It has nothing to tell.
    listen: () => () => undefined,
    warnings: builders.flatMap((builder) => {
      const lacking = lackingOf(configuration, builder);
      return lacking.length === 0
        ? []
        : [
            `local_builders.${builder.name} is to offer ${lacking.join(', ')}, which Nix on this host does not have (system-features and extra-platforms in nix.conf).`,
          ];
    }),
  };
}

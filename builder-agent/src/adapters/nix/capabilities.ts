/** What this host can do, as its Nix says and its operator allows. */
import { AppError } from '@argunix/shared/kit/app-error';
import {
  type NixConfiguration,
  type NixEnvironment,
  readNixConfiguration,
} from '@argunix/shared/nix/nix-configuration';
import { lackingOf, nixOffer, type OfferedPart } from '@argunix/shared/nix/nix-offer';
import { BuilderCapabilities } from '@argunix/shared/protocol/capabilities';

/** Throws `usage.invalid` for a wish that this host's Nix does not fulfil. */
export function judgeOffer(nix: NixConfiguration, part: OfferedPart): void {
  const lacking = lackingOf(nix, part);
  if (lacking.length > 0) {
    throw new AppError(
      'usage.invalid',
      `expected systems and features that Nix has on this host, got ${lacking.join(', ')}; ` +
        `it has ${[nix.system, ...nix.extraPlatforms].join(', ')} and ${nix.systemFeatures.join(', ') || 'no features'}`,
      { lacking },
    );
  }
}

export async function readCapabilities(env: NixEnvironment, part: OfferedPart): Promise<BuilderCapabilities> {
  return toCapabilities(await readNixConfiguration(env), part);
}

export function toCapabilities(nix: NixConfiguration, part: OfferedPart): BuilderCapabilities {
  const offer = nixOffer(nix, part);
  return BuilderCapabilities.parse({
    systems: offer.systems,
    emulated_systems: offer.emulatedSystems,
    features: offer.features,
    mandatory_features: offer.mandatoryFeatures,
    max_jobs: offer.slots,
    speed_factor: offer.speedFactor,
    sandbox: nix.sandbox,
    nix_version: nix.version.text,
    substitutes: nix.substituters.length > 0,
  });
}

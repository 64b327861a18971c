/** The process of the courier: the bulk connections of builders, and nix-store processes at both ends of them. */
import { Socket } from 'node:net';
import { createClosureCarrier } from '../adapters/closures/closure-carrier.ts';
import { createDerivationFacts } from '../adapters/closures/derivation-facts.ts';
import { type Courier, openCourier } from '../adapters/ssh/courier/courier.ts';
import type { CourierToGate, GateToCourier } from '../adapters/ssh/messages.ts';

const derivations = createDerivationFacts();
let courier: Courier | undefined;

process.on('message', (message: GateToCourier, handle: unknown) => {
  if (message.kind === 'start') {
    const { settings } = message;
    courier ??= openCourier(settings, {
      tell: (told: CourierToGate) => {
        if (process.connected) {
          process.send?.(told);
        }
      },
      createCarrier: (openRemote, linkHint) =>
        createClosureCarrier({
          env: process.env,
          derivations,
          stallMs: settings.stallMs,
          openRemote,
          linkHint,
        }),
    });
  } else {
    courier?.take(message, handle instanceof Socket ? handle : undefined);
  }
});
process.once('disconnect', () => process.exit(0));
process.once('SIGTERM', () => process.exit(0));
process.on('SIGINT', () => undefined);

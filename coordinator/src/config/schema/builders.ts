import { z } from 'zod';
import { parseSocketAddress } from '../socket-address.ts';
import { Systems } from './evaluation.ts';
import { flag, listOf, parsedText, secretPath, section, wholeNumber } from './scalars.ts';

export const SocketAddressText = parsedText(
  'host:port, such as 127.0.0.1:8080 or [::]:8080, with a port from 0 to 65535',
  parseSocketAddress,
);

export const BuilderSettings = section({
  expect_offline: flag()
    .default(false)
    .describe('Its work waits for it without end: a laptop that is asleep is not lost.'),
});

const BEAT = 'expected a number of seconds from 0.05 to 600';
const FEATURE = 'expected a feature such as kvm or big-parallel';
const FACTOR = 'expected a number from 0.01 to 1000';
const Features = listOf(
  z.string({ error: () => FEATURE }).regex(/^[^\s,]+$/, { error: () => FEATURE }),
  'features such as kvm',
);

export const LocalBuilder = section({
  slots: wholeNumber(1, 1024)
    .optional()
    .describe(
      'How many derivations it builds at a time. Left out: max-jobs of nix.conf, for each local builder that leaves it out.',
    ),
  systems: Systems.optional().describe(
    'Systems that it builds for, of those that Nix on this host can. Left out: all of them.',
  ),
  features: Features.optional().describe(
    'Features that it offers, of the system-features of nix.conf. Left out: all of them.',
  ),
  mandatory_features: Features.default([]).describe(
    'It takes only derivations that require all of these: places kept free for them.',
  ),
  speed_factor: z
    .number({ error: () => FACTOR })
    .min(0.01, { error: () => FACTOR })
    .max(1000, { error: () => FACTOR })
    .default(1)
    .describe('How fast it is against other builders of the same system: 2 builds in half the time.'),
});
export type LocalBuilder = z.infer<typeof LocalBuilder>;

export const EnrollmentSection = section({
  listen: SocketAddressText.prefault('0.0.0.0:2222').describe(
    'Where builders dial in over SSH. Not 22, which the host itself uses.',
  ),
  token_path: secretPath()
    .optional()
    .describe(
      'The token that every new builder may enroll with. Without it each needs an invitation of its own.',
    ),
  heartbeat_seconds: z
    .number({ error: () => BEAT })
    .min(0.05, { error: () => BEAT })
    .max(600, { error: () => BEAT })
    .default(5)
    .describe(
      'How often builders and this host tell each other that they live. All that waits for a sign of life is measured in it: a builder of which nothing is heard for 19 of them is away, and a transfer without a byte for 12 is ended and tried again.',
    ),
});
export type EnrollmentSection = z.infer<typeof EnrollmentSection>;

export const MetricsSection = section({
  token_path: secretPath()
    .optional()
    .describe(
      'The bearer token that /metrics asks for. Left out: only a direct peer on this host may read it.',
    ),
});

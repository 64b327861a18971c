import { z } from 'zod';
import { parseSocketAddress } from '../socket-address.ts';
import { flag, parsedText, secretPath, section } from './scalars.ts';

export const SocketAddressText = parsedText(
  'host:port, such as 127.0.0.1:8080 or [::]:8080, with a port from 0 to 65535',
  parseSocketAddress,
);

export const BuilderName = z
  .string()
  .regex(/^[A-Za-z0-9_.-]{1,64}$/, { error: () => 'expected a name of 1 to 64 letters, digits and . _ -' });

export const BuilderSettings = section({
  expect_offline: flag()
    .default(false)
    .describe('Its work waits for it without end: a laptop that is asleep is not lost.'),
});

export const EnrollmentSection = section({
  listen: SocketAddressText.prefault('0.0.0.0:2222').describe(
    'Where builders dial in over SSH. Not 22, which the host itself uses.',
  ),
  token_path: secretPath()
    .optional()
    .describe(
      'The token that every new builder may enroll with. Without it each needs an invitation of its own.',
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

/** What the command line says, as values. Whoever started it is told everything that is wrong with it at once. */
import { parseByteSize } from '@argunix/shared/domain/byte-size';
import { AppError } from '@argunix/shared/kit/app-error';
import type { OfferedPart } from '@argunix/shared/nix/nix-offer';
import { BuilderName } from '@argunix/shared/protocol/builder-name';
import { Fingerprint } from '@argunix/shared/protocol/invitation';
import { z } from 'zod';

export interface Settings {
  readonly host: string;
  readonly port: number;
  /** Null: the one it had before, else that of the invitation, else that of this host. */
  readonly name: string | null;
  readonly tokenPath: string | null;
  readonly hostKey: string | null;
  readonly trustsFirst: boolean;
  readonly stateDir: string;
  readonly offer: OfferedPart;
  readonly minFreeDiskBytes: number;
  readonly stopWithinMs: number;
  readonly logLevel: string;
}

const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;

const list = z
  .string()
  .transform((text) =>
    text
      .split(',')
      .map((word) => word.trim())
      .filter((word) => word !== ''),
  )
  .pipe(z.array(z.string().max(200)));
const number = (least: number, most: number): z.ZodPipe<z.ZodString, z.ZodTransform<number, string>> =>
  z.string('expected a number').transform((text, context) => {
    const value = text.trim() === '' ? Number.NaN : Number(text);
    if (!(value >= least && value <= most)) {
      context.addIssue(`expected a number from ${least} to ${most}, got ${JSON.stringify(text)}`);
      return z.NEVER;
    }
    return value;
  });
const whole = (least: number, most: number): z.ZodPipe<ReturnType<typeof number>, z.ZodNumber> =>
  number(least, most).pipe(z.int());
const size = z.string().transform((text, context) => {
  const bytes = parseByteSize(text);
  if (bytes === undefined) {
    context.addIssue(`expected a size such as 2G, got ${JSON.stringify(text)}`);
    return z.NEVER;
  }
  return bytes;
});

const Options = z.object({
  argunixHost: z.string('expected the host of the coordinator').min(1, 'expected a host'),
  argunixPort: whole(1, 65_535),
  name: BuilderName.optional(),
  enrollmentTokenPath: z.string().min(1).optional(),
  hostKeyFingerprint: Fingerprint.optional(),
  trustFirstHostKey: z.boolean().default(false),
  stateDir: z.string().min(1, 'expected a directory'),
  maxJobs: whole(1, 1024).optional(),
  features: list.optional(),
  mandatoryFeatures: list.default([]),
  systems: list.optional(),
  speedFactor: number(0.01, 1000).optional(),
  minFreeDisk: size,
  stopWithin: number(0, 7 * 24 * 3600),
  logLevel: z.enum(LOG_LEVELS),
});

/** Throws `usage.invalid`. */
export function parseSettings(options: unknown): Settings {
  const parsed = Options.safeParse(options);
  if (!parsed.success) {
    const problems = parsed.error.issues.map(
      ({ path, message }) => `--${kebab(String(path[0]))}: ${message}`,
    );
    throw new AppError('usage.invalid', problems.join('; '));
  }
  const { data } = parsed;
  return {
    host: data.argunixHost,
    port: data.argunixPort,
    name: data.name ?? null,
    tokenPath: data.enrollmentTokenPath ?? null,
    hostKey: data.hostKeyFingerprint ?? null,
    trustsFirst: data.trustFirstHostKey,
    stateDir: data.stateDir,
    offer: {
      slots: data.maxJobs ?? null,
      systems: data.systems ?? null,
      features: data.features ?? null,
      mandatoryFeatures: data.mandatoryFeatures,
      speedFactor: data.speedFactor ?? 1,
    },
    minFreeDiskBytes: data.minFreeDisk,
    stopWithinMs: data.stopWithin * 1_000,
    logLevel: data.logLevel,
  };
}

function kebab(camel: string): string {
  return camel.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

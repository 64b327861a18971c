/**
 * A line of nix-eval-jobs, of any version since 2.18. Only what all of them have is read; features and texts come by
 * `meta`, where our expression puts them, as versions before 2.32 do not tell features otherwise.
 */

import { z } from 'zod';
import type { FoundJob } from '../../ports/evaluator.ts';
import type { AttributeSegments } from './attribute-order.ts';
import { makeFoundJob } from './eval-events.ts';
import { nixMessage } from './nix-message.ts';

const OurMeta = z.object({
  argunix: z.object({
    f: z.array(z.string()).catch([]),
    m: z.string().nullable().catch(null),
    p: z.string().nullable().catch(null),
  }),
});

const Line = z.object({
  attrPath: z.array(z.string()),
  error: z.string().optional(),
  // From 2.35: the run stops with this one.
  fatal: z.boolean().optional().catch(undefined),
  system: z.string().optional(),
  drvPath: z.string().optional(),
  outputs: z.record(z.string(), z.string().nullable()).optional().catch(undefined),
  // From 2.32, and the truth where it is.
  requiredSystemFeatures: z.array(z.string()).optional().catch(undefined),
  meta: OurMeta.optional().catch(undefined),
});

export type NixEvalJobsLine =
  | { readonly kind: 'job'; readonly path: AttributeSegments; readonly job: FoundJob }
  | {
      readonly kind: 'broken';
      readonly path: AttributeSegments;
      readonly message: string;
      readonly isFatal: boolean;
    }
  /** Not a line of nix-eval-jobs. */
  | { readonly kind: 'other' };

export function parseNixEvalJobsLine(text: string): NixEvalJobsLine {
  const parsed = Line.safeParse(parseJson(text));
  if (!parsed.success) {
    return { kind: 'other' };
  }
  const { attrPath: path, error, fatal, ...said } = parsed.data;
  if (error !== undefined) {
    return { kind: 'broken', path, message: errorText(error), isFatal: fatal === true };
  }
  const job =
    said.drvPath === undefined || said.system === undefined
      ? 'It is not a derivation that Nix made: its line has no drvPath and system.'
      : makeFoundJob(path, {
          ...{ drvPath: said.drvPath, system: said.system, outputs: said.outputs ?? {} },
          requiredFeatures: said.requiredSystemFeatures ?? said.meta?.argunix.f ?? [],
          description: said.meta?.argunix.m ?? null,
          mainProgram: said.meta?.argunix.p ?? null,
        });
  return typeof job === 'string'
    ? { kind: 'broken', path, message: job, isFatal: false }
    : { kind: 'job', path, job };
}

function errorText(error: string): string {
  const lines = error.split('\n');
  return nixMessage(lines) || nixMessage(['error:', ...lines]);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Whatever it printed, it is no job.
    return undefined;
  }
}

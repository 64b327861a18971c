/** Forges and the hooks that are kept at them, as the operator sees them. */
import { z } from 'zod';
import { FORGE_KINDS } from '../domain/forge-kind.ts';
import { HookCondition, RepositoryRef } from './views.ts';

const Time = z.iso.datetime();
const Count = z.int().nonnegative();

export const FORGE_STATES = [
  'works',
  /** It refuses our credential: nothing is sent until a probe works. */
  'paused',
  /** Of kind git: nobody is told, and nobody tells us. */
  'polled',
] as const;

export const ForgeView = z.object({
  name: z.string(),
  kind: z.enum(FORGE_KINDS),
  web_url: z.string().nullable(),
  state: z.enum(FORGE_STATES),
  paused: z.object({ since: Time, reason: z.string(), next_probe_at: Time }).nullable(),
  /** What it is still to be told. */
  checks: z.object({ waiting: Count, oldest_since: Time.nullable() }),
  /** Since the start: `refused` were answered with 4xx, `failed` with 5xx or not at all. */
  requests: z.object({ sent: Count, refused: Count, failed: Count }),
});
export type ForgeView = z.infer<typeof ForgeView>;

/** What came of an operator's wish, and the forge after it. */
export const ForgeChange = z.object({ message: z.string(), forge: ForgeView.nullable() });

export const HookView = z.object({
  forge: z.string(),
  /** Null: of a GitHub App, for all repositories of the forge. */
  repo: RepositoryRef.nullable(),
  ...HookCondition.shape,
  /** Its address, as it was last installed. */
  url: z.string().nullable(),
});
export type HookView = z.infer<typeof HookView>;

export const HookChange = z.object({ message: z.string(), hook: HookView });
export type HookChange = z.infer<typeof HookChange>;

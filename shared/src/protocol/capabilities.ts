/** What a builder tells about itself: what it can do, how it is, and whether it wants work. */
import { z } from 'zod';
import { Count } from './paths.ts';

const words = z.array(z.string().min(1).max(200)).max(200);

export const BuilderCapabilities = z.object({
  /** What its processor runs itself. */
  systems: words,
  /** What it runs through an emulator. */
  emulated_systems: words,
  features: words,
  mandatory_features: words.default([]),
  max_jobs: z.int().min(1).max(1024),
  speed_factor: z.number().min(0.01).max(1000).default(1),
  /** Nix's own sandbox; `relaxed` counts as off. */
  sandbox: z.enum(['on', 'off', 'relaxed']),
  nix_version: z.string().min(1).max(100),
  /** Whether its Nix has caches to ask. */
  substitutes: z.boolean().default(false),
});
export type BuilderCapabilities = z.output<typeof BuilderCapabilities>;

/** Why it takes nothing new. */
export const Pause = z.object({
  why: z.enum(['stopping', 'low_disk', 'drained']),
  /** A sentence. */
  reason: z.string().max(1000),
});
export type Pause = z.output<typeof Pause>;

export const HostStats = z.object({
  load_1: z.number().nonnegative(),
  cores: Count,
  memory_used_bytes: Count,
  memory_total_bytes: Count,
  /** Of the file system of the Nix store. */
  disk_free_bytes: Count,
  disk_total_bytes: Count,
  /** Builds that run there now. */
  building: Count,
});
export type HostStats = z.output<typeof HostStats>;

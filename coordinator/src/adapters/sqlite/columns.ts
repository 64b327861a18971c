/** JSON columns, parsed: the database is a boundary too. */
import { z } from 'zod';
import type { StatusCounts } from '../../ports/evaluation-store.ts';

const Outputs = z.record(z.string(), z.string().nullable());
const Strings = z.array(z.string());
const Counts = z.record(z.string(), z.int().nonnegative());

export function parseOutputs(json: string): Readonly<Record<string, string | null>> {
  return Outputs.parse(JSON.parse(json));
}

export function parseStrings(json: string): readonly string[] {
  return json === '[]' ? [] : Strings.parse(JSON.parse(json));
}

export function parseCounts(json: string, none: StatusCounts): StatusCounts {
  return { ...none, ...Counts.parse(JSON.parse(json)) };
}

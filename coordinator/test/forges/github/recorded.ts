/** What GitHub really sent once: recorded deliveries, and the examples of its description. */
import { createRequire } from 'node:module';
import { z } from 'zod';
import { createSchemaJudge, Excerpt } from '../schema-judge.ts';
import operations from './operations.json' with { type: 'json' };

const Payload = z.record(z.string(), z.unknown());
type Payload = z.infer<typeof Payload>;

const Recorded = z.array(z.object({ name: z.string(), examples: z.array(Payload) }));
type Recorded = z.infer<typeof Recorded>;

const require = createRequire(import.meta.url);
const recorded = Recorded.parse(require('@octokit/webhooks-examples'));

/** Everything that was recorded of github.com, or of an Enterprise Server: `ghes-35`. */
export function allRecorded(of: string): Recorded {
  return Recorded.parse(require(`@octokit/webhooks-examples/${of}/index.json`));
}

export const API_PATH = '/api/v3';
export const gitHubJudge = createSchemaJudge(Excerpt.parse(operations), API_PATH);

/** The first recorded delivery of this event that is as wanted; a copy. */
export function recordedDelivery(
  event: string,
  isWanted: (payload: Payload) => boolean = () => true,
): Payload {
  const found = recorded.find(({ name }) => name === event)?.examples.find(isWanted);
  if (found === undefined) {
    throw new Error(`no such delivery was recorded: ${event}`);
  }
  return structuredClone(found);
}

/** An object within a recorded one. */
export function part(payload: Payload, ...names: readonly string[]): Payload {
  return names.reduce<Payload>((node, name) => Payload.parse(node[name]), payload);
}

/** The example of an answer in the description. */
export function exampleAnswer(operation: string): Payload {
  const example = gitHubJudge.exampleOf(operation);
  return Payload.parse(Array.isArray(example) ? example[0] : example);
}

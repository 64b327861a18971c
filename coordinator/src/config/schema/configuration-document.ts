/** The whole of argunix.yaml as a person writes it. Its meaning, with every default filled in, is `Configuration`. */

import { isIP } from 'node:net';
import { BuilderName } from '@argunix/shared/protocol/builder-name';
import { z } from 'zod';
import { parseWebUrl } from '../web-url.ts';
import {
  BuilderSettings,
  EnrollmentSection,
  LocalBuilder,
  MetricsSection,
  SocketAddressText,
} from './builders.ts';
import { EvaluationSection, Systems } from './evaluation.ts';
import { Forge, ForgeName } from './forge.ts';
import { BinaryCache, DefaultsSection, Registry, ServeCacheSection, WebSection } from './publishing.ts';
import { RetentionSection } from './retention.ts';
import { flag, listOf, parsedText, path, section } from './scalars.ts';
import { ScheduleSection } from './schedule.ts';

const NETWORK = 'an IP address or a network such as 10.0.0.0/8';

export const ConfigurationDocument = section({
  external_url: parsedText(
    'the http or https address under which people reach argunix',
    parseWebUrl,
  ).describe(
    'Where people and forges reach argunix: webhooks, status links and flake addresses begin with it.',
  ),
  listen: SocketAddressText.prefault('127.0.0.1:8080').describe(
    'Where pages and API are served. Loopback unless told: a reverse proxy adds TLS.',
  ),
  state_dir: path('a directory')
    .default('./argunix-state')
    .describe('Database, logs, checkouts and keys; relative to where argunix is started.'),
  control_socket: path('the path of a Unix socket')
    .optional()
    .describe('Where argunixctl reaches the coordinator; control/argunix.sock in state_dir when left out.'),
  systems: Systems.optional().describe(
    'Systems that jobs are made for. Left out: that of this host, and those of enrolled builders.',
  ),
  dry_run: flag().default(false).describe('Build, but tell no forge, cache or registry.'),
  schedule: ScheduleSection.prefault({}).describe('When things run, how often, how long.'),
  eval: EvaluationSection.prefault({}).describe('How flakes are evaluated.'),
  retention: RetentionSection.prefault({}).describe('What is kept, and how long.'),
  local_builds: flag().default(true).describe('This host builds too, without an agent.'),
  local_builders: z
    .record(BuilderName, LocalBuilder.nullable(), {
      error: (issue) =>
        issue.code === 'invalid_type' ? 'expected a map from names of builders to settings' : undefined,
    })
    .optional()
    .describe(
      'The places that this host has for builds, by name. They all build in its one store; several of them keep some places for certain work, which then does not wait behind other work. Left out: one named local, with all that the host has.',
    ),
  allow_unsandboxed_untrusted: flag()
    .default(false)
    .describe("Let work of strangers run where Nix's sandbox is off: there it can read the whole store."),
  trusted_proxies: listOf(parsedText(NETWORK, parseNetwork), 'addresses')
    .prefault(['127.0.0.1', '::1'])
    .describe('Peers whose Forwarded headers name the client. A proxy is usually on this host.'),
  forges: z
    .record(ForgeName, Forge, {
      error: (issue) => (issue.code === 'invalid_type' ? 'expected a map from names to forges' : undefined),
    })
    .describe('Where the repositories are. The name is the first part of every URL of its repositories.'),
  builder_enrollment: EnrollmentSection.optional().describe('How builders join. Left out: none can.'),
  binary_caches: listOf(BinaryCache, 'binary caches')
    .default([])
    .describe('Where results are pushed. What this host reads from is in its nix.conf.'),
  serve_cache: ServeCacheSection.prefault({}).describe('The store of this host as a binary cache.'),
  registries: z
    .record(z.string(), Registry, {
      error: (issue) =>
        issue.code === 'invalid_type' ? 'expected a map from names to registries' : undefined,
    })
    .default({})
    .describe('Image registries by name.'),
  defaults: DefaultsSection.prefault({}).describe('What holds for every repository.'),
  builders: z
    .record(BuilderName, BuilderSettings.nullable(), {
      error: (issue) => (issue.code === 'invalid_type' ? 'expected a map from names to settings' : undefined),
    })
    .default({})
    .describe('What is known about builders by name.'),
  metrics: MetricsSection.prefault({}).describe('Who may read /metrics.'),
  web: WebSection.prefault({}).describe('Kept from the Rust argunix.'),
});
export type ConfigurationDocument = z.infer<typeof ConfigurationDocument>;

function parseNetwork(text: string): string | undefined {
  const [address = '', bits, ...rest] = text.split('/');
  const most = { 4: 32, 6: 128 }[isIP(address)];
  const isGood =
    most !== undefined &&
    rest.length === 0 &&
    (bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= most));
  return isGood ? text : undefined;
}

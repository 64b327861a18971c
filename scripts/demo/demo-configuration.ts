import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { freePort } from './free-port.ts';

const USUAL_PORT = 8080;

export interface DemoConfiguration {
  readonly stateDirectory: string;
  readonly port: number | undefined;
  readonly forge: string;
  readonly slug: string;
  readonly repositoryUrl: string;
}

/** Writes the coordinator's configuration, as short as one can be, and returns its path. */
export async function writeConfiguration(demo: DemoConfiguration): Promise<string> {
  const { stateDirectory, forge, slug, repositoryUrl } = demo;
  const listen = `127.0.0.1:${demo.port ?? (await freePort(USUAL_PORT))}`;
  const path = join(stateDirectory, 'argunix.yaml');
  const configuration = {
    external_url: `http://${listen}`,
    listen,
    state_dir: join(stateDirectory, 'coordinator'),
    systems: [hostSystem()],
    // A push by hand does not poke; two seconds are soon enough for who watches.
    forges: { [forge]: { kind: 'git', repos: { [slug]: { url: repositoryUrl, poll_seconds: 2 } } } },
  };
  writeFileSync(path, stringify(configuration));
  return path;
}

/** This host in Nix's words. */
export function hostSystem(): string {
  const machines: Partial<Record<NodeJS.Architecture, string>> = { x64: 'x86_64', arm64: 'aarch64' };
  return `${machines[process.arch] ?? process.arch}-${process.platform}`;
}

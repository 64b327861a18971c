import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { freePort, isPortFree } from './free-port.ts';

const USUAL_PORT = 8080;

export interface DemoConfiguration {
  readonly stateDirectory: string;
  readonly port: number | undefined;
  readonly forge: string;
  readonly slug: string;
  readonly repositoryUrl: string;
  /** Null: this host builds by itself. */
  readonly enrollment: { readonly port: number; readonly tokenPath: string } | null;
}

/** Writes the coordinator's configuration, as short as one can be, and returns its path. */
export async function writeConfiguration(demo: DemoConfiguration): Promise<string> {
  const { stateDirectory, forge, slug, repositoryUrl } = demo;
  if (demo.port !== undefined && !(await isPortFree(demo.port))) {
    throw new Error(`--port: ${demo.port} is in use, or not yours to use; give another one, or none`);
  }
  const listen = `127.0.0.1:${demo.port ?? (await freePort(USUAL_PORT))}`;
  const path = join(stateDirectory, 'argunix.yaml');
  const configuration = {
    external_url: `http://${listen}`,
    listen,
    state_dir: join(stateDirectory, 'coordinator'),
    control_socket: controlSocket(stateDirectory),
    systems: [hostSystem()],
    ...(demo.enrollment === null
      ? {}
      : {
          local_builds: false,
          builder_enrollment: {
            listen: `127.0.0.1:${demo.enrollment.port}`,
            token_path: demo.enrollment.tokenPath,
            heartbeat_seconds: 2,
          },
        }),
    // A push by hand does not poke; two seconds are soon enough for who watches.
    forges: { [forge]: { kind: 'git', repos: { [slug]: { url: repositoryUrl, poll_seconds: 2 } } } },
  };
  writeFileSync(path, stringify(configuration));
  return path;
}

export function controlSocket(stateDirectory: string): string {
  return join(stateDirectory, 'control.sock');
}

/** This host in Nix's words. */
export function hostSystem(): string {
  const machines: Partial<Record<NodeJS.Architecture, string>> = { x64: 'x86_64', arm64: 'aarch64' };
  return `${machines[process.arch] ?? process.arch}-${process.platform}`;
}

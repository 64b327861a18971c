/** A courier on one private host and an agent on another, joined by a real SSH connection over loopback. */
import { z } from 'zod';
import { makeKey } from '../../coordinator/src/adapters/ssh/new-key.ts';
import { ask, type PrivateHost, stop } from './private-host.ts';

const Listening = z.object({ port: z.number() });
const Carried = z.object({ ms: z.number(), bytes: z.number(), maxRssBytes: z.number() });
export type Carried = z.infer<typeof Carried>;

export interface SshPair {
  push(drvPath: string): Promise<Carried>;
  pull(drvPath: string, outputs: readonly string[]): Promise<Carried>;
  close(): Promise<void>;
}

export async function openSshPair(coordinator: PrivateHost, builder: PrivateHost): Promise<SshPair> {
  const [hostKey, agentKey] = [makeKey('host'), makeKey('agent')];
  const courier = coordinator.node(new URL('./courier-process.ts', import.meta.url), hostKey);
  const { port } = Listening.parse(await ask(courier, { kind: 'listen' }));
  const agent = builder.node(new URL('./agent-process.ts', import.meta.url), String(port), agentKey);
  await ask(courier, { kind: 'connected' });
  return {
    push: async (drvPath) => Carried.parse(await ask(courier, { kind: 'push', drvPath })),
    pull: async (drvPath, outputs) => Carried.parse(await ask(courier, { kind: 'pull', drvPath, outputs })),
    async close() {
      await stop(agent);
      await stop(courier);
    },
  };
}

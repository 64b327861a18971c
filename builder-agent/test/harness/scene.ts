/** A coordinator's stand-in, a directory, and the agents of one test: all of it gone after the test. */

import { until } from '@argunix/shared/kit/testing/until';
import type { RealNix } from '@argunix/shared/nix/testing/real-nix';
import { afterEach, beforeEach } from 'vitest';
import { makePlace, type Place, startTestAgent, type TestAgent, type TestAgentOptions } from './agent.ts';
import { type Proxy, startProxy } from './proxy.ts';
import { type StandIn, type StandInOptions, startStandIn } from './stand-in.ts';

export const TOKEN = 'the-shared-token-of-this-test';

export interface Scene {
  readonly place: Place;
  readonly standIn: StandIn;
  /** With the host key given and the token at hand, unless the options say otherwise. */
  agent(more?: Partial<TestAgentOptions>): Promise<TestAgent>;
  /** The same, and welcomed. */
  joined(more?: Partial<TestAgentOptions>): Promise<TestAgent>;
  proxy(): Promise<Proxy>;
  /** Another coordinator than the one that is there. */
  another(options?: StandInOptions): Promise<StandIn>;
  cleanUp(work: () => Promise<void>): void;
}

/** `scene()` is that of the test that runs. */
export function setScene(nix: RealNix, options: StandInOptions = {}): () => Scene {
  let scene: Scene | undefined;
  let undo: (() => Promise<void>)[] = [];

  beforeEach(async () => {
    const place = await makePlace();
    undo.push(() => place.remove());
    const standIn = await another({ token: TOKEN, ...options });
    async function another(theirs: StandInOptions = {}): Promise<StandIn> {
      const started = await startStandIn(theirs);
      undo.push(() => started.close());
      return started;
    }
    async function agent(more: Partial<TestAgentOptions> = {}): Promise<TestAgent> {
      const started = await startTestAgent({
        nix,
        port: standIn.port,
        stateDir: place.stateDir,
        ...more,
        options: {
          ...(more.options?.['enrollmentTokenPath'] === undefined
            ? { enrollmentTokenPath: await place.token(TOKEN) }
            : {}),
          hostKeyFingerprint: standIn.fingerprint,
          ...more.options,
        },
      });
      undo.push(async () => {
        started.stop();
        started.stop();
        // What it ended by is the test's to judge.
        await started.ended.catch(() => undefined);
      });
      return started;
    }
    scene = {
      place,
      standIn,
      agent,
      async joined(more) {
        const before = standIn.hellos.length;
        const started = await agent(more);
        await standIn.welcomed(before + 1);
        await until(() => started.logged('welcomed'));
        return started;
      },
      async proxy() {
        const proxy = await startProxy(standIn.port);
        undo.push(() => proxy.close());
        return proxy;
      },
      another,
      cleanUp: (work) => void undo.push(work),
    };
  });
  afterEach(async () => {
    const work = undo.toReversed();
    undo = [];
    for (const step of work) {
      await step();
    }
  });
  return () => {
    if (scene === undefined) {
      throw new Error('there is a scene only while a test runs');
    }
    return scene;
  };
}

/** The one suite that every forge adapter passes, against a stand-in that judges what it is asked. */

import { toEpochMs } from '@argunix/shared/domain/epoch-ms';
import { systemClock } from '@argunix/shared/kit/clock';
import { afterEach, beforeEach, describe, expect } from 'vitest';
import { describeChecks } from './contract/checks.ts';
import { describeDeliveries } from './contract/deliveries.ts';
import { describeDeliveryFuzz } from './contract/delivery-fuzz.ts';
import { describeHooks } from './contract/hooks.ts';
import { describeQuestions } from './contract/questions.ts';
import { OURS } from './contract/sample.ts';
import { describeTrouble } from './contract/trouble.ts';
import type { DialectContract, ForgeContract, ForgeSubject, Scene } from './forge-subject.ts';

// A machine that does something else meanwhile must not look like a forge that hangs.
const PATIENT_MS = 10_000;
// Short, as each test of what hangs waits for all of it.
const IMPATIENT_MS = 150;

export function describeForge(contract: ForgeContract): void {
  describe.each([contract.name])('%s', () => {
    let current: ForgeSubject | undefined;
    let now = Date.parse('2026-03-01T12:00:00Z');

    async function open(timeoutMs: number): Promise<void> {
      const clock = { now: () => toEpochMs(now), sleep: systemClock.sleep.bind(systemClock) };
      current = await contract.open({ clock, timeoutMs, retryMs: 5 });
      current.standIn.addRepository({ slug: OURS, isPrivate: true, defaultBranch: 'main' });
    }

    async function close(): Promise<void> {
      const violations = [...new Set(current?.standIn.server.violations)];
      await current?.close();
      await current?.standIn.server.close();
      current = undefined;
      expect(violations, 'every request is as the forge describes it').toEqual([]);
    }

    const scene: Scene = {
      subject: () => {
        if (current === undefined) {
          throw new Error('no subject outside of a test');
        }
        return current;
      },
      advance: (ms) => {
        now += ms;
      },
      hurry: async () => {
        await close();
        await open(IMPATIENT_MS);
      },
    };

    beforeEach(async () => {
      await open(PATIENT_MS);
    });
    afterEach(close);

    describeQuestions(contract, scene);
    describeChecks(contract, scene);
    describeHooks(contract, scene);
    describeTrouble(contract, scene);
  });
}

export function describeDialect(contract: DialectContract): void {
  describe.each([contract.name])('%s', () => {
    describeDeliveries(contract);
    describeDeliveryFuzz(contract);
  });
}

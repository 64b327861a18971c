/** One subject for a test of what is GitHub's alone; it ends with the test, which fails where GitHub would not agree. */
import { type EpochMs, toEpochMs } from '@argunix/shared/domain/epoch-ms';
import { type Clock, systemClock } from '@argunix/shared/kit/clock';
import { expect, onTestFinished } from 'vitest';
import { OURS } from '../contract/sample.ts';
import type { OpenOptions } from '../forge-subject.ts';
import type { SeenRequest } from '../stand-in-server.ts';
import type { GitHubSubject } from './subjects.ts';

export interface GitHubScene extends GitHubSubject {
  readonly advance: (ms: number) => void;
  /** `POST /app/installations/11/access_tokens`, in order, since `from`. */
  readonly asked: (from?: number) => readonly string[];
}

export async function openScene(
  open: (options: OpenOptions) => Promise<GitHubSubject>,
): Promise<GitHubScene> {
  const clock = heldClock();
  const subject = await open({ clock, timeoutMs: 10_000, retryMs: 5 });
  const { standIn } = subject;
  standIn.addRepository({ slug: OURS, isPrivate: true, defaultBranch: 'main' });
  onTestFinished(async () => {
    const violations = [...new Set(standIn.server.violations)];
    await subject.close();
    await standIn.server.close();
    expect(violations, 'every request is as GitHub describes it').toEqual([]);
  });
  return {
    ...subject,
    advance: clock.advance,
    asked: (from = 0) => standIn.server.requests.slice(from).map(nameOf),
  };
}

function nameOf({ method, path }: SeenRequest): string {
  return `${method} ${path.replace('/api/v3', '')}`;
}

function heldClock(): Clock & { readonly advance: (ms: number) => void } {
  let now: EpochMs = toEpochMs(Date.parse('2026-03-01T12:00:00Z'));
  return {
    now: () => now,
    sleep: systemClock.sleep.bind(systemClock),
    advance: (ms) => {
      now = toEpochMs(now + ms);
    },
  };
}

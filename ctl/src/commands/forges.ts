import { ForgeChange, ForgeView } from '@argunix/shared/control-api/forge-views';
import { z } from 'zod';
import type { Command } from '../command.ts';
import type { Cell, Column } from '../output/table.ts';
import { formatAge } from '../output/times.ts';

const FORGES = '/api/v1/forges';

export const listForges: Command = async ({ client, print, now }) => {
  const forges = await client.get(FORGES, z.array(ForgeView));
  if (print.isJson) {
    print.json(forges);
    return;
  }
  print.table(columns(now()), forges, 'The configuration names no forge.');
};

export const resumeForge: Command = async ({ client, print }, given) => {
  const path = `${FORGES}/${encodeURIComponent(given.argument('name'))}/resume`;
  const done = await client.post(path, ForgeChange);
  if (print.isJson) {
    print.json(done);
    return;
  }
  print.sentence(done.message);
};

function columns(now: number): readonly Column<ForgeView>[] {
  return [
    { title: 'FORGE', cell: ({ name }) => name },
    { title: 'KIND', cell: ({ kind }) => kind },
    { title: 'STATE', cell: ({ state }): Cell => ({ text: state, look: LOOKS[state] }) },
    {
      title: 'CHECKS',
      cell: ({ checks }) =>
        checks.waiting === 0
          ? 'all told'
          : `${checks.waiting} wait, the oldest since ${formatAge(checks.oldest_since, now)}`,
    },
    {
      title: 'REQUESTS',
      cell: ({ requests: { sent, refused, failed } }) =>
        `${sent} sent${refused === 0 ? '' : `, ${refused} refused`}${failed === 0 ? '' : `, ${failed} failed`}`,
    },
    { title: 'ADDRESS', cell: ({ web_url: url }) => url ?? '-' },
    {
      title: 'WHY',
      cell: ({ paused }) =>
        paused === null
          ? ''
          : `since ${formatAge(paused.since, now)}, tried again ${untilThen(paused.next_probe_at, now)}: ${paused.reason}`,
    },
  ];
}

const LOOKS = { works: 'good', paused: 'bad', polled: 'plain' } as const;

function untilThen(time: string, now: number): string {
  const seconds = Math.round((Date.parse(time) - now) / 1000);
  if (seconds <= 0) {
    return 'now';
  }
  return seconds < 120 ? `in ${seconds} s` : `in ${Math.round(seconds / 60)} min`;
}

import { type BuilderView, StatusView } from '@argunix/shared/control-api/views';
import type { Command } from '../command.ts';
import { printFields } from '../output/fields.ts';
import type { Column } from '../output/table.ts';
import { formatAge } from '../output/times.ts';

const BUILDERS: readonly Column<BuilderView>[] = [
  { title: 'BUILDER', cell: ({ name }) => name },
  {
    title: 'STATE',
    cell: ({ state }) => ({ text: state, look: state === 'ready' ? 'good' : 'bad' }),
  },
  { title: 'SLOTS', cell: ({ slots, slots_used: used }) => `${used}/${slots}` },
  { title: 'SYSTEMS', cell: ({ systems }) => systems.join(' ') },
  { title: 'NIX', cell: ({ nix_version: version }) => version ?? '' },
  {
    title: 'SANDBOX',
    cell: ({ sandboxed }) => (sandboxed ? { text: 'on', look: 'good' } : { text: 'off', look: 'bad' }),
  },
  {
    title: 'BUILDS',
    cell: ({ current, internal_steps: steps }) =>
      [...current.map(({ attr }) => attr), ...steps.map(({ name }) => name)].join(' '),
  },
];

export const status: Command = async ({ client, print, now }) => {
  const view = await client.get('/api/v1/status', StatusView);
  if (print.isJson) {
    print.json(view);
    return;
  }
  const { evaluations, jobs } = view;
  printFields(print, {
    version: view.version,
    address: view.external_url,
    started: formatAge(view.started_at, now()),
    repositories: view.repositories,
    evaluations: `${evaluations.queued} queued, ${evaluations.evaluating} evaluating, ${evaluations.building} building`,
    jobs: `${jobs.queued} queued, ${jobs.running} running`,
  });
  for (const warning of view.warnings) {
    print.sentence(`warning: ${warning}`);
  }
  print.sentence('');
  print.table(BUILDERS, view.builders, 'No builder is connected.');
};

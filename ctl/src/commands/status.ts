import { StatusView } from '@argunix/shared/control-api/status-view';
import type { Command } from '../command.ts';
import { builderColumns } from '../output/builder-columns.ts';
import { printFields } from '../output/fields.ts';
import type { Column } from '../output/table.ts';
import { formatAge } from '../output/times.ts';

function refusalColumns(now: number): readonly Column<StatusView['refusals'][number]>[] {
  return [
    { title: 'REFUSED', cell: ({ at }) => formatAge(at, now) },
    { title: 'FROM', cell: ({ from }) => from },
    { title: 'REASON', cell: ({ reason }) => reason },
  ];
}

export const status: Command = async ({ client, print, now }) => {
  const view = await client.get('/api/v1/status', StatusView);
  if (print.isJson) {
    print.json(view);
    return;
  }
  const { evaluations, jobs, builder_enrollment: enrollment } = view;
  printFields(print, {
    version: view.version,
    address: view.external_url,
    started: formatAge(view.started_at, now()),
    repositories: view.repositories,
    evaluations: `${evaluations.queued} queued, ${evaluations.evaluating} evaluating, ${evaluations.building} building`,
    jobs: `${jobs.queued} queued, ${jobs.running} running`,
    'builders dial': enrollment === null ? null : (enrollment.address ?? 'nowhere: it does not listen yet'),
    'host key': enrollment?.host_key_fingerprint ?? null,
  });
  for (const warning of view.warnings) {
    print.sentence(`warning: ${warning}`);
  }
  print.sentence('');
  print.table(builderColumns(now()), view.builders, 'There is no builder.');
  if (view.refusals.length > 0) {
    print.sentence('');
    print.table(refusalColumns(now()), view.refusals, '');
  }
};

import { RepositoryView } from '@argunix/shared/control-api/views';
import { z } from 'zod';
import type { Command } from '../command.ts';
import { evaluationState, nameOf } from '../output/columns.ts';
import type { Column } from '../output/table.ts';
import { formatAge } from '../output/times.ts';

export const listRepositories: Command = async ({ client, print, now }) => {
  const repositories = await client.get('/api/v1/repos', z.array(RepositoryView));
  if (print.isJson) {
    print.json(repositories);
    return;
  }
  const columns: readonly Column<RepositoryView>[] = [
    { title: 'REPOSITORY', cell: nameOf },
    { title: 'KIND', cell: ({ kind }) => kind },
    { title: 'SEEN BY', cell: ({ visibility }) => (visibility === 'public' ? 'all' : 'readers') },
    { title: 'BRANCH', cell: ({ default_branch: branch }) => branch?.replace('refs/heads/', '') ?? '-' },
    { title: 'HOOK', cell: ({ hook }) => (hook === null ? '-' : hook.state.replace('_', ' ')) },
    { title: 'LATEST', cell: ({ latest }) => (latest === null ? '-' : evaluationState(latest)) },
    { title: 'ID', cell: ({ latest }) => (latest === null ? '-' : String(latest.id)) },
    { title: 'CHECKED', cell: ({ checked_at: at }) => formatAge(at, now()) },
    { title: 'TROUBLE', cell: ({ trouble }) => trouble ?? '' },
  ];
  print.table(columns, repositories, 'The configuration names no repository.');
};

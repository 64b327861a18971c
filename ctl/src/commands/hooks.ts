/** Hooks at forges. Without a repository, all of them, one after another: a forge is asked gently. */
import { HookChange, HookView } from '@argunix/shared/control-api/forge-views';
import { z } from 'zod';
import type { Command, CommandContext, Given } from '../command.ts';
import { CommandFailure, EXIT } from '../exit-codes.ts';
import { nameOf } from '../output/columns.ts';
import type { Cell, Column } from '../output/table.ts';
import { formatAge } from '../output/times.ts';

const HOOKS = '/api/v1/hooks';

interface HookRow {
  readonly hook: HookView;
  readonly remark: string;
}

export const listHooks: Command = async ({ client, print, now }) => {
  const hooks = await client.get(HOOKS, z.array(HookView));
  if (print.isJson) {
    print.json(hooks);
    return;
  }
  print.table(
    columns(now()),
    hooks.map((hook) => ({ hook, remark: hook.trouble ?? '' })),
    NONE,
  );
};

export const checkHooks: Command = async (context, given) => {
  await each(context, given, 'check');
};

export const repairHooks: Command = async (context, given) => {
  await each(context, given, 'repair');
};

export const rotateHook: Command = async (context, given) => {
  await each(context, given, 'rotate');
};

const NONE = 'There is no hook: repositories of kind git are looked at, and so is what dry_run keeps still.';

async function each(
  { client, print, now }: CommandContext,
  given: Given,
  verb: 'check' | 'repair' | 'rotate',
): Promise<void> {
  const repo = given.argument('repo');
  const all = await client.get(HOOKS, z.array(HookView));
  const wanted = repo === '' ? all : all.filter((hook) => keyOf(hook) === repo);
  if (repo !== '' && wanted.length === 0) {
    throw new CommandFailure(
      EXIT.notFound,
      `There is no hook of ${repo}; argunixctl hooks list tells which there are.`,
    );
  }
  const rows: HookRow[] = [];
  let isGood = true;
  for (const before of wanted) {
    const row = await one(before);
    rows.push(row.row);
    isGood = isGood && row.isGood;
  }
  if (print.isJson) {
    print.json(rows.map(({ hook, remark }) => ({ message: remark, hook })));
  } else {
    print.table(columns(now()), rows, NONE);
  }
  if (!isGood) {
    throw new CommandFailure(EXIT.refused, 'not every hook is as wanted');
  }

  async function one(before: HookView): Promise<{ readonly row: HookRow; readonly isGood: boolean }> {
    const body = before.repo === null ? { forge: before.forge } : { repo: before.repo };
    try {
      const { hook, message } = await client.post(`${HOOKS}/${verb}`, HookChange, body);
      return { row: { hook, remark: message }, isGood: hook.state === 'good' };
    } catch (error) {
      // The others are still to be done.
      if (error instanceof CommandFailure && error.exitCode === EXIT.refused) {
        const hook = { ...before, state: 'trouble' as const, trouble: error.message };
        return { row: { hook, remark: error.message }, isGood: false };
      }
      throw error;
    }
  }
}

/** What a hook is called on the command line: its repository, or the forge of its App. */
function keyOf({ forge, repo }: HookView): string {
  return repo === null ? forge : nameOf(repo);
}

const LOOKS = { good: 'good', trouble: 'bad', never_installed: 'plain' } as const;

function columns(now: number): readonly Column<HookRow>[] {
  return [
    { title: 'HOOK', cell: ({ hook }) => (hook.repo === null ? `${hook.forge} (App)` : keyOf(hook)) },
    {
      title: 'STATE',
      cell: ({ hook: { state } }): Cell => ({ text: state.replace('_', ' '), look: LOOKS[state] }),
    },
    {
      title: 'DELIVERED',
      cell: ({ hook: { delivered_at: at } }) => (at === null ? 'never' : formatAge(at, now)),
    },
    { title: 'CHECKED', cell: ({ hook: { checked_at: at } }) => formatAge(at, now) },
    { title: 'REMARK', cell: ({ remark }) => remark },
  ];
}

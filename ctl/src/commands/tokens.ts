/** Tokens of the API. A token itself is printed once, when it is made. */
import { NewTokenView, TokenView } from '@argunix/shared/control-api/token-views';
import { z } from 'zod';
import type { Command } from '../command.ts';
import { CommandFailure, EXIT } from '../exit-codes.ts';
import type { Column } from '../output/table.ts';
import { formatAge } from '../output/times.ts';

const TOKENS = '/api/v1/tokens';

export const listTokens: Command = async ({ client, print, now }) => {
  const tokens = await client.get(TOKENS, z.array(TokenView));
  if (print.isJson) {
    print.json(tokens);
    return;
  }
  const columns: readonly Column<TokenView>[] = [
    { title: 'TOKEN', cell: ({ name }) => name },
    {
      title: 'STATE',
      cell: ({ state }) => ({ text: state, look: state === 'works' ? 'good' : 'bad' }),
    },
    { title: 'MAY', cell: ({ may }) => may.join(',') },
    { title: 'REPOSITORIES', cell: ({ repos }) => repos },
    { title: 'CREATED', cell: ({ created_at: at }) => formatAge(at, now()) },
    { title: 'USED', cell: ({ last_used_at: at }) => (at === null ? 'never' : formatAge(at, now())) },
    { title: 'EXPIRES', cell: ({ expires_at: at }) => at?.slice(0, 10) ?? 'never' },
  ];
  print.table(columns, tokens, 'There is no token. Make one: argunixctl tokens create NAME --may read');
};

export const createToken: Command = async ({ client, print }, given) => {
  const may = given.option('may');
  if (may === undefined) {
    throw new CommandFailure(
      EXIT.usage,
      '--may: expected what the token may, such as --may read,trigger, got none',
    );
  }
  const days = given.option('expires-days');
  const repos = given.option('repos');
  const made = await client.post(TOKENS, NewTokenView, {
    name: given.argument('name'),
    may: may.split(',').map((right) => right.trim()),
    ...(repos !== undefined && { repos }),
    ...(days !== undefined && { expires_days: toDays(days) }),
  });
  if (print.isJson) {
    print.json(made);
    return;
  }
  const until = made.expires_at === null ? 'until it is revoked' : `until ${made.expires_at}`;
  // Only the token on standard output: it can be piped to where it is kept.
  print.note(
    `${made.name} may ${made.may.join(', ')} in ${made.repos}, ${until}. It is shown this once; send it as Authorization: Bearer:`,
  );
  print.sentence(made.token);
};

function toDays(text: string): number {
  if (!/^[1-9]\d{0,3}$/.test(text)) {
    throw new CommandFailure(
      EXIT.usage,
      `--expires-days: expected a whole number of days, got ${JSON.stringify(text)}`,
    );
  }
  return Number(text);
}

export const revokeToken: Command = async ({ client, print }, given) => {
  const name = given.argument('name');
  const revoked = await client.post(`${TOKENS}/${encodeURIComponent(name)}/revoke`, TokenView);
  if (print.isJson) {
    print.json(revoked);
    return;
  }
  print.sentence(`The token ${revoked.name} opens nothing any more.`);
};

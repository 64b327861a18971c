/** What an operator decides about builders. The coordinator says what came of it. */
import { BuilderChange, InvitationView } from '@argunix/shared/control-api/builder-views';
import type { Command, CommandContext, Given } from '../command.ts';
import { CommandFailure, EXIT } from '../exit-codes.ts';
import { builderPath } from './builders.ts';

export const inviteBuilder: Command = async ({ client, print }, given) => {
  const hours = given.option('valid-hours');
  const invitation = await client.post('/api/v1/builders/invite', InvitationView, {
    name: given.argument('name'),
    ...(hours !== undefined && { valid_seconds: toSeconds(hours) }),
  });
  if (print.isJson) {
    print.json(invitation);
    return;
  }
  const { name, expires_at: until, command } = invitation;
  // Only the command on standard output: it can be piped into a shell of the new host.
  print.note(`${name} may join once, until ${until}. Run this there:`);
  print.sentence(command);
};

function toSeconds(hours: string): number {
  if (!/^\d{1,6}(?:\.\d{1,3})?$/.test(hours) || Number(hours) === 0) {
    throw new CommandFailure(
      EXIT.usage,
      `--valid-hours: expected a number of hours, got ${JSON.stringify(hours)}`,
    );
  }
  return Math.round(Number(hours) * 3600);
}

export const drainBuilder = changeBy('drain');
export const resumeBuilder = changeBy('resume');
export const revokeBuilder = changeBy('revoke');
export const unrevokeBuilder = changeBy('unrevoke');
export const removeBuilder = changeBy('remove');

export const renameBuilder: Command = async (context, given) => {
  await change(context, given, 'rename', { name: given.argument('new-name') });
};

function changeBy(verb: string): Command {
  return async (context, given) => await change(context, given, verb);
}

async function change(
  { client, print }: CommandContext,
  given: Given,
  verb: string,
  body?: object,
): Promise<void> {
  const done = await client.post(`${builderPath(given.argument('name'))}/${verb}`, BuilderChange, body);
  if (print.isJson) {
    print.json(done);
    return;
  }
  print.sentence(done.message);
}

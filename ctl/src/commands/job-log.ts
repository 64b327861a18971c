/** A log as it is stored, or as it is written until the job ends, also across restarts of the coordinator. */
import { JobView, LagEvent, LogLinesEvent, LogLineView } from '@argunix/shared/control-api/views';
import { terminalLine, terminalText } from '@argunix/shared/terminal/text';
import { z } from 'zod';
import { type Command, type CommandContext, idOf, queryOf } from '../command.ts';
import { readEvents, type ServerEvent } from '../event-stream.ts';
import { CommandFailure, EXIT } from '../exit-codes.ts';
import { jobState } from '../output/columns.ts';
import type { Printer } from '../output/printer.ts';

const LogPage = z.object({ lines: z.array(LogLineView), next: z.int().nullable() });

// A restart of the coordinator takes seconds; after so many tries without a line it is gone.
const MOST_TRIES = 15;
const RETRY_MS = 2_000;

export const showLog: Command = async (context, given) => {
  const id = idOf(given);
  await (given.hasFlag('follow') ? followLog(context, id) : printStoredLog(context, id));
};

async function printStoredLog({ client, print }: CommandContext, id: number): Promise<void> {
  for (let from = 0; ; ) {
    const page = await client.get(`/api/v1/jobs/${id}/log${queryOf({ from: String(from) })}`, LogPage);
    printLines(print, page.lines);
    // A log that is being written has a next page that is empty so far.
    if (page.next === null || page.next <= from || page.lines.length === 0) {
      return;
    }
    from = page.next;
  }
}

async function followLog(context: CommandContext, id: number): Promise<void> {
  const place = { lastId: '' };
  for (let tries = 0; tries < MOST_TRIES; tries += 1) {
    const before = place.lastId;
    if (await followOnce(context, id, place, tries)) {
      await sayHowItEnded(context, id);
      return;
    }
    if (place.lastId !== before) {
      tries = 0;
    }
    await context.sleep(RETRY_MS);
  }
  throw new CommandFailure(EXIT.unreachable, `the log of job ${id} came to no end; the coordinator is gone`);
}

/** Whether the log has ended. False when the connection did, and it is worth another try. */
async function followOnce(
  { client, print }: CommandContext,
  id: number,
  place: { lastId: string },
  tries: number,
): Promise<boolean> {
  try {
    const resume = place.lastId === '' ? {} : { 'last-event-id': place.lastId };
    const path = `/api/v1/jobs/${id}/log/stream${place.lastId === '' ? '?from=0' : ''}`;
    const chunks = await client.stream(path, { accept: 'text/event-stream', ...resume });
    for await (const event of readEvents(chunks)) {
      place.lastId = event.lastId;
      if (event.name === 'end') {
        return true;
      }
      printEvent(print, event);
    }
    return false;
  } catch (error) {
    // At the first try nobody is there; later the coordinator may be on its way back.
    const isFinal = error instanceof CommandFailure && (error.exitCode !== EXIT.unreachable || tries === 0);
    if (isFinal || !isConnectionTrouble(error)) {
      throw error;
    }
    return false;
  }
}

function isConnectionTrouble(error: unknown): boolean {
  return error instanceof CommandFailure || (error instanceof Error && 'code' in error);
}

function printEvent(print: Printer, { name, data }: ServerEvent): void {
  if (name === 'lines') {
    printLines(print, LogLinesEvent.parse(JSON.parse(data)).lines);
  } else if (name === 'lag') {
    const { dropped } = LagEvent.parse(JSON.parse(data));
    print.note(
      `${dropped ?? 'some'} lines came too fast and are left out here; without --follow the log has them`,
    );
  }
}

function printLines(print: Printer, lines: readonly LogLineView[]): void {
  for (const line of lines) {
    if (print.isJson) {
      print.json(line);
    } else {
      const source = line.derivation === '' ? '' : `${terminalText(line.derivation)}> `;
      print.raw(`${source}${terminalLine(line.text)}`);
    }
  }
}

async function sayHowItEnded({ client, print }: CommandContext, id: number): Promise<void> {
  const job = await client.get(`/api/v1/jobs/${id}`, JobView);
  print.note(`job ${id} is ${jobState(job).text}${job.reason === null ? '' : `: ${job.reason}`}`);
}

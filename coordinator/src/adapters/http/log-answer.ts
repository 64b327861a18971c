/** A stored log: a piece of it as a page for browsers, all of it as text for everybody else. */
import { Readable } from 'node:stream';
import type { LogQuery } from '@argunix/shared/control-api/requests';
import type { EvaluationView, JobView } from '@argunix/shared/control-api/views';
import type { FastifyReply } from 'fastify';
import { splitSgr } from '../../../assets/sgr.js';
import type { NumberedLine } from '../../ports/log-store.ts';
import { displayedText } from './displayed-text.ts';
import { type PageRequest } from './page-request.ts';
import { renderPage } from './pages/layout.ts';
import { logPage } from './pages/log-page.ts';
import { wantsHtml } from './wants-json.ts';

const PIECE_LINES = 5000;

export async function sendLog(
  { request, reply, sources }: PageRequest,
  wanted: { readonly evaluation: EvaluationView; readonly job: JobView; readonly query: LogQuery },
): Promise<FastifyReply> {
  const { evaluation, job, query } = wanted;
  void reply.header('vary', 'Accept');
  const isText = query.format === undefined ? !wantsHtml(request.headers.accept) : query.format === 'text';
  if (isText) {
    const text = Readable.from(toText(sources.logs.read(job.id, query.from)));
    return await reply.type('text/plain; charset=utf-8').send(text);
  }
  const lines = await take(sources.logs.read(job.id, query.from), PIECE_LINES + 1);
  const page = logPage({
    job,
    evaluation,
    from: query.from,
    lines: lines.slice(0, PIECE_LINES),
    hasMore: lines.length > PIECE_LINES,
    pageLines: PIECE_LINES,
  });
  return await reply.type('text/html; charset=utf-8').send(renderPage(sources.frame(), page));
}

async function take(batches: AsyncIterable<readonly NumberedLine[]>, most: number): Promise<NumberedLine[]> {
  const lines: NumberedLine[] = [];
  for await (const batch of batches) {
    lines.push(...batch.slice(0, most - lines.length));
    if (lines.length === most) {
      break;
    }
  }
  return lines;
}

/** Without colours and control characters: nothing in a log may play with the terminal of whoever reads it. */
async function* toText(batches: AsyncIterable<readonly NumberedLine[]>): AsyncIterable<string> {
  for await (const batch of batches) {
    yield batch.map(({ text }) => `${plainText(text)}\n`).join('');
  }
}

function plainText(text: string): string {
  return splitSgr(displayedText(text))
    .map((piece) => piece.text)
    .join('');
}

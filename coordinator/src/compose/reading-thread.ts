/** The thread behind start-reading-thread.ts: one after the other. */
import { parentPort } from 'node:worker_threads';
import { toEpochMs } from '@argunix/shared/domain/epoch-ms';
import { Secret } from '@argunix/shared/kit/secret';
import { readDelivery } from '../flows/read-delivery.ts';
import type { DeliveryDialect } from '../ports/forge-deliveries.ts';
import { dialectOf } from './dialects.ts';
import type { Answer, Question } from './start-reading-thread.ts';

const port = parentPort;
if (port === null) {
  throw new Error('reading-thread runs only as a thread');
}

let last = Promise.resolve();
port.on('message', (questions: readonly Question[]) => {
  last = last.then(async () => {
    const answers: Answer[] = [];
    for (const question of questions) {
      answers.push(answer(question, await dialectOf(question.kind)));
    }
    port.postMessage(answers);
  });
});

function answer(question: Question, dialect: DeliveryDialect): Answer {
  // A Buffer comes over as the bytes that it is.
  const body = Buffer.from(question.body.buffer, question.body.byteOffset, question.body.byteLength);
  if (question.what === 'peek') {
    return { what: 'peek', slug: dialect.peekSlug(body) };
  }
  const delivery = readDelivery(dialect, {
    headers: question.headers,
    body,
    secrets: question.secrets.map((secret) => new Secret(secret)),
    now: toEpochMs(question.now),
  });
  return { what: 'read', delivery };
}

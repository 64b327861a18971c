/** What an operator asks a coordinator over its control socket. */
import { request } from 'node:http';

interface Answer {
  readonly status: number;
  readonly text: string;
}

export async function post(socketPath: string, path: string, body: unknown = {}): Promise<Answer> {
  return await ask(socketPath, path, 'POST', JSON.stringify(body));
}

/** The answer, parsed. */
export async function get(socketPath: string, path: string): Promise<unknown> {
  return JSON.parse((await ask(socketPath, path, 'GET')).text) as unknown;
}

async function ask(socketPath: string, path: string, method: string, body?: string): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const headers = body === undefined ? {} : { 'content-type': 'application/json' };
  const asked = request({ socketPath, path, method, headers }, (response) => {
    let text = '';
    response.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
  });
  asked.on('error', reject);
  asked.end(body);
  return await promise;
}

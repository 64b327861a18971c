/** The one address of a forge in a test: git over HTTP itself, everything else from the stand-in. It can go away and come back. */
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { GitSite } from '../../../coordinator/test/git-server.ts';

export interface Front {
  readonly url: string;
  /** Nobody answers there any more, until `up`. */
  down(): Promise<void>;
  up(): Promise<void>;
}

export async function startFront(git: GitSite, apiUrl: string): Promise<Front> {
  const server = createServer((incoming, response) => {
    if (/\.git(?:\/|$|\?)/.test(incoming.url ?? '')) {
      git.answer(incoming, response);
    } else {
      passOn(incoming, response, apiUrl);
    }
  });
  const listen = (port: number): Promise<void> =>
    new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
  await listen(0);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- node: a TCP server's address is an AddressInfo
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    down: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
    up: () => listen(port),
  };
}

function passOn(incoming: IncomingMessage, response: ServerResponse, apiUrl: string): void {
  const { method, headers, url = '/' } = incoming;
  const asked = request(`${apiUrl}${url}`, { method, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  asked.on('error', () => response.destroy());
  incoming.pipe(asked);
}

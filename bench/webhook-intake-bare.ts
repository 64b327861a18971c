/**
 * The least that any receiver of deliveries written for Node does: it reads the body, judges its signature and parses
 * it, and stores nothing. What argunix takes is compared with what this takes. Tells its parent its port.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';

const secret = process.argv[2] ?? '';

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const body = Buffer.concat(chunks);
    const given = Buffer.from(String(request.headers['x-hub-signature-256']).slice('sha256='.length), 'hex');
    const isGood = timingSafeEqual(createHmac('sha256', secret).update(body).digest(), given);
    const parsed: unknown = JSON.parse(body.toString('utf8'));
    response.writeHead(isGood && typeof parsed === 'object' ? 202 : 401, { 'content-length': 0 }).end();
  });
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.send?.(typeof address === 'object' && address !== null ? address.port : 0);
});
process.on('disconnect', () => process.exit());

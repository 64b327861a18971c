/**
 * The style, the scripts and the icon, read once at start and served under a URL that names their content, so that a
 * browser may keep them for ever. They lie in coordinator/assets, which is as far from src as from dist.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { FastifyInstance } from 'fastify';
import { nothingHere } from './app.ts';

const TYPES = {
  'style.css': 'text/css; charset=utf-8',
  'follow-page.js': 'text/javascript; charset=utf-8',
  'follow-log.js': 'text/javascript; charset=utf-8',
  'sgr.js': 'text/javascript; charset=utf-8',
  'times.js': 'text/javascript; charset=utf-8',
  'icon.svg': 'image/svg+xml; charset=utf-8',
} as const satisfies Record<string, string>;

interface Asset {
  readonly body: Buffer;
  readonly contentType: string;
}

export interface Assets {
  url(name: keyof typeof TYPES): string;
  find(digest: string, name: string): Asset | undefined;
}

/** One digest for all of them: the scripts import each other by relative paths. */
export function loadAssets(): Assets {
  const folder = new URL('../../../assets/', import.meta.url);
  const hash = createHash('sha256');
  const assets = new Map<string, Asset>();
  for (const [name, contentType] of Object.entries(TYPES)) {
    const body = readFileSync(new URL(name, folder));
    hash.update(body);
    assets.set(name, { body, contentType });
  }
  const current = hash.digest('hex').slice(0, 16);
  return {
    url: (name) => `/assets/${current}/${name}`,
    find: (digest, name) => (digest === current ? assets.get(name) : undefined),
  };
}

export function addAssetRoutes(app: FastifyInstance, assets: Assets): void {
  app.get<{ Params: { digest: string; name: string } }>('/assets/:digest/:name', (request, reply) => {
    const asset = assets.find(request.params.digest, request.params.name);
    if (asset === undefined) {
      throw nothingHere();
    }
    return reply
      .header('cache-control', 'public, max-age=31536000, immutable')
      .type(asset.contentType)
      .send(asset.body);
  });
  app.get('/favicon.ico', (_request, reply) => reply.redirect(assets.url('icon.svg'), 302));
}

/** What is around every page. */
import type { Assets } from '../assets.ts';
import { type Html, html } from './html.ts';

type Section = 'status' | 'repositories' | 'queue' | 'builders';

interface Crumb {
  readonly label: string;
  readonly href: string;
}

export interface Page {
  readonly title: string;
  readonly section: Section | null;
  readonly crumbs?: readonly Crumb[];
  /** Changes of other evaluations do not concern this page. */
  readonly evaluationId?: number;
  readonly body: Html;
  readonly followsLog?: boolean;
}

/** What pages know besides what they show. */
export interface PageFrame {
  readonly assets: Assets;
  readonly version: string;
  readonly warnings: readonly string[];
}

const SECTIONS: readonly (readonly [section: Section, label: string, href: string])[] = [
  ['status', 'Status', '/'],
  ['repositories', 'Repositories', '/repos'],
  ['queue', 'Queue', '/queue'],
  ['builders', 'Builders', '/hosts'],
];

export function renderPage(frame: PageFrame, page: Page): string {
  const { assets } = frame;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>${page.title} · argunix</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" type="image/svg+xml" href="${assets.url('icon.svg')}">
<link rel="stylesheet" href="${assets.url('style.css')}">
<script type="module" src="${assets.url('follow-page.js')}"></script>
${page.followsLog === true && html`<script type="module" src="${assets.url('follow-log.js')}"></script>`}
</head>
<body>
<a class="skip" href="#main">To the content</a>
<header class="top">
<a class="brand" href="/"><img src="${assets.url('icon.svg')}" width="26" height="26" alt="">argunix</a>
<nav aria-label="Sections">${SECTIONS.map(([section, label, href]) => sectionLink(page, section, label, href))}</nav>
</header>
<main id="main" tabindex="-1"${watched(page)}>
<div id="warnings" data-live>${frame.warnings.map(warning)}</div>
${crumbTrail(page)}
${page.body}
</main>
<footer class="bottom">
<span>argunix ${frame.version}</span>
<a href="/api/v1/openapi.json">API</a>
<span id="live-state" role="status"></span>
</footer>
</body>
</html>
`.markup;
}

function sectionLink(page: Page, section: Section, label: string, href: string): Html {
  return html`<a href="${href}"${page.section === section && html` aria-current="page"`}>${label}</a>`;
}

function watched({ evaluationId }: Page): Html | false {
  return evaluationId !== undefined && html` data-evaluation="${evaluationId}"`;
}

function crumbTrail({ crumbs = [] }: Page): Html | false {
  return (
    crumbs.length > 0 &&
    html`<nav class="crumbs" aria-label="Where this is"><ol>${crumbs.map(
      ({ label, href }) => html`<li><a href="${href}"><bdi>${label}</bdi></a></li>`,
    )}</ol></nav>`
  );
}

function warning(sentence: string): Html {
  return html`<p class="warning" role="note">${sentence}</p>`;
}

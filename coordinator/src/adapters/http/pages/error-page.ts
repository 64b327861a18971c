import type { PublicError } from '../error-response.ts';
import { html } from './html.ts';
import type { Page } from './layout.ts';

export function errorPage({ httpStatus, message, reference }: PublicError): Page {
  return {
    title: httpStatus === 404 ? 'Nothing here' : 'Something is wrong',
    section: null,
    body: html`<section class="error-page"><p class="error-code">${httpStatus}</p>
<h1>${message}</h1>
<p class="facts">${httpStatus === 404 && 'It may have been removed, or it is not yours to see. '}Reference: <code>${reference}</code></p>
<p><a href="/">To the status page</a></p></section>`,
  };
}

/** How times and addresses look in views. */
export function toTime(ms: number): string {
  return new Date(ms).toISOString();
}

export function toTimeOrNull(ms: number | null): string | null {
  return ms === null ? null : toTime(ms);
}

export function repositoryUrl(externalUrl: string, forge: string, slug: string): string {
  return `${externalUrl}/r/${encodeURIComponent(forge)}/${slug.split('/').map(encodeURIComponent).join('/')}`;
}

export function evaluationUrl(externalUrl: string, forge: string, slug: string, id: number): string {
  return `${repositoryUrl(externalUrl, forge, slug)}/eval/${id}`;
}

export function jobUrl(
  externalUrl: string,
  forge: string,
  slug: string,
  evaluationId: number,
  attr: string,
): string {
  return `${evaluationUrl(externalUrl, forge, slug, evaluationId)}/job/${encodeURIComponent(attr)}`;
}

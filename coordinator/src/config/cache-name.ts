/** What each cache is called: its own name, else one made from where it is pushed, with a number when that is taken. */
export function nameCaches(
  caches: readonly { readonly name?: string | undefined; readonly pushUrl?: string | undefined }[],
): readonly string[] {
  const taken = new Set(caches.flatMap(({ name }) => name ?? []));
  return caches.map(({ name, pushUrl }) => {
    if (name !== undefined) {
      return name;
    }
    const made = nameFrom(pushUrl ?? '');
    let free = made;
    for (let number = 2; taken.has(free); number += 1) {
      free = `${made}-${number}`;
    }
    taken.add(free);
    return free;
  });
}

function nameFrom(pushUrl: string): string {
  const withoutScheme = pushUrl
    .replace(/^[a-z0-9+.-]+:\/*/i, '')
    .replace(/[?#].*$/, '')
    .replace(/^[^/]*@/, '');
  return withoutScheme.replaceAll(/[^A-Za-z0-9.]+/g, '-').replace(/^-+|-+$/g, '') || 'cache';
}

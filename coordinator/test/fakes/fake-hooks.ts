import type { HookAdministration, HookName } from '../../src/flows/administer-hooks.ts';

/** Nothing is kept; remembers what was asked. */
export function createFakeHooks(
  answers: Partial<HookAdministration> = {},
): HookAdministration & { readonly asked: unknown[] } {
  const asked: unknown[] = [];
  const ask =
    (what: string) =>
    (name: HookName): Promise<{ readonly kind: 'not_found' }> => {
      asked.push([what, name]);
      return Promise.resolve({ kind: 'not_found' });
    };
  return {
    asked,
    all: () => [],
    check: ask('check'),
    repair: ask('repair'),
    rotate: ask('rotate'),
    ...answers,
  };
}

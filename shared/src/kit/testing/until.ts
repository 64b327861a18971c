/** Waits for a condition instead of sleeping; a test that waits in vain fails with what it waited for. */
export async function until(condition: () => boolean | Promise<boolean>, withinMs = 20_000): Promise<void> {
  const endsAt = performance.now() + withinMs;
  while (!(await condition())) {
    if (performance.now() > endsAt) {
      throw new Error(`waited ${withinMs} ms in vain for ${String(condition)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

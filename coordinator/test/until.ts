/** Waits for a condition, and says which one when it does not come. */
export async function until(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  deadlineMs = 10_000,
  stepMs = 5,
): Promise<void> {
  const deadline = performance.now() + deadlineMs;
  while (!(await isSo())) {
    if (performance.now() > deadline) {
      throw new Error(`waited ${deadlineMs} ms in vain until ${what}`);
    }
    await new Promise((resolve) => setTimeout(resolve, stepMs));
  }
}

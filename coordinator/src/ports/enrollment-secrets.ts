/** What enrolling a builder needs of cryptography and of the operator's files. */
export interface EnrollmentSecrets {
  /** Only this is ever stored of a secret. */
  digest(secret: string): string;
  /** A new one, not to be guessed. */
  make(): string;
  /** In a time that does not depend on where they differ. */
  isSame(one: string, other: string): boolean;
  /** The shared token as its file has it now; null where there is none. Throws `secret.unreadable`. */
  sharedToken(): Promise<string | null>;
  /** `SHA256:…` of the key that we show to builders. */
  readonly hostKey: string;
}

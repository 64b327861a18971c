/** A type that only its parser makes: a plain string or number does not fit where the brand is asked for. */
export type Brand<Value, Name extends string> = Value & { readonly __brand: Name };

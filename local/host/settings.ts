/** App settings, as they stand in bindings and in host.json: `%NAME%`. */

export type Settings = Readonly<Record<string, string>>;

/** Puts settings in the place of their names. Throws when one is missing. */
export function resolveSettings(text: string, settings: Settings): string {
  return text.replace(/%([^%]+)%/g, (_, name: string) => {
    const value = settings[name];
    if (value === undefined) throw new Error(`the setting ${name} of '${text}' is missing`);
    return value;
  });
}

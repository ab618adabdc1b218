/** What the browser offers, in a form that never throws. */

/** The browser's storage. What is forbidden, or does not fit, gives `false`. */
export interface Store {
  get(key: string): string | null | false;
  /** `false` if it was not stored. */
  set(key: string, value: string): void | false;
  remove(key: string): void;
  keys(): string[];
}

/** `localStorage` or `sessionStorage`; "" is a storage where everything is forbidden. */
export function store(name: "localStorage" | "sessionStorage" | ""): Store {
  const attempt = <Got>(use: (storage: Storage) => Got): Got | false => {
    try {
      // Already reading the property throws where a page may store nothing.
      return use((window as unknown as Record<string, Storage>)[name]!);
    } catch {
      return false;
    }
  };
  return {
    get: (key) => attempt((storage) => storage.getItem(key)),
    set: (key, value) => attempt((storage) => storage.setItem(key, value)),
    remove: (key) => void attempt((storage) => storage.removeItem(key)),
    keys: () => attempt(Object.keys) || [],
  };
}

/** 128 random bits in hexadecimal: a UUID without dashes, also where there is no `randomUUID` (HTTP). */
export function uuid(): string {
  const bytes = [...crypto.getRandomValues(new Uint8Array(16))];
  return bytes.map((byte) => (byte + 256).toString(16).slice(1)).join("");
}

/** Do Not Track or Global Privacy Control: this person wants no record made of them. */
export function refusesTracking(): boolean {
  const said = navigator as Navigator & { globalPrivacyControl?: boolean };
  return said.doNotTrack === "1" || !!said.globalPrivacyControl;
}

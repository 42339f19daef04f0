/** Globals that both extension hosts have and the language's own library does not declare. */
declare class TextDecoder {
  decode(bytes: Uint8Array, options?: { readonly stream: boolean }): string;
}

declare class TextEncoder {
  encode(text: string): Uint8Array;
}

declare const crypto: { randomUUID(): string };

declare function setTimeout(callback: () => void, delayMs: number): unknown;

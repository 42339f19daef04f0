/** Globals that both extension hosts have and the language's own library does not declare. */
declare class TextDecoder {
  decode(bytes: Uint8Array): string;
}

declare const crypto: { randomUUID(): string };

declare function setTimeout(callback: () => void, delayMs: number): unknown;

/** What the firmware says when it finds nothing to boot, with what the user can do about it. */
import { marked, translated } from '../protocol/localized.ts';

const HINT = marked(
  'A boot sector is the first 512 bytes of an image, of which the last two are 55h AAh; in NASM: times 510-($-$$) db 0, then dw 0xAA55.',
);

/** The firmware's message, as a sentence, with a hint where an image has no signature. */
export function explainBootFailure(message: string): string {
  return `${message}.${message.includes('signature') ? ` ${translated(HINT)}` : ''}`;
}

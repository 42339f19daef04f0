/** The 8x14 font of the 350-line modes, drawn for this project: code page 437, 14 bytes for each of 256 characters. */
import { design14 } from './font-design-14.ts';
import { fontBytes } from './font-composition.ts';

export const font8x14: Uint8Array = fontBytes(design14);
